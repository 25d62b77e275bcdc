//! `reeve top`: watches a server's queue, live on a terminal or as one frame of text.

use std::io::{IsTerminal as _, stdin, stdout};

use clap::Args;
use reeve_client::{Client, ClientSettings, RetryPolicy};
use serde::Serialize;

use crate::args::Remote;
use crate::exit::Failure;
use crate::system::Mark;
use crate::top::draw::{Theme, View, page};
use crate::top::look::{Look, look};
use crate::top::model::{Model, Outcome};
use crate::top::screen;
use crate::top::ui::Ui;
use crate::{output, remote, system};

/// Longest wait for an answer before the server counts as gone, in milliseconds.
const ANSWER_MS_MAX: u64 = 5_000;
/// Columns of a page that goes into no terminal.
const PAGE_COLUMNS: usize = 120;
/// Fewest columns of a page: narrower ones could not hold the figures.
const PAGE_COLUMNS_MIN: usize = 60;

/// Options of `top`.
#[derive(Args, Debug)]
pub struct TopArgs {
    /// Pause between two looks, 0.2 to 60
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = interval_ms)]
    interval: u64,
    /// Print one frame as text and end; rates are taken over one interval
    #[arg(long)]
    once: bool,
    /// With --once: print the API's answers as JSON
    #[arg(long, requires = "once")]
    json: bool,
    #[command(flatten)]
    remote: Remote,
}

fn interval_ms(text: &str) -> Result<u64, String> {
    let seconds: f64 = text.parse().map_err(|_| format!("`{text}` is no number of seconds"))?;
    if (0.2..=60.0).contains(&seconds) {
        Ok((seconds * 1_000.0) as u64)
    } else {
        Err(format!("`{text}` is not between 0.2 and 60 seconds"))
    }
}

/// Runs the command.
///
/// # Errors
/// The server refuses, or there is no terminal to draw on; with `--once` also when it cannot be reached.
pub fn run(args: TopArgs) -> Result<(), Failure> {
    if args.once {
        return once(&args);
    }
    if !stdout().is_terminal() || !stdin().is_terminal() {
        return Err(Failure::usage("this is no terminal: print one frame with --once"));
    }
    screen::run(live_client(&args.remote)?, args.interval, Theme { colour: console::colors_enabled() })
}

/// A client that does not repeat itself: an outage is something to show, and the next look is the next try.
fn live_client(remote: &Remote) -> Result<Client, Failure> {
    let settings = ClientSettings {
        retry: RetryPolicy::NEVER,
        connect_ms_max: ANSWER_MS_MAX,
        answer_ms_max: ANSWER_MS_MAX,
        ..ClientSettings::default()
    };
    remote::client_with(remote, settings)
}

fn once(args: &TopArgs) -> Result<(), Failure> {
    let client = remote::client(&args.remote)?;
    let mut model = Model::default();
    let looked = system::block_on(async {
        let start = Mark::now();
        let at_ms = || (start.seconds() * 1_000.0) as u64;
        model.fold(Outcome::Seen(Box::new(look(&client).await?)), at_ms());
        system::pause_ms(args.interval).await;
        let last = look(&client).await?;
        model.fold(Outcome::Seen(Box::new(last)), at_ms());
        Ok::<(), Failure>(())
    });
    looked.map_err(|e| Failure::environment("cannot start threads", e))??;
    if args.json {
        return json(&model);
    }
    let view = View {
        model: &model,
        ui: &Ui::default(),
        theme: Theme { colour: false },
        url: client.base_url(),
        interval_ms: None,
        now_ms: 0,
    };
    let columns = output::columns().unwrap_or(PAGE_COLUMNS).max(PAGE_COLUMNS_MIN);
    output::print(&page(&view, columns))
}

/// The answers as they came, and what was told from their differences.
#[derive(Serialize)]
struct Answers<'a> {
    #[serde(flatten)]
    look: &'a Look,
    finished_per_second: Option<f64>,
}

fn json(model: &Model) -> Result<(), Failure> {
    let Some(look) = model.look() else { return Err(Failure::environment("cannot look", "no answer")) };
    output::json(&Answers { look, finished_per_second: model.finished_per_second() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_a_number_of_seconds_in_bounds() {
        assert_eq!(interval_ms("0.25"), Ok(250));
        for wrong in ["", "x", "0", "-1", "0.1", "61", "NaN", "inf"] {
            assert!(interval_ms(wrong).is_err(), "{wrong}");
        }
    }
}
