//! `reeve import`: workspaces with the balances of another system, from a file, in portions.

use std::path::{Path, PathBuf};

use clap::Args;
use reeve_protocol::{ImportAnswer, ImportRow, ImportStatus};
use reeve_types::did_you_mean_of;

use super::call::{Call, say, wait};
use crate::exit::Failure;
use crate::output;

/// Rows of one request.
const PORTION: usize = 1_000;
/// Refused rows that are listed.
const SHOWN_MAX: usize = 50;

/// Options of `import`.
#[derive(Args, Debug)]
pub struct ImportArgs {
    /// JSON array of rows, or a row a line; `-` reads stdin
    file: PathBuf,
    #[command(flatten)]
    call: Call,
}

/// Runs the command.
///
/// # Errors
/// A row that cannot be read (nothing is sent then), or rows that the server refuses. What was imported stays: the
/// same file may be sent again.
pub fn run(args: ImportArgs) -> Result<(), Failure> {
    let rows = read(&args.file)?;
    let client = args.call.client()?;
    let mut all = ImportAnswer { data: Vec::new(), imported: 0, existing: 0, refused: 0 };
    for portion in rows.chunks(PORTION) {
        let answer = wait(client.import(portion))?;
        all.imported += answer.imported;
        all.existing += answer.existing;
        all.refused += answer.refused;
        all.data.extend(answer.data);
    }
    args.call.show(&all, show)?;
    match all.refused {
        0 => Ok(()),
        refused => Err(Failure::no(format!("{refused} of {} rows were refused", rows.len()))),
    }
}

fn show(answer: &ImportAnswer) -> Result<(), Failure> {
    let ImportAnswer { data, imported, existing, refused } = answer;
    output::print(&format!("imported {imported}, existing {existing}, refused {refused}"))?;
    let mut table = output::table(&[">row", "workspace", "status", "why"]);
    let bad = data.iter().enumerate().filter(|(_, row)| row.status == ImportStatus::Refused);
    for (n, row) in bad.take(SHOWN_MAX) {
        let why = row.problem.as_ref().map_or_else(String::new, ToString::to_string);
        table.add_row([(n + 1).to_string(), row.id.clone().unwrap_or_default(), say(&row.status), why]);
    }
    if table.is_empty() { Ok(()) } else { output::print_table(&table, "") }
}

fn read(path: &Path) -> Result<Vec<ImportRow>, Failure> {
    let failed = |e| Failure::environment(&format!("the file `{}` cannot be read", path.display()), e);
    let text = match path.to_str() {
        Some("-") => std::io::read_to_string(std::io::stdin()).map_err(failed)?,
        _ => std::fs::read_to_string(path).map_err(failed)?,
    };
    parse(&text).map_err(|why| Failure::usage(format!("{}: {why}", path.display())))
}

fn parse(text: &str) -> Result<Vec<ImportRow>, String> {
    if text.trim_start().starts_with('[') {
        return serde_json::from_str(text).map_err(explained);
    }
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(n, line)| serde_json::from_str(line).map_err(|e| format!("line {}: {}", n + 1, explained(e))))
        .collect()
}

/// What is wrong with a row, and which field may have been meant.
fn explained(error: serde_json::Error) -> String {
    let message = error.to_string();
    let near = did_you_mean_of(message.split(" at line ").next().unwrap_or_default());
    format!("{message}{near}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_as_an_array_or_line_by_line() {
        let row = r#"{"id":"a","catalog":"kive","lots":[{"source":"plan","amount":1.5}]}"#;
        assert_eq!(parse(&format!("[{row},{row}]")).unwrap(), parse(&format!("{row}\n\n{row}\n")).unwrap());
        assert_eq!(parse("").unwrap(), []);
        assert!(parse(&format!("{row}\n{{")).unwrap_err().starts_with("line 2: "));
        let slip = parse(&row.replace("lots", "lotz")).unwrap_err();
        assert!(slip.ends_with("did you mean `lots`?"), "{slip}");
    }
}
