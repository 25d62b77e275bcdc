//! Settings of a workspace, and the version of its catalog: nothing that is granted or admitted changes by them.

use reeve_credits::catalog::{Allotment, Catalog};
use reeve_types::{CatalogName, Credits, did_you_mean};

use super::{Ctx, Decision};
use crate::calendar::{opening_day, rezone, set_period, transition};
use crate::claim::Claim;
use crate::command::{MoveCatalog, Reconfigure};
use crate::event::Event;
use crate::execute::Subject;
use crate::profile::{Profile, Subscribed};
use crate::refusal::Refusal;
use crate::state::State;

pub(super) fn decide(state: &State, wanted: &Reconfigure, ctx: &Ctx<'_>) -> Result<Decision, Refusal> {
    let mut next = state.profile.clone();
    let mut catalog = ctx.catalog;
    if let Some(name) = &wanted.name {
        next.name.clone_from(name);
    }
    if let Some(metadata) = &wanted.metadata {
        next.metadata.clone_from(metadata);
    }
    if let Some(paused) = wanted.paused {
        next.paused = paused;
    }
    if let Some(timezone) = wanted.timezone.filter(|timezone| *timezone != next.timezone) {
        rezone(&mut next, timezone);
    }
    if let Some(max) = wanted.concurrency_max {
        if max == Some(0) {
            return Err(Refusal::invalid(
                "/max_concurrent",
                "`0` would never run a job; pause the workspace instead",
            ));
        }
        next.concurrency_override = max;
    }
    if let Some(version) = wanted.catalog_version {
        let name = next.catalog.clone();
        catalog = version_of(ctx, &name, version, "/catalog_version")?;
        put_on(&mut next, catalog, ctx)?;
    }
    if let Some(allotment) = wanted.allotment {
        agree(&mut next, allotment, catalog)?;
    }
    transition::set_tier(&mut next, catalog, ctx.now);
    Ok(changed(state, next, ctx))
}

pub(super) fn move_catalog(state: &State, to: &MoveCatalog, ctx: &Ctx<'_>) -> Result<Decision, Refusal> {
    let mut next = state.profile.clone();
    let catalog = version_of(ctx, &to.name, to.version, "/version")?;
    put_on(&mut next, catalog, ctx)?;
    transition::set_tier(&mut next, catalog, ctx.now);
    Ok(changed(state, next, ctx))
}

fn changed(state: &State, next: Profile, ctx: &Ctx<'_>) -> Decision {
    if next == state.profile {
        return Decision::about(Subject::Workspace, ctx.now, Vec::new());
    }
    let user = state.profile.user().unwrap_or_default();
    let lost = state.profile.daily.iter().filter(|source| !next.daily.contains(*source));
    let unclaims =
        lost.map(|source| Claim::daily(state.profile.catalog.as_str(), source.as_str(), user)).collect();
    let event = Event::Reprofiled { profile: Box::new(next), told: false };
    Decision { unclaims, ..Decision::about(Subject::Workspace, ctx.now, vec![event]) }
}

fn version_of<'a>(
    ctx: &Ctx<'a>,
    name: &CatalogName,
    version: u32,
    pointer: &str,
) -> Result<&'a Catalog, Refusal> {
    let Some(book) = ctx.world.shelf.get(name) else {
        let known = ctx.world.shelf.iter().map(|book| book.latest().name.as_str());
        let detail = format!("`{name}` is not a catalog{}", did_you_mean(name.as_str(), known));
        return Err(Refusal::invalid("/name", detail));
    };
    book.version(version).ok_or_else(|| {
        let known: Vec<String> =
            book.versions().iter().map(|known| known.catalog.version.to_string()).collect();
        let detail = format!("catalog `{name}` has no version `{version}`; it has {}", known.join(", "));
        Refusal::invalid(pointer, detail)
    })
}

/// Puts the workspace on another catalog: its plan must be there. Lots and jobs keep their own version (X6).
fn put_on(next: &mut Profile, catalog: &Catalog, ctx: &Ctx<'_>) -> Result<(), Refusal> {
    let subscribed = &mut next.subscribed;
    if !transition::fit(subscribed, catalog) {
        let Subscribed { plan, interval, .. } = subscribed;
        let detail = format!(
            "version `{}` of catalog `{}` has no plan `{plan}` by the {interval}; change the plan first",
            catalog.version, catalog.name
        );
        return Err(Refusal::Conflict { detail });
    }
    let same = next.catalog == catalog.name;
    next.catalog = catalog.name.clone();
    next.catalog_version = catalog.version;
    next.addons.retain(|addon, _| catalog.addons.contains_key(addon));
    // A daily source that is not there any more, or is another catalog's now, is another workspace's to have.
    next.daily.retain(|source| same && catalog.sources.contains_key(source));
    if next.cycle.day.is_none() {
        next.cycle.day = opening_day(catalog, ctx.now, next.timezone);
    }
    set_period(next, catalog);
    Ok(())
}

/// An allotment that is agreed with this workspace; the next period grants it (KV-28).
fn agree(next: &mut Profile, allotment: Credits, catalog: &Catalog) -> Result<(), Refusal> {
    let plan = catalog.plan(&next.subscribed.plan);
    let custom = plan.filter(|plan| matches!(plan.allotment, Allotment::Custom { .. }));
    let Some(plan) = custom else {
        let detail =
            format!("plan `{}` has fixed allotments; subscribe to another one instead", next.subscribed.plan);
        return Err(Refusal::invalid("/allotment", detail));
    };
    next.subscribed.allotment = plan
        .allotment(Some(allotment))
        .map_err(|refusal| Refusal::invalid("/allotment", refusal.to_string()))?;
    Ok(())
}
