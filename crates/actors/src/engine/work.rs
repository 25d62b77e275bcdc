//! The worker's side: leases, heartbeats, progress, reports.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use actix::{Actor, Addr};
use reeve_jobs::LapseCause;
use reeve_telemetry::{Kind, Origin, Span};
use reeve_types::{LeaseId, WorkerName, WorkspaceId};
use reeve_workspace::{Command, JobIntro, Lapse, Refusal};
use tokio::sync::oneshot;

use super::{Engine, Executed, Finished, Offer};
use crate::call::{
    Answer, Call, Granted, Heard, LeaseRequest, ProgressHeard, ProgressReport, Unavailable, WorkerMode,
};
use crate::dispatcher::{Lease, Withdraw};
use crate::job::{JobActor, Report, Settle};
use crate::leases::SessionKey;
use crate::shared::lock;
use crate::task;

/// Time for reservations under way when a long poll's time is up.
const GRACE_MS: u64 = 5_000;

static NEXT_REQUEST: AtomicU64 = AtomicU64::new(1);

impl Engine {
    /// Waits for work, at most as long as the request says, and takes it. An empty list when there is none.
    ///
    /// Dropping the future gives back what was leased for it.
    ///
    /// # Errors
    /// When the server is stopping or the store cannot be read.
    pub async fn lease(&self, request: LeaseRequest) -> Result<Vec<Granted>, Unavailable> {
        Ok(self.offer(request).await?.taken())
    }

    /// The same for who has to pass the leases on, and may find that nobody is there any more.
    ///
    /// # Errors
    /// As [`Self::lease`].
    pub async fn offer(&self, request: LeaseRequest) -> Result<Offer, Unavailable> {
        let shared = &self.shared;
        let Some(dispatcher) = shared.dispatcher.get().filter(|_| !self.stopping()) else {
            return Err(Unavailable::STOPPING);
        };
        let key = SessionKey { worker: request.worker.clone(), session: request.session.clone() };
        shared.leases.seen(&key, &request.pools, (shared.leases_now_ms(), shared.clock.now()));
        let Some(wait_ms) = self.held_back(&request).await else { return Ok(Offer::NOTHING) };
        let id = NEXT_REQUEST.fetch_add(1, Ordering::Relaxed);
        let worker = request.worker.clone();
        let (reply, mut answer) = oneshot::channel();
        if dispatcher.try_send(Lease { id, request, reply }).is_err() {
            return Err(Unavailable::OVERLOADED);
        }
        let delivery = match task::within_ms(wait_ms.max(1), &mut answer).await {
            Some(delivery) => delivery,
            None => {
                let _ = dispatcher.try_send(Withdraw(id));
                // Dropping the receiver makes the dispatcher give back whatever comes later.
                task::within_ms(GRACE_MS, answer).await.ok_or(Unavailable::OVERLOADED)?
            }
        };
        // The dispatcher is gone: there is nothing to deliver.
        let Ok(delivery) = delivery else { return Err(Unavailable::STOPPING) };
        if shared.leases.mode(&worker) != WorkerMode::Active {
            // Told to stop while the lease was on its way: dropping the delivery gives it back.
            return Ok(Offer::NOTHING);
        }
        let mut granted = Vec::with_capacity(delivery.leases().len());
        let mut intros = self.intros(delivery.leases().iter().map(|reserved| reserved.lease.job)).await?;
        for reserved in delivery.leases() {
            let Some(intro) = intros.remove(&reserved.lease.job) else { continue };
            // The answer to its completion needs it as well.
            shared.intros.keep(&intro);
            let lease_ms = i64::try_from(shared.settings.leases.lease_ack_ms).unwrap_or(i64::MAX);
            let origin = shared.intros.origin(reserved.lease.job);
            granted.push(Granted {
                lease: reserved.lease,
                origin: leased(&origin, (&reserved.lease, &worker), &intro),
                intro,
                granted_at: reserved.granted_at,
                run_deadline_at: reserved.run_deadline_at,
                expires_at: shared.clock.now().plus_ms(lease_ms),
            });
        }
        Ok(Offer::new(granted, delivery))
    }

    /// Holds a request of a worker that was told to stop until it is released, so that its loop does not spin.
    /// `None` when the time is up; else what is left of it, in milliseconds.
    async fn held_back(&self, request: &LeaseRequest) -> Option<u64> {
        let leases = &self.shared.leases;
        let mut orders = leases.hear_orders();
        let end_ms = self.shared.leases_now_ms().saturating_add(request.wait_ms);
        loop {
            let left_ms = end_ms.saturating_sub(self.shared.leases_now_ms());
            if leases.mode(&request.worker) == WorkerMode::Active {
                return Some(left_ms);
            }
            if left_ms == 0 || self.stopping() {
                return None;
            }
            // Its end is found by the next look.
            let _ = task::within_ms(left_ms, orders.changed()).await;
        }
    }

    /// Renews the leases that a session lists; those it no longer lists come back to the queue.
    ///
    /// # Errors
    /// None today; a full system still answers, since a refused heartbeat would cost a lease.
    pub async fn heartbeat(
        &self,
        worker: WorkerName,
        session: Arc<str>,
        leases: Vec<LeaseId>,
    ) -> Result<Heard, Unavailable> {
        let shared = &self.shared;
        let key = SessionKey { worker, session };
        let at = (shared.leases_now_ms(), shared.clock.now());
        let (mut heard, dropped) = shared.leases.heartbeat(&key, &leases, at);
        heard.drain = self.stopping() || shared.leases.mode(&key.worker) != WorkerMode::Active;
        for (lease, workspace) in dropped {
            let lapse = Command::Lapse(Lapse { lease, cause: LapseCause::Dropped });
            let engine = self.clone();
            task::spawn(&shared.runtime, async move {
                // If it fails, the lease falls silent and lapses by itself.
                let _ = engine.execute(&workspace, lapse, Call::default()).await;
            });
        }
        Ok(heard)
    }

