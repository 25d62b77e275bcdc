//! Other rules while the dispatcher runs: pools of new catalogs, tiers and caps of a reload.

use std::sync::Arc;

use actix::Handler;
use reeve_queue::{PoolIndex, Settings, SettingsError, TierIndex, WorkspaceFacts};
use reeve_types::{PoolName, WorkspaceId};

use super::actor::DispatcherActor;
use super::message::{Pools, SetRules};
use crate::settings::Rules;

impl DispatcherActor {
    /// Puts pools of a newly published catalog in the queue. This walks every job, and is as rare as that.
    fn set_pools(&mut self, pools: Vec<PoolName>) {
        let settings = self.shared.rules().settings.queue(pools);
        if let Err(refused) = self.reconfigure(settings) {
            tracing::error!(%refused, "the queue refuses the pools of a new catalog");
        }
    }

    /// Puts other rules in force: in the queue, for every workspace, and for decisions. Nothing that waits or runs is
    /// lost, and none changes its place inside its workspace.
    fn set_rules(&mut self, rules: Rules) -> Result<(), SettingsError> {
        let pools = self.queue.settings().pools.iter().map(|pool| pool.name.clone());
        let settings = rules.settings.queue(pools.collect::<Vec<_>>());
        self.reconfigure(settings)?;
        let facts = self
            .known
            .iter()
            .filter_map(|(id, known)| Some((id.clone(), self.in_force(known.facts.as_ref()?, &rules))));
        let facts: Vec<(WorkspaceId, WorkspaceFacts)> = facts.collect();
        for (id, facts) in facts {
            self.set_facts(&id, facts);
        }
        self.shared.put_rules(Arc::new(rules));
        Ok(())
    }

    fn reconfigure(&mut self, settings: Settings) -> Result<(), SettingsError> {
        let old = self.queue.settings().clone();
        if settings == old {
            return Ok(());
        }
        self.queue.reconfigure(settings)?;
        self.gauges.rekey(&old, self.queue.settings());
        // Pools and tiers may have changed places.
        let settings = self.queue.settings();
        let place = |(pool, tier): (PoolIndex, TierIndex)| {
            let pool = old.pools.get(pool.at()).and_then(|pool| settings.pool(&pool.name));
            let tier = old.tiers.get(tier.at()).and_then(|tier| settings.tier(&tier.name));
            (pool.unwrap_or(PoolIndex(0)), tier.unwrap_or(TierIndex(0)))
        };
        for in_flight in self.in_flight.values_mut() {
            in_flight.at = place(in_flight.at);
        }
        for request in self.requests.values_mut() {
            let pools = request.asked.pools.iter();
            request.pools = pools.filter_map(|pool| self.queue.settings().pool(pool)).collect();
        }
        Ok(())
    }
}

impl Handler<Pools> for DispatcherActor {
    type Result = ();

    fn handle(&mut self, Pools(pools): Pools, ctx: &mut Self::Context) {
        self.set_pools(pools);
        self.pump(ctx);
    }
}

impl Handler<SetRules> for DispatcherActor {
    type Result = Result<(), SettingsError>;

    fn handle(&mut self, SetRules(rules): SetRules, ctx: &mut Self::Context) -> Self::Result {
        self.set_rules(*rules)?;
        // A higher cap or another share may make a job eligible that a worker waits for.
        self.pump(ctx);
        Ok(())
    }
}
