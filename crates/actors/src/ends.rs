//! Who waits for the end of a job, and for nothing else about it.
//!
//! Told by the actors as soon as the end is durable. Beside the hub, because a stream is kept for those who come back,
//! with room for what they missed: thousands of callers that each wait for one job would hold it for minutes.

use std::sync::Mutex;

use reeve_types::JobId;
use rustc_hash::FxHashMap;
use tokio::sync::oneshot;

use crate::shared::lock;

/// All of one process.
#[derive(Default)]
pub(crate) struct Ends {
    waiting: Mutex<FxHashMap<JobId, Vec<oneshot::Sender<()>>>>,
}

impl Ends {
    /// Ready once this job is final. Whoever asks looks at the job afterwards: an end before this call is not told.
    pub(crate) fn hear(&self, job: JobId) -> oneshot::Receiver<()> {
        let (ended, end) = oneshot::channel();
        lock(&self.waiting).entry(job).or_default().push(ended);
        end
    }

    /// A job is final.
    pub(crate) fn tell(&self, job: JobId) {
        let waiting = lock(&self.waiting).remove(&job);
        for ended in waiting.into_iter().flatten() {
            // Who stopped waiting need not hear.
            let _ = ended.send(());
        }
    }

    /// Forgets who stopped waiting.
    pub(crate) fn sweep(&self) {
        lock(&self.waiting).retain(|_, waiting| {
            waiting.retain(|ended| !ended.is_closed());
            !waiting.is_empty()
        });
    }
}

#[cfg(test)]
mod tests {
    use reeve_types::Millis;

    use super::*;

    const JOBS: [JobId; 2] =
        [JobId::from_parts(Millis::from_millis(0), 1), JobId::from_parts(Millis::from_millis(0), 2)];

    #[test]
    fn everybody_who_waits_for_a_job_hears_of_its_end_and_nobody_else_does() {
        let ends = Ends::default();
        let [mut first, mut second] = [ends.hear(JOBS[0]), ends.hear(JOBS[0])];
        let mut other = ends.hear(JOBS[1]);
        ends.tell(JOBS[0]);
        assert_eq!([first.try_recv(), second.try_recv()], [Ok(()), Ok(())]);
        assert_eq!(other.try_recv(), Err(oneshot::error::TryRecvError::Empty));
        ends.tell(JOBS[0]);
    }

    #[test]
    fn who_stopped_waiting_takes_no_room() {
        let ends = Ends::default();
        drop(ends.hear(JOBS[0]));
        let still = ends.hear(JOBS[1]);
        drop(ends.hear(JOBS[1]));
        ends.sweep();
        let counts: Vec<_> = lock(&ends.waiting).values().map(Vec::len).collect();
        assert_eq!(counts, [1]);
        drop(still);
        ends.sweep();
        assert!(lock(&ends.waiting).is_empty());
    }
}
