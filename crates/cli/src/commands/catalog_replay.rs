//! `reeve catalog replay`: what a real store's past would have come to under another catalog.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use reeve_journal::{JobFilter, JobRecord, LedgerFilter, Page, Reader, StoreError, WorkspaceRecord};
use reeve_rehearsal::replay::{Deed, Past, Replayed, Sums, What, replay};
use reeve_types::{Credits, LotId, WorkspaceId};
use reeve_workspace::{Create, ImportedLot, Kind, PurchaseRow, Row};
use serde::Serialize;

use super::catalog::draft;
use crate::exit::Failure;
use crate::{output, system};

/// Rows of one read.
const PAGE: u32 = 500;

/// Options of `catalog replay`.
#[derive(Args, Debug)]
pub struct ReplayArgs {
    /// Database to read: a SQLite file, a data folder, or a URL
    #[arg(long, value_name = "DB")]
    from: String,
    /// Catalog to replay under: a file, or the name of one that is built in
    #[arg(long, value_name = "FILE")]
    catalog: PathBuf,
    /// Replay workspaces of this catalog instead of the one of the same name
    #[arg(long, value_name = "NAME")]
    of: Option<String>,
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
}

/// Figures, as JSON.
#[derive(Debug, Serialize)]
struct Figures {
    granted: String,
    charged: String,
    expired: String,
    forfeited: String,
    denied: u64,
    available: String,
}

/// One workspace, as JSON.
#[derive(Debug, Serialize)]
struct Line {
    workspace: String,
    before: Figures,
    after: Option<Figures>,
    refused: Vec<RefusedLine>,
}

/// What was refused under the new catalog.
#[derive(Debug, Serialize)]
struct RefusedLine {
    code: &'static str,
    count: u64,
    first: String,
}

/// Runs the command.
///
/// # Errors
/// A catalog that is bad, or a database that cannot be read.
pub fn run(args: ReplayArgs) -> Result<(), Failure> {
    let draft = draft(&args.catalog)?;
    let of = args.of.clone().unwrap_or_else(|| draft.catalog().name.to_string());
    let pasts = system::block_on(read(&args.from, &of))
        .map_err(|e| Failure::environment("cannot start a runtime", e))??;
    let mut replayed = replay(&draft, &pasts).map_err(|bug| Failure::environment("cannot replay", bug))?;
    replayed.sort_by(|a, b| a.workspace.cmp(&b.workspace));
    if args.json {
        return output::json(&replayed.iter().map(line).collect::<Vec<_>>());
    }
    show(&replayed)
}

async fn read(from: &str, of: &str) -> Result<Vec<Past>, Failure> {
    let reader = open(from).await?;
    let failed = |e: StoreError| Failure::environment("cannot read the database", e);
    let mut pasts = Vec::new();
    let mut page = Page { after: None, limit: PAGE };
    loop {
        let workspaces = reader.workspaces(&page).await.map_err(failed)?;
        page.after = workspaces.last().map(|last| last.id.to_string());
        let done = workspaces.len() < PAGE as usize;
        for record in workspaces.into_iter().filter(|record| record.profile.catalog.as_str() == of) {
            pasts.push(past(&*reader, record).await.map_err(failed)?);
        }
        if done {
            return Ok(pasts);
        }
    }
}

async fn open(from: &str) -> Result<Arc<dyn Reader>, Failure> {
    let path = Path::new(from);
    let settings = if from.starts_with("sqlite:") || from.contains("://") {
        reeve_store::StoreSettings::from_url(from).map_err(|e| Failure::usage(e.to_string()))?
    } else if path.is_dir() {
        reeve_store::StoreSettings::sqlite(path.join("reeve.db"))
    } else {
        reeve_store::StoreSettings::sqlite(path)
    };
    let opened = reeve_store::Store::open_to_read(settings).await;
    opened.map_err(|e| Failure::environment("cannot open the database", e))
}

