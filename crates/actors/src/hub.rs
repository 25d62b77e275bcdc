//! Who watches what, and the last events of what is watched.
//!
//! Not an actor: publishing must never wait, and there is nothing to wait for. A reader that does not
//! keep up loses its stream and resumes by id; nobody else notices.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};

use std::sync::Arc;

use reeve_jobs::{Status, Upload};
use reeve_types::{Credits, JobId, Millis, WorkspaceId};
use rustc_hash::FxHashMap;
use tokio::sync::mpsc;

use crate::call::Progress;
use crate::shared::lock;

/// Events a topic remembers for readers that come back.
const REMEMBERED_MAX: usize = 256;
/// Events a reader may lag behind before its stream is cut.
const LAG_MAX: usize = 512;
/// A topic without readers is forgotten after this.
const FORGET_MS: i64 = 60_000;

/// Something that happened to a job or a balance.
#[derive(Clone, Debug, PartialEq)]
pub struct HubEvent {
    /// The process that numbered it: numbers of another boot mean nothing.
    pub boot: u64,
    pub n: u64,
    pub at: Millis,
    pub workspace: WorkspaceId,
    pub job: Option<JobId>,
    pub kind: HubKind,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum HubKind {
    Status {
        status: Status,
        attempt: u32,
    },
    Progress(Progress),
    /// Bytes of an output are durable.
    Output(Upload),
    Log {
        message: Arc<str>,
    },
    Balance {
        available: Credits,
        held: Credits,
    },
}

/// A reader's end.
pub struct Subscription {
    /// What was missed since the given id; `None` when that is not known any more: send a snapshot.
    pub backlog: Option<Vec<HubEvent>>,
    /// What comes from now on. Closes when the reader lags too far behind.
    pub events: mpsc::Receiver<HubEvent>,
    /// The id of this moment.
    pub position: (u64, u64),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Topic {
    Job(JobId),
    Workspace(WorkspaceId),
}

struct Watched {
    readers: Vec<mpsc::Sender<HubEvent>>,
    recent: VecDeque<HubEvent>,
    /// Everything after this number is in `recent`.
    complete_after: u64,
    touched_at: Millis,
}

/// Who hears every report of progress. Must not wait.
pub(crate) type Tap = Box<dyn Fn(&WorkspaceId, JobId, &Progress) + Send + Sync>;

/// All topics of one process.
pub(crate) struct Hub {
    boot: u64,
    next: AtomicU64,
    topics: Mutex<FxHashMap<Topic, Watched>>,
    /// Lets publishing skip the lock while nobody watches anything.
    watched: AtomicUsize,
    /// Hears every report of progress; set once, by who puts the parts together.
    tap: OnceLock<Tap>,
    /// The latest progress of running jobs.
    progress: Mutex<FxHashMap<JobId, Progress>>,
}

impl Hub {
    pub(crate) fn new(boot: u64) -> Self {
        Self {
            boot,
            next: AtomicU64::new(1),
            topics: Mutex::default(),
            watched: AtomicUsize::new(0),
            tap: OnceLock::new(),
            progress: Mutex::default(),
        }
    }

    pub(crate) fn subscribe_job(&self, job: JobId, after: Option<(u64, u64)>, now: Millis) -> Subscription {
        self.subscribe(Topic::Job(job), after, now)
    }

    pub(crate) fn subscribe_workspace(
        &self,
        workspace: WorkspaceId,
        after: Option<(u64, u64)>,
        now: Millis,
    ) -> Subscription {
        self.subscribe(Topic::Workspace(workspace), after, now)
    }

    fn subscribe(&self, topic: Topic, after: Option<(u64, u64)>, now: Millis) -> Subscription {
        let (sender, events) = mpsc::channel(LAG_MAX);
        let mut topics = lock(&self.topics);
        let last = self.next.load(Ordering::Relaxed) - 1;
        let watched = topics.entry(topic).or_insert_with(|| Watched {
            readers: Vec::new(),
            recent: VecDeque::new(),
            complete_after: last,
            touched_at: now,
        });
        watched.readers.push(sender);
        watched.touched_at = now;
        let backlog = after.and_then(|(boot, n)| {
            let known = boot == self.boot && n >= watched.complete_after && n <= last;
            known.then(|| watched.recent.iter().filter(|event| event.n > n).cloned().collect())
        });
        self.watched.store(topics.len(), Ordering::Release);
        Subscription { backlog, events, position: (self.boot, last) }
    }

