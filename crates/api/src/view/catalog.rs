//! A catalog as clients see it: what can be subscribed to, asked for and bought. Rules of accounting stay inside.

use std::collections::BTreeMap;

use reeve_credits::catalog::{Action, Allotment, Catalog, Plan};
use reeve_credits::price::{Axis, Per, StageRule};
use reeve_protocol::Amount;
use serde::Serialize;
use utoipa::ToSchema;

/// A catalog.
#[derive(Serialize, ToSchema)]
pub(crate) struct CatalogView {
    pub name: String,
    pub version: u32,
    pub title: String,
    pub plans: Vec<PlanView>,
    pub actions: Vec<ActionView>,
    pub packs: Vec<PackView>,
    pub addons: Vec<AddonView>,
    /// Queue tiers of its plans, lowest plan first.
    pub tiers: Vec<String>,
}

/// A plan.
#[derive(Serialize, ToSchema)]
pub(crate) struct PlanView {
    pub name: String,
    pub title: String,
    pub rank: u32,
    pub tier: String,
    pub paid: bool,
    pub per_seat: bool,
    pub max_concurrent: Option<u32>,
    /// Allotments to choose from; empty when there is none to choose.
    pub allotments: Vec<Amount>,
    /// The least allotment of a plan that is agreed with each workspace.
    pub allotment_min: Option<Amount>,
    pub intervals: Vec<String>,
}

/// An action with its price.
#[derive(Serialize, ToSchema)]
pub(crate) struct ActionView {
    pub name: String,
    pub title: String,
    pub pool: String,
    /// Plans that may ask for it; `null` is every plan.
    pub plans: Option<Vec<String>>,
    pub outputs_default: u32,
    pub outputs_max: u32,
    pub free: bool,
    /// The price is the sum of these.
    pub price: Vec<StageView>,
}

/// One stage of a price.
#[derive(Serialize, ToSchema)]
pub(crate) struct StageView {
    pub name: String,
    /// `job`, `output`, `second` or `block`.
    pub per: &'static str,
    pub rate: Option<Amount>,
    pub min_seconds: Option<u32>,
    pub block_seconds: Option<u32>,
    /// Parameters whose value changes the price.
    pub by: BTreeMap<String, AxisView>,
}

/// A priced parameter.
#[derive(Serialize, ToSchema)]
pub(crate) struct AxisView {
    pub default: Option<String>,
    /// Left out, the stage is not charged.
    pub optional: bool,
    pub values: BTreeMap<String, VariantView>,
}

/// What one value of a parameter does.
#[derive(Serialize, ToSchema)]
pub(crate) struct VariantView {
    /// Instead of the stage's rate.
    pub rate: Option<Amount>,
    /// Times the rate.
    pub times: Option<Amount>,
    pub block_seconds: Option<u32>,
    pub plans: Option<Vec<String>>,
}

/// Credits that are sold as a whole.
#[derive(Serialize, ToSchema)]
pub(crate) struct PackView {
    pub name: String,
    pub title: String,
    pub credits: Amount,
}

/// A recurring add-on.
#[derive(Serialize, ToSchema)]
pub(crate) struct AddonView {
    pub name: String,
    pub title: String,
    pub plans: Vec<String>,
    pub units_max: u32,
}

/// The view of a catalog.
pub(crate) fn view(catalog: &Catalog) -> CatalogView {
    let title =
        |title: &Option<String>, name: &dyn ToString| title.clone().unwrap_or_else(|| name.to_string());
    let mut tiers: Vec<String> = catalog.plans.iter().map(|plan| plan.tier.to_string()).collect();
    tiers.dedup();
    CatalogView {
        name: catalog.name.to_string(),
        version: catalog.version,
        title: catalog.title.clone(),
        plans: catalog.plans.iter().map(plan).collect(),
        actions: catalog.actions.values().map(action).collect(),
        packs: catalog
            .packs
            .iter()
            .map(|(name, pack)| PackView {
                name: name.to_string(),
                title: title(&pack.title, name),
                credits: Amount(pack.credits),
            })
            .collect(),
        addons: catalog
            .addons
            .iter()
            .map(|(name, addon)| AddonView {
                name: name.to_string(),
                title: title(&addon.title, name),
                plans: texts(&addon.plans),
                units_max: addon.units_max,
            })
            .collect(),
        tiers,
    }
}

fn texts<T: ToString>(items: &[T]) -> Vec<String> {
    items.iter().map(ToString::to_string).collect()
}

fn plan(plan: &Plan) -> PlanView {
    let (allotments, allotment_min) = match &plan.allotment {
        Allotment::None => (Vec::new(), None),
        Allotment::Choice(offered) => (offered.iter().copied().map(Amount).collect(), None),
        Allotment::Custom { min, .. } => (Vec::new(), Some(Amount(*min))),
    };
    PlanView {
        name: plan.name.to_string(),
        title: plan.title.clone(),
        rank: plan.rank,
        tier: plan.tier.to_string(),
        paid: plan.paid,
        per_seat: plan.per_seat,
        max_concurrent: plan.max_concurrent,
        allotments,
        allotment_min,
        intervals: texts(&plan.intervals),
    }
}

fn action(action: &Action) -> ActionView {
    ActionView {
        name: action.name.to_string(),
        title: action.title.clone(),
        pool: action.pool.to_string(),
        plans: action.plans.as_deref().map(texts),
        outputs_default: action.outputs.default,
        outputs_max: action.outputs.max,
        free: action.is_free(),
        price: action.price.stages.iter().map(stage).collect(),
    }
}

fn stage(stage: &StageRule) -> StageView {
    StageView {
        name: stage.name.to_string(),
        per: match stage.per {
            Per::Job => "job",
            Per::Output => "output",
            Per::Second => "second",
            Per::Block => "block",
        },
        rate: stage.rate.map(Amount),
        min_seconds: stage.min_seconds,
        block_seconds: stage.block_seconds,
        by: stage.by.iter().map(|(param, rule)| (param.to_string(), axis(rule))).collect(),
    }
}

fn axis(axis: &Axis) -> AxisView {
    let values = axis.values.iter().map(|(value, variant)| {
        let view = VariantView {
            rate: variant.rate.map(Amount),
            times: variant.times.map(|factor| Amount(reeve_types::Credits::from_micros(factor.micros()))),
            block_seconds: variant.block_seconds,
            plans: variant.plans.as_deref().map(texts),
        };
        (value.clone(), view)
    });
    AxisView { default: axis.default.clone(), optional: axis.optional, values: values.collect() }
}
