//! Ends that are not boundaries: a trial's, and the grace of a term that nobody paid (KV-24, KV-26).

use reeve_credits::catalog::CarryAt;
use reeve_types::{Credits, Millis};

use super::transition::{self, Transition};
use super::{Step, carried, cycle};
use crate::decide::Ctx;
use crate::event::Event;
use crate::state::State;

/// A trial's plan is lent no longer.
pub(super) fn trial(state: &State, ctx: &Ctx<'_>) -> Step {
    let mut next = state.profile.clone();
    let until = next.acting.take().map_or(ctx.now, |acting| acting.until);
    transition::set_tier(&mut next, ctx.catalog, until);
    Step { events: vec![Event::Reprofiled { profile: Box::new(next), told: true }], ..Step::default() }
}

/// Grace is over: as after a cancel.
pub(super) fn grace(state: &State, at: Millis, ctx: &Ctx<'_>) -> Step {
    cancel_now(state, at, ctx)
}

/// The subscription ends at `at` (X24, KV-12).
pub(crate) fn cancel_now(state: &State, at: Millis, ctx: &Ctx<'_>) -> Step {
    let to = transition::free(ctx.catalog);
    let mut transition = Transition::new(state, ctx, (at, ctx.catalog));
    transition.lose(carried(state, (ctx.catalog, &to), (CarryAt::Cancel, at), |_| Credits::ZERO));
    transition.next.standing.past_due = None;
    transition.next.standing.reported = None;
    transition.subscribe(&to);
    if ctx.catalog.change.addon.ends_with_plan {
        transition.next.addons.clear();
    }
    cycle::restart_term(&mut transition.next, ctx.catalog);
    transition.done(true)
}
