//! Opening a workspace with the balance that another system kept: its lots as they are, its anchor where it was.

use reeve_credits::lot::{Lot, LotClass, Terms};
use reeve_types::limits::CREDITS_MAX;
use reeve_types::{Credits, WorkspaceId, did_you_mean};

use super::{Ctx, Decision, create, lot_id};
use crate::calendar::{opening_cycle, opening_day, set_period};
use crate::command::{Import, ImportedLot};
use crate::event::{Dated, Event};
use crate::refusal::Refusal;
use crate::state::State;

/// Decides an import: nothing is granted by the catalog, only what is given appears.
pub(crate) fn decide(id: &WorkspaceId, import: &Import, ctx: &Ctx<'_>) -> Result<(State, Decision), Refusal> {
    let (mut state, opened) = create::decide(id, &import.create, ctx)?;
    let anchor = import.anchor_at.unwrap_or(ctx.now);
    if anchor > ctx.now {
        return Err(Refusal::invalid("/anchor_at", "it must not lie in the future"));
    }
    let profile = &mut state.profile;
    let day = opening_day(ctx.catalog, ctx.now, profile.timezone);
    profile.anchor_at = anchor;
    profile.cycle = opening_cycle(anchor, profile.subscribed.interval, ctx.now, day);
    profile.cycle.seats_granted = profile.subscribed.seats;
    set_period(profile, ctx.catalog);
    let mut events = vec![Event::Created(Box::new(profile.clone()))];
    for (n, given) in import.lots.iter().enumerate() {
        let lot = lot(id, given, n, ctx)?;
        events.push(Event::Granted { lot: Box::new(lot), reason: Some("import".into()), job: None });
    }
    let events = events.into_iter().map(|event| Dated { at: ctx.now, event }).collect();
    // What a user gets once counts as had: the claims of a creation are taken, their lots are not granted.
    Ok((state, Decision { events, ..opened }))
}

fn lot(id: &WorkspaceId, given: &ImportedLot, n: usize, ctx: &Ctx<'_>) -> Result<Lot, Refusal> {
    let at = |field: &str| format!("/lots/{n}/{field}");
    let Some(source) = ctx.catalog.source(&given.source) else {
        let names: Vec<&str> = ctx.catalog.sources.keys().map(|name| name.as_str()).collect();
        let near = did_you_mean(given.source.as_str(), names.iter().copied());
        let detail = format!("`{}` is not a source; there are {}{near}", given.source, names.join(", "));
        return Err(Refusal::invalid(&at("source"), detail));
    };
    let largest = Credits::whole(CREDITS_MAX).unwrap_or(Credits::ZERO);
    if !given.amount.is_positive() || given.amount > largest {
        return Err(Refusal::invalid(
            &at("amount"),
            format!("a lot is above 0 and at most {CREDITS_MAX} credits"),
        ));
    }
    let effective_at = given.effective_at.unwrap_or(ctx.now);
    if given.expires_at.is_some_and(|end| end <= ctx.now || end <= effective_at) {
        return Err(Refusal::invalid(&at("expires_at"), "it must lie in the future"));
    }
    Ok(Lot {
        id: lot_id(id, effective_at, n as u64 + 1),
        source: given.source.clone(),
        class: source.class,
        priority: source.priority,
        effective_at,
        expires_at: given.expires_at,
        scope: source.scope.clone(),
        payment: given.payment.clone().filter(|_| source.class == LotClass::Pack),
        catalog_version: ctx.catalog.version,
        granted: given.amount,
        terms: Terms { available: given.amount, ..Terms::default() },
    })
}
