//! Checks of actions and their prices.

use std::collections::BTreeMap;

use reeve_types::limits::{OUTPUTS_MAX, SECONDS_MAX};

use super::plans::check_plan_list;
use super::{Findings, Least, table};
use crate::catalog::parse::quoted;
use crate::catalog::{Action, Catalog, ParamName};
use crate::price::{Axis, Per, StageRule, Variant};

pub(super) fn check(catalog: &Catalog, findings: &mut Findings) {
    findings.require(!catalog.actions.is_empty(), "action", "a catalog has at least one action");
    for action in catalog.actions.values() {
        let at = table("action", &action.name);
        check_bounds(action, &at, findings);
        check_plan_list(catalog, action.plans.as_ref(), &format!("{at}.plans"), findings);
        for stage in &action.price.stages {
            check_stage(catalog, action, stage, &at, findings);
        }
    }
}

fn check_bounds(action: &Action, at: &str, findings: &mut Findings) {
    let outputs = action.outputs;
    findings.require(
        (1..=OUTPUTS_MAX).contains(&outputs.max),
        format!("{at}.outputs.max"),
        format_args!("must be from 1 to {OUTPUTS_MAX}"),
    );
    findings.require(
        (1..=outputs.max).contains(&outputs.default),
        format!("{at}.outputs.default"),
        format_args!("must be from 1 to the maximum {}", outputs.max),
    );
    let seconds = action.seconds;
    findings.require(
        (1..=SECONDS_MAX).contains(&seconds.max),
        format!("{at}.seconds.max"),
        format_args!("must be from 1 to {SECONDS_MAX}"),
    );
    findings.require(
        seconds.default.is_none_or(|default| (1..=seconds.max).contains(&default)),
        format!("{at}.seconds.default"),
        format_args!("must be from 1 to the maximum {}", seconds.max),
    );
    findings.require(
        action.attempts_max.is_none_or(|most| (1..=100).contains(&most)),
        format!("{at}.attempts_max"),
        "must be from 1 to 100",
    );
    let spans = [
        ("work_ms", action.work_ms.map(u64::from)),
        ("lease_ms", action.lease_ms.map(u64::from)),
        ("run_timeout_ms", action.run_timeout_ms),
        ("queue_timeout_ms", action.queue_timeout_ms),
    ];
    for (name, span) in spans {
        findings.require(
            span != Some(0),
            format!("{at}.{name}"),
            "must be above zero; leave it out for the server's setting",
        );
    }
}

fn check_stage(catalog: &Catalog, action: &Action, stage: &StageRule, at: &str, findings: &mut Findings) {
    let is_base_stage = stage.name.is_base();
    let at = if is_base_stage { format!("{at}.price") } else { table("stage", &stage.name) };
    if let Some(rate) = stage.rate {
        findings.require_amount(rate, Least::Zero, format!("{at}.rate"));
    }
    check_rate(stage, &at, findings);
    check_length(action, stage, is_base_stage, &at, findings);
    for (param, axis) in &stage.by {
        check_axis(catalog, axis, is_base_stage, &axis_at(&at, param), findings);
        let reserved = matches!(param.as_str(), "outputs" | "seconds");
        findings.require(
            !reserved,
            axis_at(&at, param),
            "is counted by the price itself and cannot have values",
        );
    }
}

fn axis_at(at: &str, param: &ParamName) -> String {
    format!("{at}.by.{}", quoted(param.as_str()))
}

/// Every request finds exactly one rate: the stage's, or that of the one parameter whose values all bring theirs.
fn check_rate(stage: &StageRule, at: &str, findings: &mut Findings) {
    one_of(
        &stage.by,
        stage.rate.is_some(),
        |variant| variant.rate.is_some(),
        &format!("{at}.rate"),
        findings,
    );
    let own_block = |variant: &Variant| variant.block_seconds.is_some();
    let key = format!("{at}.block_seconds");
    if stage.per == Per::Block {
        one_of(&stage.by, stage.block_seconds.is_some(), own_block, &key, findings);
    } else {
        let any = stage.by.values().flat_map(|axis| axis.values.values()).any(own_block);
        findings.require(!any && stage.block_seconds.is_none(), key, "is only for `per = \"block\"`");
    }
}

fn one_of(
    by: &BTreeMap<ParamName, Axis>,
    stage_has: bool,
    has: impl Fn(&Variant) -> bool,
    key: &str,
    findings: &mut Findings,
) {
    let bringing = by.values().filter(|axis| axis.values.values().any(&has)).count();
    let whole = by.values().any(|axis| !axis.values.is_empty() && axis.values.values().all(&has));
    findings.require(bringing <= 1, key, "two parameters bring one; which would count is not said");
    findings.require(
        stage_has || whole,
        key,
        "is missing: neither the stage nor every value of a parameter brings it",
    );
}

fn check_length(action: &Action, stage: &StageRule, is_base: bool, at: &str, findings: &mut Findings) {
    if stage.per == Per::Job {
        let key = format!("{at}.per");
        findings.require(
            action.outputs.max == 1,
            key,
            "a price per job needs `outputs.max = 1`, or outputs could not settle",
        );
    }
    let timed = matches!(stage.per, Per::Second | Per::Block);
    let needs = !timed || is_base || action.price.needs_seconds();
    findings.require(
        needs,
        format!("{at}.per"),
        "the base is not priced by time, so a request need not say its seconds",
    );
    if let Some(min) = stage.min_seconds {
        let key = format!("{at}.min_seconds");
        findings.require(stage.per == Per::Second, &key, "is only for `per = \"second\"`");
        let fits = (1..=action.seconds.max).contains(&min);
        findings.require(fits, &key, format_args!("must be from 1 to the maximum {}", action.seconds.max));
    }
    let blocks =
        stage.by.values().flat_map(|axis| axis.values.values()).filter_map(|variant| variant.block_seconds);
    if blocks.chain(stage.block_seconds).any(|block| block == 0) {
        findings.add(format!("{at}.block_seconds"), "must be above zero");
    }
}

fn check_axis(catalog: &Catalog, axis: &Axis, is_base: bool, at: &str, findings: &mut Findings) {
    findings.require(!axis.values.is_empty(), format!("{at}.values"), "lists no value");
    if let Some(default) = &axis.default {
        let known = axis.values.contains_key(default);
        findings.require(
            known,
            format!("{at}.default"),
            format_args!("`{default}` is not one of the values"),
        );
        findings.require(
            !axis.optional,
            format!("{at}.optional"),
            "a parameter with a default is never left out",
        );
    }
    findings.require(
        !(axis.optional && is_base),
        format!("{at}.optional"),
        "every output has the base; only a stage can be left out",
    );
    for (value, variant) in &axis.values {
        let at = format!("{at}.values.{}", quoted(value));
        if let Some(rate) = variant.rate {
            findings.require_amount(rate, Least::Zero, format!("{at}.rate"));
        }
        if let Some(times) = variant.times {
            findings.require(times.micros() >= 0, format!("{at}.times"), "is negative");
        }
        check_plan_list(catalog, variant.plans.as_ref(), &format!("{at}.plans"), findings);
    }
}
