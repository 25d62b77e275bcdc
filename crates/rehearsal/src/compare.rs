//! How an answer differs from what was expected, in the words of the file.
//!
//! Values are compared as the texts that they are written as, so that a difference reads like the example.

use std::fmt::Display;

use reeve_credits::lot::Lot;
use reeve_types::{Credits, Millis, WorkspaceId};
use reeve_workspace::{
    Kind, ScheduledChange, State, WorkspaceStatus, next_change, refund_proposal, state_at,
};

use crate::act::{Answer, Outcome, Rehearsal};
use crate::format::{Expect, Instant, LotSaid};
use crate::refused::Refused;
use crate::world::Life;

/// Judges one step's answer.
///
/// # Errors
/// The first difference.
pub(crate) fn compare(rehearsal: &Rehearsal, answer: &Answer, expect: &Expect) -> Result<(), String> {
    if *expect == Expect::default() {
        return Err("the expectation says nothing".to_owned());
    }
    let refused = match &answer.outcome {
        Outcome::Refused(refused) => Some(&**refused),
        _ => None,
    };
    refusal(expect, refused)?;
    price(rehearsal, answer, expect)?;
    job(rehearsal, answer, expect)?;
    purchase(answer, expect)?;
    happened(answer, expect)?;
    let life = || {
        let found = rehearsal.world().life(&answer.workspace);
        found.ok_or_else(|| format!("there is no workspace `{}`", answer.workspace))
    };
    keys(rehearsal, expect)?;
    if !looks_at_workspace(expect) {
        return Ok(());
    }
    let life = life()?;
    grants(life, expect)?;
    let view = rehearsal.world().view();
    let at = expect.as_of.map_or(rehearsal.world().clock(), |at| at.0);
    let state = state_at(&life.state, &view, at);
    balance(&state, at, expect)?;
    subscription(&state, expect)?;
    ahead(rehearsal, &life.state, expect)
}

/// Fields about a workspace, for steps that may have none.
fn looks_at_workspace(expect: &Expect) -> bool {
    let nothing = Expect {
        refused: expect.refused.clone(),
        detail: expect.detail.clone(),
        pointers: expect.pointers.clone(),
        plans: expect.plans.clone(),
        keys: expect.keys.clone(),
        ..Expect::default()
    };
    nothing != *expect
}

/// A value that is said must be found, and be the same.
fn same(
    name: impl Display,
    expected: Option<impl Display>,
    found: Option<impl Display>,
) -> Result<(), String> {
    let Some(expected) = expected.map(|expected| expected.to_string()) else { return Ok(()) };
    match found.map(|found| found.to_string()) {
        Some(found) if found == expected => Ok(()),
        Some(found) => Err(format!("{name}: expected {expected}, found {found}")),
        None => Err(format!("{name}: expected {expected}, found none")),
    }
}

fn at(instant: Option<Instant>) -> Option<Millis> {
    instant.map(|instant| instant.0)
}

fn list<T: Display>(values: impl IntoIterator<Item = T>) -> String {
    let texts: Vec<String> = values.into_iter().map(|value| value.to_string()).collect();
    format!("[{}]", texts.join(", "))
}

fn sorted(texts: &[String]) -> Vec<String> {
    let mut texts = texts.to_owned();
    texts.sort();
    texts
}

fn refusal(expect: &Expect, refused: Option<&Refused>) -> Result<(), String> {
    same("refused", expect.refused.as_ref(), refused.map(|refused| refused.code))?;
    if let Some(part) = &expect.detail {
        let found = refused.map(|refused| refused.detail.as_str()).unwrap_or_default();
        if !found.contains(part.as_str()) {
            return Err(format!("detail: expected a text with `{part}`, found `{found}`"));
        }
    }
    let of = |field: fn(&Refused) -> Option<Credits>| refused.and_then(field);
    let pointers = expect.pointers.as_deref().map(|said| list(sorted(said)));
    same("pointers", pointers, refused.map(|refused| list(sorted(&refused.pointers))))?;
    same("plans", expect.plans.as_ref().map(list), refused.map(|refused| list(&refused.plans)))?;
    same("required", expect.required, of(|refused| refused.required))?;
    same("remedies", expect.remedies.as_ref().map(list), refused.map(|refused| list(&refused.remedies)))?;
    if let Some(said) = &expect.cheapest {
        let found = refused.and_then(|refused| refused.cheapest.as_deref()).unwrap_or("none");
        // A kind alone is enough where the figure does not matter.
        let kind = found.split(' ').next().unwrap_or_default();
        same("cheapest", Some(said), Some(if said.contains(' ') { found } else { kind }))?;
    }
    let next = refused.and_then(|refused| refused.next_credit);
    same("next_credit_at", at(expect.next_credit_at), next.map(|(at, _)| at))?;
    same("next_credit_amount", expect.next_credit_amount, next.map(|(_, amount)| amount))?;
    same("limit", expect.limit, of(|refused| refused.limit))?;
    same("used", expect.used, of(|refused| refused.used))?;
    same("pending", expect.pending, of(|refused| refused.pending))?;
    same("resets_at", at(expect.resets_at), refused.and_then(|refused| refused.resets_at))
}

