//! What time will bring if nothing is spent: the next credits, and the balance at a later instant.
//!
//! The same fold as the one that happens, on a copy without jobs, so that a forecast and the truth cannot differ.

use reeve_credits::calendar::{self, Period};
use reeve_credits::catalog::{CapOn, CarryAt, Catalog, Every, Keep, ScopeName, Source, Until};
use reeve_types::{Credits, Millis};

use super::grants::{period_amount, units};
use crate::apply::Gathered;
use crate::command::Meta;
use crate::decide::{Ctx, World};
use crate::execute::{fold_due, fold_step};
use crate::ledger::{Kind, Row};
use crate::state::State;

/// How far a forecast looks ahead, in milliseconds: beyond a year nobody waits.
const AHEAD_MS_MAX: i64 = 400 * 86_400_000;

/// Credits that come by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NextCredit {
    /// When they come.
    pub at: Millis,
    /// How many.
    pub amount: Credits,
}

/// What happens next to a balance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NextChange {
    /// When it happens.
    pub at: Millis,
    /// What the ledger will call it.
    pub kind: Kind,
    /// A size: the kind says the direction.
    pub amount: Credits,
}

/// A workspace without its jobs: what they hold stays held.
fn without_jobs(state: &State) -> State {
    State {
        jobs: Default::default(),
        deadlines: Default::default(),
        purchases: Default::default(),
        paid_lots: Default::default(),
        members: Default::default(),
        profile: state.profile.clone(),
        lots: state.lots.clone(),
        tallies: state.tallies.clone(),
        id: state.id.clone(),
        ..*state
    }
}

/// The workspace as it would be at `at` if nothing were spent until then; as it is for an instant in the past.
pub fn state_at(state: &State, world: &World<'_>, at: Millis) -> State {
    let mut copy = without_jobs(state);
    let world = World { now: at.max(state.last_event_at), dry: true, ..*world };
    let mut gathered = Gathered::default();
    // A step that does not fit is a bug which the next command reports; a forecast stops before it.
    if let Err(broken) = fold_due(&mut copy, &mut gathered, &Meta::default(), &world) {
        debug_assert!(false, "{broken}");
    }
    copy
}

/// The first credits to come of a scope that `pays`.
pub(crate) fn next_credit(
    state: &State,
    ctx: &Ctx<'_>,
    pays: impl Fn(Option<&ScopeName>) -> bool,
) -> Option<NextCredit> {
    let later = state.lots.iter().filter(|lot| lot.effective_at > ctx.now && pays(lot.scope.as_ref()));
    let later = later.min_by_key(|lot| lot.effective_at);
    let later = later.map(|lot| NextCredit { at: lot.effective_at, amount: lot.terms.available });
    // Most denials are of plans that are granted nothing: they are not worth a forecast.
    let profile = &state.profile;
    let comes = |source: &Source| {
        source.every.is_some()
            && pays(source.scope.as_ref())
            && (profile.scheduled.is_some()
                || profile.standing.past_due.is_some()
                || ctx.catalog.plan(&profile.subscribed.plan).is_some_and(|plan| {
                    source.condition.holds(plan, profile.subscribed.interval, profile.identity())
                }))
    };
    if !ctx.catalog.sources.values().any(comes) {
        return later;
    }
    let granted = first_rows(state, ctx.world, |rows| {
        let paying = |row: &&Row| {
            let source = ctx.catalog.source(&row.source);
            row.kind == Kind::Grant && source.is_some_and(|source| pays(source.scope.as_ref()))
        };
        let amounts = rows.iter().filter(paying).map(|row| row.amount);
        let amount = Credits::checked_sum(amounts).unwrap_or(Credits::ZERO);
        let at = rows.first()?.at;
        amount.is_positive().then_some(NextCredit { at, amount })
    });
    [later, granted].into_iter().flatten().min_by_key(|next| next.at)
}

/// The next thing that time does to the balance.
pub fn next_change(state: &State, world: &World<'_>) -> Option<NextChange> {
    first_rows(state, world, |rows| {
        // A renewal that takes and gives is told by what it gives.
        let told = rows.iter().find(|row| row.kind == Kind::Grant).or(rows.first())?;
        let same = rows.iter().filter(|row| row.kind == told.kind).map(|row| row.amount);
        Some(NextChange { at: told.at, kind: told.kind, amount: Credits::checked_sum(same)? })
    })
}

/// Folds a copy instant by instant until `found` says something of the ledger rows of one.
fn first_rows<T>(state: &State, world: &World<'_>, found: impl Fn(&[Row]) -> Option<T>) -> Option<T> {
    let mut copy = without_jobs(state);
    let mut gathered = Gathered::default();
    let until = world.now.plus_ms(AHEAD_MS_MAX);
    while let Some(at) = super::next_at(&copy).filter(|at| *at <= until) {
        let world = World { now: at.max(copy.last_event_at), dry: true, ..*world };
        while fold_step(&mut copy, &mut gathered, &Meta::default(), &world).ok()? {}
        if !gathered.rows.is_empty() {
            if let Some(answer) = found(&gathered.rows) {
                return Some(answer);
            }
            gathered.rows.clear();
        }
        gathered.outbox.clear();
        gathered.effects.clear();
    }
    None
}

/// The first boundary after the next one that would take credits if nothing were spent: by arithmetic, because
/// every change of the balance asks.
pub(crate) fn first_trim_at(state: &State, catalog: &Catalog) -> Option<Millis> {
    let profile = &state.profile;
    let renewals = catalog.carry.iter().filter(|rule| rule.at == CarryAt::Renewal && rule.keep != Keep::All);
    let boundaries = renewals.filter_map(|rule| {
        let lots = state.lots.iter().filter(|lot| rule.sources.contains(&lot.source));
        let unspent = Credits::checked_sum(lots.map(|lot| lot.terms.available))?;
        let lasting = rule.sources.iter().filter_map(|name| Some((name, catalog.source(name)?)));
        let monthly = lasting
            .filter(|(_, source)| source.every == Some(Every::Month) && source.until == Until::Never)
            .map(|(name, source)| {
                let units = units(catalog, profile, name);
                period_amount(catalog, source, &profile.subscribed, (profile.identity(), units))
            });
        let monthly = Credits::checked_sum(monthly)?;
        let cap = super::carry::most_of(rule, catalog, &profile.subscribed);
        let cap = if rule.cap_on == CapOn::Balance { cap.checked_sub(monthly)? } else { cap };
        let room = cap.checked_sub(unspent)?.micros();
        if !monthly.is_positive() || room < 0 {
            return None;
        }
        u32::try_from(room / monthly.micros()).ok()?.checked_add(2)
    });
    let boundary = boundaries.min().filter(|n| *n < 1_200)?;
    Some(calendar::boundary(profile.anchor_at, Period::Month, profile.cycle.months.checked_add(boundary)?))
}
