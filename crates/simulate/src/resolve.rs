//! From what a person wrote to what a run needs: names looked up, ranges checked, arrivals made.

use std::collections::BTreeMap;

use reeve_queue::{PoolSettings, Settings, TierSettings};
use reeve_types::{NameError, PoolName, TierName};
use rustc_hash::FxHashSet;

use crate::Refusal;
use crate::arrivals;
use crate::base::{Base, BaseRetry, BaseTier};
use crate::check::{check_lengths, check_permille, check_run, check_served, check_workers, range};
use crate::description::{ActionEntry, CancelEntry, Description, TierEntry, VariantEntry, WorkersEntry};
use crate::load::{Action, Cancel, Load, Workers, WorkersChange, Workspace};
use crate::recorded;

/// A tier with its settings, in the order of rank.
pub(crate) type Tiers = Vec<(String, BaseTier)>;

impl Load {
    /// Resolves a description. `recorded` is the content of the file that its `[recorded]` names, packed
    /// with gzip or not.
    ///
    /// # Errors
    /// [`Refusal`]: the first thing that is wrong.
    pub fn new(base: &Base, description: &Description, recorded: Option<&[u8]>) -> Result<Self, Refusal> {
        let run = &description.run;
        check_run(run)?;
        let tiers = tiers(base, &description.tiers)?;
        let rows = recorded.map(recorded::rows).transpose()?;
        let pools = pools(description, rows.as_deref().unwrap_or_default());
        let settings = settings(base, description, &tiers, &pools)?;
        let mut load = Self {
            title: description.title.clone(),
            settings,
            workspaces: Vec::new(),
            actions: Vec::new(),
            workers: description
                .workers
                .iter()
                .map(|entry| workers(entry, &pools))
                .collect::<Result<_, _>>()?,
            retry: retry(base, description),
            lease_ms: description.retry.lease_ms.unwrap_or(base.leases.lease_ms),
            cancel: description.cancel.as_ref().map(cancel).transpose()?,
            seed: run.seed,
            end_ms: run.seconds * 1_000,
            has_backlog_limits: run.backlog_limits,
            points: run.points,
            arrivals: Vec::new(),
            variants: Vec::new(),
        };
        check_workers(&load.workers)?;
        for (name, changes) in &description.variants {
            load.variants.push((name.clone(), variant(&load.settings, name, changes)?));
        }
        load.actions = actions(description, &pools)?;
        arrivals::draw(&mut load, description, &tiers, rows.is_none())?;
        match (&description.recorded, &rows) {
            (Some(entry), Some(rows)) => recorded::load(&mut load, entry, rows, &tiers)?,
            _ if description.workspaces.is_empty() => return Err(Refusal::Nothing),
            _ => {}
        }
        check_served(&load)?;
        Ok(load)
    }
}

/// A workspace of that tier.
pub(crate) fn workspace(name: &str, tier: usize, of: &BaseTier) -> Result<Workspace, Refusal> {
    let id = reeve_types::WorkspaceId::new(name).map_err(|why| bad_name(name, why))?;
    let tier = u8::try_from(tier).unwrap_or(u8::MAX);
    Ok(Workspace { id, tier, running_max: of.running_max, queued_max: of.queued_max, is_noisy: false })
}

fn bad_name(text: &str, why: NameError) -> Refusal {
    Refusal::Name { text: text.to_owned(), why }
}

/// The server's tiers with the load's changes, lowest rank first.
fn tiers(base: &Base, changes: &BTreeMap<String, TierEntry>) -> Result<Tiers, Refusal> {
    let mut tiers = base.tiers.clone();
    for (name, entry) in changes {
        let old = tiers.get(name).cloned();
        let need = |value: Option<u32>, old: Option<u32>, key: &'static str| {
            value.or(old).ok_or(Refusal::TierKey { tier: name.clone(), key })
        };
        let of = |f: fn(&BaseTier) -> u32| old.as_ref().map(f);
        let tier = BaseTier {
            rank: need(entry.rank, of(|t| t.rank), "rank")?,
            weight: need(entry.weight, of(|t| t.weight), "weight")?,
            floor_permille: need(entry.floor_permille, of(|t| t.floor_permille), "floor_permille")?,
            express_permille: need(entry.express_permille, of(|t| t.express_permille), "express_permille")?,
            running_max: need(entry.running_max, of(|t| t.running_max), "running_max")?,
            queued_max: entry
                .queued_max
                .or(old.as_ref().map(|t| t.queued_max))
                .ok_or(Refusal::TierKey { tier: name.clone(), key: "queued_max" })?,
        };
        tiers.insert(name.clone(), tier);
    }
    let mut tiers: Tiers = tiers.into_iter().collect();
    tiers.sort_by_key(|(_, tier)| tier.rank);
    Ok(tiers)
}

