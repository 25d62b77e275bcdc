//! Webhooks: signed deliveries out of the outbox.
//!
//! Called by the composition root, which gives it the ports and hands [`Webhooks`] to the API. What happened is
//! written to the outbox in the commit that did it; from there the courier makes one delivery for each endpoint that
//! hears it, and tries it until it is taken, given up, or the endpoint is gone.
//!
//! Guarantees: each event reaches each endpoint that listens at least once, or is shown as given up; every try of it
//! has the same id and the same body; nothing is sent to an address that is not public, unless the operator allows
//! it; a receiver that is slow or gone delays no other one, and takes no memory.
//!
//! | module | what it is for |
//! |---|---|
//! | `courier` | the task: looks through the outbox, starts tries, records them |
//! | `hearing`, `lane`, `verdict`, `schedule` | its decisions, pure |
//! | `exchange`, `guard` | one request to a receiver, and where it may go |
//! | `secret`, `message` | signatures, ids and bodies |
//! | `desk`, `replay`, `view` | what operators ask for |
//! | `progress` | reports of progress, which are not in the outbox |
//! | `housekeeping`, `figures` | pruning, and what monitoring sees |

mod courier;
mod desk;
mod exchange;
mod figures;
mod guard;
mod hearing;
mod housekeeping;
mod lane;
mod message;
mod office;
mod progress;
mod replay;
mod schedule;
mod secret;
mod settings;
mod task;
mod trying;
mod verdict;
mod view;

use std::sync::Arc;

use reeve_journal::{DeliveryFilter, DeliveryRow, Page};
use reeve_protocol::{
    DeliveriesQuery, DeliveryView, Problem, WebhookCreate, WebhookCreated, WebhookRedeliver,
    WebhookRedelivered, WebhookRotate, WebhookView,
};
use reeve_types::{WebhookId, WorkspaceId};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::courier::Courier;
use crate::desk::{unavailable, whole};
use crate::exchange::Sender;
use crate::guard::Guard;
use crate::office::Office;

pub use desk::Answer;
pub use figures::Figures;
pub use office::{Entropy, Parts};
pub use progress::{ProgressDesk, Report};
pub use settings::Settings;

/// Deliveries of one page, when nothing is said, and at most.
const PAGE: (u32, u32) = (50, 500);

/// Deliveries at work, as the API and the composition root see them; cheap to clone.
#[derive(Clone)]
pub struct Webhooks {
    office: Arc<Office>,
    progress: ProgressDesk,
}

/// Ends the work.
pub struct Work {
    stop: watch::Sender<bool>,
    courier: JoinHandle<()>,
    clerk: JoinHandle<()>,
}

impl Work {
    /// Starts nothing more, waits a moment for tries under way, and records them. The journal must still be open.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        // An error means that the task is gone, which is what is asked for.
        let _ = self.courier.await;
        self.clerk.abort();
    }
}

impl Webhooks {
    /// Starts the work. Must be called within a tokio runtime, which then runs its tasks.
    pub fn start(parts: Parts) -> (Self, Work) {
        let Parts { journal, store, clock, wall, entropy, settings } = parts;
        let (wakes, woken) = mpsc::unbounded_channel();
        let guard = Guard::new(settings.allow_http, settings.allow_addresses.clone());
        let sender = Sender::new(guard, settings.timeout_ms);
        let counters = figures::Counters::default();
        let office =
            Arc::new(Office { journal, store, clock, wall, entropy, settings, sender, counters, wakes });
        let (stop, stopped) = watch::channel(false);
        let (progress, clerk) = ProgressDesk::open(office.clone());
        let courier = task::spawn(Courier::new(office.clone()).run(woken, stopped.clone()));
        let clerk = task::spawn(clerk.run(stopped));
        (Self { office, progress }, Work { stop, courier, clerk })
    }

    /// Where reports of progress are handed in.
    pub const fn progress(&self) -> &ProgressDesk {
        &self.progress
    }

    /// What monitoring may know.
    pub fn figures(&self) -> Figures {
        self.office.counters.read(self.office.clock.now().value())
    }

    /// Whether a text may be the address of deliveries, as far as the text tells.
    ///
    /// # Errors
    /// Why not, naming `pointer`.
    pub fn check_url(&self, pointer: &str, url: &str) -> Answer<()> {
        desk::check_url(&self.office, pointer, url)
    }

    /// Registers an endpoint. Its secret is in this answer and nowhere else.
    ///
    /// # Errors
    /// An address, event or workspace that cannot be; too many endpoints; a store that cannot be reached.
    pub async fn create(&self, body: WebhookCreate) -> Answer<WebhookCreated> {
        whole(desk::create(self.office.clone(), body)).await
    }

