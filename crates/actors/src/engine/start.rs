//! Putting an engine together, and recovering what the store holds.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, RwLock};

use actix::Actor;
use actix_rt::Arbiter;
use reeve_credits::catalog::{Catalog, Plan};
use reeve_journal::{Journal, Reader, StoreError};
use reeve_queue::{FairQueue, SettingsError};
use reeve_types::CatalogName;
use reeve_workspace::{Book, Shelf};

use super::Engine;
use crate::clock::ClockSource;
use crate::dispatcher::DispatcherActor;
use crate::ends::Ends;
use crate::entropy::Entropy;
use crate::gate::Gate;
use crate::hub::Hub;
use crate::intro_cache::IntroCache;
use crate::leases::Leases;
use crate::recovery;
use crate::registry::{Registry, Room};
use crate::settings::{EngineSettings, Rules};
use crate::shared::{Counters, Shared};
use crate::shelves::{self, CatalogFile, ShelfError};
use crate::time::Monotonic;
use crate::{audit, calendar};

/// What an engine is made of.
pub struct Parts {
    pub settings: EngineSettings,
    /// Published into the store where their version is new; the store's versions are what is in force.
    pub catalogs: Vec<CatalogFile>,
    pub journal: Arc<dyn Journal>,
    pub reader: Arc<dyn Reader>,
    pub clock: ClockSource,
    pub entropy: Arc<dyn Entropy>,
}

/// Why an engine cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("the queue's settings are refused: {0}")]
    Queue(#[from] SettingsError),
    #[error("catalog `{catalog}` puts plan `{plan}` in tier `{tier}`, which is not configured")]
    Tier { catalog: CatalogName, plan: String, tier: String },
    #[error(transparent)]
    Shelf(#[from] ShelfError),
    #[error("the stored jobs cannot be recovered: {0}")]
    Recovery(#[from] StoreError),
}

impl Engine {
    /// Starts an engine. Must be called inside an actix system; answers when everything stored is
    /// in the queue again.
    ///
    /// # Errors
    /// Settings that do not fit the catalogs, or a store that cannot be read.
    pub async fn start(parts: Parts) -> Result<Self, StartError> {
        let Parts { settings, catalogs, journal, reader, clock, entropy } = parts;
        for file in &catalogs {
            check_tiers(&settings, &file.catalog)?;
        }
        catch_up(&clock, &reader).await?;
        shelves::publish_files(&journal, &reader, (&catalogs, clock.now())).await?;
        let shelf = shelves::load(&reader, &parsed(catalogs)).await?;
        for book in shelf.iter() {
            // Older versions may name tiers that are gone: their workspaces stand in the lowest one.
            check_tiers(&settings, book.latest())?;
        }
        let queue = FairQueue::new(settings.queue(shelves::pools(&shelf)))?;
        let arbiters: Vec<Arbiter> = (0..settings.threads.max(1)).map(|_| Arbiter::new()).collect();
        let boot = boot(&clock, &*entropy);
        let monotonic = Monotonic::start();
        let room = Room { actors_max: settings.actors_max, bytes_max: settings.actors_bytes_max };
        let shared = Arc::new(Shared {
            rules: RwLock::new(Arc::new(Rules::new(settings.clone()))),
            shelf: RwLock::new(Arc::new(shelf)),
            publishing: tokio::sync::Mutex::default(),
            advancing: tokio::sync::Mutex::default(),
            journal,
            reader,
            started_at: clock.now(),
            clock,
            entropy,
            runtime: tokio::runtime::Handle::current(),
            monotonic,
            hub: Hub::new(boot),
            leases: Leases::new(settings.leases),
            intros: IntroCache::new(settings.intro_cache_bytes_max),
            ends: Ends::default(),
            registry: Registry::new(arbiters.iter().map(Arbiter::handle).collect(), room, monotonic),
            gate: Gate::new(settings.new_work_max),
            dispatcher: OnceLock::new(),
            job_actors: Mutex::default(),
            dirty: Mutex::default(),
            ready: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
            counters: Counters::default(),
            settings,
        });
        if let Some(arbiter) = arbiters.first() {
            let owner = shared.clone();
            let dispatcher = DispatcherActor::start_in_arbiter(&arbiter.handle(), move |_| {
                DispatcherActor::new(owner, queue)
            });
            let _ = shared.dispatcher.set(dispatcher);
        }
        let recovered = recovery::recover(&shared).await?;
        tracing::info!(queued = recovered.queued, leased = recovered.leased, "recovered");
        calendar::start(&shared);
        audit::start(&shared);
        shared.ready.store(true, Ordering::Release);
        Ok(Self { shared })
    }
}

fn check_tiers(settings: &EngineSettings, catalog: &Catalog) -> Result<(), StartError> {
    match untiered(settings, catalog) {
        None => Ok(()),
        Some(plan) => {
            let (catalog, tier) = (catalog.name.clone(), plan.tier.to_string());
            Err(StartError::Tier { catalog, plan: plan.name.to_string(), tier })
        }
    }
}

/// The first plan whose tier the settings do not know.
pub(super) fn untiered<'a>(settings: &EngineSettings, catalog: &'a Catalog) -> Option<&'a Plan> {
    catalog.plans.iter().find(|plan| !settings.tiers.iter().any(|tier| tier.name == plan.tier))
}

/// A manual clock must not start before what the store has seen: its workspaces would stand still.
async fn catch_up(clock: &ClockSource, reader: &Arc<dyn Reader>) -> Result<(), StoreError> {
    let ClockSource::Manual(clock) = clock else { return Ok(()) };
    // A version published later than now would not be in force yet.
    let published = reader.catalogs().await?.into_iter().map(|row| row.published_at).max();
    if let Some(newest) = reader.newest_at().await?.max(published) {
        clock.advance_to(newest);
    }
    Ok(())
}

/// The files as a shelf, so that their texts are not parsed again.
fn parsed(files: Vec<CatalogFile>) -> Shelf {
    Shelf::new(files.into_iter().map(|file| Book::single(Arc::new(file.catalog))))
}

/// Names this process in the ids of events. A manual clock may show the same instant at two starts.
fn boot(clock: &ClockSource, entropy: &dyn Entropy) -> u64 {
    let now = u64::try_from(clock.now().value()).unwrap_or(0);
    if clock.is_manual() { now ^ (entropy.bits() >> 80) as u64 } else { now }
}