async fn past(reader: &dyn Reader, record: WorkspaceRecord) -> Result<Past, StoreError> {
    let id = &record.id;
    let rows = ledger(reader, id).await?;
    let loaded = reader.load(id).await?;
    let until = loaded.as_ref().map_or(record.profile.created_at, |loaded| loaded.state.last_event_at);
    let available = loaded.map_or(record.available, |loaded| loaded.state.available(until));
    let lots = reader.lots(id).await?;
    let mut deeds = bought(&purchases(reader, id).await?);
    deeds.extend(corrections(&rows, &lots));
    deeds.extend(worked(jobs(reader, id).await?));
    let profile = record.profile;
    let opened_at = profile.created_at;
    let opening = Create {
        name: None,
        catalog: profile.catalog,
        plan: Some(profile.subscribed.plan),
        allotment: profile.subscribed.allotment,
        interval: profile.subscribed.interval,
        seats: profile.subscribed.seats,
        timezone: profile.timezone,
        owner: profile.owner,
        metadata: None,
    };
    let before = Sums::of(&rows, available);
    let imported = imported(&rows, &lots);
    Ok(Past { workspace: record.id, opening, imported, opened_at, deeds, until, before })
}

async fn ledger(reader: &dyn Reader, id: &WorkspaceId) -> Result<Vec<Row>, StoreError> {
    let mut rows: Vec<Row> = Vec::new();
    loop {
        let page = Page { after: rows.last().map(|row| row.seq.to_string()), limit: PAGE };
        let more = reader.ledger(id, &LedgerFilter::default(), &page).await?;
        let done = more.len() < PAGE as usize;
        rows.extend(more);
        if done {
            return Ok(rows);
        }
    }
}

async fn purchases(reader: &dyn Reader, id: &WorkspaceId) -> Result<Vec<PurchaseRow>, StoreError> {
    let mut rows: Vec<PurchaseRow> = Vec::new();
    loop {
        let page = Page { after: rows.last().map(|row| row.id.to_string()), limit: PAGE };
        let more = reader.purchases(id, &page).await?;
        let done = more.len() < PAGE as usize;
        rows.extend(more);
        if done {
            return Ok(rows);
        }
    }
}

/// Oldest first.
async fn jobs(reader: &dyn Reader, id: &WorkspaceId) -> Result<Vec<JobRecord>, StoreError> {
    let filter = JobFilter { workspace: Some(id.clone()), ..JobFilter::default() };
    let mut records: Vec<JobRecord> = Vec::new();
    loop {
        let page = Page { after: records.last().map(|record| record.intro.id.to_string()), limit: PAGE };
        let more = reader.jobs(&filter, &page).await?.rows;
        let done = more.len() < PAGE as usize;
        records.extend(more);
        if done {
            records.sort_by_key(|record| record.intro.sequence);
            return Ok(records);
        }
    }
}

/// Purchases that were paid, when they were.
fn bought(rows: &[PurchaseRow]) -> Vec<Deed> {
    let deed = |row: &PurchaseRow| {
        let what = What::Bought {
            id: row.id,
            payment: row.payment.clone(),
            pack: row.pack.clone(),
            credits: row.credits,
        };
        row.confirmed_at.map(|at| Deed { at, what })
    };
    rows.iter().filter_map(deed).collect()
}

/// What operators gave and took, and bonuses for friends.
fn corrections(rows: &[Row], lots: &[reeve_credits::lot::Lot]) -> Vec<Deed> {
    let mut deeds: Vec<Deed> = Vec::new();
    let lot = |id: LotId| lots.iter().find(|lot| lot.id == id);
    for row in rows {
        let reason = row.reason.clone().unwrap_or_else(|| "replayed".into());
        let what = match (row.kind, row.source.as_str()) {
            (Kind::Grant, "adjustment") => {
                let expires_at = lot(row.lot).and_then(|lot| lot.expires_at);
                What::Adjusted { amount: row.amount, reason, expires_at }
            }
            (Kind::Take, _) => {
                let amount = Credits::ZERO.checked_sub(row.amount).unwrap_or(Credits::ZERO);
                What::Adjusted { amount, reason, expires_at: None }
            }
            (Kind::Grant, _) if row.reason.as_deref() == Some("referral") => What::Referred,
            _ => continue,
        };
        deeds.push(Deed { at: row.at, what });
    }
    deeds
}

