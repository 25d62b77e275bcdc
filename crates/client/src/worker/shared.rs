//! What the tasks of one worker share: the lease table and a way to stop each piece of work.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use reeve_protocol::{HeartbeatAnswer, HeartbeatRequest, LeaseView};
use reeve_types::LeaseId;
use tokio::sync::{Notify, watch};

use super::table::LeaseTable;
use super::{Performer, Stop, WorkerSettings};
use crate::Client;

/// Shared by the poller, the heartbeat and the attempts. The lock is never held over an await.
pub(super) struct Shared {
    pub(super) client: Client,
    pub(super) settings: WorkerSettings,
    pub(super) performer: Arc<dyn Performer>,
    book: Mutex<Book>,
    /// A slot came free, or a drain ended: the poller may ask again.
    pub(super) slot_freed: Notify,
    /// Leases came: the heartbeat may be due earlier.
    pub(super) accepted: Notify,
}

struct Book {
    table: LeaseTable,
    stops: BTreeMap<LeaseId, watch::Sender<Option<Stop>>>,
}

impl Shared {
    pub(super) fn new(client: Client, settings: WorkerSettings, performer: Arc<dyn Performer>) -> Self {
        let book = Book { table: LeaseTable::new(settings.slots), stops: BTreeMap::new() };
        Self {
            client,
            settings,
            performer,
            book: Mutex::new(book),
            slot_freed: Notify::new(),
            accepted: Notify::new(),
        }
    }

    /// No code between lock and unlock can leave the book half-changed, so a panic elsewhere does not spoil it.
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn wanted(&self) -> u32 {
        self.book().table.wanted()
    }

    /// Takes granted leases; returns those to work on, each with its way to be stopped.
    pub(super) fn accept(&self, leases: Vec<LeaseView>) -> Vec<(LeaseView, watch::Receiver<Option<Stop>>)> {
        let mut book = self.book();
        let mut taken = Vec::with_capacity(leases.len());
        for view in leases {
            let heartbeat_ms = u64::try_from(view.heartbeat_seconds.seconds_to_ms()).unwrap_or(0);
            if !book.table.accept(view.lease, heartbeat_ms) {
                tracing::warn!(lease = %view.lease, "a lease came that has no place here; it goes back");
                continue;
            }
            let (stop, stopped) = watch::channel(None);
            book.stops.insert(view.lease, stop);
            taken.push((view, stopped));
        }
        drop(book);
        self.accepted.notify_one();
        taken
    }

    pub(super) fn heartbeat_ms(&self, idle_ms: u64) -> Option<u64> {
        self.book().table.heartbeat_ms(idle_ms)
    }

    pub(super) fn heartbeat_request(&self) -> HeartbeatRequest {
        let leases = self.book().table.held();
        HeartbeatRequest {
            worker: self.settings.name.clone(),
            session: self.settings.session.clone(),
            leases,
        }
    }

    /// Takes a heartbeat's answer and stops what it says.
    pub(super) fn heard(&self, answer: &HeartbeatAnswer) {
        let mut book = self.book();
        for (lease, stop) in book.table.heard(answer) {
            book.tell(lease, stop);
        }
        drop(book);
        self.slot_freed.notify_one();
    }

    /// One lease is gone or cancelled, as another call's answer said.
    pub(super) fn stop(&self, lease: LeaseId, stop: Stop) {
        let mut book = self.book();
        if stop == Stop::Lost {
            book.table.lose(lease);
        }
        book.tell(lease, stop);
    }

    /// Leaves a lease alone: it is no longer listed, so it comes back to the queue.
    pub(super) fn abandon(&self, lease: LeaseId) {
        self.book().table.lose(lease);
    }

    pub(super) fn finish(&self, lease: LeaseId) {
        let mut book = self.book();
        book.table.finish(lease);
        book.stops.remove(&lease);
        drop(book);
        self.slot_freed.notify_one();
    }

    pub(super) fn stop_leasing(&self) {
        self.book().table.stop();
    }

    pub(super) fn stop_all(&self, stop: Stop) {
        let mut book = self.book();
        let leases: Vec<LeaseId> = book.stops.keys().copied().collect();
        for lease in leases {
            book.tell(lease, stop);
        }
    }
}

impl Book {
    /// Tells one piece of work to stop. A lost lease outweighs every other reason: nothing can be delivered any more.
    fn tell(&mut self, lease: LeaseId, stop: Stop) {
        if let Some(sender) = self.stops.get(&lease) {
            sender.send_if_modified(|told| {
                let news = told.is_none() || (stop == Stop::Lost && *told != Some(Stop::Lost));
                if news {
                    *told = Some(stop);
                }
                news
            });
        }
    }
}
