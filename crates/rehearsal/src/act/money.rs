//! Payments and what they bought, corrections, bonuses, limits of members.

use std::sync::Arc;

use reeve_types::{PurchaseId, WorkspaceId};
use reeve_workspace::{
    AdjustedJob, Claim, Command, LimitMember, MemberLimit, MemberWindow, PurchaseRow, Refer, RefundKind,
    RefundPurchase, Refusal,
};

use super::{Outcome, Rehearsal};
use crate::format::{self, PaymentRef, money};
use crate::refused::Refused;

impl Rehearsal {
    /// The same payment for the same purchase is answered with the first one, as the API does (KV-08).
    pub(super) fn purchase(
        &mut self,
        id: &WorkspaceId,
        wanted: &format::Purchase,
    ) -> Result<Outcome, String> {
        if let Some(by) = self.world.claimed_by(&Claim::payment(&wanted.payment)) {
            let same = self.purchase_of(id, &wanted.payment).filter(|row| is_same(row, wanted)).cloned();
            let used = || Refusal::PaymentUsed { payment: wanted.payment.clone(), by: by.clone() };
            return Ok(same.map_or_else(|| used().into(), |row| Outcome::Purchase(Box::new(row))));
        }
        let purchase = reeve_workspace::Purchase {
            id: self.world.purchase_id(),
            pack: wanted.pack.as_deref().map(Arc::from),
            credits: wanted.credits,
            payment: wanted.payment.as_str().into(),
            pending: wanted.status == money::PurchaseStatus::Pending,
        };
        self.run(id, &Command::Purchase(Box::new(purchase)))
    }

    pub(super) fn refund(&mut self, id: &WorkspaceId, refund: &format::Refund) -> Result<Outcome, String> {
        let kind = match refund.kind {
            money::RefundWord::Requested => RefundKind::Requested,
            money::RefundWord::Chargeback => RefundKind::Chargeback,
            money::RefundWord::Admin => RefundKind::Admin,
        };
        let reason = refund.reason.as_deref().map(Arc::from);
        let payment = PaymentRef { payment: refund.payment.clone() };
        self.about_purchase(id, &payment, |purchase| {
            Command::RefundPurchase(RefundPurchase { purchase, kind, reason, credits: refund.credits })
        })
    }

    pub(super) fn about_purchase(
        &mut self,
        id: &WorkspaceId,
        payment: &PaymentRef,
        command: impl FnOnce(PurchaseId) -> Command,
    ) -> Result<Outcome, String> {
        match self.purchase_of(id, &payment.payment).map(|row| row.id) {
            Some(purchase) => self.run(id, &command(purchase)),
            None => Ok(Outcome::Refused(Box::new(Refused {
                code: "not_found",
                detail: format!("there is no purchase of payment `{}` here", payment.payment),
                ..Refused::default()
            }))),
        }
    }

    fn purchase_of(&self, id: &WorkspaceId, payment: &str) -> Option<&PurchaseRow> {
        self.world.life(id)?.state.purchases.values().find(|row| &*row.payment == payment)
    }

    pub(super) fn refer(&mut self, id: &WorkspaceId, refer: &format::Refer) -> Result<Outcome, String> {
        self.run(id, &Command::Refer(Refer { friend: refer.friend.as_str().into() }))
    }

    pub(super) fn adjust(&mut self, id: &WorkspaceId, adjust: &format::Adjust) -> Result<Outcome, String> {
        let job = match &adjust.job {
            Some(name) => {
                let (owner, job) = self.job(Some(name))?;
                let life = self.life(&owner)?;
                let settled = life.jobs.get(&job).map(|(_, state)| state.settled).unwrap_or_default();
                Some(AdjustedJob { job, settled, adjusted: life.adjusted_for(job) })
            }
            None => None,
        };
        let adjust = reeve_workspace::Adjust {
            amount: adjust.amount,
            reason: adjust.reason.as_str().into(),
            expires_at: adjust.until.map(|at| at.0),
            job,
            scope: adjust.scope.clone(),
        };
        self.run(id, &Command::Adjust(adjust))
    }

    pub(super) fn limit_member(
        &mut self,
        id: &WorkspaceId,
        wanted: &format::LimitMember,
    ) -> Result<Outcome, String> {
        let life = self.life(id)?;
        let window = wanted.window.unwrap_or(MemberWindow::BillingMonth);
        let from = window.start(self.world.clock(), &life.state.profile);
        let limit = LimitMember {
            member: wanted.member.clone(),
            limit: wanted.amount.map(|amount| MemberLimit { amount, window }),
            settled: life.settled_by(&wanted.member, from),
            as_of_seq: life.state.chain.seq,
        };
        self.run(id, &Command::LimitMember(limit))
    }
}

fn is_same(row: &PurchaseRow, wanted: &format::Purchase) -> bool {
    match &wanted.pack {
        Some(pack) => row.pack.as_deref() == Some(pack.as_str()),
        None => row.pack.is_none() && wanted.credits == Some(row.credits),
    }
}