    pub(crate) fn publish(&self, workspace: &WorkspaceId, job: Option<JobId>, kind: HubKind, now: Millis) {
        if self.watched.load(Ordering::Acquire) == 0 {
            return;
        }
        let mut topics = lock(&self.topics);
        // Numbered under the lock, so that every topic sees its events in order of number.
        let n = self.next.fetch_add(1, Ordering::Relaxed);
        let event = HubEvent { boot: self.boot, n, at: now, workspace: workspace.clone(), job, kind };
        if let Some(watched) = job.and_then(|job| topics.get_mut(&Topic::Job(job))) {
            watched.push(event.clone());
        }
        if let Some(watched) = topics.get_mut(&Topic::Workspace(workspace.clone())) {
            watched.push(event);
        }
    }

    /// Lets somebody hear every report of progress; the first one stays.
    pub(crate) fn tap(&self, tap: Tap) {
        let _ = self.tap.set(tap);
    }

    /// Keeps the latest progress of a running job.
    pub(crate) fn put_progress(&self, workspace: &WorkspaceId, job: JobId, progress: Progress) {
        if let Some(tap) = self.tap.get() {
            tap(workspace, job, &progress);
        }
        lock(&self.progress).insert(job, progress);
    }

    pub(crate) fn progress(&self, job: JobId) -> Option<Progress> {
        lock(&self.progress).get(&job).cloned()
    }

    pub(crate) fn forget_progress(&self, job: JobId) {
        lock(&self.progress).remove(&job);
    }

    /// Forgets topics that nobody reads any more.
    pub(crate) fn sweep(&self, now: Millis) {
        let mut topics = lock(&self.topics);
        topics.retain(|_, watched| {
            watched.readers.retain(|reader| !reader.is_closed());
            !watched.readers.is_empty() || now.since(watched.touched_at) < FORGET_MS
        });
        self.watched.store(topics.len(), Ordering::Release);
    }
}

impl Watched {
    fn push(&mut self, event: HubEvent) {
        self.touched_at = event.at;
        // A full channel means a reader that hangs: it is cut, and may come back with its last id.
        self.readers.retain(|reader| reader.try_send(event.clone()).is_ok());
        if self.recent.len() == REMEMBERED_MAX
            && let Some(oldest) = self.recent.pop_front()
        {
            self.complete_after = oldest.n;
        }
        self.recent.push_back(event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: Millis = Millis::from_millis(0);
    const JOB: JobId = JobId::from_parts(T0, 1);

    fn ws() -> WorkspaceId {
        WorkspaceId::new("w").unwrap()
    }

    fn log(n: u32) -> HubKind {
        HubKind::Log { message: n.to_string().into() }
    }

    fn tell(hub: &Hub, n: u32) {
        hub.publish(&ws(), Some(JOB), log(n), T0);
    }

    #[test]
    fn a_reader_that_comes_back_gets_what_it_missed() {
        let hub = Hub::new(7);
        let first = hub.subscribe_job(JOB, None, T0);
        tell(&hub, 0);
        tell(&hub, 1);
        let again = hub.subscribe_job(JOB, Some((7, first.position.1 + 1)), T0);
        let missed: Vec<HubKind> = again.backlog.unwrap().into_iter().map(|event| event.kind).collect();
        assert_eq!(missed, [log(1)]);
    }

    #[test]
    fn another_boot_or_a_number_too_old_asks_for_a_snapshot() {
        let hub = Hub::new(7);
        let first = hub.subscribe_job(JOB, None, T0);
        for n in 0..300 {
            tell(&hub, n);
        }
        assert!(hub.subscribe_job(JOB, Some((6, first.position.1)), T0).backlog.is_none());
        assert!(hub.subscribe_job(JOB, Some((7, first.position.1)), T0).backlog.is_none());
        assert!(hub.subscribe_job(JOB, Some((7, 9_999)), T0).backlog.is_none());
    }

    #[test]
    fn a_reader_that_hangs_is_cut_and_blocks_nobody() {
        let hub = Hub::new(7);
        let mut hanging = hub.subscribe_job(JOB, None, T0);
        for n in 0..2_000 {
            tell(&hub, n);
        }
        let mut got = 0;
        while hanging.events.try_recv().is_ok() {
            got += 1;
        }
        assert_eq!(got, LAG_MAX);
        assert!(matches!(hanging.events.try_recv(), Err(mpsc::error::TryRecvError::Disconnected)));
    }

    #[test]
    fn topics_without_readers_are_forgotten() {
        let hub = Hub::new(7);
        drop(hub.subscribe_job(JOB, None, T0));
        hub.sweep(T0.plus_ms(FORGET_MS));
        assert_eq!(lock(&hub.topics).len(), 0);
    }
}
