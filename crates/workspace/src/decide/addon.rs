//! Units of an add-on: more at once, fewer or none from the next month on (AS-07, AS-08, AS-09, X23).

use reeve_credits::catalog::{AddonName, Catalog, Trigger};
use reeve_types::{Credits, Millis, did_you_mean};

use super::{Ctx, Decision};
use crate::calendar::grants::{Mint, expires_at, one};
use crate::command::SetAddon;
use crate::event::Event;
use crate::execute::Subject;
use crate::profile::{Profile, ScheduledChange, Units};
use crate::refusal::Refusal;
use crate::state::State;

pub(super) fn set(state: &State, set: &SetAddon, ctx: &Ctx<'_>) -> Result<Decision, Refusal> {
    let catalog = ctx.catalog;
    let Some(addon) = catalog.addons.get(&set.addon) else {
        return Err(no_such(&set.addon, catalog));
    };
    if set.units == 0 {
        return cancel(state, &set.addon, ctx);
    }
    if set.units > addon.units_max {
        let detail = format!("`{}` units; there are at most {}", set.units, addon.units_max);
        return Err(Refusal::invalid("/units", detail));
    }
    let plan = &state.profile.subscribed.plan;
    if !addon.plans.contains(plan) {
        let what = format!("addon {}", set.addon);
        return Err(Refusal::NotEntitled { what, plan: plan.clone(), plans: addon.plans.clone() });
    }
    let cancels = |change: &ScheduledChange| *change == ScheduledChange::Cancel;
    if state.profile.scheduled.as_ref().is_some_and(|scheduled| cancels(&scheduled.change)) {
        let detail = format!("plan `{plan}` is cancelled; resume it to buy add-ons");
        return Err(Refusal::NotAllowed { detail });
    }
    let mut next = state.profile.clone();
    let present = next.addons.get(&set.addon).cloned().unwrap_or(Units { units: 0, next: None, granted: 0 });
    let fewer = set.units < present.units;
    let units = Units {
        units: present.units.max(set.units),
        next: fewer.then_some(set.units),
        granted: present.granted.max(set.units),
    };
    let added = set.units.saturating_sub(present.granted);
    next.addons.insert(set.addon.clone(), units);
    let grants = grants(state, (&next, added), &addon.source, ctx);
    Ok(changed(next, grants, ctx.now))
}

/// What the units above the month's highest give at once.
fn grants(
    state: &State,
    (next, added): (&Profile, u32),
    source: &reeve_types::SourceName,
    ctx: &Ctx<'_>,
) -> Vec<Event> {
    let catalog = ctx.catalog;
    let found = catalog.sources.get_key_value(source);
    let Some((name, source)) = found.filter(|(_, source)| source.on.contains(&Trigger::AddonBought)) else {
        return Vec::new();
    };
    let amount =
        one(catalog, source, &next.subscribed).checked_mul(i64::from(added)).unwrap_or(Credits::ZERO);
    if !amount.is_positive() {
        return Vec::new();
    }
    let until = expires_at(catalog, source, next, ctx.now);
    vec![Mint::new(state, catalog).grant((name, source), amount, (ctx.now, until), "add-on bought")]
}

fn no_such(addon: &AddonName, catalog: &Catalog) -> Refusal {
    let hint = did_you_mean(addon.as_str(), catalog.addons.keys().map(AddonName::as_str));
    Refusal::NoSuchAddon { addon: addon.to_string(), hint }
}

/// The units stay until the end of the month and do not come again (AS-08).
pub(super) fn cancel(state: &State, addon: &AddonName, ctx: &Ctx<'_>) -> Result<Decision, Refusal> {
    if !ctx.catalog.addons.contains_key(addon) {
        return Err(no_such(addon, ctx.catalog));
    }
    let mut next = state.profile.clone();
    let Some(units) = next.addons.get_mut(addon) else {
        return Err(Refusal::Conflict { detail: format!("there are no units of `{addon}` to cancel") });
    };
    if units.next == Some(0) {
        return Ok(Decision::about(Subject::Workspace, ctx.now, Vec::new()));
    }
    units.next = Some(0);
    Ok(changed(next, Vec::new(), ctx.now))
}

fn changed(next: Profile, grants: Vec<Event>, now: Millis) -> Decision {
    let mut events = vec![Event::Reprofiled { profile: Box::new(next), told: true }];
    events.extend(grants);
    Decision::about(Subject::Workspace, now, events)
}
