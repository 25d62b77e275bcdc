//! Events that move credits: grants, retirements, debt, purchases.

use std::sync::Arc;

use reeve_credits::hold::Part;
use reeve_credits::lot::{Lot, Retired};
use reeve_types::{Credits, JobId, Millis};

use super::{Applier, Broken, Cause};
use crate::ledger::Kind;
use crate::purchase::PurchaseRow;
use crate::state::LiveJob;

impl Applier<'_> {
    pub(super) fn granted(
        &mut self,
        at: Millis,
        lot: Lot,
        (reason, about): (Option<Arc<str>>, Option<JobId>),
    ) -> Result<(), Broken> {
        let (id, amount, source) = (lot.id, lot.granted, lot.source.clone());
        let debt_paid = self.state.debt.min(amount);
        self.state.lots_made += 1;
        self.state.put_lot(lot);
        self.touch_lot(id);
        let cause = Cause { reason: reason.clone(), about, ..Cause::default() };
        self.row(at, Kind::Grant, Part { lot: id, amount }, cause)?;
        if debt_paid.is_positive() {
            let part = Part { lot: id, amount: debt_paid };
            let cause = Cause { reason: reason.clone(), ..Cause::default() };
            self.retire(at, part, Retired::ClawedBack, cause)?;
            self.owe(at, part, (Kind::Repay, reason))?;
        }
        self.state.tallies.full = self.state.available(at);
        self.gathered.tallies_changed = true;
        let body = serde_json::json!({ "lot": id, "source": source, "credits": amount.to_string() });
        self.outbox("credits.granted", at, body.to_string());
        Ok(())
    }

    pub(super) fn restored(
        &mut self,
        at: Millis,
        part: Part,
        reason: Option<Arc<str>>,
    ) -> Result<(), Broken> {
        if let Some(lot) = self.state.paid_lots.remove(&part.lot) {
            self.state.put_lot(lot);
        }
        self.lot(part.lot)?.restore(part.amount)?;
        self.row(at, Kind::Restore, part, Cause { reason, ..Cause::default() })
    }

    /// Moves credits between the workspace's balance and its debt.
    pub(super) fn owe(
        &mut self,
        at: Millis,
        part: Part,
        (kind, reason): (Kind, Option<Arc<str>>),
    ) -> Result<(), Broken> {
        let debt = match kind {
            Kind::Owe => self.state.debt.checked_add(part.amount),
            _ => self.state.debt.checked_sub(part.amount).filter(|debt| !debt.is_negative()),
        };
        self.state.debt = debt.ok_or(Broken::Debt { debt: self.state.debt, amount: part.amount })?;
        self.row(at, kind, part, Cause { reason, ..Cause::default() })
    }

    pub(super) fn retire(
        &mut self,
        at: Millis,
        part: Part,
        how: Retired,
        cause: Cause<'_>,
    ) -> Result<(), Broken> {
        self.lot(part.lot)?.retire(part.amount, how)?;
        let kind = match how {
            Retired::Expired => Kind::Expire,
            Retired::Forfeited => Kind::Forfeit,
            Retired::ClawedBack => Kind::ClawBack,
        };
        self.row(at, kind, part, cause)
    }

    pub(super) fn taken(
        &mut self,
        at: Millis,
        parts: &[Part],
        (reason, about): (&Arc<str>, Option<JobId>),
    ) -> Result<(), Broken> {
        for part in parts {
            let lot = self.lot(part.lot)?;
            lot.hold(part.amount)?;
            lot.settle(part.amount)?;
            let cause = Cause { reason: Some(reason.clone()), about, ..Cause::default() };
            self.row(at, Kind::Take, *part, cause)?;
        }
        Ok(())
    }

    pub(super) fn purchased(&mut self, row: PurchaseRow) {
        if !self.gathered.touched_purchases.contains(&row.id) {
            self.gathered.touched_purchases.push(row.id);
        }
        self.state.purchases.insert(row.id, row);
    }

    /// What a limited member settled counts in the window that it is settled in.
    pub(super) fn count_member(&mut self, at: Millis, live: &LiveJob, credits: Credits) {
        let Some(name) = &live.job.spec.member else { return };
        let Some(member) = self.state.members.get_mut(name) else { return };
        member.settle(credits, at, &self.state.profile);
        let name = name.clone();
        self.touch_member(&name);
    }
}
