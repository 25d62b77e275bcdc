//! Checks of carry, change, limit, order, charge, refund and alert.

use std::collections::BTreeSet;

use reeve_types::SourceName;

use super::{Findings, Least, repeated};
use crate::catalog::{
    Alert, AlertKind, Anchor, Carry, Catalog, Change, Disposition, Existing, GrantOnChange, Keep, Limit,
    LimitAction, LimitWhat, LimitWho, OrderKey, Outcome, When, Window,
};

pub(super) fn check(catalog: &Catalog, findings: &mut Findings) {
    for (n, carry) in catalog.carry.iter().enumerate() {
        check_carry(catalog, carry, &format!("carry[{n}]"), findings);
    }
    check_overlap(catalog, findings);
    check_change(catalog, findings);
    let mut names = BTreeSet::new();
    let twins: BTreeSet<&str> =
        catalog.limits.iter().map(|limit| &*limit.name).filter(|name| !names.insert(*name)).collect();
    for (n, limit) in catalog.limits.iter().enumerate() {
        let at = format!("limit[{n}]");
        let alone = !twins.contains(&*limit.name);
        findings.require(
            alone,
            format!("{at}.name"),
            format_args!("`{}` is the name of another limit too", limit.name),
        );
        check_limit(catalog, limit, &at, findings);
    }
    check_order(catalog, findings);
    check_charge(catalog, findings);
    findings.require(
        catalog.refund.window_seconds != Some(0),
        "refund.window_seconds",
        "leave it out to refund never",
    );
    for (n, alert) in catalog.alerts.iter().enumerate() {
        check_alert(alert, &format!("alert[{n}]"), findings);
    }
}

fn check_carry(catalog: &Catalog, carry: &Carry, at: &str, findings: &mut Findings) {
    findings.require(!carry.sources.is_empty(), format!("{at}.sources"), "names no source");
    for source in carry.sources.iter().filter(|source| !catalog.sources.contains_key(*source)) {
        findings.no_such(format!("{at}.sources"), "source", source.as_str(), catalog.source_names());
    }
    if let Some(source) = repeated(&carry.sources) {
        findings.add(format!("{at}.sources"), format_args!("names source `{source}` twice"));
    }
    let key = format!("{at}.max");
    match (carry.keep, &carry.max) {
        (Keep::Max, None) => findings.add(&key, "is missing: `keep = \"max\"` needs a cap"),
        (Keep::None | Keep::All, Some(_)) => findings.add(&key, "is only for `keep = \"max\"`"),
        (Keep::None | Keep::All, None) => {}
        (Keep::Max, Some(max)) => {
            findings.require(
                max.allotments.is_some() != max.credits.is_some(),
                &key,
                "says either `allotments` or `credits`",
            );
            let negative = max.allotments.is_some_and(|times| times.micros() < 0);
            findings.require(!negative, format!("{key}.allotments"), "is negative");
            if let Some(credits) = max.credits {
                findings.require_amount(credits, Least::Zero, format!("{key}.credits"));
            }
        }
    }
    if let Some(trim) = &carry.trim {
        let sorted = |list: &[SourceName]| {
            let mut list = list.to_vec();
            list.sort();
            list
        };
        let same = sorted(trim) == sorted(&carry.sources);
        findings.require(same, format!("{at}.trim"), "must be the sources of this rule, each once");
    }
}

/// Two rules for one source at one boundary would trim it twice.
fn check_overlap(catalog: &Catalog, findings: &mut Findings) {
    let mut ruled = BTreeSet::new();
    for (n, carry) in catalog.carry.iter().enumerate() {
        let own: BTreeSet<_> = carry.sources.iter().map(|source| (carry.at, source)).collect();
        for (_, source) in own.intersection(&ruled) {
            findings.add(
                format!("carry[{n}].sources"),
                format_args!("source `{source}` has a rule for this boundary already"),
            );
        }
        ruled.extend(own);
    }
}

fn check_change(catalog: &Catalog, findings: &mut Findings) {
    let change = &catalog.change;
    let all = [("upgrade", &change.upgrade), ("downgrade", &change.downgrade), ("cancel", &change.cancel)];
    for (name, transition) in all {
        // A cancel leads to the default plan, whose periods grant what they grant.
        let at_once = transition.when == When::Now && name != "cancel";
        let grants = transition.grant == GrantOnChange::None || at_once;
        findings.require(
            grants,
            format!("change.{name}.grant"),
            "what takes effect at a boundary is granted by the boundary",
        );
        let resets = transition.anchor == Anchor::Reset && !at_once;
        findings.require(
            !resets,
            format!("change.{name}.anchor"),
            "`reset` is for a change `when = \"now\"`",
        );
        let expires = transition.existing == Existing::Expire && !at_once;
        findings.require(
            !expires,
            format!("change.{name}.existing"),
            "`expire` is for a change `when = \"now\"`; at a boundary `carry` and `until` say what ends",
        );
        let regrants = transition.regrant_units && !at_once;
        findings.require(
            !regrants,
            format!("change.{name}.regrant_units"),
            "is for a change `when = \"now\"`; a boundary grants units anyway",
        );
    }
    check_parts(change, findings);
}

/// Seats and add-ons: what cannot be honoured is refused, or a catalog would promise it.
fn check_parts(change: &Change, findings: &mut Findings) {
    let removes = change.seats.removed != When::Now || change.downgrade.when == When::Now;
    findings.require(
        removes,
        "change.seats.removed",
        "`now` is only honoured where a downgrade is `now` too",
    );
    findings.require(
        change.addon.cancel == When::PeriodEnd,
        "change.addon.cancel",
        "only `period_end` is honoured: units are granted by the month and end with it",
    );
}

