//! Opening a workspace: its plan, its calendar, and what the catalog grants at once.

use std::collections::BTreeSet;
use std::sync::Arc;

use reeve_credits::calendar::{self, Period};
use reeve_credits::catalog::{Catalog, Interval, PeriodInYear};
use reeve_credits::lot::{Lot, Terms};
use reeve_credits::opening::{GrantOrder, OpeningFacts, OpeningRefusal, opening_grants};
use reeve_types::{Credits, Millis, WorkspaceId};
use rustc_hash::FxHashMap;

use super::{Ctx, Decision, lot_id};
use crate::claim::Claim;
use crate::command::Create;
use crate::event::Event;
use crate::execute::Subject;
use crate::ledger::genesis;
use crate::refusal::Refusal;
use crate::state::{Profile, State, WorkspaceStatus};

/// Decides a creation: the empty workspace, and the events that fill it.
pub(crate) fn decide(id: &WorkspaceId, create: &Create, ctx: &Ctx<'_>) -> Result<(State, Decision), Refusal> {
    let profile = profile(create, ctx)?;
    let orders = opening(id, &profile, ctx.catalog)?;
    let mut state = State {
        id: id.clone(),
        version: 0,
        profile,
        lots: Vec::new(),
        debt: Credits::ZERO,
        jobs: FxHashMap::default(),
        running: 0,
        admitted: 0,
        lots_made: 0,
        chain: genesis(id),
        last_event_at: ctx.now,
        deadlines: BTreeSet::new(),
    };
    let mut events = vec![Event::Created(Box::new(state.profile.clone()))];
    let mut claims = Vec::new();
    for order in orders.iter().filter(|order| order.amount.is_positive()) {
        let claim = Claim::grant(order.key.as_str());
        if order.once {
            // X14: the user had it before, with another workspace. No grant, and no refusal either.
            if ctx.taken_by(&claim).is_some() {
                continue;
            }
            claims.push(claim);
        }
        let n = state.lots_made + events.len() as u64;
        events.push(grant(lot(id, order, n, ctx.catalog.version, None), "opening grant"));
    }
    state.last_event_at = ctx.now;
    let decision = Decision::about(Subject::Workspace, ctx.now, events);
    Ok((state, Decision { claims, ..decision }))
}

fn profile(create: &Create, ctx: &Ctx<'_>) -> Result<Profile, Refusal> {
    let catalog = ctx.catalog;
    let plan = match &create.plan {
        None => catalog.default_plan(),
        Some(name) => catalog.plan(name).ok_or_else(|| {
            let names: Vec<&str> = catalog.plans.iter().map(|plan| plan.name.as_str()).collect();
            let detail = format!("`{name}` is not a plan of `{}`; it has {}", catalog.name, names.join(", "));
            Refusal::invalid("/plan", detail)
        })?,
    };
    let allotment = plan
        .allotment(create.allotment)
        .map_err(|refusal| Refusal::invalid("/allotment", refusal.to_string()))?;
    let (period_start, period_end) = period(catalog, create.interval, ctx.now, ctx.now);
    Ok(Profile {
        name: create.name.clone(),
        catalog: catalog.name.clone(),
        catalog_version: catalog.version,
        plan: plan.name.clone(),
        allotment,
        interval: create.interval,
        seats: create.seats,
        timezone: create.timezone,
        owner: create.owner.clone(),
        status: WorkspaceStatus::Active,
        tier: plan.tier.clone(),
        concurrency_max: plan.max_concurrent,
        paused: false,
        created_at: ctx.now,
        anchor_at: ctx.now,
        period_start,
        period_end,
        metadata: create.metadata.clone(),
    })
}

/// The billing period that `t` lies in.
fn period(catalog: &Catalog, interval: Interval, anchor: Millis, t: Millis) -> (Millis, Millis) {
    let period = match (interval, catalog.billing.period_in_year) {
        (Interval::Year, PeriodInYear::Year) => Period::Year,
        _ => Period::Month,
    };
    let at = calendar::period_at(anchor, period, t);
    (at.start, at.end)
}

fn opening(id: &WorkspaceId, profile: &Profile, catalog: &Catalog) -> Result<Vec<GrantOrder>, Refusal> {
    let owner = profile.owner.as_ref();
    let facts = OpeningFacts {
        plan: &profile.plan,
        allotment: profile.allotment,
        interval: profile.interval,
        seats: profile.seats,
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
const fn pointer(refusal: &OpeningRefusal) -> &'static str {
    match refusal {
        OpeningRefusal::UnknownPlan { .. } => "/plan",
        OpeningRefusal::Allotment(_) | OpeningRefusal::TooLarge { .. } => "/allotment",
        OpeningRefusal::IntervalNotOffered { .. } => "/interval",
        OpeningRefusal::Seats { .. } => "/seats",
    }
}

/// The lot that a grant order makes.
pub(super) fn lot(
    workspace: &WorkspaceId,
    order: &GrantOrder,
    n: u64,
    version: u32,
    payment: Option<Arc<str>>,
) -> Lot {
    Lot {
        id: lot_id(workspace, order.effective_at, n),
        source: order.source.clone(),
        class: order.class,
        priority: order.priority,
        effective_at: order.effective_at,
        expires_at: order.expires_at,
        scope: order.scope.clone(),
        payment,
        catalog_version: version,
        granted: order.amount,
        terms: Terms { available: order.amount, ..Terms::default() },
    }
}

fn grant(lot: Lot, why: &str) -> Event {
    Event::Granted { lot: Box::new(lot), reason: super::reason(why), debt_paid: Credits::ZERO, job: None }
}