    /// A worker's progress, which is also a sign of life. `None` for a lease that is not live.
    ///
    /// # Errors
    /// None today.
    pub async fn progress(
        &self,
        lease: LeaseId,
        report: ProgressReport,
    ) -> Result<Option<ProgressHeard>, Unavailable> {
        let shared = &self.shared;
        let Some((cancel, remaining_ms)) = shared.leases.renew(lease, shared.leases_now_ms()) else {
            return Ok(None);
        };
        if let Some(addr) = self.job_actor(lease, true) {
            // A full mailbox loses a progress report, and nothing else.
            let _ = addr.try_send(Report { lease, report });
        }
        let expires_at = shared.clock.now().plus_ms(i64::try_from(remaining_ms).unwrap_or(i64::MAX));
        Ok(Some(ProgressHeard { cancel, expires_at }))
    }

    /// True while the lease is live in this process.
    pub fn lease_is_live(&self, lease: LeaseId) -> bool {
        self.shared.leases.is_live(lease)
    }

    /// The workspace of a live lease.
    pub fn workspace_of_lease(&self, lease: LeaseId) -> Option<WorkspaceId> {
        self.shared.leases.workspace(lease)
    }

    /// How often workers shall send heartbeats.
    pub fn heartbeat_seconds(&self) -> u32 {
        u32::try_from(self.shared.settings.leases.heartbeat_ms / 1_000).unwrap_or(1).max(1)
    }

    /// An upload, completion or failure of a lease: through the job actor when there is one, else
    /// straight to the workspace.
    ///
    /// # Errors
    /// [`Unavailable`]: repeat it; a repeat of what happened gets the same answer.
    pub async fn finish(&self, lease: LeaseId, command: Command) -> Result<Finished, Unavailable> {
        let workspace = match self.workspace_of_lease(lease) {
            Some(workspace) => workspace,
            None => match self.workspace_of_job(lease.job).await? {
                Some(workspace) => workspace,
                None => return Ok(Finished::Stale),
            },
        };
        let is_upload = matches!(command, Command::Upload(_));
        let executed = match self.job_actor(lease, is_upload) {
            Some(addr) => self.through(addr, &workspace, command).await?,
            None => self.execute(&workspace, command, Call::default()).await?,
        };
        match &executed.answer {
            Answer::Refused(Refusal::StaleLease { .. }) => Ok(Finished::Stale),
            Answer::Refused(Refusal::NotLive { .. } | Refusal::NoSuchWorkspace { .. }) => {
                self.finished_before(lease, is_upload).await
            }
            _ => Ok(Finished::Answered(executed)),
        }
    }

    async fn through(
        &self,
        addr: Addr<JobActor>,
        workspace: &WorkspaceId,
        command: Command,
    ) -> Result<Executed, Unavailable> {
        let (reply, answer) = oneshot::channel();
        let again = command.clone();
        // Never past it to the workspace: a completion would overtake the upload that it names.
        addr.do_send(Settle { command, reply, origin: Origin::current() });
        match answer.await {
            Ok(result) => result,
            // The job actor went with the attempt, before or after it passed the report on. The
            // workspace knows: asking again is safe, because a report names its lease.
            Err(_) => self.execute(workspace, again, Call::default()).await,
        }
    }

    /// The job is closed: by this very lease (X9: the first answer again), or by something else?
    async fn finished_before(&self, lease: LeaseId, is_upload: bool) -> Result<Finished, Unavailable> {
        let record = self.job(lease.job).await?;
        let same = record.is_some_and(|record| record.state.closed_by == Some(lease.attempt));
        if same && !is_upload {
            return Ok(Finished::Answered(Executed {
                answer: Answer::Job(lease.job),
                reply: None,
                replayed: true,
            }));
        }
        Ok(Finished::Stale)
    }

    /// The job actor of a live attempt; built at its first report when `build` is set.
    fn job_actor(&self, lease: LeaseId, build: bool) -> Option<Addr<JobActor>> {
        let mut actors = lock(&self.shared.job_actors);
        if let Some(addr) = actors.get(&lease.job).filter(|addr| addr.connected()) {
            return Some(addr.clone());
        }
        if !build {
            return None;
        }
        let workspace = self.workspace_of_lease(lease)?;
        let arbiter = self.shared.registry.arbiter(&workspace)?;
        let shared = self.shared.clone();
        let addr = JobActor::start_in_arbiter(&arbiter, move |_| JobActor::new(shared, lease, workspace));
        actors.insert(lease.job, addr.clone());
        Some(addr)
    }
}

/// Notes that a job went to a worker, on the trace that it was submitted with; what the worker does is below that.
fn leased(origin: &Origin, (lease, worker): (&LeaseId, &WorkerName), intro: &JobIntro) -> Origin {
    let mut span = Span::part("job.lease", Kind::Producer, origin.trace);
    span.text("job.id", lease.job);
    span.text("workspace.id", &intro.workspace);
    span.text("lease.id", lease);
    span.text("pool", &intro.pool);
    span.text("worker.name", worker);
    tracing::debug!(
        job.id = %lease.job, lease.id = %lease, worker.name = %worker, request.id = origin.request.as_deref(), "leased"
    );
    origin.below(span.trace())
}
