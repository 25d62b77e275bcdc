//! Verification on demand: one run at a time, its result kept for whoever asks.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use reeve_protocol::{VerifyCheck, VerifyReport, VerifyStatus};
use tokio::sync::watch;

use crate::task;

/// What checks a store. Given by the composition root, since only there the store and the checks meet.
pub trait VerifyPort: Send + Sync + 'static {
    /// Runs every check. What is slow must not block the thread it is polled on.
    ///
    /// # Errors
    /// Why the checks could not be run to their end.
    fn run(&self, on_progress: OnProgress) -> BoxFuture<'static, Result<Vec<VerifyCheck>, String>>;
}

/// Hears how far a run is, from 0 to 1; may be told as often as one likes.
pub type OnProgress = Box<dyn Fn(f64) + Send + Sync>;

/// A run that is this little further is not news.
const NEWS: f64 = 0.005;

/// The latest run.
pub(crate) struct Verification {
    port: Arc<dyn VerifyPort>,
    report: Arc<watch::Sender<VerifyReport>>,
}

impl Verification {
    pub(crate) fn new(port: Arc<dyn VerifyPort>) -> Self {
        let idle = VerifyReport { status: VerifyStatus::Idle, progress: 0.0, ok: None, checks: Vec::new() };
        Self { port, report: Arc::new(watch::channel(idle).0) }
    }

    /// The latest report.
    pub(crate) fn latest(&self) -> VerifyReport {
        self.report.borrow().clone()
    }

    /// Starts a run unless one is under way; the receiver hears of its end.
    pub(crate) fn start(&self) -> watch::Receiver<VerifyReport> {
        let receiver = self.report.subscribe();
        let started = self.report.send_if_modified(|report| {
            let idle = report.status != VerifyStatus::Running;
            if idle {
                *report = VerifyReport {
                    status: VerifyStatus::Running,
                    progress: 0.0,
                    ok: None,
                    checks: Vec::new(),
                };
            }
            idle
        });
        if started {
            let (run, report) = (self.port.run(heard(self.report.clone())), self.report.clone());
            // Runs on although the request that asked for it may end.
            task::spawn(async move {
                report.send_replace(done(run.await));
            });
        }
        receiver
    }
}

/// Puts a run's progress into its report.
fn heard(report: Arc<watch::Sender<VerifyReport>>) -> OnProgress {
    Box::new(move |progress| {
        report.send_if_modified(|report| {
            let is_news = report.status == VerifyStatus::Running && progress >= report.progress + NEWS;
            if is_news {
                report.progress = progress.min(1.0);
            }
            is_news
        });
    })
}

fn done(result: Result<Vec<VerifyCheck>, String>) -> VerifyReport {
    let checks = result.unwrap_or_else(|why| {
        vec![VerifyCheck { name: "run".to_owned(), ok: false, checked: 0, detail: Some(why) }]
    });
    let ok = checks.iter().all(|check| check.ok);
    VerifyReport { status: VerifyStatus::Done, progress: 1.0, ok: Some(ok), checks }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_breaks_off_is_not_ok() {
        assert_eq!(done(Err("no disk".to_owned())).ok, Some(false));
        assert_eq!(done(Ok(Vec::new())).ok, Some(true));
    }

    #[test]
    fn progress_only_rises_and_only_while_it_runs() {
        let of = |status| VerifyReport { status, progress: 0.0, ok: None, checks: Vec::new() };
        let report = Arc::new(watch::channel(of(VerifyStatus::Running)).0);
        let tell = heard(report.clone());
        for (told, shown) in [(0.25, 0.25), (0.2501, 0.25), (0.1, 0.25), (7.0, 1.0)] {
            tell(told);
            assert_eq!(report.borrow().progress, shown, "told {told}");
        }
        report.send_replace(of(VerifyStatus::Idle));
        tell(0.5);
        assert_eq!(report.borrow().progress, 0.0);
    }
}
