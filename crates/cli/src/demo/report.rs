//! What came out: the credits of each workspace, where the files are, and whether every check holds.

use std::path::Path;

use comfy_table::ColumnConstraint::Hidden;
use reeve_client::Client;
use reeve_protocol::{
    BalanceQuery, BalanceView, JobStatus, LedgerKind, LedgerQuery, LedgerRow, OutputStatus, VerifyReport,
};
use reeve_types::Credits;

use super::cast::CAST;
use super::play::Played;
use crate::commands::verify;
use crate::exit::Failure;
use crate::output;

/// Columns that the whole table of credits takes.
const COLUMNS_WIDE: usize = 96;
/// How long the check may take, in seconds.
const WAIT_SECONDS: u64 = 60;

/// A table of what was granted and what became of it, read from the balance and the ledger.
///
/// # Errors
/// The server cannot be asked, or a workspace's credits do not add up.
pub async fn credits(client: &Client, played: &Played) -> Result<(), Failure> {
    let heads =
        ["|workspace", "|plan", "tier", ">granted", ">settled", ">released", ">held", ">available", ">jobs"];
    let mut table = output::table(&heads);
    // On a narrow terminal the two that the bars have shown already make room.
    if output::columns().is_some_and(|columns| columns < COLUMNS_WIDE) {
        for n in [2, 8] {
            if let Some(column) = table.column_mut(n) {
                column.set_constraint(Hidden);
            }
        }
    }
    let mut wrong = Vec::new();
    for member in &CAST {
        let workspace = member.workspace().map_err(|e| Failure::usage(e.to_string()))?;
        let balance = client.balance(&workspace, &BalanceQuery::default()).await?;
        let query = LedgerQuery { limit: Some(200), ..LedgerQuery::default() };
        let sums = Sums::of(&client.ledger_to_end(&workspace, query).await?);
        if !sums.explain(&balance) {
            wrong.push(member.id);
        }
        table.add_row([
            member.id.to_owned(),
            format!("{} {}", member.catalog, member.plan),
            member.tier.to_owned(),
            sums.granted.to_string(),
            sums.settled.to_string(),
            sums.released.to_string(),
            balance.held.to_string(),
            balance.available.to_string(),
            played.jobs.iter().filter(|ended| ended.scene.workspace == member.id).count().to_string(),
        ]);
    }
    output::print("")?;
    output::print_table(&table, "no workspaces")?;
    output::print("")?;
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(Failure::no(format!("credits do not add up in {}", wrong.join(", "))))
    }
}

/// Sums of a ledger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sums {
    granted: Credits,
    settled: Credits,
    released: Credits,
    /// Everything else that leaves a workspace.
    gone: Credits,
}

impl Sums {
    fn of(rows: &[LedgerRow]) -> Self {
        let mut sums = Self::default();
        for row in rows {
            let part = match row.kind {
                LedgerKind::Grant | LedgerKind::Adjust | LedgerKind::Restore | LedgerKind::Repay => {
                    &mut sums.granted
                }
                LedgerKind::Settle => &mut sums.settled,
                LedgerKind::Release => &mut sums.released,
                LedgerKind::Expire | LedgerKind::Forfeit | LedgerKind::Clawback => &mut sums.gone,
                LedgerKind::Hold | LedgerKind::Owe => continue,
            };
            let amount = row.amount.credits();
            let amount = if amount.is_negative() { Credits::from_micros(-amount.micros()) } else { amount };
            *part = part.checked_add(amount).unwrap_or(*part);
        }
        sums
    }

    /// True when nothing is missing: granted = available + held + settled + gone.
    fn explain(&self, balance: &BalanceView) -> bool {
        let parts = [balance.available.credits(), balance.held.credits(), self.settled, self.gone];
        Credits::checked_sum(parts) == Some(self.granted)
    }
}

/// What did not go the usual way, in words.
///
/// # Errors
/// Stdout cannot be written to.
pub fn noteworthy(played: &Played) -> Result<(), Failure> {
    let count =
        |what: &dyn Fn(&reeve_protocol::JobView) -> bool| played.jobs.iter().filter(|e| what(&e.job)).count();
    let status = |status: JobStatus| count(&move |job| job.status == status);
    let partly = count(&|job| {
        job.status == JobStatus::Succeeded
            && job.outputs.iter().any(|output| output.status != OutputStatus::Landed)
    });
    let again = count(&|job| job.status == JobStatus::Succeeded && job.attempt > 1);
    let line = format!(
        "{} succeeded ({partly} partly, {again} retried), {} failed, {} cancelled, {} denied",
        status(JobStatus::Succeeded),
        status(JobStatus::Failed),
        status(JobStatus::Cancelled),
        played.denied.len(),
    );
    output::print(&format!("  {:<9} {line}", "jobs"))
}

/// Where to look.
///
/// # Errors
/// Stdout cannot be written to.
pub fn places(folder: &Path, pictures: usize) -> Result<(), Failure> {
    let index = folder.join("gallery").join("index.html");
    // The path has a line of its own, so that a narrow terminal does not break it.
    output::print(&format!("  {:<9} {pictures} pictures and clips: open", "gallery"))?;
    output::print(&format!("  {:<9} {}", "", index.display()))?;
    output::print(&format!("  {:<9} {}", "data", folder.join("data").display()))
}

/// Checks every invariant of the store.
///
/// # Errors
/// One does not hold.
pub async fn verdict(client: &Client) -> Result<(), Failure> {
    let report: VerifyReport = client.verify(Some(WAIT_SECONDS)).await?;
    let bad = report.checks.iter().filter(|check| !check.ok).count();
    if report.ok == Some(true) {
        let looked_at: u64 = report.checks.iter().map(|check| check.checked).sum();
        let line = format!("ok: {} checks hold, {looked_at} facts looked at", report.checks.len());
        return output::print(&format!("  {:<9} {line}", "verify"));
    }
    verify::show(&report.checks)?;
    Err(Failure::no(format!("{bad} checks do not hold")))
}
