//! The priced part of a request's parameters, read and judged before any price is computed.
//!
//! Only what changes the price is looked at; everything else in `params` is the worker's. Findings are complete, so
//! that a client sees all its mistakes at once.

use serde_json::{Map, Value};

use super::number::Units;
use super::{Axis, StageRule, Variant};
use crate::catalog::{Action, ParamName};

/// One parameter that is not acceptable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParamFinding {
    /// JSON pointer into a body of `{action, params}`.
    pub pointer: String,
    /// What is wrong, for people.
    pub detail: String,
}

/// The priced part of a request, checked.
pub(super) struct Request<'c> {
    pub(super) outputs: u32,
    pub(super) seconds: Option<Units>,
    pub(super) stages: Vec<Chosen<'c>>,
}

/// A stage with the values that were chosen for it.
pub(super) struct Chosen<'c> {
    pub(super) rule: &'c StageRule,
    pub(super) values: Vec<(&'c ParamName, &'c str, &'c Variant)>,
}

/// Collects what is wrong with the parameters.
#[derive(Default)]
struct Findings(Vec<ParamFinding>);

impl Findings {
    fn add(&mut self, param: &str, detail: String) {
        let pointer = format!("/params/{param}");
        // A parameter may change two stages; it is still one mistake.
        if !self.0.iter().any(|finding| finding.pointer == pointer) {
            self.0.push(ParamFinding { pointer, detail });
        }
    }
}

/// Judges every priced parameter, and those alone.
///
/// # Errors
/// All that is not acceptable, one finding for each parameter.
pub(super) fn read<'c>(
    action: &'c Action,
    params: &Map<String, Value>,
) -> Result<Request<'c>, Vec<ParamFinding>> {
    let mut findings = Findings::default();
    let outputs = read_outputs(action, params.get("outputs"), &mut findings);
    let seconds = read_seconds(action, params.get("seconds"), &mut findings);
    let stages =
        action.price.stages.iter().filter_map(|rule| read_stage(rule, params, &mut findings)).collect();
    if findings.0.is_empty() { Ok(Request { outputs, seconds, stages }) } else { Err(findings.0) }
}

fn read_outputs(action: &Action, value: Option<&Value>, findings: &mut Findings) -> u32 {
    let rule = action.outputs;
    let Some(value) = value else {
        return rule.default;
    };
    let outputs = value.as_u64().and_then(|n| u32::try_from(n).ok()).filter(|n| (1..=rule.max).contains(n));
    outputs.unwrap_or_else(|| {
        findings.add("outputs", format!("must be a whole number from 1 to {}", rule.max));
        rule.default
    })
}

/// `seconds` is judged where the price asks for it, and on every other action that makes a video (X25).
fn read_seconds(action: &Action, value: Option<&Value>, findings: &mut Findings) -> Option<Units> {
    let rule = action.seconds;
    let priced = action.price.needs_seconds();
    if !priced && !action.has_length() {
        return None;
    }
    let Some(value) = value else {
        if priced && rule.default.is_none() {
            findings.add("seconds", format!("is required: a number above 0, at most {}", rule.max));
        }
        return rule.default.map(Units::whole);
    };
    match Units::from_json(value) {
        Ok(seconds) if !seconds.is_zero() && seconds <= Units::whole(rule.max) => Some(seconds),
        _ => {
            findings.add("seconds", format!("must be a number above 0, at most {}", rule.max));
            None
        }
    }
}

/// The stage with its values; `None` when the request does without it, or when a value is wrong.
fn read_stage<'c>(
    rule: &'c StageRule,
    params: &Map<String, Value>,
    findings: &mut Findings,
) -> Option<Chosen<'c>> {
    let mut values = Vec::with_capacity(rule.by.len());
    let mut wanted = true;
    for (param, axis) in &rule.by {
        match read_value(axis, params.get(param.as_str())) {
            Ok(Some((value, variant))) => values.push((param, value, variant)),
            Ok(None) => wanted = false,
            Err(detail) => findings.add(param.as_str(), detail),
        }
    }
    wanted.then_some(Chosen { rule, values })
}

/// The listed value that is meant; `None` when the stage is not wanted. JSON's null is the same as leaving it out.
fn read_value<'c>(axis: &'c Axis, value: Option<&Value>) -> Result<Option<(&'c str, &'c Variant)>, String> {
    let listed = || {
        let values: Vec<String> = axis.values.keys().map(|value| format!("`{value}`")).collect();
        values.join(", ")
    };
    let text = match value {
        Some(Value::String(text)) => text.as_str(),
        None | Some(Value::Null) => match &axis.default {
            Some(default) => default.as_str(),
            None if axis.optional => return Ok(None),
            None => return Err(format!("is required: one of {}", listed())),
        },
        Some(_) => return Err(format!("must be one of {}", listed())),
    };
    match axis.values.get_key_value(text) {
        Some((value, variant)) => Ok(Some((value.as_str(), variant))),
        None => Err(format!("must be one of {}", listed())),
    }
}
