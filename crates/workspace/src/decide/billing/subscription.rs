//! A provider's subscription, followed link by link: each message says how the subscription stood before it.
//!
//! What does not follow from the last one is older (an echo), or early (one between them is still to come).

use std::cmp::Ordering;

use super::super::{Ctx, addon, subscribe};
use super::Story;
use crate::billing::{BillingEvent, Change, Followed, Life, SubscriptionTold};
use crate::command::SetAddon;
use crate::refusal::Refusal;

/// How a message stands to what is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// It follows.
    Next,
    /// Older than what is remembered, or the same.
    Echo,
    /// Another one comes before it.
    Early,
}

pub(super) fn told(
    story: &mut Story,
    (event, told): (&BillingEvent, &SubscriptionTold),
    ctx: &Ctx<'_>,
) -> Result<(), Refusal> {
    let known = story.memory.subscriptions.get(&told.id).cloned();
    match place(known.as_ref(), event, told, story) {
        Place::Echo => return Ok(()),
        Place::Early => {
            let detail =
                format!("subscription `{}` had a change before this one that is not told yet", told.id);
            return Err(Refusal::NotYet { detail });
        }
        Place::Next => {}
    }
    let before = known.filter(|known| known.stand.life == Life::Live);
    match told.stand.life {
        // A closed workspace has no plan to change.
        _ if story.state.profile.closed.is_some() => {}
        Life::Pending => {}
        Life::Live => live(story, before.as_ref(), told, ctx)?,
        Life::Ended => ended(story, before.as_ref(), told, ctx)?,
    }
    let followed = Followed {
        at: event.told_at,
        rank: told.change.rank(),
        stand: told.stand.clone(),
        plan: told.plan.clone(),
        addons: told.addons.clone(),
    };
    story.memory.follow(told.id.clone(), followed);
    Ok(())
}

fn place(known: Option<&Followed>, event: &BillingEvent, told: &SubscriptionTold, story: &Story) -> Place {
    let Some(known) = known else {
        let is_echo = story.memory.forgotten_at.is_some_and(|at| event.told_at <= at);
        let is_first = told.change == Change::Made || event.late;
        return if is_echo {
            Place::Echo
        } else if is_first {
            Place::Next
        } else {
            Place::Early
        };
    };
    let follows = match &told.change {
        Change::Made => false,
        Change::Changed { before } => *before == known.stand,
        Change::Ended => told.stand.items == known.stand.items,
    };
    match (event.told_at, told.change.rank()).cmp(&(known.at, known.rank)) {
        Ordering::Less => Place::Echo,
        Ordering::Equal if told.stand == known.stand => Place::Echo,
        _ if follows => Place::Next,
        // Of two changes in one second that do not follow from each other nobody can say which is newer.
        Ordering::Equal if event.late => Place::Echo,
        Ordering::Greater if event.late => Place::Next,
        _ => Place::Early,
    }
}

fn live(
    story: &mut Story,
    before: Option<&Followed>,
    told: &SubscriptionTold,
    ctx: &Ctx<'_>,
) -> Result<(), Refusal> {
    let was_canceling = before.is_some_and(|before| before.stand.canceling);
    let had = before.and_then(|before| before.plan.as_ref());
    let same_plan = had == told.plan.as_ref();
    if let Some(plan) = &told.plan
        && (!same_plan || was_canceling && !told.stand.canceling)
    {
        // Only then: asking for the present plan would take back what an operator scheduled by hand.
        let decision = subscribe::decide(&story.state, plan, ctx)?;
        story.add(decision);
    }
    // Before a cancel, which bars new units.
    addons(story, before, told, ctx)?;
    let leaves = told.stand.canceling && (!same_plan || !was_canceling) && told.plan.is_some();
    if leaves || (had.is_some() && told.plan.is_none()) {
        cancel_plan(story, ctx)?;
    }
    Ok(())
}

fn addons(
    story: &mut Story,
    before: Option<&Followed>,
    told: &SubscriptionTold,
    ctx: &Ctx<'_>,
) -> Result<(), Refusal> {
    for (name, units) in &told.addons {
        if before.and_then(|before| before.addons.get(name)) != Some(units) {
            let set = SetAddon { addon: name.clone(), units: *units };
            let decision = addon::set(&story.state, &set, ctx)?;
            story.add(decision);
        }
    }
    for name in before.into_iter().flat_map(|before| before.addons.keys()) {
        if !told.addons.contains_key(name) {
            cancel_addon(story, name, ctx)?;
        }
    }
    Ok(())
}

/// What no other live subscription of the provider gives ends, when the catalog says.
fn ended(
    story: &mut Story,
    before: Option<&Followed>,
    told: &SubscriptionTold,
    ctx: &Ctx<'_>,
) -> Result<(), Refusal> {
    // One that was never live, or was not known, gave nothing.
    let Some(before) = before else { return Ok(()) };
    let all = story.memory.subscriptions.iter();
    let others: Vec<Followed> = all
        .filter(|(id, other)| **id != told.id && other.stand.life == Life::Live)
        .map(|(_, other)| other.clone())
        .collect();
    for name in before.addons.keys() {
        if !others.iter().any(|other| other.addons.contains_key(name)) {
            cancel_addon(story, name, ctx)?;
        }
    }
    if before.plan.is_some() && !others.iter().any(|other| other.plan.is_some()) {
        cancel_plan(story, ctx)?;
    }
    Ok(())
}

fn cancel_plan(story: &mut Story, ctx: &Ctx<'_>) -> Result<(), Refusal> {
    let plan = &story.state.profile.subscribed.plan;
    // Left already: at the end of the period, or by hand.
    if !ctx.catalog.plan(plan).is_some_and(|plan| plan.paid) {
        return Ok(());
    }
    let decision = subscribe::cancel(&story.state, ctx)?;
    story.add(decision);
    Ok(())
}

fn cancel_addon(
    story: &mut Story,
    name: &reeve_credits::catalog::AddonName,
    ctx: &Ctx<'_>,
) -> Result<(), Refusal> {
    if !story.state.profile.addons.contains_key(name) || !ctx.catalog.addons.contains_key(name) {
        return Ok(());
    }
    let decision = addon::cancel(&story.state, name, ctx)?;
    story.add(decision);
    Ok(())
}