fn price(rehearsal: &Rehearsal, answer: &Answer, expect: &Expect) -> Result<(), String> {
    let life = rehearsal.world().life(&answer.workspace);
    let (credits, outputs, lines, missing) = match &answer.outcome {
        Outcome::Quoted(quoted) => {
            (Some(quoted.credits), Some(quoted.outputs), Some(list(&quoted.lines)), Some(quoted.missing))
        }
        Outcome::Job(id) => {
            let quote = life.and_then(|life| life.jobs.get(id)).map(|(intro, _)| &intro.quote);
            let lines = quote.map(|quote| list(quote.lines.iter().map(|line| line.credits)));
            (quote.map(|quote| quote.credits), quote.map(|quote| quote.outputs), lines, None)
        }
        Outcome::Purchase(row) => (Some(row.credits), None, None, None),
        Outcome::Refused(refused) => (refused.credits, None, None, refused.missing),
        Outcome::Done => (None, None, None, None),
    };
    same("credits", expect.credits, credits)?;
    same("outputs", expect.outputs, outputs)?;
    same("lines", expect.lines.as_ref().map(list), lines)?;
    same("missing", expect.missing, missing)
}

fn job(rehearsal: &Rehearsal, answer: &Answer, expect: &Expect) -> Result<(), String> {
    // A step that is about no job may still look at what became of the latest one.
    let id = match &answer.outcome {
        Outcome::Job(id) => Some(*id),
        _ => rehearsal.latest_job(&answer.workspace),
    };
    let found = |id| rehearsal.world().lives().find_map(|(_, life)| life.jobs.get(&id));
    let state = id.and_then(found).map(|(_, state)| state);
    same("job", expect.job.as_ref(), state.map(|state| state.status.as_str()))?;
    same("settled", expect.settled, state.map(|state| state.settled))?;
    same("released", expect.released, state.map(|state| state.released))?;
    same("attempt", expect.attempt, state.map(|state| state.attempt))
}

fn purchase(answer: &Answer, expect: &Expect) -> Result<(), String> {
    let row = match &answer.outcome {
        Outcome::Purchase(row) => Some(row),
        _ => None,
    };
    same("purchase", expect.purchase.as_ref(), row.map(|row| row.status.as_str()))?;
    same("clawed_back", expect.clawed_back, row.map(|row| row.clawed_back))?;
    same("unrecovered", expect.unrecovered, row.map(|row| row.unrecovered))
}

/// What the step wrote and told.
fn happened(answer: &Answer, expect: &Expect) -> Result<(), String> {
    let told = answer.outbox.iter().filter_map(|row| notice(row.kind));
    same("notices", expect.notices.as_ref().map(list), Some(list(told)))?;
    let rows = answer.rows.iter().map(|row| format!("{} {}", row.kind.as_str(), row.amount));
    same("ledger", expect.ledger.as_ref().map(list), Some(list(rows)))
}

/// The short name of a notice; `None` for other things that are told.
pub(crate) fn notice(kind: &str) -> Option<&str> {
    match kind {
        "credits.granted" => None,
        "subscription.renewing" => Some("renewing"),
        kind => kind.strip_prefix("credits."),
    }
}

fn keys(rehearsal: &Rehearsal, expect: &Expect) -> Result<(), String> {
    let claims = rehearsal.world().claims().filter(|(claim, _)| &*claim.scope == "grant");
    same("keys", expect.keys.as_ref().map(list), Some(list(claims.map(|(claim, _)| &claim.key))))
}

fn grants(life: &Life, expect: &Expect) -> Result<(), String> {
    for (source, said) in &expect.grants {
        let rows = life.rows.iter().filter(|row| row.kind == Kind::Grant && row.source == *source);
        same(format_args!("grants.{source}"), Some(said), Some(rows.count()))?;
    }
    Ok(())
}

