//! `reeve catalog play`: a script's months in a moment, as a table, a picture or JSON.

use std::fs;
use std::path::PathBuf;

use clap::Args;
use reeve_protocol::At;
use reeve_rehearsal::{Happening, Script, Story, What, play};
use serde::Serialize;

use super::catalog::draft;
use crate::exit::Failure;
use crate::{chart, output};

/// Options of `catalog play`.
#[derive(Args, Debug)]
pub struct PlayArgs {
    /// Catalog file, or the name of one that is built in
    catalog: PathBuf,
    /// Script to play: a TOML file with `title`, `given` and `when`
    #[arg(long, value_name = "FILE")]
    script: PathBuf,
    /// Draw the balance over time into this SVG file
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Draw the balance over time into this PNG file
    #[arg(long, value_name = "FILE")]
    png: Option<PathBuf>,
    /// Print what happened as JSON
    #[arg(long)]
    json: bool,
}

/// One line, as JSON.
#[derive(Debug, Serialize)]
struct Line<'a> {
    at: String,
    workspace: &'a str,
    what: String,
    amount: Option<String>,
    available: String,
    held: String,
    note: &'a str,
}

/// Runs the command.
///
/// # Errors
/// A file that cannot be read or written, a step that cannot be done, or one that came out otherwise than it says.
pub fn run(args: &PlayArgs) -> Result<(), Failure> {
    let draft = draft(&args.catalog)?;
    let file = args.script.display().to_string();
    let text = fs::read_to_string(&args.script)
        .map_err(|e| Failure::environment(&format!("the file `{file}` cannot be read"), e))?;
    let script = Script::parse(&file, &text).map_err(|error| Failure::usage(error.to_string()))?;
    let story = play(&draft, &script).map_err(Failure::no)?;
    if args.json {
        output::json(&story.happenings.iter().map(line).collect::<Vec<_>>())?;
    } else {
        show(&story)?;
    }
    if let Some(path) = &args.svg {
        let drawn = chart::svg(&story).map_err(|e| Failure::environment("cannot draw", e))?;
        fs::write(path, drawn).map_err(|e| unwritten(path, e))?;
    }
    if let Some(path) = &args.png {
        let drawn = chart::png(&story).map_err(|e| Failure::environment("cannot draw", e))?;
        fs::write(path, drawn).map_err(|e| unwritten(path, e))?;
    }
    match story.differences.as_slice() {
        [] => Ok(()),
        differences => Err(Failure::no(differences.join("\n"))),
    }
}

fn unwritten(path: &std::path::Path, error: std::io::Error) -> Failure {
    Failure::environment(&format!("the file `{}` cannot be written", path.display()), error)
}

fn line(happening: &Happening) -> Line<'_> {
    Line {
        at: happening.at.to_string(),
        workspace: happening.workspace.as_str(),
        what: what(&happening.what),
        amount: happening.amount.map(|amount| amount.to_string()),
        available: happening.available.to_string(),
        held: happening.held.to_string(),
        note: &happening.note,
    }
}

fn what(what: &What) -> String {
    match what {
        What::Moved { kind, source } => format!("{} {source}", kind.as_str()),
        What::Told(what) => what.clone(),
        What::Did(word) => (*word).to_owned(),
        What::Refused(code) => format!("refused {code}"),
        What::Differs => "differs".to_owned(),
    }
}

fn show(story: &Story) -> Result<(), Failure> {
    let others = story.happenings.iter().any(|happening| happening.workspace != story.main);
    let mut table =
        output::table(&["|at (UTC)", "workspace", "what", ">amount", ">available", ">held?", "note"]);
    for happening in &story.happenings {
        table.add_row([
            output::instant(At(happening.at)),
            happening.workspace.to_string(),
            what(&happening.what),
            happening.amount.map_or_else(String::new, |amount| amount.to_string()),
            happening.available.to_string(),
            happening.held.to_string(),
            happening.note.clone(),
        ]);
    }
    if let Some(column) = table.column_mut(1).filter(|_| !others) {
        column.set_constraint(comfy_table::ColumnConstraint::Hidden);
    }
    output::print(&story.title)?;
    output::print_table(&table, "nothing happens")
}
