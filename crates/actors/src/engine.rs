//! The facade: routes commands to their owner and answers once durable. No rules here.

mod credits;
mod life;
mod look;
mod offer;
mod operate;
mod publish;
mod reload;
mod start;
mod time;
mod work;

use std::collections::HashMap;
use std::sync::Arc;

use reeve_credits::price::Quote;
use reeve_journal::{JobRecord, JournalHealth, KeyRow, PlatformChange, Reader};
use reeve_telemetry::Origin;
use reeve_types::{AssetId, Credits, JobId, KeyId, Millis, PoolName, PurchaseId, WorkspaceId};
use reeve_workspace::{Command, JobIntro, Reply};
use tokio::sync::oneshot;

use crate::call::{Answer, Call, Unavailable};
use crate::dispatcher::WithdrawAll;
use crate::gate::{Asks, Pass};
use crate::shared::Shared;
use crate::trail::Trail;
use crate::workspace::{Ask, Execute, ReplyTo, Work, is_new_work};

pub use life::CancelWhich;
pub use offer::Offer;
pub use publish::PublishRefusal;
pub use reload::ReloadRefusal;
pub use start::{Parts, StartError};

/// How often a command is sent to the next actor when one ended before looking at it.
const ROUTES_MAX: usize = 8;

/// A running engine; cheap to clone.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
}

/// The durable end of a command.
#[derive(Debug, Clone)]
pub struct Executed {
    pub answer: Answer,
    /// Details for rendering without a read; `None` when the answer is remembered, or a refusal.
    pub reply: Option<Reply>,
    pub replayed: bool,
}

/// The end of a worker's report.
#[derive(Debug, Clone)]
pub enum Finished {
    Answered(Executed),
    /// The lease is not live; drop the attempt.
    Stale,
}

/// A price, and whether it can be paid now.
#[derive(Debug, Clone)]
pub struct QuotedNow {
    pub quote: Quote,
    pub pool: PoolName,
    pub affordable: bool,
    pub missing: Credits,
}

impl Engine {
    pub(crate) const fn of(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    pub(crate) const fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Executes a command on its workspace and answers once durable.
    ///
    /// # Errors
    /// [`Unavailable`]: nothing is known to have changed; retry under the same idempotency key.
    pub async fn execute(
        &self,
        workspace: &WorkspaceId,
        command: Command,
        call: Call,
    ) -> Result<Executed, Unavailable> {
        if self.stopping() && is_new_work(&command) {
            return Err(Unavailable::STOPPING);
        }
        let is_new = is_new_work(&command);
        let origin = Origin::current();
        let mut next = Some((command, call));
        for _ in 0..ROUTES_MAX {
            let Some((command, call)) = next.take() else { break };
            // Before the actor is built: what is shed costs no read either.
            let pass = match is_new {
                true => Some(self.pass(workspace, Asks::NewWork)?),
                false => None,
            };
            let addr = match self.shared.registry.get(workspace) {
                Some(addr) => addr,
                None => self.shared.registry.find(&self.shared, workspace).await?,
            };
            let (reply, answer) = oneshot::channel();
            let reply = ReplyTo::Caller { reply, pass };
            let work = Work { command, call, reply, trail: Trail::of(origin.clone()) };
            // To an actor that ended, the message is dropped, which returns it.
            addr.do_send(Execute(Some(work)));
            match answer.await {
                Ok(Ask::Done(done)) => {
                    let replayed = done.reply.is_none();
                    return Ok(Executed { answer: done.answer, reply: done.reply, replayed });
                }
                Ok(Ask::Unavailable(unavailable)) => return Err(unavailable),
                Ok(Ask::Returned(work)) => next = Some((work.command, work.call)),
                // The actor ended with the command in hand: it may or may not have been committed.
                Err(_) => return Err(Unavailable::NOT_COMMITTED),
            }
        }
        Err(Unavailable::NOT_COMMITTED)
    }

    /// A place among what is under way.
    pub(crate) fn pass(&self, workspace: &WorkspaceId, asks: Asks) -> Result<Pass, Unavailable> {
        self.shared.gate.enter(workspace, asks).ok_or(Unavailable::OVERLOADED)
    }

    /// The workspace of a job, live or final.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn workspace_of_job(&self, job: JobId) -> Result<Option<WorkspaceId>, Unavailable> {
        if let Some(workspace) = self.shared.intros.workspace(job) {
            return Ok(Some(workspace));
        }
        Ok(self.job(job).await?.map(|record| record.intro.workspace.clone()))
    }

    /// What never changes of a job, when it is in memory.
    pub fn intro(&self, job: JobId) -> Option<Arc<JobIntro>> {
        self.shared.intros.get(job)
    }

