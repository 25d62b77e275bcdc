//! The courier: one task that looks through the outbox, starts tries, and records what came of them.
//!
//! | step | reads | writes |
//! |---|---|---|
//! | look | outbox after the cursor, endpoints | deliveries and the cursor, in one transaction |
//! | start | due deliveries of each lane | nothing |
//! | try (a task each) | the event's job | nothing |
//! | record | nothing | tries and endpoints' health, in the next transaction |
//! | prune | the oldest rows | removes a few of them |
//!
//! Everything it writes waits for one transaction at most every [`WRITE_MS`], so that live commands meet at most a few
//! of them a second. A kill at any moment loses no event: what was not looked through is looked through again, and a
//! try that was not recorded is made again under the same id.

mod lanes;
mod look;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use reeve_faults::{self as faults, Law, Point};
use reeve_journal::{
    CommitOutcome, DeliveryRow, EndpointHealth, PlatformChange, StoreError, WebhookChange, WebhookStep,
};
use reeve_types::WebhookId;
use tokio::sync::{mpsc, watch};

use crate::hearing::Heard;
use crate::housekeeping::Housekeeping;
use crate::lane::Lane;
use crate::office::{Office, Wake};
use crate::task::{self, Mark};
use crate::trying::Tried;

/// How often it looks whether there is something to do.
const TICK_MS: u64 = 50;
/// Between two transactions.
const WRITE_MS: u64 = 50;
/// The same while the journal has much to do: what customers wait for comes first.
const WRITE_BUSY_MS: u64 = 500;
/// Changes that wait in a journal that has much to do.
const BUSY_CHANGES: usize = 64;
/// Tries that are recorded at a time.
const RECORD_MAX: usize = 500;
/// A cursor that moved over rows that nobody hears of is written this late: it can be found again.
const CURSOR_MS: u64 = 10_000;
/// Pause after the store could not be read.
const STORE_RETRY_MS: u64 = 500;
/// How long tries under way may end when the server stops.
const STOP_MS_MAX: u64 = 2_000;

/// What came of a look at the outbox, until it is written.
struct Looked {
    heard: Heard,
    cursor: i64,
}

/// The task's own state.
pub(crate) struct Courier {
    office: Arc<Office>,
    lanes: BTreeMap<WebhookId, Lane>,
    running: usize,
    /// Everything up to this row was looked through.
    cursor: i64,
    cursor_written: (i64, Mark),
    /// Commits of the journal when the outbox was last looked at.
    commits: Option<u64>,
    looked: Option<Looked>,
    /// Endpoints of job addresses that are known to be there.
    of_jobs: HashSet<WebhookId>,
    /// Tries whose outcome is not written yet.
    done: Vec<DeliveryRow>,
    health: Vec<EndpointHealth>,
    written: Mark,
    /// Where the next round of lanes begins, so that none is always last.
    turn: usize,
    housekeeping: Housekeeping,
    results: (mpsc::UnboundedSender<Tried>, mpsc::UnboundedReceiver<Tried>),
}

impl Courier {
    pub(crate) fn new(office: Arc<Office>) -> Self {
        Self {
            office,
            lanes: BTreeMap::new(),
            running: 0,
            cursor: 0,
            cursor_written: (0, Mark::now()),
            commits: None,
            looked: None,
            of_jobs: HashSet::new(),
            done: Vec::new(),
            health: Vec::new(),
            written: Mark::now(),
            turn: 0,
            housekeeping: Housekeeping::default(),
            results: mpsc::unbounded_channel(),
        }
    }

    /// Works until told to stop; then records what is under way.
    pub(crate) async fn run(mut self, mut wakes: mpsc::UnboundedReceiver<Wake>, stop: watch::Receiver<bool>) {
        let mut stopped = stop.clone();
        if !self.begin(&stop).await {
            return;
        }
        while !*stop.borrow() {
            self.round().await;
            tokio::select! {
                () = told(&mut stopped) => break,
                Some(tried) = self.results.1.recv() => self.ended(tried),
                Some(wake) = wakes.recv() => self.woken(wake),
                () = task::sleep_ms(TICK_MS) => {}
            }
        }
        self.end().await;
    }

    /// Finds out where it stood; false when it was told to stop before.
    async fn begin(&mut self, stop: &watch::Receiver<bool>) -> bool {
        while !*stop.borrow() {
            match self.recover().await {
                Ok(()) => return true,
                Err(error) => {
                    tracing::warn!(%error, "webhooks wait for the store");
                    task::sleep_ms(STORE_RETRY_MS).await;
                }
            }
        }
        false
    }

    async fn recover(&mut self) -> Result<(), StoreError> {
        self.cursor = self.office.store.outbox_state().await?.cursor;
        self.cursor_written = (self.cursor, Mark::now());
        for id in self.office.store.waiting().await? {
            self.lanes.insert(id, Lane::default());
        }
        Ok(())
    }

