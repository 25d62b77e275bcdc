//! A recorded load: one row a job, as CSV with a head or as one JSON object a line, packed with gzip or not.
//!
//! Columns: `at_ms` (since the start), `workspace`, `tier`, `pool`, `run_ms`, and `action` if there is one;
//! jobs of one action share what the queue learns of their lengths. Rows may come in any order.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};

use rustc_hash::FxHashMap;
use serde::Deserialize;

use crate::Refusal;
use crate::description::RecordedEntry;
use crate::load::{Action, Arrival, JOBS_MAX, Load, WORKSPACES_MAX};
use crate::resolve::{Tiers, workspace};

/// One job as it was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Row {
    at_ms: u64,
    workspace: String,
    tier: String,
    pub(crate) pool: String,
    run_ms: u32,
    action: Option<String>,
}

/// Longest text of a recording, unpacked: a small packed file must not fill the memory.
const BYTES_MAX: u64 = 4 << 30;
/// Most actions: each row looks through them.
const ACTIONS_MAX: u64 = 1_000;
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Reads a recording.
pub(crate) fn rows(bytes: &[u8]) -> Result<Vec<Row>, Refusal> {
    let mut text = String::new();
    let read = if bytes.starts_with(&GZIP) {
        flate2::read::GzDecoder::new(bytes).take(BYTES_MAX).read_to_string(&mut text)
    } else {
        bytes.take(BYTES_MAX).read_to_string(&mut text)
    };
    read.map_err(|error| Refusal::Text { why: error.to_string() })?;
    let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).peekable();
    let is_json = lines.peek().is_some_and(|(_, line)| line.trim_start().starts_with('{'));
    let columns =
        if is_json { None } else { lines.next().map(|(_, head)| Columns::new(head)).transpose()? };
    let row = |(at, line): (usize, &str)| match &columns {
        Some(columns) => columns.row(at + 1, line),
        None => serde_json::from_str(line).map_err(|e| bad(at + 1, e.to_string())),
    };
    lines.map(row).collect()
}

/// Fills the load's workspaces, actions and arrivals from a recording.
pub(crate) fn load(
    load: &mut Load,
    entry: &RecordedEntry,
    rows: &[Row],
    tiers: &Tiers,
) -> Result<(), Refusal> {
    if rows.len() as u64 > JOBS_MAX {
        return Err(Refusal::TooMany { what: "jobs", max: JOBS_MAX });
    }
    let known = load.workspaces.iter().zip(0..).map(|(workspace, at)| (workspace.id.to_string(), at));
    let mut workspaces: FxHashMap<String, u32> = known.collect();
    for (n, row) in rows.iter().enumerate() {
        let line = n + 1;
        let tier = tiers.iter().position(|(name, _)| *name == row.tier);
        let unknown =
            |what, name: &str| Refusal::Unknown { by: format!("row {line}"), what, name: name.into() };
        let tier = tier.ok_or_else(|| unknown("tier", &row.tier))?;
        let at = match workspaces.get(&row.workspace) {
            Some(at) => *at,
            None => {
                let mut made = workspace(&row.workspace, tier, &tiers[tier].1)?;
                made.is_noisy = entry.noisy.contains(&row.workspace);
                load.workspaces.push(made);
                let at = load.workspaces.len() as u32 - 1;
                workspaces.insert(row.workspace.clone(), at);
                at
            }
        };
        let first = usize::from(load.workspaces[at as usize].tier);
        if first != tier {
            let (first, second) = (tiers[first].0.clone(), row.tier.clone());
            return Err(Refusal::TwoTiers { workspace: row.workspace.clone(), first, second, line });
        }
        let name = row.action.as_deref().unwrap_or(&row.pool);
        let action = action(load, entry, name, &row.pool)?;
        load.arrivals.push(Arrival { at_ms: row.at_ms, workspace: at, run_ms: row.run_ms.max(1), action });
    }
    if load.workspaces.len() as u64 > WORKSPACES_MAX {
        return Err(Refusal::TooMany { what: "workspaces", max: WORKSPACES_MAX });
    }
    let end_ms = load.end_ms;
    load.arrivals.retain(|arrival| arrival.at_ms < end_ms);
    load.arrivals.sort_by_key(|arrival| arrival.at_ms);
    Ok(())
}

