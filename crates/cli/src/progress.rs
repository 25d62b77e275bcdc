//! How far something long is: a bar on a terminal, lines when asked for, nothing in a script.
//!
//! Used by commands that go through a whole store. It writes to stderr alone, and nothing at all about what is done in
//! less than a moment.

use std::io::IsTerminal as _;

use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressStyle};

use crate::system::Mark;

/// Before this many seconds nothing is shown.
const PATIENCE_SECONDS: f64 = 0.5;
/// Seconds between two lines.
const LINE_SECONDS: f64 = 2.0;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Rows,
    Bytes,
    /// Parts of a whole of which only the share is known.
    Share,
}

enum Way {
    Bar(ProgressBar),
    Lines,
    Silent,
}

/// Shows how far something is.
pub struct Progress {
    what: &'static str,
    unit: Unit,
    way: Way,
    start: Mark,
    /// Seconds after the start at which the last line was written.
    said_at: f64,
}

impl Progress {
    /// Of `what`, such as `verify`. Lines are `wanted` where stderr is no terminal.
    pub fn of(what: &'static str, unit: Unit, wanted: bool) -> Self {
        let way = match (std::io::stderr().is_terminal(), wanted) {
            (true, _) => Way::Bar(ProgressBar::new(0).with_style(style())),
            (false, true) => Way::Lines,
            (false, false) => Way::Silent,
        };
        Self { what, unit, way, start: Mark::now(), said_at: f64::NEG_INFINITY }
    }

    /// So much is done, out of `of`; 0 when nobody knows.
    pub fn at(&mut self, done: u64, of: u64) {
        let seconds = self.start.seconds();
        if seconds < PATIENCE_SECONDS {
            return;
        }
        match &self.way {
            Way::Silent => {}
            Way::Bar(bar) => {
                bar.set_length(of.max(done));
                bar.set_position(done);
                bar.set_message(format!("{}: {}", self.what, words(self.unit, (done, of), seconds)));
            }
            Way::Lines if seconds - self.said_at < LINE_SECONDS => {}
            Way::Lines => {
                self.said_at = seconds;
                eprintln!("{}: {}", self.what, words(self.unit, (done, of), seconds));
            }
        }
    }

    /// Takes the bar away.
    pub fn end(self) {
        if let Way::Bar(bar) = self.way {
            bar.finish_and_clear();
        }
    }
}

fn style() -> ProgressStyle {
    // The template is ours; the plain bar is what is left if it were wrong.
    ProgressStyle::with_template("[{bar:24.cyan/blue}] {percent:>3} % {wide_msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━━─")
}

/// `12,000 of 40,000 rows, 8,000 a second, 4 s left`.
fn words(unit: Unit, (done, of): (u64, u64), seconds: f64) -> String {
    let rate = if seconds > 0.0 { done as f64 / seconds } else { 0.0 };
    let left = || format!(", {} left", time(of.saturating_sub(done) as f64 / rate));
    if unit == Unit::Share {
        let share = done.saturating_mul(100).checked_div(of).unwrap_or(0);
        return format!("{share} %{}", if done > 0 { left() } else { String::new() });
    }
    let shown = |count: u64| match unit {
        Unit::Bytes => HumanBytes(count).to_string(),
        Unit::Rows | Unit::Share => HumanCount(count).to_string(),
    };
    let noun = if unit == Unit::Rows { " rows" } else { "" };
    let mut text = if of > done {
        format!("{} of {}{noun}", shown(done), shown(of))
    } else {
        format!("{}{noun}", shown(done))
    };
    if rate >= 1.0 {
        text.push_str(&format!(", {} a second", shown(rate as u64)));
        if of > done {
            text.push_str(&left());
        }
    }
    text
}

/// A time as people say it: `40 s`, `3 min`, `2 h 5 min`.
fn time(seconds: f64) -> String {
    let seconds = seconds.ceil() as u64;
    match seconds {
        0..100 => format!("{seconds} s"),
        100..6_000 => format!("{} min", seconds.div_ceil(60)),
        _ => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_and_what_is_left_are_told_where_they_are_known() {
        assert_eq!(
            words(Unit::Rows, (12_000, 40_000), 1.5),
            "12,000 of 40,000 rows, 8,000 a second, 4 s left"
        );
        assert_eq!(words(Unit::Rows, (500, 0), 1.0), "500 rows, 500 a second");
        assert_eq!(
            words(Unit::Bytes, (1 << 20, 4 << 20), 1.0),
            "1.00 MiB of 4.00 MiB, 1.00 MiB a second, 3 s left"
        );
        assert_eq!(words(Unit::Rows, (0, 10), 3.0), "0 of 10 rows");
        assert_eq!(words(Unit::Share, (250, 1_000), 5.0), "25 %, 15 s left");
        assert_eq!(words(Unit::Share, (0, 1_000), 5.0), "0 %");
    }

    #[test]
    fn long_times_are_told_in_longer_units() {
        assert_eq!(
            [time(0.2), time(99.0), time(100.0), time(7_500.0)],
            ["1 s", "99 s", "2 min", "2 h 5 min"]
        );
    }
}