    /// Every registered endpoint, in order of id.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn list(&self) -> Answer<Vec<WebhookView>> {
        let rows = self.office.store.endpoints().await.map_err(|error| unavailable(&error))?;
        let now = self.office.clock.now();
        Ok(rows.iter().map(|row| view::endpoint(row, now)).collect())
    }

    /// One endpoint.
    ///
    /// # Errors
    /// There is none, or the store cannot be read.
    pub async fn get(&self, id: WebhookId) -> Answer<WebhookView> {
        let row = desk::endpoint(&self.office, id).await?;
        Ok(view::endpoint(&row, self.office.clock.now()))
    }

    /// Removes an endpoint and its deliveries.
    ///
    /// # Errors
    /// There is none, or the change could not be committed.
    pub async fn delete(&self, id: WebhookId) -> Answer<()> {
        whole(desk::delete(self.office.clone(), id)).await
    }

    /// Removes what is kept for one workspace alone, once that is erased: endpoints that hear of no other, and the log of
    /// what went to addresses its jobs named. Asked again it finds nothing.
    ///
    /// # Errors
    /// The store could not be read, or a change not be committed: ask again.
    pub async fn forget(&self, workspace: WorkspaceId) -> Answer<()> {
        whole(desk::forget(self.office.clone(), workspace)).await
    }

    /// Gives an endpoint a new secret; the old one signs too for a while.
    ///
    /// # Errors
    /// There is no such endpoint, or the change could not be committed.
    pub async fn rotate(&self, id: WebhookId, body: WebhookRotate) -> Answer<WebhookCreated> {
        whole(desk::rotate(self.office.clone(), id, body)).await
    }

    /// The same for what goes to the addresses that jobs of a workspace name; makes the first secret, too. That the
    /// workspace exists is the caller's to see to.
    ///
    /// # Errors
    /// The change could not be committed.
    pub async fn rotate_of_jobs(
        &self,
        workspace: WorkspaceId,
        body: WebhookRotate,
    ) -> Answer<WebhookCreated> {
        whole(desk::rotate_of_jobs(self.office.clone(), workspace, body)).await
    }

    /// Lets a disabled endpoint hear again; what waited goes on.
    ///
    /// # Errors
    /// There is none, or the change could not be committed.
    pub async fn enable(&self, id: WebhookId) -> Answer<WebhookView> {
        whole(desk::enable(self.office.clone(), id)).await
    }

    /// Sends an event that says nothing.
    ///
    /// # Errors
    /// There is no such endpoint, it is disabled, or the change could not be committed.
    pub async fn test(&self, id: WebhookId) -> Answer<WebhookView> {
        whole(desk::test(self.office.clone(), id)).await
    }

    /// Sends one delivery again, or those of a time.
    ///
    /// # Errors
    /// There is no such endpoint or delivery, its event is not kept any more, or it is disabled.
    pub async fn redeliver(&self, id: WebhookId, body: WebhookRedeliver) -> Answer<WebhookRedelivered> {
        whole(desk::redeliver(self.office.clone(), id, body)).await
    }

    /// Deliveries of an endpoint, the newest event first.
    ///
    /// # Errors
    /// There is no such endpoint, the cursor is none, or the store cannot be read.
    pub async fn deliveries(
        &self,
        id: WebhookId,
        query: DeliveriesQuery,
    ) -> Answer<reeve_protocol::Page<DeliveryView>> {
        let DeliveriesQuery { status, since, limit, cursor } = query;
        if cursor.as_deref().is_some_and(|text| text.parse::<i64>().is_err()) {
            let detail = "`cursor` is not one that a list answered with";
            return Err(Box::new(Problem::invalid(detail, Vec::new())));
        }
        let limit = limit.unwrap_or(PAGE.0).clamp(1, PAGE.1);
        let endpoint = desk::endpoint(&self.office, id).await?;
        let filter = DeliveryFilter { state: status.map(view::asked), since: since.map(Into::into) };
        // One more than wanted tells whether there is a next page.
        let page = Page { after: cursor, limit: limit + 1 };
        let rows = self.office.store.deliveries(id, &filter, &page).await;
        let rows = rows.map_err(|error| unavailable(&error))?;
        let shown: Vec<&DeliveryRow> = rows.iter().take(limit as usize).collect();
        let next_cursor = if rows.len() > limit as usize { shown.last() } else { None };
        Ok(reeve_protocol::Page {
            next_cursor: next_cursor.map(|row| row.event.to_string()),
            data: shown.iter().map(|row| view::delivery(row, &endpoint)).collect(),
        })
    }
}
