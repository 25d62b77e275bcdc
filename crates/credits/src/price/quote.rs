//! The quote: what a request costs, which plan may ask for it, and what of it is not acceptable.
//!
//! The order of judgement is fixed: shape first (422), then the plan (403). Whether the workspace can pay is not
//! asked here.

use reeve_types::{ActionName, CatalogName, Credits, PlanName, did_you_mean, limits};
use serde_json::{Map, Value};

use super::Per;
use super::number::Units;
use super::request::{Chosen, ParamFinding, Request, read};
use super::settle::{OutputPrice, StagePrice, UnitRule};
use crate::catalog::{Action, Catalog, Disposition, Factor, Outcome};

/// What a request costs, frozen at admission (X6): stored on the job, never computed again.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Quote {
    /// The whole price: what is held.
    pub credits: Credits,
    /// How many versions are asked for.
    pub outputs: u32,
    /// The sum of `credits` over the lines is the price.
    pub lines: Vec<QuoteLine>,
    /// What each output settles.
    pub per_output: OutputPrice,
    /// The length to produce: as asked, but never below the billed minimum (KA-07).
    pub seconds: Option<Units>,
    /// The catalog that priced it.
    pub catalog: CatalogName,
    /// Its version.
    pub catalog_version: u32,
}

/// One line of a quote: quantity x unit price = credits.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct QuoteLine {
    /// For people: the action, the stage and the values that were chosen.
    pub label: String,
    /// Units over all outputs.
    pub quantity: u64,
    /// Credits for one unit.
    pub unit_price: Credits,
    /// Credits for the whole line.
    pub credits: Credits,
}

/// Why there is no quote.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuoteRefusal {
    /// 422 (AS-16).
    #[error("catalog `{catalog}` has no action `{action}`{hint}")]
    UnknownAction {
        /// The workspace's catalog.
        catalog: CatalogName,
        /// What was asked for.
        action: ActionName,
        /// What may have been meant, as [`reeve_types::did_you_mean`] says it.
        hint: String,
    },
    /// 422: the workspace is on a plan that this version of the catalog no longer has.
    #[error("catalog `{catalog}` has no plan `{plan}`")]
    UnknownPlan {
        /// The workspace's catalog.
        catalog: CatalogName,
        /// The workspace's plan.
        plan: PlanName,
    },
    /// 422, one finding for each parameter.
    #[error("{} of the parameters cannot be accepted", .0.len())]
    Invalid(Vec<ParamFinding>),
    /// 403 (KV-30, KF-14).
    #[error("plan `{plan}` may not use `{what}`; {}", allowed(.plans))]
    NotEntitled {
        /// The workspace's plan.
        plan: PlanName,
        /// The action, or the action with the value that the plan lacks.
        what: String,
        /// Plans that may.
        plans: Vec<PlanName>,
    },
    /// 422.
    #[error("`{action}` would cost more than {} credits", limits::CREDITS_MAX)]
    TooLarge {
        /// What was asked for.
        action: ActionName,
    },
}

fn allowed(plans: &[PlanName]) -> String {
    let names: Vec<String> = plans.iter().map(|plan| format!("`{plan}`")).collect();
    format!("plans that may: {}", names.join(", "))
}

/// The price of one request on one plan.
///
/// Parameters that carry no price are ignored: they are the worker's.
///
/// # Errors
/// See [`QuoteRefusal`]; findings are complete, so a caller can show them all.
pub fn quote(
    catalog: &Catalog,
    plan: &PlanName,
    action: &ActionName,
    params: &Map<String, Value>,
) -> Result<Quote, QuoteRefusal> {
    let Some(action) = catalog.action(action) else {
        let hint = did_you_mean(action.as_str(), catalog.actions.keys().map(ActionName::as_str));
        let (catalog, action) = (catalog.name.clone(), action.clone());
        return Err(QuoteRefusal::UnknownAction { catalog, action, hint });
    };
    if catalog.plan(plan).is_none() {
        return Err(QuoteRefusal::UnknownPlan { catalog: catalog.name.clone(), plan: plan.clone() });
    }
    let request = read(action, params).map_err(QuoteRefusal::Invalid)?;
    check_plan(action, &request, plan)?;
    price(catalog, action, &request).ok_or_else(|| QuoteRefusal::TooLarge { action: action.name.clone() })
}