/// The pools that are named anywhere, in the order of the alphabet.
fn pools(description: &Description, rows: &[recorded::Row]) -> Vec<String> {
    let of_workers = description.workers.iter().flat_map(|entry| entry.pools.iter().cloned());
    let of_actions = description.actions.values().map(|action| action.pool.clone());
    let mut pools: Vec<String> = of_workers.chain(of_actions).collect();
    let mut known: FxHashSet<&str> = FxHashSet::default();
    pools.extend(
        rows.iter().map(|row| row.pool.as_str()).filter(|pool| known.insert(pool)).map(str::to_owned),
    );
    pools.sort_unstable();
    pools.dedup();
    pools
}

fn settings(
    base: &Base,
    description: &Description,
    tiers: &Tiers,
    pools: &[String],
) -> Result<Settings, Refusal> {
    let cost_ms_max = description.queue.cost_ms_max.unwrap_or(base.queue.cost_ms_max);
    let cost_ms_default = description.queue.cost_ms_default.unwrap_or(base.queue.cost_ms_default);
    let tier = |(name, tier): &(String, BaseTier)| {
        let name = TierName::new(name).map_err(|why| bad_name(name, why))?;
        let BaseTier { weight, floor_permille, express_permille, .. } = *tier;
        Ok(TierSettings { name, weight, floor_permille, express_permille })
    };
    let pool = |name: &String| {
        let name = PoolName::new(name).map_err(|why| bad_name(name, why))?;
        Ok(PoolSettings { name, cost_ms_max, cost_ms_default })
    };
    let settings = Settings {
        tiers: tiers.iter().map(tier).collect::<Result<_, Refusal>>()?,
        pools: pools.iter().map(pool).collect::<Result<_, Refusal>>()?,
    };
    settings.validate()?;
    Ok(settings)
}

fn retry(base: &Base, description: &Description) -> BaseRetry {
    let entry = &description.retry;
    BaseRetry {
        attempts_max: entry.attempts_max.unwrap_or(base.retry.attempts_max),
        backoff_ms: entry.backoff_ms.unwrap_or(base.retry.backoff_ms),
        backoff_ms_max: entry.backoff_ms_max.unwrap_or(base.retry.backoff_ms_max),
    }
}

fn cancel(entry: &CancelEntry) -> Result<Cancel, Refusal> {
    check_permille("cancel.permille", entry.permille)?;
    check_lengths("cancel.after", &entry.after)?;
    Ok(Cancel { permille: entry.permille, after: entry.after.clone(), notice_ms: entry.notice_ms })
}

fn workers(entry: &WorkersEntry, pools: &[String]) -> Result<Workers, Refusal> {
    if entry.slots == 0 {
        return Err(range(format!("workers.{}.slots", entry.name), 0, "at least 1"));
    }
    if entry.lost_every_seconds == Some(0) {
        return Err(range(format!("workers.{}.lost_every_seconds", entry.name), 0, "at least 1"));
    }
    let mut changes: Vec<WorkersChange> = entry
        .changes
        .iter()
        .map(|c| WorkersChange { at_ms: c.at_second.saturating_mul(1_000), what: c.what, count: c.count })
        .collect();
    changes.sort_by_key(|change| change.at_ms);
    Ok(Workers {
        name: entry.name.clone(),
        pools: entry.pools.iter().filter_map(|pool| place(pools, pool)).collect(),
        count: entry.count,
        slots: entry.slots,
        changes,
        lost_every_ms: entry.lost_every_seconds.map(|seconds| seconds.saturating_mul(1_000)),
        back_ms: entry.back_seconds.saturating_mul(1_000),
    })
}

fn actions(description: &Description, pools: &[String]) -> Result<Vec<Action>, Refusal> {
    let action = |(name, entry): (&String, &ActionEntry)| {
        check_permille(&format!("actions.{name}.fail_permille"), entry.fail_permille)?;
        check_permille(&format!("actions.{name}.retryable_permille"), entry.retryable_permille)?;
        check_lengths(&format!("actions.{name}.run"), &entry.run)?;
        Ok(Action {
            name: name.clone(),
            pool: place(pools, &entry.pool).unwrap_or_default(),
            declared_ms: entry.declared_ms,
            fail_permille: entry.fail_permille,
            retryable_permille: entry.retryable_permille,
        })
    };
    description.actions.iter().map(action).collect()
}

/// The settings with a variant's changes.
fn variant(
    settings: &Settings,
    name: &str,
    changes: &BTreeMap<String, VariantEntry>,
) -> Result<Settings, Refusal> {
    let mut settings = settings.clone();
    for (tier, change) in changes {
        let found = settings.tiers.iter_mut().find(|known| known.name.as_str() == tier);
        let unknown = || Refusal::Unknown { by: name.to_owned(), what: "tier", name: tier.clone() };
        let found = found.ok_or_else(unknown)?;
        found.weight = change.weight.unwrap_or(found.weight);
        found.floor_permille = change.floor_permille.unwrap_or(found.floor_permille);
        found.express_permille = change.express_permille.unwrap_or(found.express_permille);
    }
    settings.validate()?;
    Ok(settings)
}

/// Where a pool stands.
pub(crate) fn place(pools: &[String], name: &str) -> Option<u16> {
    pools.iter().position(|pool| pool == name).and_then(|at| u16::try_from(at).ok())
}
