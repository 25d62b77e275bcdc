//! Checks of plans, packs, add-ons and scopes.

use reeve_types::PlanName;

use super::{Findings, Least, repeated, table};
use crate::catalog::{Allotment, Amount, Catalog, PerCount, Plan, Trigger};

pub(super) fn check(catalog: &Catalog, findings: &mut Findings) {
    findings.require(!catalog.plans.is_empty(), "plan", "a catalog has at least one plan");
    for (n, plan) in catalog.plans.iter().enumerate() {
        check_plan(plan, findings);
        let twin = catalog.plans.iter().take(n).find(|earlier| earlier.rank == plan.rank);
        if let Some(twin) = twin {
            let key = format!("{}.rank", table("plan", &plan.name));
            findings.add(
                key,
                format_args!("plan `{}` has rank {} too; ranks order the plans", twin.name, plan.rank),
            );
        }
    }
    check_packs(catalog, findings);
    check_addons(catalog, findings);
    check_scopes(catalog, findings);
}

fn check_plan(plan: &Plan, findings: &mut Findings) {
    let at = table("plan", &plan.name);
    findings.require(
        plan.max_concurrent != Some(0),
        format!("{at}.max_concurrent"),
        "a plan that runs nothing is no plan",
    );
    findings.require(
        !plan.intervals.is_empty(),
        format!("{at}.intervals"),
        "a plan is sold for at least one term",
    );
    match &plan.allotment {
        Allotment::None => {}
        Allotment::Choice(offered) => {
            let key = format!("{at}.allotments");
            for amount in offered {
                findings.require_amount(*amount, Least::AboveZero, &key);
            }
            let ascending = offered.windows(2).all(|pair| pair.first() < pair.last());
            findings.require(
                ascending,
                &key,
                "must ascend: the first is what a workspace gets that does not choose",
            );
        }
        Allotment::Custom { min, default } => {
            findings.require_amount(*min, Least::Zero, format!("{at}.custom.min"));
            findings.require_amount(*default, Least::Zero, format!("{at}.custom.default"));
            findings.require(
                default >= min,
                format!("{at}.custom.default"),
                format_args!("is below the minimum `{min}`"),
            );
        }
    }
}

fn check_packs(catalog: &Catalog, findings: &mut Findings) {
    for (name, pack) in &catalog.packs {
        let at = table("pack", name);
        findings.require_amount(pack.credits, Least::AboveZero, format!("{at}.credits"));
        let key = format!("{at}.source");
        match catalog.sources.get(&pack.source) {
            None => findings.no_such(key, "source", pack.source.as_str(), catalog.source_names()),
            Some(source) => findings.require(
                source.amount == Amount::Purchased && source.on.contains(&Trigger::PaymentConfirmed),
                key,
                format_args!(
                    "source `{}` does not grant what was purchased on `payment_confirmed`",
                    pack.source
                ),
            ),
        }
    }
}

fn check_addons(catalog: &Catalog, findings: &mut Findings) {
    for (name, addon) in &catalog.addons {
        let at = table("addon", name);
        check_plan_list(catalog, Some(&addon.plans), &format!("{at}.plans"), findings);
        findings.require(addon.units_max > 0, format!("{at}.units_max"), "must be above zero");
        let key = format!("{at}.source");
        match catalog.sources.get(&addon.source) {
            None => findings.no_such(key, "source", addon.source.as_str(), catalog.source_names()),
            Some(source) if source.per != Some(PerCount::Unit) => {
                findings.add(key, format_args!("source `{}` does not grant per `unit`", addon.source));
            }
            Some(source) => {
                let Amount::ByPlan(amounts) = &source.amount else { continue };
                for plan in addon.plans.iter().filter(|plan| !amounts.contains_key(*plan)) {
                    findings
                        .add(&key, format_args!("source `{}` has no amount for plan `{plan}`", addon.source));
                }
            }
        }
    }
}

fn check_scopes(catalog: &Catalog, findings: &mut Findings) {
    for (name, scope) in &catalog.scopes {
        let key = format!("{}.actions", table("scope", name));
        findings.require(!scope.actions.is_empty(), &key, "a scope pays for at least one action");
        for pattern in &scope.actions {
            let known = catalog.actions.keys().any(|action| pattern.matches(action));
            findings.require(known, &key, format_args!("`{pattern}` matches no action"));
        }
    }
}

/// A list of plans: not empty, all known, none twice.
pub(super) fn check_plan_list(
    catalog: &Catalog,
    plans: Option<&Vec<PlanName>>,
    key: &str,
    findings: &mut Findings,
) {
    let Some(plans) = plans else { return };
    findings.require(!plans.is_empty(), key, "names no plan; leave it out to mean all");
    for plan in plans.iter().filter(|plan| catalog.plan(plan).is_none()) {
        findings.no_such(key, "plan", plan.as_str(), catalog.plan_names());
    }
    if let Some(plan) = repeated(plans) {
        findings.add(key, format_args!("names plan `{plan}` twice"));
    }
}