fn check_limit(catalog: &Catalog, limit: &Limit, at: &str, findings: &mut Findings) {
    findings.require(!limit.name.is_empty(), format!("{at}.name"), "is empty");
    let amount = &limit.amount;
    let said = [amount.allotments.is_some(), amount.credits.is_some(), amount.count.is_some()];
    let key = format!("{at}.amount");
    findings.require(
        said.iter().filter(|said| **said).count() == 1,
        &key,
        "says one of `allotments`, `credits`, `count`",
    );
    let counted = matches!(limit.what, LimitWhat::Concurrency | LimitWhat::FreeJobs);
    findings.require(
        amount.count.is_none() || counted,
        &key,
        "`count` is for jobs; credits have `credits` or `allotments`",
    );
    findings.require(amount.count.is_some() || !counted, &key, "jobs are limited by `count`");
    let negative = amount.allotments.is_some_and(|times| times.micros() < 0);
    findings.require(!negative, format!("{key}.allotments"), "is negative");
    if let Some(credits) = amount.credits {
        findings.require_amount(credits, Least::Zero, format!("{key}.credits"));
    }
    if let Some(source) = limit.source.as_ref().filter(|source| !catalog.sources.contains_key(*source)) {
        findings.no_such(format!("{at}.source"), "source", source.as_str(), catalog.source_names());
    }
    for action in limit.actions.iter().flatten().filter(|action| catalog.action(action).is_none()) {
        findings.no_such(format!("{at}.actions"), "action", action.as_str(), catalog.action_names());
    }
    check_enforced(limit, at, findings);
    let purchase = limit.what == LimitWhat::Purchase;
    findings.require(
        purchase != limit.count.is_empty(),
        format!("{at}.count"),
        "says which payments count: for `purchase`, and only there",
    );
    let momentary = matches!(limit.what, LimitWhat::Balance | LimitWhat::Concurrency);
    findings.require(
        momentary == (limit.window == Window::Now),
        format!("{at}.window"),
        "`now` is for balances and concurrency, and nothing else is",
    );
}

/// What parses is enforced: a ceiling that nothing looks at would only look like one.
fn check_enforced(limit: &Limit, at: &str, findings: &mut Findings) {
    findings.require(
        matches!(limit.what, LimitWhat::Purchase | LimitWhat::FreeJobs),
        format!("{at}.what"),
        "is not enforced by this version: `purchase` and `free_jobs` are",
    );
    findings.require(
        limit.who == LimitWho::Workspace,
        format!("{at}.who"),
        "is not enforced by this version: a catalog limits the workspace, a member's limit is set for each",
    );
    findings.require(
        limit.then == LimitAction::Block,
        format!("{at}.then"),
        "is not enforced by this version: a limit blocks",
    );
    findings.require(
        limit.actions.is_none(),
        format!("{at}.actions"),
        "is not enforced by this version: the limit is on all of them",
    );
    findings.require(
        limit.what != LimitWhat::FreeJobs || limit.window == Window::Day,
        format!("{at}.window"),
        "is not enforced by this version: free jobs are counted by the `day`",
    );
}

fn check_order(catalog: &Catalog, findings: &mut Findings) {
    let keys = catalog.order.keys();
    findings.require(
        keys.last() == Some(&OrderKey::Id),
        "order",
        "must end with `id`, or two lots could tie",
    );
    findings.require(repeated(keys).is_none(), "order", "names a key twice");
}

fn check_charge(catalog: &Catalog, findings: &mut Findings) {
    for outcome in Outcome::ALL.iter().filter(|outcome| !catalog.charge.outcome.contains_key(outcome)) {
        findings.add("charge.outcome", format_args!("has no row for `{outcome}`"));
    }
    // What is settled is settled by the close that landed it: no other outcome has anything to charge for.
    for outcome in Outcome::ALL {
        let wanted = if outcome == Outcome::Success { Disposition::Charge } else { Disposition::Release };
        let said = catalog.charge.outcome.get(&outcome).is_none_or(|said| *said == wanted);
        let key = format!("charge.outcome.{outcome}");
        let because = match wanted {
            Disposition::Charge => "must be `charge`: an action that costs nothing has the price 0",
            Disposition::Release => "must be `release`: only output that landed is charged",
        };
        findings.require(said, key, because);
    }
    findings.require(
        catalog.charge.unknown_deadline_seconds > 0,
        "charge.unknown_deadline_seconds",
        "must be above zero",
    );
}

fn check_alert(alert: &Alert, at: &str, findings: &mut Findings) {
    let low = alert.kind == AlertKind::Low;
    let thresholds = usize::from(alert.percent.is_some()) + usize::from(alert.below.is_some());
    findings.require(
        thresholds == usize::from(low),
        at,
        "`low` has either `percent` or `below`; other kinds have neither",
    );
    if let Some(percent) = alert.percent {
        findings.require((1..=99).contains(&percent), format!("{at}.percent"), "must be from 1 to 99");
    }
    if let Some(below) = alert.below {
        findings.require_amount(below, Least::AboveZero, format!("{at}.below"));
    }
    let leads = matches!(alert.kind, AlertKind::Expiring | AlertKind::Renewal | AlertKind::TrimAhead);
    findings.require(
        leads == alert.lead_hours.is_some(),
        format!("{at}.lead_hours"),
        "is for `expiring`, `renewal` and `trim_ahead`, which need it",
    );
}