fn balance(state: &State, now: Millis, expect: &Expect) -> Result<(), String> {
    let (available, held) = (state.available(now), state.held());
    same("available", expect.available, Some(available))?;
    same("held", expect.held, Some(held))?;
    same("balance", expect.balance, available.checked_add(held))?;
    same("debt", expect.debt, Some(state.debt))?;
    match &expect.lots {
        Some(said) => lots(said, state),
        None => Ok(()),
    }
}

fn lots(said: &[LotSaid], state: &State) -> Result<(), String> {
    let mut lots: Vec<&Lot> = state.lots.iter().filter(|lot| !lot.is_spent()).collect();
    lots.sort_by_key(|lot| (lot.source.clone(), lot.effective_at, lot.id));
    let expected = list(said.iter().map(|lot| &lot.source));
    same("lots", Some(expected), Some(list(lots.iter().map(|lot| &lot.source))))?;
    for (n, (said, lot)) in said.iter().zip(lots).enumerate() {
        let name = |field: &str| format!("lots[{n}].{field} ({})", said.source);
        let until = crate::format::End(lot.expires_at);
        same(name("amount"), said.amount, Some(lot.granted))?;
        same(name("available"), said.available, Some(lot.terms.available))?;
        same(name("held"), said.held, Some(lot.terms.held))?;
        same(name("class"), said.class.map(|class| class.as_str()), Some(lot.class.as_str()))?;
        same(name("until"), said.until, Some(until))?;
        same(name("scope"), said.scope.as_ref(), lot.scope.as_ref())?;
        same(name("version"), said.version, Some(lot.catalog_version))?;
    }
    Ok(())
}

fn subscription(state: &State, expect: &Expect) -> Result<(), String> {
    let profile = &state.profile;
    let subscribed = &profile.subscribed;
    let status = match profile.status() {
        WorkspaceStatus::Active => "active",
        WorkspaceStatus::Canceling => "canceling",
        WorkspaceStatus::PastDue => "past_due",
        WorkspaceStatus::Closed => "closed",
    };
    let scheduled = match profile.scheduled.as_ref().map(|scheduled| &scheduled.change) {
        None => "none",
        Some(ScheduledChange::Cancel) => "cancel",
        Some(ScheduledChange::To(to)) => to.plan.as_str(),
    };
    same("plan", expect.plan.as_ref(), Some(&subscribed.plan))?;
    same("allotment", expect.allotment, subscribed.allotment)?;
    same("interval", expect.interval, Some(subscribed.interval))?;
    same("seats", expect.seats, Some(subscribed.seats))?;
    same("status", expect.status.as_ref(), Some(status))?;
    same("tier", expect.tier.as_ref(), Some(&profile.tier))?;
    same("version", expect.version, Some(profile.catalog_version))?;
    same("anchor_at", at(expect.anchor_at), Some(profile.anchor_at))?;
    same("period_start", at(expect.period_start), Some(profile.period_start))?;
    same("period_end", at(expect.period_end), Some(profile.period_end))?;
    same("term_end", at(expect.term_end), Some(profile.cycle.term_end))?;
    same("scheduled", expect.scheduled.as_ref(), Some(scheduled))?;
    same("units", expect.units, Some(profile.addons.values().map(|units| units.units).sum::<u32>()))
}

/// What time would bring, and what a refund would be.
fn ahead(rehearsal: &Rehearsal, state: &State, expect: &Expect) -> Result<(), String> {
    let view = rehearsal.world().view();
    if expect.next_at.is_some() || expect.next_amount.is_some() || expect.next_what.is_some() {
        let next = next_change(state, &view);
        same("next_at", at(expect.next_at), next.map(|next| next.at))?;
        same("next_amount", expect.next_amount, next.map(|next| next.amount))?;
        same("next_what", expect.next_what.as_ref(), next.map(|next| next.kind.as_str()))?;
    }
    if expect.unused_months.is_some() || expect.of_months.is_some() || expect.credits_to_retire.is_some() {
        let proposal = refund_proposal(state, &view);
        same("unused_months", expect.unused_months, proposal.map(|proposal| proposal.unused_months))?;
        same("of_months", expect.of_months, proposal.map(|proposal| proposal.of_months))?;
        same(
            "credits_to_retire",
            expect.credits_to_retire,
            proposal.map(|proposal| proposal.credits_to_retire),
        )?;
    }
    Ok(())
}

/// The name of a workspace for differences; empty for the one that everything is about.
pub(crate) fn whose(rehearsal: &Rehearsal, workspace: &WorkspaceId) -> String {
    if workspace == rehearsal.main() { String::new() } else { format!(" in {workspace}") }
}
