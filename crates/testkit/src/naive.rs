//! A store of plain maps: keeps what `records` say and rebuilds a workspace from nothing else (S1).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use reeve_credits::lot::Lot;
use reeve_types::{JobId, LotId, MemberId, PurchaseId, WorkspaceId};
use reeve_workspace::{
    Claim, JobIntro, JobState, Kind, LiveJob, Member, Profile, PurchaseRow, Records, Row, State, Tallies,
    WorkspaceRow,
};

/// The rows of one workspace, as a store has them.
#[derive(Clone, Debug, Default)]
pub struct NaiveStore {
    changes: u64,
    workspace: Option<WorkspaceRow>,
    profile: Option<Profile>,
    tallies: Option<Tallies>,
    lots: BTreeMap<LotId, Lot>,
    intros: BTreeMap<JobId, Arc<JobIntro>>,
    jobs: BTreeMap<JobId, JobState>,
    purchases: BTreeMap<PurchaseId, PurchaseRow>,
    members: BTreeMap<MemberId, Member>,
    pub claims: BTreeSet<Claim>,
    pub ledger: Vec<Row>,
}

impl NaiveStore {
    /// Writes one change set.
    ///
    /// # Errors
    /// A claim that is in use (L6): the journal would have refused the change.
    pub fn write(&mut self, records: &Records) -> Result<(), String> {
        for claim in &records.unclaims {
            self.claims.remove(claim);
        }
        for claim in &records.claims {
            if !self.claims.insert(claim.clone()) {
                return Err(format!("L6: `{}:{}` is claimed twice", claim.scope, claim.key));
            }
        }
        self.changes += 1;
        let row = &records.workspace;
        self.profile = row.profile.as_deref().cloned().or(self.profile.take());
        self.tallies = row.tallies.as_deref().cloned().or(self.tallies.take());
        self.workspace = Some(row.clone());
        self.lots.extend(records.lots.iter().map(|lot| (lot.id, lot.clone())));
        self.intros.extend(records.admitted.iter().map(|intro| (intro.id, intro.clone())));
        self.jobs.extend(records.jobs.iter().cloned());
        for (job, attempt, upload) in &records.uploads {
            let lease = self.jobs.get_mut(job).and_then(|state| state.lease.as_mut());
            // A job's own record carries its uploads when both are touched.
            if let Some(lease) =
                lease.filter(|lease| lease.attempt == *attempt && !lease.uploads.contains(upload))
            {
                lease.uploads.retain(|other| other.index != upload.index);
                lease.uploads.push(upload.clone());
            }
        }
        self.purchases.extend(records.purchases.iter().map(|row| (row.id, row.clone())));
        self.members.extend(records.members.iter().cloned());
        self.ledger.extend(records.ledger.iter().cloned());
        Ok(())
    }

    /// The workspace as its rows tell it; `None` before its first.
    pub fn rebuild(&self, id: &WorkspaceId) -> Option<State> {
        let row = self.workspace.as_ref()?;
        let live = self.jobs.iter().filter(|(_, state)| !state.status.is_final());
        let jobs = live
            .filter_map(|(id, state)| Some((*id, Box::new(LiveJob::from_rows(self.intros.get(id)?, state)))));
        let (spent, lots): (Vec<Lot>, Vec<Lot>) = self.lots.values().cloned().partition(Lot::is_spent);
        let paid = spent.into_iter().filter(|lot| lot.payment.is_some()).map(|lot| (lot.id, lot));
        let state = State {
            id: id.clone(),
            version: self.changes,
            profile: self.profile.clone()?,
            lots,
            paid_lots: paid.collect(),
            debt: row.debt,
            purchases: self.purchases.clone(),
            members: self.members.clone(),
            tallies: self.tallies.clone()?,
            jobs: jobs.collect(),
            running: 0,
            admitted: row.admitted,
            lots_made: row.lots_made,
            chain: row.chain,
            last_event_at: row.last_event_at,
            deadlines: BTreeSet::new(),
            outward_at: row.outward_at,
        };
        Some(state.rebuilt())
    }

    /// Every lot that ever was.
    pub fn lots(&self) -> impl Iterator<Item = &Lot> {
        self.lots.values()
    }

    /// A job as last written.
    pub fn job(&self, id: JobId) -> Option<&JobState> {
        self.jobs.get(&id)
    }

    /// L1 and L3 from the rows alone: each term of each lot is what its ledger rows add up to.
    ///
    /// # Errors
    /// The first lot that is not explained.
    pub fn explain_lots(&self) -> Result<(), String> {
        let mut sums: BTreeMap<LotId, BTreeMap<&str, i64>> = BTreeMap::new();
        for row in &self.ledger {
            *sums.entry(row.lot).or_default().entry(row.kind.as_str()).or_default() += row.amount.micros();
        }
        for lot in self.lots.values() {
            let of = |kind: Kind| {
                sums.get(&lot.id).and_then(|kinds| kinds.get(kind.as_str())).copied().unwrap_or_default()
            };
            let terms = [
                ("granted", of(Kind::Grant), lot.granted),
                ("held", of(Kind::Hold) - of(Kind::Settle) - of(Kind::Release), lot.terms.held),
                ("consumed", of(Kind::Settle) + of(Kind::Take), lot.terms.consumed),
                ("expired", of(Kind::Expire), lot.terms.expired),
                ("forfeited", of(Kind::Forfeit), lot.terms.forfeited),
                ("clawed back", of(Kind::ClawBack) - of(Kind::Restore), lot.terms.clawed_back),
            ];
            if let Some((term, rows, has)) = terms.into_iter().find(|(_, rows, has)| *rows != has.micros()) {
                return Err(format!(
                    "L1: lot {} of {}: {term} is {has}, its rows say {rows} millionths",
                    lot.id, lot.source
                ));
            }
        }
        Ok(())
    }
}
