//! Other settings while the engine runs.

use reeve_queue::SettingsError;

use super::Engine;
use super::start::untiered;
use crate::call::Unavailable;
use crate::dispatcher::SetRules;
use crate::settings::{EngineSettings, Rules};

/// Why settings are not put in force; the old ones stay, all of them.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ReloadRefusal {
    #[error("the queue's settings are refused: {0}")]
    Queue(SettingsError),
    #[error("catalog `{catalog}` puts plan `{plan}` in tier `{tier}`, which is not configured any more")]
    Tier { catalog: String, plan: String, tier: String },
}

impl Engine {
    /// Puts tiers (weights, floors, express shares, caps, backlog limits), retries, default deadlines and the bounds
    /// of cost in force, for the queue and for decisions at once. The rest of the settings stays as started with.
    ///
    /// Nothing queued or running is lost; the order inside each workspace stays. A job keeps the attempts and
    /// deadlines that it was admitted with; a lower cap takes nothing away from what runs.
    ///
    /// # Errors
    /// While stopping; nothing is known to have changed.
    pub async fn reload(&self, wanted: EngineSettings) -> Result<Result<(), ReloadRefusal>, Unavailable> {
        // A publication checks its plans against the tiers, so one at a time with it.
        let _one_at_a_time = self.shared.publishing.lock().await;
        let shelf = self.shelf();
        for book in shelf.iter() {
            if let Some(plan) = untiered(&wanted, book.latest()) {
                let catalog = book.latest().name.to_string();
                let (plan, tier) = (plan.name.to_string(), plan.tier.to_string());
                return Ok(Err(ReloadRefusal::Tier { catalog, plan, tier }));
            }
        }
        let EngineSettings { tiers, retry, defaults, cost_ms_max, cost_ms_default, .. } = wanted;
        let started = self.shared.settings.clone();
        let settings = EngineSettings { tiers, retry, defaults, cost_ms_max, cost_ms_default, ..started };
        let dispatcher = self.shared.dispatcher.get().ok_or(Unavailable::STOPPING)?;
        let set = dispatcher.send(SetRules(Box::new(Rules::new(settings)))).await;
        Ok(set.map_err(|_| Unavailable::STOPPING)?.map_err(ReloadRefusal::Queue))
    }
}
