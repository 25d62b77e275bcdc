//! A catalog as clients see it: what can be subscribed to, asked for and bought.

use reeve_credits::catalog::{Action, Allotment, Catalog, Factor, Plan, Renewal};
use reeve_credits::price::{Axis, Per, StageRule};
use reeve_protocol::{
    ActionView, AddonView, Amount, AxisView, CatalogView, PackView, PlanView, Quantity, ScopeView,
    SourceView, StageView, VariantView, VersionView,
};
use reeve_types::Millis;
use reeve_workspace::Version;

use crate::view::lot;

/// One version of a catalog, with all that there are.
pub(crate) fn view(catalog: &Catalog, versions: &[Version]) -> CatalogView {
    let title =
        |title: &Option<String>, name: &dyn ToString| title.clone().unwrap_or_else(|| name.to_string());
    let mut tiers: Vec<String> = catalog.plans.iter().map(|plan| plan.tier.to_string()).collect();
    tiers.dedup();
    CatalogView {
        name: catalog.name.to_string(),
        version: catalog.version,
        title: catalog.title.clone(),
        renewal: match catalog.renewal {
            Renewal::Automatic => "automatic",
            Renewal::OnPayment => "on_payment",
        }
        .to_owned(),
        plans: catalog.plans.iter().map(plan).collect(),
        actions: catalog.actions.values().map(action).collect(),
        sources: catalog
            .sources
            .iter()
            .map(|(name, source)| SourceView {
                name: name.to_string(),
                class: lot::class_word(source.class).to_owned(),
                scope: source.scope.as_ref().map(ToString::to_string),
                min: source.min.map(Amount),
            })
            .collect(),
        scopes: catalog
            .scopes
            .iter()
            .map(|(name, scope)| ScopeView { name: name.to_string(), actions: texts(&scope.actions) })
            .collect(),
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
        versions: versions.iter().map(version).collect(),
    }
}

fn version(version: &Version) -> VersionView {
    // What the server was started with counts as published since ever.
    let at = Some(version.published_at).filter(|at| *at > Millis::from_millis(i64::MIN));
    VersionView { version: version.catalog.version, published_at: at.map(Into::into) }
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
        }
        .to_owned(),
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
            times: variant.times.map(times),
            block_seconds: variant.block_seconds,
            plans: variant.plans.as_deref().map(texts),
        };
        (value.clone(), view)
    });
    AxisView { default: axis.default.clone(), optional: axis.optional, values: values.collect() }
}

/// A factor on the wire.
pub(crate) const fn times(factor: Factor) -> Quantity {
    Quantity::from_micros(factor.micros())
}
