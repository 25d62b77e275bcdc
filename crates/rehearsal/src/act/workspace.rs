//! Workspaces opened and set up, and what is around them: claims, promotions, versions of the catalog.

use std::sync::Arc;

use reeve_credits::catalog::Catalog;
use reeve_types::{Credits, WorkspaceId};
use reeve_workspace::{Adjust, Claim, Command, Import, ImportedLot, MoveCatalog, Owner, Reconfigure};

use super::{Outcome, Rehearsal};
use crate::format::{self, GivenLot, Overlay, Patch};

impl Rehearsal {
    /// Once-only grants that somebody else has.
    pub(super) fn claim_given(&mut self) -> Result<(), String> {
        let somebody = WorkspaceId::new("somebody-else").map_err(|e| e.to_string())?;
        for key in &self.given.claimed {
            self.world.claim(Claim::grant(key), somebody.clone());
        }
        Ok(())
    }

    /// Opens a workspace like the given one but for what `other` says.
    pub(super) fn create(&mut self, id: &WorkspaceId, other: &format::Create) -> Result<Outcome, String> {
        let given = self.given.clone();
        let catalog = self.world.newest().catalog().clone();
        let user = other.user.as_ref().or(given.user.as_ref());
        let identity = other.identity.as_ref().or(given.identity.as_ref());
        let owner = |user: &String| Owner {
            user: user.as_str().into(),
            identity: identity.map(|text| text.as_str().into()),
        };
        let create = reeve_workspace::Create {
            name: None,
            catalog: catalog.name.clone(),
            plan: other.plan.clone().or(given.plan.clone()),
            allotment: other.allotment.or(given.allotment.filter(|_| other.plan.is_none())),
            interval: other.interval.unwrap_or(given.interval),
            seats: other.seats.unwrap_or(given.seats),
            timezone: other.timezone.unwrap_or(given.timezone),
            owner: user.map(owner),
            metadata: None,
        };
        let is_main = *id == self.main;
        let command = match given.lots.as_deref().filter(|_| is_main) {
            Some(lots) => Command::Import(Box::new(Import {
                create,
                anchor_at: given.anchor_at.map(|at| at.0),
                lots: lots.iter().map(imported).collect(),
            })),
            None => Command::Create(Box::new(create)),
        };
        let outcome = self.run(id, &command)?;
        match given.credits.filter(|_| is_main && !matches!(outcome, Outcome::Refused(_))) {
            Some(credits) => self.endow(id, credits),
            None => Ok(outcome),
        }
    }

    fn endow(&mut self, id: &WorkspaceId, amount: Credits) -> Result<Outcome, String> {
        let adjust = Adjust { amount, reason: "given".into(), expires_at: None, job: None, scope: None };
        self.run(id, &Command::Adjust(adjust))
    }

    pub(super) fn patch(&mut self, id: &WorkspaceId, patch: &Patch) -> Result<Outcome, String> {
        let wanted = Reconfigure {
            timezone: patch.timezone,
            catalog_version: patch.catalog_version,
            concurrency_max: patch.max_concurrent.map(Some),
            allotment: patch.allotment,
            ..Reconfigure::default()
        };
        self.run(id, &Command::Reconfigure(Box::new(wanted)))
    }

    pub(super) fn promotion(&mut self, promotion: &format::Promotion) -> Result<Outcome, String> {
        let catalog = self.world.newest().catalog();
        if catalog.source(&promotion.source).is_none() {
            return Err(format!("catalog `{}` has no source `{}`", catalog.name, promotion.source));
        }
        let promotion = reeve_workspace::Promotion {
            id: promotion.id.as_str().into(),
            catalog: catalog.name.clone(),
            source: promotion.source.clone(),
            from: promotion.from.0,
            to: promotion.to.0,
            factor: promotion.factor,
        };
        self.world.promote(promotion);
        Ok(Outcome::Done)
    }

    pub(super) fn publish(&mut self, overlay: &Overlay) -> Result<Outcome, String> {
        let present: Arc<Catalog> = self.world.newest().catalog().clone();
        let next = self.world.newest().next(overlay).map_err(|error| error.to_string())?;
        if next.catalog().name != present.name || next.catalog().version <= present.version {
            let version = next.catalog().version;
            return Err(format!(
                "version {version} of `{}` does not follow {}",
                next.catalog().name,
                present.version
            ));
        }
        self.world.publish(next);
        Ok(Outcome::Done)
    }

    pub(super) fn move_catalog(
        &mut self,
        id: &WorkspaceId,
        to: &format::MoveCatalog,
    ) -> Result<Outcome, String> {
        let name = to.name.clone().unwrap_or_else(|| self.world.newest().catalog().name.clone());
        self.run(id, &Command::MoveCatalog(MoveCatalog { name, version: to.version }))
    }
}

fn imported(lot: &GivenLot) -> ImportedLot {
    ImportedLot {
        source: lot.source.clone(),
        amount: lot.amount,
        effective_at: None,
        expires_at: lot.until.and_then(|end| end.0),
        payment: lot.payment.as_deref().map(Into::into),
    }
}
