//! The terminal: takes it, gives it back whatever happens, reads keys, draws what changed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyEventKind};
use reeve_client::Client;
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::{mpsc, watch};

use super::draw::{Theme, View, draw};
use super::feed::{self, Report};
use super::model::{Link, Model};
use super::ui::{Next, Ui};
use crate::exit::Failure;
use crate::system::Mark;
use crate::{signals, system};

/// Longest wait for a key before answers and signals are looked after, in milliseconds.
const TICK_MS: u64 = 50;
/// Reports that may wait for the screen.
const REPORTS_MAX: usize = 4;

/// Shows the server until a key or a signal ends it. Blocks its thread, so it is run from that of `main`.
///
/// # Errors
/// The terminal cannot be used, or the server refuses this key.
pub fn run(client: Client, interval_ms: u64, theme: Theme) -> Result<(), Failure> {
    let url = client.base_url().to_owned();
    let body = async move {
        let (paused, is_paused) = watch::channel(false);
        let (to_screen, reports) = mpsc::channel(REPORTS_MAX);
        let feed = system::spawn(feed::run(client, interval_ms, is_paused, to_screen));
        let ended = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&ended);
        // In raw mode Ctrl-C is a key; this hears a SIGTERM, and a SIGINT from elsewhere.
        let listener = system::spawn(async move {
            if signals::first().await.is_ok() {
                told.store(true, Ordering::Relaxed);
            }
        });
        let mut screen = Screen {
            reports,
            paused,
            ended,
            theme,
            url,
            interval_ms,
            start: Mark::now(),
            model: Model::default(),
        };
        let result = Held::take().and_then(|mut held| screen.show(&mut held.terminal));
        feed.abort();
        listener.abort();
        result
    };
    system::block_on(body).map_err(|e| Failure::environment("cannot start threads", e))?
}

/// The terminal while it is ours; dropped, it is as it was. A panic gives it back too: `try_init` sets a hook, so
/// that the panic's own words are not lost with the other screen.
struct Held {
    terminal: DefaultTerminal,
}

impl Held {
    fn take() -> Result<Self, Failure> {
        match ratatui::try_init() {
            Ok(terminal) => Ok(Self { terminal }),
            Err(error) => {
                // It may have been half taken.
                ratatui::restore();
                Err(unusable(error))
            }
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

fn unusable(error: std::io::Error) -> Failure {
    Failure::environment("cannot use the terminal", error)
}

struct Screen {
    reports: mpsc::Receiver<Report>,
    paused: watch::Sender<bool>,
    ended: Arc<AtomicBool>,
    theme: Theme,
    url: String,
    interval_ms: u64,
    start: Mark,
    model: Model,
}

impl Screen {
    fn show(&mut self, terminal: &mut DefaultTerminal) -> Result<(), Failure> {
        let mut ui = Ui::default();
        let mut stale = true;
        let mut drawn_second = 0;
        while !self.ended.load(Ordering::Relaxed) {
            stale |= self.heard()?;
            // The length of an outage is shown, so it is drawn anew each second.
            let second = self.now_ms() / 1_000;
            stale |= second != drawn_second && matches!(self.model.link(), Link::Down { .. });
            if std::mem::take(&mut stale) {
                drawn_second = second;
                self.draw(terminal, &ui)?;
            }
            if event::poll(Duration::from_millis(TICK_MS)).map_err(unusable)? {
                match event::read().map_err(unusable)? {
                    // Some terminals also tell of keys that are let go.
                    Event::Key(key) if key.kind != KeyEventKind::Release => {
                        let pools = self.model.look().map_or(0, |look| look.queue.pools.len());
                        if ui.key(key, pools) == Next::Quit {
                            return Ok(());
                        }
                        self.paused.send_replace(ui.paused);
                        stale = true;
                    }
                    Event::Resize(..) => stale = true,
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// Folds what came in; true when something did.
    fn heard(&mut self) -> Result<bool, Failure> {
        let mut heard = false;
        loop {
            match self.reports.try_recv() {
                Ok(report) => {
                    let now_ms = self.now_ms();
                    self.model.fold(report?, now_ms);
                    heard = true;
                }
                Err(TryRecvError::Empty) => return Ok(heard),
                Err(TryRecvError::Disconnected) => {
                    return Err(Failure::environment("cannot go on", "the task that asks the server ended"));
                }
            }
        }
    }

    fn draw(&self, terminal: &mut DefaultTerminal, ui: &Ui) -> Result<(), Failure> {
        let view = View {
            model: &self.model,
            ui,
            theme: self.theme,
            url: &self.url,
            interval_ms: Some(self.interval_ms),
            now_ms: self.now_ms(),
        };
        terminal.draw(|frame| draw(&view, frame.area(), frame.buffer_mut())).map_err(unusable)?;
        Ok(())
    }

    fn now_ms(&self) -> u64 {
        (self.start.seconds() * 1_000.0) as u64
    }
}
