//! The sums of days, added up row by row.

use reeve_types::{Credits, Millis, WorkspaceId};

use super::tables::Tables;
use crate::insight::UsageRow;
use crate::reader::Page;
use crate::reconcile::{DaySpan, DaySums, Days, Reconciled};

fn wide(amount: Credits) -> i128 {
    i128::from(amount.micros())
}

impl Tables {
    pub(super) fn reconcile(&self, span: DaySpan, page: &Page) -> Reconciled {
        let mut days = Days::new();
        let after = |id: &&WorkspaceId| page.after.as_deref().is_none_or(|after| id.as_str() > after);
        let ids: Vec<&WorkspaceId> = self.workspaces.keys().filter(after).take(page.limit as usize).collect();
        for id in &ids {
            self.ledger_days(id, span, &mut days);
            self.purchase_days(id, span, &mut days);
            self.job_days(id, span, &mut days);
        }
        Reconciled { days, last: ids.last().map(|id| id.to_string()) }
    }

    fn ledger_days(&self, id: &WorkspaceId, span: DaySpan, days: &mut Days) {
        for row in self.ledger.get(id).into_iter().flatten() {
            if let Some(day) = day(days, span, row.at) {
                let is_bought = self
                    .purchases
                    .get(id)
                    .is_some_and(|rows| rows.values().any(|purchase| purchase.lot == Some(row.lot)));
                day.book(row.kind, is_bought, wide(row.amount));
            }
        }
    }

    fn purchase_days(&self, id: &WorkspaceId, span: DaySpan, days: &mut Days) {
        for row in self.purchases.get(id).into_iter().flat_map(|rows| rows.values()) {
            if let Some(day) = row.confirmed_at.and_then(|at| day(days, span, at)) {
                day.payments += 1;
                day.paid += wide(row.credits);
            }
        }
    }

    fn job_days(&self, id: &WorkspaceId, span: DaySpan, days: &mut Days) {
        for (job, state) in &self.jobs {
            if self.intros.get(job).is_none_or(|intro| intro.workspace != *id) {
                continue;
            }
            let Some(day) = state.finished_at.and_then(|at| day(days, span, at)) else { continue };
            for output in state.outputs.iter().filter(|output| output.output.has_landed()) {
                day.delivered += 1;
                day.charged += wide(output.credits);
            }
        }
    }
}

fn day(days: &mut Days, span: DaySpan, at: Millis) -> Option<&mut DaySums> {
    (at >= span.from && at < span.to).then(|| days.entry(UsageRow::day_of(at)).or_default())
}
