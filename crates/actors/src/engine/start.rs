//! Putting an engine together, and recovering what the store holds.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use actix::Actor;
use actix_rt::Arbiter;
use reeve_journal::{Journal, Reader, StoreError};
use reeve_queue::{FairQueue, SettingsError};
use reeve_types::{CatalogName, Clock};

use super::Engine;
use crate::calendar;
use crate::catalogs::Catalogs;
use crate::dispatcher::DispatcherActor;
use crate::entropy::Entropy;
use crate::hub::Hub;
use crate::intro_cache::IntroCache;
use crate::leases::Leases;
use crate::recovery;
use crate::registry::Registry;
use crate::settings::EngineSettings;
use crate::shared::{Counters, Shared};
use crate::time::Monotonic;

/// What an engine is made of.
pub struct Parts {
    pub settings: EngineSettings,
    pub catalogs: Catalogs,
    pub journal: Arc<dyn Journal>,
    pub reader: Arc<dyn Reader>,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
}

/// Why an engine cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("the queue's settings are refused: {0}")]
    Queue(#[from] SettingsError),
    #[error("catalog `{catalog}` puts plan `{plan}` in tier `{tier}`, which is not configured")]
    Tier { catalog: CatalogName, plan: String, tier: String },
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
        check_tiers(&settings, &catalogs)?;
        let queue = FairQueue::new(settings.queue(catalogs.pools()))?;
        let arbiters: Vec<Arbiter> = (0..settings.threads.max(1)).map(|_| Arbiter::new()).collect();
        let boot = u64::try_from(clock.now().value()).unwrap_or(0);
        let shared = Arc::new(Shared {
            tiers: settings.tier_rules(),
            catalogs,
            journal,
            reader,
            clock,
            entropy,
            runtime: tokio::runtime::Handle::current(),
            monotonic: Monotonic::start(),
            hub: Hub::new(boot),
            leases: Leases::new(settings.leases),
            intros: IntroCache::new(settings.intro_cache_bytes_max),
            registry: Registry::new(arbiters.iter().map(Arbiter::handle).collect()),
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
        shared.ready.store(true, Ordering::Release);
        Ok(Self { shared })
    }
}

fn check_tiers(settings: &EngineSettings, catalogs: &Catalogs) -> Result<(), StartError> {
    for catalog in catalogs.iter() {
        for plan in &catalog.plans {
            if !settings.tiers.iter().any(|tier| tier.name == plan.tier) {
                let (catalog, plan, tier) =
                    (catalog.name.clone(), plan.name.to_string(), plan.tier.to_string());
                return Err(StartError::Tier { catalog, plan, tier });
            }
        }
    }
    Ok(())
}