/// The lots of an import, which are all that such a workspace was opened with.
fn imported(rows: &[Row], lots: &[reeve_credits::lot::Lot]) -> Option<Vec<ImportedLot>> {
    let brought =
        rows.iter().filter(|row| row.kind == Kind::Grant && row.reason.as_deref() == Some("import"));
    let lot = |row: &Row| {
        let lot = lots.iter().find(|lot| lot.id == row.lot)?;
        Some(ImportedLot {
            source: lot.source.clone(),
            amount: lot.granted,
            effective_at: Some(lot.effective_at),
            expires_at: lot.expires_at,
            payment: lot.payment.clone(),
        })
    };
    let lots: Vec<ImportedLot> = brought.filter_map(lot).collect();
    (!lots.is_empty()).then_some(lots)
}

fn worked(records: Vec<JobRecord>) -> Vec<Deed> {
    let mut deeds = Vec::with_capacity(records.len() * 3);
    let lost = records.iter().filter(|record| record.shed.content).count();
    if lost > 0 {
        // Without parameters there is no other price to compare with.
        eprintln!("warning: {lost} jobs are left out: their parameters are no longer kept");
    }
    for JobRecord { intro, state, .. } in records.into_iter().filter(|record| !record.shed.content) {
        let (job, at) = (intro.id, intro.created_at);
        deeds.push(Deed { at, what: What::Submitted(intro) });
        deeds.extend(state.started_at.map(|at| Deed { at, what: What::Started(job) }));
        let state = Box::new(state);
        deeds.extend(state.finished_at.map(|at| Deed { at, what: What::Ended { job, state } }));
    }
    deeds
}

fn line(replayed: &Replayed) -> Line {
    let refused = replayed.refused.iter().map(|(code, (count, first))| RefusedLine {
        code,
        count: *count,
        first: first.clone(),
    });
    Line {
        workspace: replayed.workspace.to_string(),
        before: figures(&replayed.before),
        after: replayed.after.as_ref().map(figures),
        refused: refused.collect(),
    }
}

fn figures(sums: &Sums) -> Figures {
    Figures {
        granted: sums.granted.to_string(),
        charged: sums.charged.to_string(),
        expired: sums.expired.to_string(),
        forfeited: sums.forfeited.to_string(),
        denied: sums.denied,
        available: sums.available.to_string(),
    }
}

fn show(replayed: &[Replayed]) -> Result<(), Failure> {
    let heads =
        ["|workspace", "", ">granted", ">charged", ">expired?", ">forfeited?", ">denied", ">available"];
    let mut table = output::table(&heads);
    let (mut old, mut new, mut opened) = (Sums::default(), Sums::default(), 0_u64);
    for one in replayed {
        table.add_row(row(one.workspace.as_str(), "was", &one.before));
        match &one.after {
            Some(after) => {
                table.add_row(row("", "would be", after));
                (old, new, opened) = (old.plus(one.before), new.plus(*after), opened + 1);
            }
            None => {
                table.add_row(["", "cannot be opened", "", "", "", "", "", ""]);
            }
        }
    }
    if opened > 0 {
        table.add_row(row(&format!("all {opened}"), "was", &old));
        table.add_row(row("", "would be", &new));
    }
    output::print_table(&table, "no workspace is on this catalog")?;
    for one in replayed {
        for (code, (count, first)) in &one.refused {
            output::print(&format!("{}: {code} {count} times, first: {first}", one.workspace))?;
        }
    }
    Ok(())
}

fn row(name: &str, side: &str, sums: &Sums) -> [String; 8] {
    let Figures { granted, charged, expired, forfeited, denied, available } = figures(sums);
    let denied = if side == "was" { "?".to_owned() } else { denied.to_string() };
    [name.to_owned(), side.to_owned(), granted, charged, expired, forfeited, denied, available]
}
