//! `reeve clock`: what time it is on a server, and moving the clock of a test server.

use clap::{Args, Subcommand};
use reeve_protocol::{At, ClockSet, ClockView, Quantity};

use super::call::{Call, amount, say, wait};
use crate::exit::Failure;
use crate::output;

/// Options of `clock`.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct ClockArgs {
    #[command(subcommand)]
    command: Option<ClockCommand>,
    #[command(flatten)]
    call: Call,
}

/// Commands about the clock.
#[derive(Debug, Subcommand)]
pub enum ClockCommand {
    /// Move a manual clock forward, and wait until all that is due is done
    Advance(AdvanceArgs),
}

/// Options of `clock advance`.
#[derive(Args, Debug)]
pub struct AdvanceArgs {
    /// By so much, such as 90s, 15m, 6h, 30d or 2w
    #[arg(value_parser = span, required_unless_present = "to", conflicts_with = "to")]
    by: Option<Quantity>,
    /// To this instant: RFC 3339
    #[arg(long, value_name = "TIME")]
    to: Option<At>,
    #[command(flatten)]
    call: Call,
}

/// A length of time in seconds.
fn span(text: &str) -> Result<Quantity, String> {
    let wrong = || format!("`{text}` is no length of time such as 90s, 15m, 6h, 30d or 2w");
    let (number, seconds) = match text.char_indices().last().ok_or_else(wrong)? {
        (end, unit) if !unit.is_ascii_digit() => {
            let seconds = match unit {
                's' => 1,
                'm' => 60,
                'h' => 3_600,
                'd' => 86_400,
                'w' => 604_800,
                _ => return Err(wrong()),
            };
            (text.get(..end).unwrap_or_default(), seconds)
        }
        _ => (text, 1),
    };
    let number = amount(number).map_err(|_| wrong())?.credits().checked_mul(seconds).ok_or_else(wrong)?;
    Ok(Quantity::from_micros(number.micros()))
}

/// Runs the command.
///
/// # Errors
/// The server refuses, as one with a real clock does, or cannot be reached.
pub fn run(args: ClockArgs) -> Result<(), Failure> {
    match args.command {
        None => {
            let view = wait(args.call.client()?.clock())?;
            args.call.show(&view, show)
        }
        Some(ClockCommand::Advance(AdvanceArgs { by, to, call })) => {
            let body = ClockSet { advance_seconds: by, now: to };
            let view = wait(call.client()?.set_clock(&body, reeve_client::IdempotencyKey::Fresh))?;
            call.show(&view, show)
        }
    }
}

fn show(view: &ClockView) -> Result<(), Failure> {
    output::print(&format!("{} ({})", view.now, say(&view.mode)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_time_has_a_unit_or_is_in_seconds() {
        let seconds = |text: &str| span(text).map(|by| by.micros() / Quantity::SCALE);
        assert_eq!(
            ["90", "90s", "15m", "6h", "30d", "2w"].map(seconds),
            [90, 90, 900, 21_600, 2_592_000, 1_209_600].map(Ok)
        );
        assert_eq!(span("1.5s").unwrap().micros(), 1_500_000);
        for bad in ["", "d", "1y", "soon", "1 d"] {
            assert!(span(bad).is_err(), "{bad:?}");
        }
    }
}
