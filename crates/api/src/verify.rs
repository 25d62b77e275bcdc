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
    fn run(&self) -> BoxFuture<'static, Result<Vec<VerifyCheck>, String>>;
}

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
            let (run, report) = (self.port.run(), self.report.clone());
            // Runs on although the request that asked for it may end.
            task::spawn(async move {
                report.send_replace(done(run.await));
            });
        }
        receiver
    }
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
}