fn check_plan(action: &Action, request: &Request<'_>, plan: &PlanName) -> Result<(), QuoteRefusal> {
    let judge = |plans: &Option<Vec<PlanName>>, what: &dyn Fn() -> String| match plans {
        Some(plans) if !plans.contains(plan) => {
            Err(QuoteRefusal::NotEntitled { plan: plan.clone(), what: what(), plans: plans.clone() })
        }
        _ => Ok(()),
    };
    judge(&action.plans, &|| action.name.to_string())?;
    for (param, value, variant) in request.stages.iter().flat_map(|stage| &stage.values) {
        judge(&variant.plans, &|| format!("{} with {param} {value}", action.name))?;
    }
    Ok(())
}

/// The quote of a checked request; `None` when it is beyond what one command may cost.
fn price(catalog: &Catalog, action: &Action, request: &Request<'_>) -> Option<Quote> {
    let mut stages = Vec::with_capacity(request.stages.len());
    let mut lines = Vec::with_capacity(request.stages.len());
    for chosen in &request.stages {
        let stage = chosen.price(request.seconds)?;
        let quantity = stage.units.checked_mul(u64::from(request.outputs))?;
        let credits = stage.rate.checked_mul(i64::try_from(quantity).ok()?)?;
        lines.push(QuoteLine { label: chosen.label(action), quantity, unit_price: stage.rate, credits });
        stages.push(stage);
    }
    let credits = Credits::checked_sum(lines.iter().map(|line| line.credits))?;
    if credits > Credits::whole(limits::CREDITS_MAX)? {
        return None;
    }
    let produced = request.seconds.map(|seconds| seconds.max(Units::whole(action.price.min_seconds())));
    Some(Quote {
        credits,
        outputs: request.outputs,
        lines,
        per_output: OutputPrice {
            stages,
            charged: charged(catalog),
            partial: catalog.charge.deliver_partial,
        },
        seconds: produced,
        catalog: catalog.name.clone(),
        catalog_version: catalog.version,
    })
}

fn charged(catalog: &Catalog) -> Vec<Outcome> {
    let charges = |outcome: &Outcome| catalog.charge.disposition(*outcome) == Disposition::Charge;
    Outcome::ALL.into_iter().filter(charges).collect()
}

impl Chosen<'_> {
    fn price(&self, seconds: Option<Units>) -> Option<StagePrice> {
        let rule = self.unit_rule()?;
        let units = match rule {
            UnitRule::Each => 1,
            UnitRule::Seconds { .. } | UnitRule::Blocks { .. } => rule.units(seconds?),
        };
        Some(StagePrice { name: self.rule.name.clone(), rule, rate: self.rate()?, units })
    }

    fn unit_rule(&self) -> Option<UnitRule> {
        let round = self.rule.round;
        Some(match self.rule.per {
            Per::Job | Per::Output => UnitRule::Each,
            Per::Second => UnitRule::Seconds { min_seconds: self.rule.min_seconds.unwrap_or(0), round },
            Per::Block => {
                let own = self.values.iter().find_map(|(_, _, variant)| variant.block_seconds);
                UnitRule::Blocks { block_seconds: own.or(self.rule.block_seconds)?, round }
            }
        })
    }

    /// The rate of one unit: a value's own, else the stage's, times every factor.
    fn rate(&self) -> Option<Credits> {
        let own = self.values.iter().find_map(|(_, _, variant)| variant.rate);
        let mut factors = self.values.iter().filter_map(|(_, _, variant)| variant.times);
        factors.try_fold(own.or(self.rule.rate)?, times)
    }

    fn label(&self, action: &Action) -> String {
        let name = if self.rule.name.is_base() { action.name.as_str() } else { self.rule.name.as_str() };
        self.values.iter().fold(name.to_owned(), |mut label, (param, value, _)| {
            // An upscale by the parameter `upscale` reads `upscale 4k`, not `upscale, upscale 4k`.
            if param.as_str() == name {
                label.push(' ');
            } else {
                label.push_str(", ");
                label.push_str(param.as_str());
                label.push(' ');
            }
            label.push_str(value);
            label
        })
    }
}

/// Rounded up to a millionth: a price is never below what its factors say.
fn times(rate: Credits, factor: Factor) -> Option<Credits> {
    let scale = i128::from(Credits::SCALE);
    let product = i128::from(rate.micros()).checked_mul(i128::from(factor.micros()))?;
    // Both are at least zero, as `validate` promises.
    i64::try_from((product + scale - 1) / scale).ok().map(Credits::from_micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_factor_rounds_up_to_a_millionth_and_whole_products_are_exact() {
        let factor: Factor = serde_json::from_str("1.5").unwrap_or(Factor::ONE);
        assert_eq!(times(Credits::from_micros(3), factor), Some(Credits::from_micros(5)));
        assert_eq!(times(Credits::from_micros(4), factor), Some(Credits::from_micros(6)));
        assert_eq!(times(Credits::from_micros(i64::MAX), factor), None);
    }
}
