//! What the memory journal's ledger says of the past.

use std::collections::{BTreeMap, BTreeSet};

use reeve_types::{ActionName, Credits, JobId, LotId, MemberId, Millis, SourceName, WorkspaceId};
use reeve_workspace::{Kind, Row};

use super::tables::Tables;
use crate::insight::{LotSums, PastBalance, PastLot, USAGE_ROWS_MAX, UsageFilter, UsageKey, UsageRow};

type Key = (Option<MemberId>, Option<ActionName>, Option<i64>);

impl Tables {
    fn rows(&self, workspace: &WorkspaceId) -> impl Iterator<Item = &Row> {
        self.ledger.get(workspace).into_iter().flatten()
    }

    /// Whose a row is: an adjustment's row names its job only.
    fn belongs_to(&self, row: &Row) -> (Option<MemberId>, Option<ActionName>) {
        match row.job.filter(|_| row.kind == Kind::Grant).and_then(|job| self.intros.get(&job)) {
            Some(intro) => (intro.member.clone(), Some(intro.action.clone())),
            None => (row.member.clone(), row.action.clone()),
        }
    }

    /// What a workspace used.
    pub(super) fn usage(
        &self,
        workspace: &WorkspaceId,
        filter: &UsageFilter,
        keys: &[UsageKey],
    ) -> Vec<UsageRow> {
        let mut groups: BTreeMap<Key, (UsageRow, BTreeSet<JobId>)> = BTreeMap::new();
        if keys.is_empty() {
            groups.entry((None, None, None)).or_default();
        }
        for row in self.rows(workspace) {
            let (member, action) = self.belongs_to(row);
            let is_wanted = filter.from.is_none_or(|from| row.at >= from)
                && filter.to.is_none_or(|to| row.at < to)
                && (filter.member.is_none() || filter.member == member);
            if let (Some(job), true) = (row.job, is_wanted) {
                let key = (
                    member.filter(|_| keys.contains(&UsageKey::Member)),
                    action.filter(|_| keys.contains(&UsageKey::Action)),
                    keys.contains(&UsageKey::Day).then_some(UsageRow::day_of(row.at)),
                );
                count(&mut groups, key, (row, job));
            }
        }
        let rows = groups.into_iter().map(|((member, action, day), (sums, jobs))| UsageRow {
            member,
            action,
            day,
            jobs: jobs.len() as u64,
            ..sums
        });
        rows.take(USAGE_ROWS_MAX as usize).collect()
    }

    /// The balance after the last row up to `at`.
    pub(super) fn balance_at(&self, workspace: &WorkspaceId, at: Millis) -> Option<PastBalance> {
        self.workspaces.get(workspace)?;
        let mut past = PastBalance::default();
        let mut lots: BTreeMap<LotId, (SourceName, LotSums)> = BTreeMap::new();
        for row in self.rows(workspace).take_while(|row| row.at <= at) {
            let (_, sums) = lots.entry(row.lot).or_insert((row.source.clone(), LotSums::default()));
            sums.add(row.kind, i128::from(row.amount.micros()));
            past.debt = match row.kind {
                Kind::Owe => past.debt.checked_add(row.amount)?,
                Kind::Repay => past.debt.checked_sub(row.amount)?,
                _ => past.debt,
            };
            (past.seq, past.available, past.held) = (row.seq, row.available_after, row.held_after);
        }
        for (id, (source, sums)) in lots {
            let (granted, terms) = sums.amounts()?;
            past.lots.push(PastLot { id, source, granted, terms });
        }
        Some(past)
    }

    /// What a member settled, and the last sequence number.
    pub(super) fn member_settled(
        &self,
        workspace: &WorkspaceId,
        member: &MemberId,
        from: Millis,
    ) -> (Credits, u64) {
        let settled = self
            .rows(workspace)
            .filter(|row| row.kind == Kind::Settle && row.at >= from && row.member.as_ref() == Some(member));
        let sum = settled.fold(Credits::ZERO, |sum, row| plus(sum, row.amount));
        (sum, self.rows(workspace).last().map_or(0, |row| row.seq))
    }
}

/// The sum; it stops at the largest amount.
fn plus(a: Credits, b: Credits) -> Credits {
    Credits::from_micros(a.micros().saturating_add(b.micros()))
}

fn count(groups: &mut BTreeMap<Key, (UsageRow, BTreeSet<JobId>)>, key: Key, (row, job): (&Row, JobId)) {
    let is_close = matches!(row.kind, Kind::Settle | Kind::Release);
    if !is_close && row.kind != Kind::Grant {
        return;
    }
    let (sums, jobs) = groups.entry(key).or_default();
    let sum = match row.kind {
        Kind::Settle => &mut sums.settled,
        Kind::Release => &mut sums.released,
        _ => &mut sums.refunded,
    };
    *sum = plus(*sum, row.amount);
    if is_close {
        jobs.insert(job);
    }
}
