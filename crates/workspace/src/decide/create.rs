//! Opening a workspace: its plan, its calendar, and what the catalog grants at once.

use std::collections::BTreeSet;

use reeve_credits::catalog::{Catalog, Every};
use reeve_credits::lot::{Lot, Terms};
use reeve_credits::opening::{GrantOrder, OpeningFacts, OpeningRefusal, opening_grants};
use reeve_types::{Credits, WorkspaceId, did_you_mean};
use rustc_hash::FxHashMap;

use super::{Ctx, Decision, lot_id};
use crate::broken::{self, Switch};
use crate::calendar::{DayClaims, Step, opening_cycle, opening_day, set_period};
use crate::claim::Claim;
use crate::command::Create;
use crate::event::Event;
use crate::execute::Subject;
use crate::ledger::genesis;
use crate::member::Tallies;
use crate::profile::{Profile, Standing, Subscribed};
use crate::refusal::Refusal;
use crate::state::State;

/// Decides a creation: the empty workspace, and the events that fill it.
pub(crate) fn decide(id: &WorkspaceId, create: &Create, ctx: &Ctx<'_>) -> Result<(State, Decision), Refusal> {
    let profile = profile(create, ctx)?;
    let orders = opening(id, &profile, ctx.catalog)?;
    let mut state = State {
        id: id.clone(),
        version: 0,
        profile,
        lots: Vec::new(),
        paid_lots: Default::default(),
        debt: Credits::ZERO,
        purchases: Default::default(),
        members: Default::default(),
        tallies: Tallies {
            free_date: None,
            free_jobs: 0,
            full: Credits::ZERO,
            // Nothing has crossed a threshold before there was anything.
            told: u32::MAX,
            told_to: ctx.now,
        },
        jobs: FxHashMap::default(),
        running: 0,
        admitted: 0,
        lots_made: 0,
        chain: genesis(id),
        last_event_at: ctx.now,
        deadlines: BTreeSet::new(),
        outward_at: None,
    };
    let mut step = Step::default();
    let mut grants = Vec::new();
    for order in orders.iter().filter(|order| order.amount.is_positive()) {
        if may_grant(&mut step, &mut state, order, ctx) {
            let n = state.lots_made + grants.len() as u64 + 1;
            grants.push(grant(lot(id, order, n, ctx.catalog.version), "opening grant"));
        }
    }
    if orders.iter().any(|order| order.every == Some(Every::Day))
        && let Some(day) = &mut state.profile.cycle.day
    {
        day.granted = Some(day.date);
    }
    let mut events = vec![Event::Created(Box::new(state.profile.clone()))];
    events.extend(grants);
    let decision = Decision::about(Subject::Workspace, ctx.now, events);
    Ok((state, Decision { claims: step.claims, ..decision }))
}

/// X14: what the user had before, with another workspace, is left out; that is no refusal either.
fn may_grant(step: &mut Step, state: &mut State, order: &GrantOrder, ctx: &Ctx<'_>) -> bool {
    if !order.once {
        return true;
    }
    if let (Some(Every::Day), Some(day)) = (order.every, state.profile.cycle.day) {
        let mut next = state.profile.clone();
        let granted = DayClaims::of(state, ctx).take(step, &mut next, (&order.source, day.date));
        state.profile = next;
        return granted;
    }
    let claim = Claim::grant(order.key.as_str());
    let taken = ctx.taken_by(&claim).is_some();
    let free = !taken || broken::is(Switch::OnceIgnoresClaim);
    if !taken {
        step.claims.push(claim);
    }
    free
}

fn profile(create: &Create, ctx: &Ctx<'_>) -> Result<Profile, Refusal> {
    let catalog = ctx.catalog;
    let plan = match &create.plan {
        None => catalog.default_plan(),
        Some(name) => catalog.plan(name).ok_or_else(|| {
            let names: Vec<&str> = catalog.plans.iter().map(|plan| plan.name.as_str()).collect();
            let near = did_you_mean(name.as_str(), names.iter().copied());
            let detail =
                format!("`{name}` is not a plan of `{}`; it has {}{near}", catalog.name, names.join(", "));
            Refusal::invalid("/plan", detail)
        })?,
    };
    let allotment = plan
        .allotment(create.allotment)
        .map_err(|refusal| Refusal::invalid("/allotment", refusal.to_string()))?;
    let subscribed =
        Subscribed { plan: plan.name.clone(), allotment, interval: create.interval, seats: create.seats };
    let day = opening_day(catalog, ctx.now, create.timezone);
    let cycle = opening_cycle(ctx.now, create.interval, ctx.now, day);
    let mut profile = Profile {
        name: create.name.clone(),
        catalog: catalog.name.clone(),
        catalog_version: catalog.version,
        subscribed,
        timezone: create.timezone,
        owner: create.owner.clone(),
        tier: plan.tier.clone(),
        concurrency_max: plan.max_concurrent,
        concurrency_override: None,
        paused: false,
        created_at: ctx.now,
        anchor_at: ctx.now,
        period_start: cycle.month_start,
        period_end: cycle.month_end,
        cycle,
        scheduled: None,
        standing: Standing { paid_ever: plan.paid, ..Standing::default() },
        addons: Default::default(),
        acting: None,
        crossings: Vec::new(),
        daily: Default::default(),
        metadata: create.metadata.clone(),
        billing: None,
        disputes: Default::default(),
        closed: None,
    };
    profile.cycle.seats_granted = create.seats;
    set_period(&mut profile, catalog);
    Ok(profile)
}

fn opening(id: &WorkspaceId, profile: &Profile, catalog: &Catalog) -> Result<Vec<GrantOrder>, Refusal> {
    let owner = profile.owner.as_ref();
    let facts = OpeningFacts {
        plan: &profile.subscribed.plan,
        allotment: profile.subscribed.allotment,
        interval: profile.subscribed.interval,
        seats: profile.subscribed.seats,
        identity: owner.and_then(|owner| owner.identity.as_deref()),
        timezone: profile.timezone,
        workspace: id,
        owner_user: owner.map(|owner| &*owner.user),
        anchor: profile.anchor_at,
    };
    opening_grants(catalog, &facts)
        .map_err(|refusal| Refusal::invalid(pointer(&refusal), refusal.to_string()))
}

/// The request's field that a refusal is about.
pub(super) const fn pointer(refusal: &OpeningRefusal) -> &'static str {
    match refusal {
        OpeningRefusal::UnknownPlan { .. } => "/plan",
        OpeningRefusal::Allotment(_) | OpeningRefusal::TooLarge { .. } => "/allotment",
        OpeningRefusal::IntervalNotOffered { .. } => "/interval",
        OpeningRefusal::Seats { .. } => "/seats",
    }
}

/// The lot that a grant order makes.
fn lot(workspace: &WorkspaceId, order: &GrantOrder, n: u64, version: u32) -> Lot {
    Lot {
        id: lot_id(workspace, order.effective_at, n),
        source: order.source.clone(),
        class: order.class,
        priority: order.priority,
        effective_at: order.effective_at,
        expires_at: order.expires_at,
        scope: order.scope.clone(),
        payment: None,
        catalog_version: version,
        granted: order.amount,
        terms: Terms { available: order.amount, ..Terms::default() },
    }
}

fn grant(lot: Lot, why: &str) -> Event {
    Event::Granted { lot: Box::new(lot), reason: super::reason(why), job: None }
}
