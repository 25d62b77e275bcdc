//! Checks of sources: that each can grant, that what it grants can be kept for as long as it says.

use reeve_types::SourceName;

use super::plans::check_plan_list;
use super::{Findings, Least, table};
use crate::catalog::{Allotment, Amount, Catalog, Every, PerCount, Pool, Source, Subject, Trigger, Until};

pub(super) fn check(catalog: &Catalog, findings: &mut Findings) {
    for (name, source) in &catalog.sources {
        let at = table("source", name);
        check_when(source, &at, findings);
        check_amount(catalog, name, source, &at, findings);
        check_until(source, &at, findings);
        check_plan_list(catalog, source.condition.plan.as_ref(), &format!("{at}.if.plan"), findings);
        if let Some(scope) = source.scope.as_ref().filter(|scope| !catalog.scopes.contains_key(*scope)) {
            findings.no_such(format!("{at}.scope"), "scope", scope.as_str(), catalog.scope_names());
        }
        if let Some(plan) = source.acts_as.as_ref().filter(|plan| catalog.plan(plan).is_none()) {
            findings.no_such(format!("{at}.acts_as"), "plan", plan.as_str(), catalog.plan_names());
        }
        let names_identity =
            source.condition.identity.as_ref().is_none_or(|identities| !identities.is_empty());
        findings.require(
            names_identity,
            format!("{at}.if.identity"),
            "names no identity; leave it out to mean any",
        );
    }
}

fn check_when(source: &Source, at: &str, findings: &mut Findings) {
    let ever = source.once.is_some() || source.every.is_some() || !source.on.is_empty();
    findings.require(ever, at, "never grants: say `once`, `every` or `on`");
    let both = source.once.is_some() && source.every.is_some();
    findings.require(!both, format!("{at}.once"), "cannot stand with `every`");
    let has_friend = source.on.contains(&Trigger::FriendSignedUp);
    let by_friend = source.once == Some(Subject::Friend) || source.subject == Subject::Friend;
    findings.require(
        !by_friend || has_friend,
        format!("{at}.once"),
        "`friend` needs `on = [\"friend_signed_up\"]`",
    );
    let trial = source.on.contains(&Trigger::TrialStarted);
    let fields = source.on_convert.is_some() || source.acts_as.is_some();
    findings.require(
        trial || !fields,
        format!("{at}.on_convert"),
        "`on_convert` and `acts_as` are for `on = [\"trial_started\"]`",
    );
    let pooled = source.pool == Pool::Workspace || source.per == Some(PerCount::Seat);
    findings.require(pooled, format!("{at}.pool"), "`seat` is for what is granted `per = \"seat\"`");
    let exits = source.on_plan_exit == crate::catalog::OnPlanExit::Keep || source.condition.plan.is_some();
    findings.require(exits, format!("{at}.on_plan_exit"), "needs `if.plan`: which plan is left is not said");
}

fn check_amount(catalog: &Catalog, name: &SourceName, source: &Source, at: &str, findings: &mut Findings) {
    let key = format!("{at}.amount");
    match &source.amount {
        Amount::Fixed(amount) => findings.require_amount(*amount, Least::AboveZero, &key),
        Amount::Allotment => {
            let none = catalog.plans.iter().find(|plan| {
                plan.allotment == Allotment::None
                    && plan.intervals.iter().any(|i| source.condition.holds(plan, *i, None))
            });
            if let Some(plan) = none {
                findings.add(
                    &key,
                    format_args!("plan `{}` has no allotment, and the condition lets it pass", plan.name),
                );
            }
        }
        Amount::Purchased => {
            let bought =
                [Trigger::PaymentConfirmed, Trigger::Promotion].iter().any(|on| source.on.contains(on));
            findings.require(bought, &key, "`purchased` needs `on` with `payment_confirmed` or `promotion`");
        }
        Amount::ByPlan(amounts) => {
            for (plan, amount) in amounts {
                findings.require_amount(*amount, Least::AboveZero, format!("{key}.{plan}"));
                if catalog.plan(plan).is_none() {
                    findings.no_such(format!("{key}.{plan}"), "plan", plan.as_str(), catalog.plan_names());
                }
            }
            findings.require(!amounts.is_empty(), &key, "names no plan");
        }
    }
    let multiplied = source.times != 1 || source.times_year.is_some();
    findings.require(
        !multiplied || source.amount == Amount::Allotment,
        format!("{at}.times"),
        "multiplies an allotment only",
    );
    findings.require(
        source.times > 0 && source.times_year != Some(0),
        format!("{at}.times"),
        "must be above zero",
    );
    if let Some(min) = source.min {
        findings.require_amount(min, Least::AboveZero, format!("{at}.min"));
        findings.require(
            source.amount == Amount::Purchased,
            format!("{at}.min"),
            "is a smallest purchase; the amount is not `purchased`",
        );
    }
    let units =
        source.per != Some(PerCount::Unit) || catalog.addons.values().any(|addon| addon.source == *name);
    findings.require(units, format!("{at}.per"), "no add-on sells units of this source");
}

/// A lot that could never reach its end, or would end before it starts, is a mistake.
fn check_until(source: &Source, at: &str, findings: &mut Findings) {
    let key = format!("{at}.until");
    let daily = source.every == Some(Every::Day);
    match source.until {
        Until::DayEnd => findings.require(daily, key, "`day_end` needs `every = \"day\"`"),
        Until::PeriodEnd if daily => {
            findings.add(key, "a daily source ends with `day_end`, `after` or `never`")
        }
        Until::PeriodEnd | Until::TermEnd => {
            findings.require(source.once.is_none(), key, "what is granted once does not belong to a period");
        }
        Until::Never | Until::After { .. } => {}
    }
}
