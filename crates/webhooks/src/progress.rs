//! Reports of progress: sent as they come, at most one for each job in five seconds, and never stored.
//!
//! They are not in the outbox: a running job reports many times a second, and what matters of it is the last. So they
//! may be lost, come once at most, and are not in the log of deliveries.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use reeve_journal::EndpointRow;
use reeve_protocol::{JOB_PROGRESS, JobEventProgress};
use reeve_types::{JobId, Millis, WorkspaceId};
use tokio::sync::{Semaphore, mpsc, watch};

use crate::hearing::wants;
use crate::message;
use crate::office::Office;
use crate::task::{self, Mark};
use crate::trying::signed;

/// Between two reports of one job.
const EACH_MS: u64 = 5_000;
/// How often it is looked who wants to hear of progress.
const LOOK_MS: u64 = 2_000;
/// Reports that wait; more are dropped.
const WAITING_MAX: usize = 1_024;
/// Reports under way; more are dropped.
const SENDING_MAX: usize = 16;
/// Jobs that are remembered before the old ones are forgotten.
const JOBS_MAX: usize = 10_000;

/// How far a job is.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    pub workspace: WorkspaceId,
    pub job: JobId,
    pub at: Millis,
    /// 0 to 1.
    pub fraction: f64,
    pub stage: Option<String>,
    pub message: Option<String>,
}

/// Where reports are handed in. Never waits; costs a look at a flag while nobody wants them.
#[derive(Clone)]
pub struct ProgressDesk {
    wanted: Arc<AtomicBool>,
    reports: mpsc::Sender<Report>,
}

impl ProgressDesk {
    /// Whether anybody wants reports; when not, none need be made.
    pub fn is_wanted(&self) -> bool {
        self.wanted.load(Ordering::Relaxed)
    }

    /// Hands a report in; it is dropped when too many wait.
    pub fn report(&self, report: Report) {
        let _ = self.reports.try_send(report);
    }

    /// A desk, and what goes on behind it.
    pub(crate) fn open(office: Arc<Office>) -> (Self, Clerk) {
        let (reports, inbox) = mpsc::channel(WAITING_MAX);
        let wanted = Arc::new(AtomicBool::new(false));
        let clerk = Clerk {
            office,
            wanted: wanted.clone(),
            inbox,
            endpoints: Vec::new(),
            last: HashMap::new(),
            sending: Arc::new(Semaphore::new(SENDING_MAX)),
        };
        (Self { wanted, reports }, clerk)
    }
}

/// The task behind the desk.
pub(crate) struct Clerk {
    office: Arc<Office>,
    wanted: Arc<AtomicBool>,
    inbox: mpsc::Receiver<Report>,
    endpoints: Vec<Arc<EndpointRow>>,
    last: HashMap<JobId, Mark>,
    sending: Arc<Semaphore>,
}

impl Clerk {
    /// Works until told to stop.
    pub(crate) async fn run(mut self, stop: watch::Receiver<bool>) {
        let mut looked: Option<Mark> = None;
        while !*stop.borrow() {
            if looked.is_none_or(|at| at.elapsed_ms() >= LOOK_MS) {
                self.look().await;
                looked = Some(Mark::now());
            }
            if let Some(Some(report)) = task::within_ms(LOOK_MS / 4, self.inbox.recv()).await {
                self.pass_on(report);
            }
        }
    }

    async fn look(&mut self) {
        // Those heard before stay when the store cannot be read.
        if let Ok(endpoints) = self.office.store.endpoints().await {
            let wanting = endpoints
                .into_iter()
                .filter(|endpoint| endpoint.disabled.is_none() && wants(endpoint, JOB_PROGRESS));
            self.endpoints = wanting.map(Arc::new).collect();
        }
        self.wanted.store(!self.endpoints.is_empty(), Ordering::Relaxed);
    }

    fn pass_on(&mut self, report: Report) {
        let of = &report.workspace;
        let its_own = |endpoint: &&Arc<EndpointRow>| endpoint.workspace.as_ref().is_none_or(|own| own == of);
        let hearing: Vec<_> = self.endpoints.iter().filter(its_own).cloned().collect();
        if hearing.is_empty() || !self.is_due(report.job) {
            return;
        }
        for endpoint in hearing {
            let Ok(place) = self.sending.clone().try_acquire_owned() else { return };
            let (office, report) = (self.office.clone(), report.clone());
            drop(task::spawn(async move {
                send(&office, &endpoint, report).await;
                drop(place);
            }));
        }
    }

    /// At most one in [`EACH_MS`] for each job.
    fn is_due(&mut self, job: JobId) -> bool {
        if self.last.get(&job).is_some_and(|last| last.elapsed_ms() < EACH_MS) {
            return false;
        }
        if self.last.len() >= JOBS_MAX {
            self.last.retain(|_, last| last.elapsed_ms() < EACH_MS);
        }
        self.last.insert(job, Mark::now());
        true
    }
}

async fn send(office: &Office, endpoint: &EndpointRow, report: Report) {
    let Report { workspace, job, at, fraction, stage, message } = report;
    let row = office.store.job(job).await.ok().flatten();
    let progress = JobEventProgress { fraction: Some(fraction), stage, message };
    let Ok(body) = message::progress_body((workspace, job), at, progress, row.as_ref()) else { return };
    // Apart from the ids of the outbox: nothing can be asked for again under it.
    let id = format!("progress_{:032x}", (office.entropy)());
    let message = signed(office, endpoint, (id, body));
    if let Err(error) = office.sender.send(&endpoint.url, message, office.wall.now()).await {
        tracing::debug!(webhook.id = %endpoint.id, %error, "a report of progress was not heard");
    }
}