    /// What never changes of a job, from memory or its row. `None` when there is no such job.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn introduced(&self, job: JobId) -> Result<Option<Arc<JobIntro>>, Unavailable> {
        Ok(self.intros(std::iter::once(job)).await?.remove(&job))
    }

    /// What never changes of these jobs, from memory or with one read. One that is not there is left out.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(crate) async fn intros(
        &self,
        jobs: impl Iterator<Item = JobId>,
    ) -> Result<HashMap<JobId, Arc<JobIntro>>, Unavailable> {
        let (mut found, mut unknown) = (HashMap::new(), Vec::new());
        for job in jobs {
            match self.intro(job) {
                Some(intro) => drop(found.insert(job, intro)),
                None => unknown.push(job),
            }
        }
        if !unknown.is_empty() {
            let read = self.shared.reader.intros(&unknown).await?;
            found.extend(read.into_iter().map(|intro| (intro.id, intro)));
        }
        Ok(found)
    }

    /// A job as stored.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn job(&self, job: JobId) -> Result<Option<JobRecord>, Unavailable> {
        let record = self.shared.reader.job(job).await?;
        if let Some(record) = record.as_ref().filter(|record| !record.state.status.is_final()) {
            self.shared.intros.put(&record.intro);
        }
        Ok(record)
    }

    /// The reads that need no actor.
    pub fn reader(&self) -> &Arc<dyn Reader> {
        &self.shared.reader
    }

    /// How the journal stands.
    pub fn journal_health(&self) -> JournalHealth {
        self.shared.journal.health()
    }

    /// The present instant.
    pub fn now(&self) -> Millis {
        self.shared.clock.now()
    }

    /// A fresh job id.
    pub fn new_job_id(&self) -> JobId {
        JobId::from_uuid(self.uuid())
    }

    /// A fresh purchase id.
    pub fn new_purchase_id(&self) -> PurchaseId {
        PurchaseId::from_uuid(self.uuid())
    }

    /// A fresh key id.
    pub fn new_key_id(&self) -> KeyId {
        KeyId::from_uuid(self.uuid())
    }

    /// A fresh asset id.
    pub fn new_asset_id(&self) -> AssetId {
        AssetId::from_uuid(self.uuid())
    }

    /// 128 random bits, for secrets.
    pub fn random_bits(&self) -> u128 {
        self.shared.entropy.bits()
    }

    fn uuid(&self) -> uuid::Uuid {
        let ms = u64::try_from(self.now().value()).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(ms, &low_bytes(self.shared.entropy.bits())).into_uuid()
    }

    /// Stores a key.
    ///
    /// # Errors
    /// When the journal cannot commit it.
    pub async fn put_key(&self, row: KeyRow) -> Result<(), Unavailable> {
        self.platform(PlatformChange::PutKey(row)).await
    }

    /// Revokes a key.
    ///
    /// # Errors
    /// When the journal cannot commit it.
    pub async fn revoke_key(&self, id: KeyId) -> Result<(), Unavailable> {
        self.platform(PlatformChange::RevokeKey { id, at: self.now() }).await
    }

    /// Writes down that keys were used at an instant, or later.
    ///
    /// # Errors
    /// When the journal cannot commit it.
    pub async fn touch_keys(&self, keys: Vec<KeyId>, at: Millis) -> Result<(), Unavailable> {
        self.platform(PlatformChange::TouchKeys { keys, at }).await
    }

    async fn platform(&self, change: PlatformChange) -> Result<(), Unavailable> {
        let outcome = self.shared.journal.submit_platform(change).map_err(|_| Unavailable::OVERLOADED)?;
        match outcome.await {
            Ok(reeve_journal::CommitOutcome::Durable) => Ok(()),
            _ => Err(Unavailable::NOT_COMMITTED),
        }
    }

    /// True once everything stored is in the queue again, and until it stops.
    pub fn is_ready(&self) -> bool {
        self.is_loaded() && !self.stopping()
    }

    /// True once everything stored is in the queue again.
    pub fn is_loaded(&self) -> bool {
        self.shared.ready.load(std::sync::atomic::Ordering::Acquire)
    }

    /// True while shutting down.
    pub fn stopping(&self) -> bool {
        self.shared.is_stopping()
    }

    /// Stops admitting, leasing and proposing; what is decided still commits, reports still close jobs.
    pub fn stop(&self) {
        self.shared.stopping.store(true, std::sync::atomic::Ordering::Release);
        if let Some(dispatcher) = self.shared.dispatcher.get() {
            // Workers that wait for work hear at once that there is none to come.
            let _ = dispatcher.try_send(WithdrawAll);
        }
        self.shared.leases.wake_held();
    }
}

fn low_bytes(bits: u128) -> [u8; 10] {
    let all = bits.to_be_bytes();
    let mut low = [0; 10];
    low.copy_from_slice(&all[6..]);
    low
}
