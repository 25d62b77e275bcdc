//! Plans and add-ons: taken, changed, paid for and given back.

use reeve_types::WorkspaceId;
use reeve_workspace::{Command, RefundSubscription, Renew, SetAddon, Subscribe};

use super::{Outcome, Rehearsal};
use crate::format::{self, money};

impl Rehearsal {
    pub(super) fn subscribe(
        &mut self,
        id: &WorkspaceId,
        wanted: &format::Subscribe,
    ) -> Result<Outcome, String> {
        let subscribe = Subscribe {
            plan: wanted.plan.clone(),
            allotment: wanted.allotment,
            interval: wanted.interval,
            seats: wanted.seats,
        };
        self.run(id, &Command::Subscribe(subscribe))
    }

    pub(super) fn refund_plan(
        &mut self,
        id: &WorkspaceId,
        refund: &format::RefundPlan,
    ) -> Result<Outcome, String> {
        let refund = RefundSubscription {
            payment: refund.payment.as_str().into(),
            reason: refund.reason.as_str().into(),
        };
        self.run(id, &Command::RefundSubscription(refund))
    }

    pub(super) fn renew(&mut self, id: &WorkspaceId, renew: &format::Renew) -> Result<Outcome, String> {
        let paid = renew.status == money::RenewStatus::Paid;
        self.run(id, &Command::Renew(Renew { payment: renew.payment.as_str().into(), paid }))
    }

    pub(super) fn set_addon(&mut self, id: &WorkspaceId, set: &format::SetAddon) -> Result<Outcome, String> {
        self.run(id, &Command::SetAddon(SetAddon { addon: set.name.clone(), units: set.units }))
    }
}
