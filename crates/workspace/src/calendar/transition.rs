//! One change of a subscription, put together: what is lost, what the old plan's lots become, the profile after it,
//! what is granted. Boundaries, upgrades, late payments and ends all go through it, so that none forgets a part.

use reeve_credits::catalog::{AddonName, Catalog, Every, Existing, Interval, OnConvert, OnPlanExit, Source};
use reeve_credits::lot::{Lot, LotClass, Retired};
use reeve_types::{Millis, SourceName};

use super::grants::{Mint, Starts, period_grants};
use super::{DayClaims, Lost, Step, day};
use crate::decide::Ctx;
use crate::event::Event;
use crate::profile::{Profile, Subscribed};
use crate::state::State;

/// A change under way, at one instant.
pub(crate) struct Transition<'a> {
    state: &'a State,
    ctx: &'a Ctx<'a>,
    /// The catalog after it.
    catalog: &'a Catalog,
    at: Millis,
    /// The profile after it.
    pub next: Profile,
    pub mint: Mint<'a>,
    step: Step,
    grants: Vec<Event>,
}

impl<'a> Transition<'a> {
    pub(crate) fn new(state: &'a State, ctx: &'a Ctx<'a>, (at, catalog): (Millis, &'a Catalog)) -> Self {
        let next = state.profile.clone();
        let mint = Mint::new(state, catalog);
        Self { state, ctx, catalog, at, next, mint, step: Step::default(), grants: Vec::new() }
    }

    /// What carry rules take.
    pub(crate) fn lose(&mut self, lost: Lost) {
        self.step.events.extend(lost.events);
        self.next.crossings.extend(lost.crossings);
    }

    /// Base and unit lots of the old plan end, where the change says so (X22).
    pub(crate) fn end_existing(&mut self, how: Existing) {
        let periodic = |lot: &&Lot| matches!(lot.class, LotClass::Plan | LotClass::Addon);
        if how == Existing::Expire {
            let lots = self.state.lots.iter().filter(periodic);
            lots.for_each(|lot| end(&mut self.step, lot, self.at, (Retired::Expired, "upgrade")));
        }
    }

    /// Puts `to` in the place of the present subscription. The cycle is the caller's.
    pub(crate) fn subscribe(&mut self, to: &Subscribed) {
        let leaves = self.next.subscribed.plan != to.plan;
        if leaves {
            self.exit(to);
        }
        self.next.scheduled = None;
        self.next.subscribed = to.clone();
        if self.catalog.plan(&to.plan).is_some_and(|plan| plan.paid) {
            self.next.standing.paid_ever = true;
            self.convert_trial();
        }
        let sold = |addon: &AddonName| {
            self.catalog.addons.get(addon).is_some_and(|addon| addon.plans.contains(&to.plan))
        };
        self.next.addons.retain(|addon, _| sold(addon));
        set_tier(&mut self.next, self.catalog, self.at);
        if leaves {
            let daily =
                day::entered(&mut self.step, (self.state, &mut self.next, &mut self.mint), self.at, self.ctx);
            self.grants.extend(daily);
        }
    }

    /// Grants what the periods that start now come with.
    pub(crate) fn grant_periods(&mut self, starts: Starts, why: &str) {
        let grants = period_grants((&mut self.mint, &self.next), starts, self.at, why);
        self.grants.extend(grants);
    }

    /// Adds grants that the caller made.
    pub(crate) fn grant(&mut self, grants: impl IntoIterator<Item = Event>) {
        self.grants.extend(grants);
    }

    /// Everything that happened: losses, the profile, grants.
    pub(crate) fn done(mut self, told: bool) -> Step {
        self.step.events.push(Event::Reprofiled { profile: Box::new(self.next), told });
        self.step.events.extend(self.grants);
        self.step
    }

    /// Lots that come with the plan that is left, and say so, end with it (KR-07).
    fn exit(&mut self, to: &Subscribed) {
        let plan = self.catalog.plan(&to.plan);
        let stays = |source: &Source| {
            plan.is_some_and(|plan| source.condition.holds(plan, to.interval, self.next.identity()))
        };
        let sources = self.ctx.catalog.sources.iter();
        let left: Vec<&SourceName> = sources
            .filter(|(_, source)| source.on_plan_exit == OnPlanExit::Forfeit && !stays(source))
            .map(|(name, _)| name)
            .collect();
        let lots = self.state.lots.iter().filter(|lot| left.contains(&&lot.source));
        lots.for_each(|lot| end(&mut self.step, lot, self.at, (Retired::Forfeited, "plan left")));
        let lost: Vec<SourceName> =
            self.next.daily.iter().filter(|name| left.contains(name)).cloned().collect();
        for name in lost {
            DayClaims::of(self.state, self.ctx).give_up(&mut self.step, &name);
            self.next.daily.remove(&name);
        }
    }

    /// A trial's lot when the workspace starts to pay (KV-24).
    fn convert_trial(&mut self) {
        let expires = |lot: &&Lot| {
            let source = self.catalog.source(&lot.source);
            source.is_some_and(|source| source.on_convert == Some(OnConvert::Expire))
        };
        for lot in self.state.lots.iter().filter(expires) {
            end(&mut self.step, lot, self.at, (Retired::Expired, "plan bought"));
            self.next.acting = None;
        }
    }
}

/// What a cancel leads to (X24).
pub(crate) fn free(catalog: &Catalog) -> Subscribed {
    let plan = catalog.default_plan();
    Subscribed {
        plan: plan.name.clone(),
        allotment: plan.allotment(None).ok().flatten(),
        interval: plan.intervals.first().copied().unwrap_or(Interval::Month),
        seats: 1,
    }
}

/// Makes a subscription one that the catalog sells, if it can be: an allotment that is sold no more becomes the
/// plan's smallest. False when there is no such plan or term; then nothing is changed.
pub(crate) fn fit(subscribed: &mut Subscribed, catalog: &Catalog) -> bool {
    let Some(plan) = catalog.plan(&subscribed.plan) else { return false };
    if !plan.intervals.contains(&subscribed.interval) {
        return false;
    }
    if plan.allotment(subscribed.allotment).is_err() {
        subscribed.allotment = plan.allotment(None).ok().flatten();
    }
    true
}

/// Tier and running cap of the plan that holds at `at`.
pub(crate) fn set_tier(profile: &mut Profile, catalog: &Catalog, at: Millis) {
    let Some(plan) = catalog.plan(profile.effective_plan(catalog, at)) else { return };
    profile.tier = plan.tier.clone();
    profile.concurrency_max = profile.concurrency_override.or(plan.max_concurrent);
}

/// A lot ends at `at`: the unheld rest goes now, what is held follows when it is released (X4).
pub(crate) fn end(step: &mut Step, lot: &Lot, at: Millis, (how, why): (Retired, &str)) {
    if lot.is_expired(at) {
        return;
    }
    if lot.terms.available.is_positive() {
        let reason = Some(why.into());
        step.events.push(Event::Retired { lot: lot.id, amount: lot.terms.available, how, reason });
    }
    step.events.push(Event::Curtailed { lot: lot.id, expires_at: at });
}

/// True when a source grants by the day to such a subscription.
pub(super) fn grants_daily(catalog: &Catalog, source: &Source, profile: &Profile) -> bool {
    source.every == Some(Every::Day)
        && catalog
            .plan(&profile.subscribed.plan)
            .is_some_and(|plan| source.condition.holds(plan, profile.subscribed.interval, profile.identity()))
}
