//! `docs/cli.md`, made from the definitions of the command line: with `REEVE_BLESS=1` it is written, else compared.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, Command, CommandFactory as _};

use crate::args::Cli;
use crate::exit::CODES;

/// Where the written part of the page ends.
const MARK: &str = "<!-- commands -->";

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/cli.md")
}

/// A cell of a table holds neither a bar nor the end of a line.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").split_whitespace().collect::<Vec<_>>().join(" ")
}

fn value_of(arg: &Arg) -> String {
    let names = arg.get_value_names().unwrap_or_default();
    let names = names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(" ");
    match arg.get_action() {
        ArgAction::Set | ArgAction::Append if names.is_empty() => arg.get_id().to_string().to_uppercase(),
        ArgAction::Set | ArgAction::Append => names,
        _ => String::new(),
    }
}

/// How an argument is written: `--listen ADDR`, `-p, --param KEY=VALUE`, `WORKSPACE`.
fn written(arg: &Arg) -> String {
    let value = value_of(arg);
    let short = arg.get_short().map(|short| format!("-{short}"));
    let long = arg.get_long().map(|long| format!("--{long}"));
    let names: Vec<String> = short.into_iter().chain(long).collect();
    match (names.is_empty(), value.is_empty()) {
        (true, _) => format!("{value}{}", if arg.is_required_set() { "" } else { " (may be left out)" }),
        (false, true) => names.join(", "),
        (false, false) => format!("{} {value}", names.join(", ")),
    }
}

/// What the help says of it, with its values, its default and its variable.
fn meaning(arg: &Arg) -> String {
    let mut text = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let possible: Vec<String> =
        arg.get_possible_values().iter().map(|value| format!("`{}`", value.get_name())).collect();
    if !possible.is_empty() && !value_of(arg).is_empty() {
        let _ = write!(text, "; one of {}", possible.join(", "));
    }
    let defaults: Vec<_> = arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    if !defaults.is_empty() && !value_of(arg).is_empty() {
        let _ = write!(text, "; `{}` when left out", defaults.join(","));
    }
    if let Some(variable) = arg.get_env() {
        let _ = write!(text, "; or the variable `{}`", variable.to_string_lossy());
    }
    cell(text.trim_start_matches("; "))
}

/// The section of one command, then those of the commands below it.
fn sections(page: &mut String, command: &Command, path: &str) {
    let path = if path.is_empty() {
        command.get_name().to_owned()
    } else {
        format!("{path} {}", command.get_name())
    };
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let _ = write!(page, "\n## `{path}`\n\n{about}.\n");
    let shown: Vec<&Arg> = command
        .get_arguments()
        .filter(|arg| !arg.is_hide_set() && !["help", "version"].contains(&arg.get_id().as_str()))
        .collect();
    if !shown.is_empty() {
        page.push_str("\n| argument | meaning |\n|---|---|\n");
        for arg in shown {
            let _ = writeln!(page, "| `{}` | {} |", cell(&written(arg)), meaning(arg));
        }
    }
    for below in command.get_subcommands().filter(|below| below.get_name() != "help") {
        sections(page, below, &path);
    }
}

fn exit_codes() -> String {
    let mut table = String::from("\n| exit code | means |\n|---|---|\n");
    for (code, meaning) in CODES {
        let _ = writeln!(table, "| {code} | {meaning} |");
    }
    table
}

fn page() -> String {
    let mut page = exit_codes();
    for command in Cli::command().get_subcommands().filter(|command| command.get_name() != "help") {
        sections(&mut page, command, "reeve");
    }
    page
}

#[test]
fn the_page_of_the_command_line_is_what_the_help_says() {
    let text = std::fs::read_to_string(file()).unwrap();
    let (head, _) = text.split_once(MARK).unwrap();
    let wanted = format!("{head}{MARK}\n{}", page());
    if std::env::var_os("REEVE_BLESS").is_some() {
        std::fs::write(file(), &wanted).unwrap();
    } else {
        assert!(wanted == text, "docs/cli.md is stale; run with REEVE_BLESS=1");
    }
}

/// Commands whose output is no answer of figures, and why; `docs/cli.md` lists them too.
const WITHOUT_JSON: [(&str, &str); 5] = [
    ("reeve serve", "runs until it is told to stop; `log.format = \"json\"` is for programs"),
    ("reeve worker", "runs until it is told to stop; `log.format = \"json\"` is for programs"),
    ("reeve demo", "a show for people"),
    ("reeve completions", "a script for a shell"),
    ("reeve man", "a page for man"),
];

/// Commands that answer and have no `--json`.
fn without_json(command: &Command, path: &str, found: &mut Vec<String>) {
    let path = format!("{path} {}", command.get_name()).trim().to_owned();
    let below: Vec<&Command> = command.get_subcommands().filter(|below| below.get_name() != "help").collect();
    if below.is_empty() && !command.get_arguments().any(|arg| arg.get_long() == Some("json")) {
        found.push(path.clone());
    }
    below.into_iter().for_each(|below| without_json(below, &path, found));
}

#[test]
fn every_command_that_answers_answers_in_json_too() {
    let mut found = Vec::new();
    without_json(&Cli::command(), "", &mut found);
    let mut excused = WITHOUT_JSON.map(|(command, _)| command.to_owned()).to_vec();
    found.sort();
    excused.sort();
    assert_eq!(found, excused, "a command has no --json, or has one now and is excused no more");
    let page = std::fs::read_to_string(file()).unwrap();
    for (command, why) in WITHOUT_JSON {
        let line = format!("| `{command}` | {why} |");
        assert!(page.contains(&line), "docs/cli.md lacks the line\n{line}");
    }
}

#[test]
fn every_command_and_every_argument_says_what_it_is_for() {
    fn mute(command: &Command, path: &str, found: &mut Vec<String>) {
        let path = format!("{path} {}", command.get_name());
        if command.get_about().is_none() {
            found.push(path.clone());
        }
        let options = command.get_arguments().filter(|arg| arg.get_long().is_some());
        found.extend(
            options.filter(|arg| arg.get_help().is_none()).map(|arg| format!("{path} --{}", arg.get_id())),
        );
        command.get_subcommands().for_each(|below| mute(below, &path, found));
    }
    let mut found = Vec::new();
    mute(&Cli::command(), "", &mut found);
    assert!(found.is_empty(), "without a word of help: {found:#?}");
}
