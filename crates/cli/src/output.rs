//! Writing data to stdout: tables for people, JSON for programs. Colours only where a person sees them.

mod grid;

use std::io::{ErrorKind, Write as _, stdout};

use reeve_protocol::At;
use serde::Serialize;

use crate::exit::Failure;

pub use grid::Grid;

/// Prints text. A reader that went away, such as `head`, is no failure.
///
/// # Errors
/// Stdout cannot be written to.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = stdout().lock();
    let written =
        out.write_all(text.as_bytes()).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::environment("cannot write to stdout", error))
        }
        _ => Ok(()),
    }
}

/// Prints a value as JSON.
///
/// # Errors
/// Stdout cannot be written to.
pub fn json(value: &impl Serialize) -> Result<(), Failure> {
    let text =
        serde_json::to_string_pretty(value).map_err(|e| Failure::environment("cannot write JSON", e))?;
    print(&text)
}

/// A table with these heads; see [`Grid::new`] for their marks.
pub fn table(heads: &[&str]) -> Grid {
    Grid::new(heads)
}

/// Says once for the whole process whether there are colours: only on terminals, unless CLICOLOR_FORCE wants them
/// anyway; never with NO_COLOR or CLICOLOR=0. The library below knows all but which of the two variables wins.
pub fn settle_colours() {
    if std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) {
        console::set_colors_enabled(false);
        console::set_colors_enabled_stderr(false);
    }
}

/// Columns of the terminal that stdout is; `None` when it is none.
pub fn columns() -> Option<usize> {
    console::Term::stdout().size_checked().map(|(_, columns)| usize::from(columns))
}

/// An instant as tables show it: to the second, in UTC.
pub fn instant(at: At) -> String {
    at.to_string().chars().take(19).map(|c| if c == 'T' { ' ' } else { c }).collect()
}

/// Prints a table, or says that there is nothing.
///
/// # Errors
/// Stdout cannot be written to.
pub fn print_table(table: &Grid, nothing: &str) -> Result<(), Failure> {
    if table.is_empty() {
        eprintln!("{nothing}");
        return Ok(());
    }
    let fitted = table.fitted(columns());
    print(&fitted.text)?;
    if !fitted.left_out.is_empty() {
        let note = format!("left out for want of width: {}", fitted.left_out.join(", "));
        eprintln!("{}", console::style(note).dim().for_stderr());
    }
    Ok(())
}

/// A text that people read, cut on a terminal alone: whoever reads a pipe wants all of it.
pub fn shown(text: &str, chars_max: usize) -> String {
    if columns().is_some() { clip(text, chars_max) } else { text.to_owned() }
}

/// A text cut to so many characters, with a sign that it was.
pub fn clip(text: &str, chars_max: usize) -> String {
    if text.chars().count() <= chars_max {
        return text.to_owned();
    }
    let head: String = text.chars().take(chars_max.saturating_sub(1)).collect();
    format!("{}…", head.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_shown_to_the_second() {
        assert_eq!(instant(At(reeve_types::Millis::from_millis(1_700_000_000_123))), "2023-11-14 22:13:20");
    }

    #[test]
    fn long_texts_are_cut_by_characters() {
        assert_eq!(clip("short", 5), "short");
        assert_eq!(clip("ääääää", 4), "äää…");
        assert_eq!(clip("a b c", 3), "a…");
    }
}