/// The place of an action in its pool, added if it is not described. There are few.
fn action(load: &mut Load, entry: &RecordedEntry, name: &str, pool: &str) -> Result<u16, Refusal> {
    let pool = load.settings.pools.iter().position(|known| known.name.as_str() == pool).unwrap_or_default();
    let known =
        load.actions.iter().position(|action| action.name == name && usize::from(action.pool) == pool);
    let too_many = |_| Refusal::TooMany { what: "actions", max: ACTIONS_MAX };
    if let Some(at) = known {
        return u16::try_from(at).map_err(too_many);
    }
    if load.actions.len() as u64 >= ACTIONS_MAX {
        return Err(Refusal::TooMany { what: "actions", max: ACTIONS_MAX });
    }
    let at = u16::try_from(load.actions.len()).map_err(too_many)?;
    load.actions.push(Action {
        name: name.to_owned(),
        pool: u16::try_from(pool).unwrap_or_default(),
        declared_ms: None,
        fail_permille: entry.fail_permille.min(1_000),
        retryable_permille: 1_000,
    });
    Ok(at)
}

/// Writes a load's arrivals as a recording, packed with gzip; the same load gives the same bytes.
///
/// # Errors
/// The packer failed, for want of memory.
pub fn pack(load: &Load) -> std::io::Result<Vec<u8>> {
    let mut text = String::from("at_ms,workspace,tier,pool,run_ms,action\n");
    for arrival in &load.arrivals {
        let workspace = &load.workspaces[arrival.workspace as usize];
        let action = &load.actions[usize::from(arrival.action)];
        let tier = &load.settings.tiers[usize::from(workspace.tier)].name;
        let pool = &load.settings.pools[usize::from(action.pool)].name;
        let (at_ms, run_ms) = (arrival.at_ms, arrival.run_ms);
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{at_ms},{},{tier},{pool},{run_ms},{}", workspace.id, action.name);
    }
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packer.write_all(text.as_bytes())?;
    packer.finish()
}

fn bad(line: usize, why: impl Into<String>) -> Refusal {
    Refusal::Line { line, why: why.into() }
}

/// Where each column of a CSV stands.
struct Columns {
    places: [usize; 5],
    action: Option<usize>,
}

const NAMES: [&str; 5] = ["at_ms", "workspace", "tier", "pool", "run_ms"];

impl Columns {
    fn new(head: &str) -> Result<Self, Refusal> {
        let heads: Vec<&str> = head.split(',').map(str::trim).collect();
        let place = |name: &str| heads.iter().position(|head| *head == name);
        let mut places = [0; 5];
        for (to, name) in places.iter_mut().zip(NAMES) {
            *to = place(name).ok_or_else(|| bad(1, format!("the head has no column `{name}`")))?;
        }
        Ok(Self { places, action: place("action") })
    }

    fn row(&self, line: usize, text: &str) -> Result<Row, Refusal> {
        let cells: Vec<&str> = text.split(',').map(str::trim).collect();
        let cell = |at: usize| {
            let missing = || bad(line, format!("it has `{}` columns, fewer than the head", cells.len()));
            cells.get(at).copied().ok_or_else(missing)
        };
        let [at_ms, workspace, tier, pool, run_ms] = self.places;
        let number = |at: usize, name: &str| {
            let text = cell(at)?;
            text.parse::<u64>().map_err(|_| bad(line, format!("`{name}` is `{text}`, not a whole number")))
        };
        let run_ms = u32::try_from(number(run_ms, "run_ms")?)
            .map_err(|_| bad(line, "`run_ms` is longer than 49 days"))?;
        Ok(Row {
            at_ms: number(at_ms, "at_ms")?,
            workspace: cell(workspace)?.to_owned(),
            tier: cell(tier)?.to_owned(),
            pool: cell(pool)?.to_owned(),
            run_ms,
            action: self.action.map(cell).transpose()?.filter(|name| !name.is_empty()).map(str::to_owned),
        })
    }
}

#[cfg(test)]
mod tests;