    /// One look at everything. An error of the store ends it early and is no loss: the next round begins anew.
    async fn round(&mut self) {
        while let Ok(tried) = self.results.1.try_recv() {
            self.ended(tried);
        }
        let round = async {
            self.look().await?;
            self.housekeeping.look(&self.office, self.cursor).await?;
            self.write().await;
            self.load().await
        };
        if let Err(error) = round.await {
            tracing::warn!(%error, "webhooks wait for the store");
            task::sleep_ms(STORE_RETRY_MS).await;
        }
        self.start();
        self.lanes.retain(|_, lane| !lane.is_idle());
    }

    fn woken(&mut self, wake: Wake) {
        match wake {
            Wake::Outbox => self.commits = None,
            Wake::Lane(id) => self.lanes.entry(id).or_default().wake(),
        }
    }

    /// Writes what there is to write, if the last time is long enough ago.
    async fn write(&mut self) {
        let cursor_moved = self.cursor > self.cursor_written.0;
        let cursor_is_late = cursor_moved && self.cursor_written.1.elapsed_ms() >= CURSOR_MS;
        let nothing = self.looked.is_none() && self.done.is_empty() && self.health.is_empty();
        if nothing && !cursor_is_late && !self.housekeeping.has_work() {
            return;
        }
        let is_busy = self.office.journal.health().depth > BUSY_CHANGES;
        if self.written.elapsed_ms() < if is_busy { WRITE_BUSY_MS } else { WRITE_MS } {
            return;
        }
        let cursor = self.looked.as_ref().map_or(self.cursor, |looked| looked.cursor);
        let done = self.done.len().min(RECORD_MAX);
        let is_told = !faults::is_broken(Law::DeliveriesWithCursor);
        let deliveries =
            self.looked.as_ref().filter(|_| is_told).map(|looked| looked.heard.deliveries.clone());
        let step = WebhookStep {
            endpoints: self.looked.as_ref().map(|l| l.heard.endpoints.clone()).unwrap_or_default(),
            deliveries: deliveries.unwrap_or_default(),
            again: Vec::new(),
            attempts: self.done.iter().take(done).cloned().collect(),
            health: self.health.clone(),
            cursor: (cursor > self.cursor_written.0).then_some(cursor),
            prune: self.housekeeping.take(),
        };
        self.written = Mark::now();
        if self.looked.is_some() {
            faults::pass(Point::WebhookBeforeClaim);
        }
        match self.office.commit(WebhookChange::Step(Box::new(step))).await {
            CommitOutcome::Durable => self.wrote(cursor, done),
            // Nothing of it is lost: the same goes again, and what was written already stays as it is.
            outcome => tracing::warn!(?outcome, "webhooks could not be recorded yet"),
        }
    }

    fn wrote(&mut self, cursor: i64, done: usize) {
        self.cursor = cursor;
        self.cursor_written = (cursor, Mark::now());
        self.health.clear();
        if let Some(Looked { heard, .. }) = self.looked.take() {
            faults::pass(Point::WebhookAfterClaim);
            self.of_jobs.extend(heard.endpoints.iter().map(|endpoint| endpoint.id));
            for row in &heard.deliveries {
                self.lanes.entry(row.webhook).or_default().wake_open();
            }
        }
        if done > 0 {
            faults::pass(Point::WebhookNoted);
        }
        for row in self.done.drain(..done) {
            if let Some(lane) = self.lanes.get_mut(&row.webhook) {
                lane.recorded(row.event);
                if let Some(at) = row.due_at {
                    lane.due_at(at);
                }
            }
        }
    }

    /// Lets tries under way end for a moment and records them.
    async fn end(mut self) {
        let since = Mark::now();
        while self.running > 0 {
            let left_ms = STOP_MS_MAX.saturating_sub(since.elapsed_ms());
            match task::within_ms(left_ms, self.results.1.recv()).await {
                Some(Some(tried)) => self.ended(tried),
                _ => break,
            }
        }
        let attempts = self.done.to_vec();
        let cursor = (self.cursor > self.cursor_written.0).then_some(self.cursor);
        let step = WebhookStep { attempts, health: self.health, cursor, ..WebhookStep::default() };
        if !step.is_empty() {
            self.office.commit(WebhookChange::Step(Box::new(step))).await;
        }
    }
}

/// Resolves when it is told to stop, or when nobody can tell any more.
async fn told(stop: &mut watch::Receiver<bool>) {
    drop(stop.wait_for(|stop| *stop).await);
}

impl Office {
    /// Writes a change; everything that is not an outcome is one that may go again.
    pub(crate) async fn commit(&self, change: WebhookChange) -> CommitOutcome {
        match self.journal.submit_platform(PlatformChange::Webhook(change)) {
            Ok(outcome) => outcome.await.unwrap_or(CommitOutcome::Unknown),
            Err(_) => CommitOutcome::Unknown,
        }
    }
}
