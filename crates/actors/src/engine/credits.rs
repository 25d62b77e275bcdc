//! A workspace's credits as readers see them: always as if time were folded, at any instant.

use std::sync::Arc;

use reeve_credits::lot::Lot;
use reeve_journal::{UsageFilter, UsageKey, UsageRow};
use reeve_types::{ActionName, Credits, MemberId, Millis, PurchaseId, WorkspaceId};
use reeve_workspace::{
    Command, LimitMember, MemberLimit, Profile, PurchaseRow, RefundProposal, Refusal, State, next_change,
    price, state_at,
};

use super::{Engine, Executed, QuotedNow};
use crate::call::{Answer, Balance, Call, MemberView, Unavailable};
use crate::shared::Shared;
use crate::workspace::view;

/// How far a forecast looks ahead, in milliseconds: ten years. Each day of it may be a step to fold.
const FORECAST_MS_MAX: i64 = 3_660 * 86_400_000;
/// How often a member's past is read again because the ledger moved on.
const READS_MAX: usize = 5;

impl Engine {
    /// Credits now, with what is due folded. `None` when the workspace does not exist.
    ///
    /// # Errors
    /// When its actor cannot answer now.
    pub async fn balance(&self, workspace: &WorkspaceId) -> Result<Option<Balance>, Unavailable> {
        let shared = self.shared.clone();
        self.inspect(workspace, move |state| {
            let now = state.now(shared.clock.now());
            balance_of(&shared, state, now)
        })
        .await
    }

    /// Credits at `at`. Later than now it is what will be if nothing is spent. Earlier than the last event it is
    /// what the ledger says, with the profile as it is now: profiles have no past. `None` when the workspace
    /// does not exist.
    ///
    /// # Errors
    /// When its actor or the store cannot answer now. Too far ahead is the inner refusal.
    pub async fn balance_at(
        &self,
        workspace: &WorkspaceId,
        at: Millis,
    ) -> Result<Option<Result<Balance, Refusal>>, Unavailable> {
        let shared = self.shared.clone();
        let look = move |state: &State| {
            let now = state.now(shared.clock.now());
            let (shelf, rules) = (shared.shelf(), shared.rules());
            // Without jobs and without folding: cheap in the actor, the rest is done here.
            (state_at(state, &shared.world((&shelf, &rules), now, &[]), state.last_event_at), now)
        };
        let Some((state, now)) = self.inspect(workspace, look).await? else { return Ok(None) };
        if at < state.last_event_at {
            return Ok(self.balance_before(&state, at).await?.map(Ok));
        }
        if at.since(now) > FORECAST_MS_MAX {
            let detail = "a forecast looks ten years ahead at most";
            return Ok(Some(Err(Refusal::invalid("/at", detail))));
        }
        Ok(Some(Ok(balance_of(&self.shared, &state, at))))
    }

    async fn balance_before(&self, state: &State, at: Millis) -> Result<Option<Balance>, Unavailable> {
        let Some(past) = self.shared.reader.balance_at(&state.id, at).await? else { return Ok(None) };
        let stored = self.shared.reader.lots(&state.id).await?;
        let lots = past.lots.into_iter().filter_map(|past| {
            let lot = stored.iter().find(|lot| lot.id == past.id)?;
            Some(Lot { granted: past.granted, terms: past.terms, ..lot.clone() })
        });
        let lots: Vec<Lot> = lots.filter(|lot| !lot.is_spent()).collect();
        // The row says all lots; what had not begun, or had ended unseen, could not be spent.
        let usable = lots.iter().filter(|lot| lot.is_usable(at)).map(|lot| lot.terms.available);
        let usable = Credits::checked_sum(usable).unwrap_or(Credits::ZERO);
        let mut view = view(&self.shared, state, at);
        view.available = usable.checked_sub(past.debt).unwrap_or(past.available);
        view.held = past.held;
        view.debt = past.debt;
        view.as_of = at;
        Ok(Some(Balance { view, lots, as_of: at, next: None }))
    }

    /// What a job would cost, and whether it can be paid now. `None` when the workspace does not exist.
    ///
    /// # Errors
    /// When its actor cannot answer now. A price that cannot be made is the inner refusal.
    pub async fn quote(
        &self,
        workspace: &WorkspaceId,
        action: ActionName,
        params: Arc<serde_json::Map<String, serde_json::Value>>,
    ) -> Result<Option<Result<QuotedNow, Refusal>>, Unavailable> {
        let shared = self.shared.clone();
        let look = move |state: &State| {
            let now = state.now(shared.clock.now());
            let (shelf, rules) = (shared.shelf(), shared.rules());
            let quoted = price(state, &shared.world((&shelf, &rules), now, &[]), (&action, &params))?;
            let catalog = shelf.version(&quoted.quote.catalog, quoted.quote.catalog_version);
            let pool = catalog.and_then(|catalog| catalog.action(&action)).map(|action| action.pool.clone());
            let gone = || Refusal::invalid("/action", format!("`{action}` is not in its catalog any more"));
            let (quote, missing) = (quoted.quote, quoted.missing);
            Ok(QuotedNow { quote, pool: pool.ok_or_else(gone)?, affordable: missing.is_zero(), missing })
        };
        self.inspect(workspace, look).await
    }

    /// A purchase, and whose it is.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn purchase(&self, id: PurchaseId) -> Result<Option<(WorkspaceId, PurchaseRow)>, Unavailable> {
        Ok(self.shared.reader.purchase(id).await?)
    }

    /// What a workspace used, grouped by `keys`.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn usage(
        &self,
        workspace: &WorkspaceId,
        filter: &UsageFilter,
        keys: &[UsageKey],
    ) -> Result<Vec<UsageRow>, Unavailable> {
        Ok(self.shared.reader.usage(workspace, filter, keys).await?)
    }

    /// Members who have, or had, a limit, in order of id. `None` when the workspace does not exist.
    ///
    /// # Errors
    /// When its actor cannot answer now.
    pub async fn members(&self, workspace: &WorkspaceId) -> Result<Option<Vec<MemberView>>, Unavailable> {
        let shared = self.shared.clone();
        let look = move |state: &State| {
            let now = state.now(shared.clock.now());
            let profile = folded(&shared, state, now).profile;
            let member = |(id, member): (&MemberId, &reeve_workspace::Member)| {
                let mine = state.jobs.values().filter(|live| live.job.spec.member.as_ref() == Some(id));
                MemberView {
                    id: id.clone(),
                    limit: member.limit,
                    settled: member.settled_at(now, &profile),
                    held: Credits::checked_sum(mine.map(|live| live.hold.total())).unwrap_or(Credits::ZERO),
                    resets_at: member.limit.and_then(|limit| limit.window.end(now, &profile)),
                }
            };
            state.members.iter().map(member).collect()
        };
        self.inspect(workspace, look).await
    }

    /// What a refund of the subscription would be (KF-10); the inner `None` on a plan that is not paid for.
    ///
    /// # Errors
    /// When its actor cannot answer now.
    pub async fn refund_proposal(
        &self,
        workspace: &WorkspaceId,
    ) -> Result<Option<Option<RefundProposal>>, Unavailable> {
        let shared = self.shared.clone();
        let look = move |state: &State| {
            let (shelf, rules) = (shared.shelf(), shared.rules());
            let now = state.now(shared.clock.now());
            reeve_workspace::refund_proposal(state, &shared.world((&shelf, &rules), now, &[]))
        };
        self.inspect(workspace, look).await
    }

    /// Sets or lifts a member's limit, counting what the member settled before in the present window.
    ///
    /// # Errors
    /// [`Unavailable`]: nothing is known to have changed; also when the ledger moves faster than it can be read.
    pub async fn limit_member(
        &self,
        workspace: &WorkspaceId,
        member: MemberId,
        limit: Option<MemberLimit>,
        call: Call,
    ) -> Result<Executed, Unavailable> {
        for _ in 0..READS_MAX {
            let (settled, as_of_seq) = match limit {
                Some(limit) => self.settled_before(workspace, &member, limit).await?,
                None => (Credits::ZERO, 0),
            };
            let wanted = LimitMember { member: member.clone(), limit, settled, as_of_seq };
            let executed = self.execute(workspace, Command::LimitMember(wanted), call.clone()).await?;
            if !matches!(executed.answer, Answer::Refused(Refusal::Moved { .. })) {
                return Ok(executed);
            }
        }
        Err(Unavailable::Retry { reason: "the workspace is busy", after_seconds: 1 })
    }

    /// What a member settled in the window that now lies in, and the ledger's end when that was true.
    async fn settled_before(
        &self,
        workspace: &WorkspaceId,
        member: &MemberId,
        limit: MemberLimit,
    ) -> Result<(Credits, u64), Unavailable> {
        let shared = self.shared.clone();
        let start = move |state: &State| {
            let now = state.now(shared.clock.now());
            let profile: Profile = folded(&shared, state, now).profile;
            limit.window.start(now, &profile)
        };
        // A workspace that does not exist is refused by the command.
        let Some(from) = self.inspect(workspace, start).await? else { return Ok((Credits::ZERO, 0)) };
        Ok(self.shared.reader.member_settled(workspace, member, from).await?)
    }
}

/// A workspace as it is at `at` with all that is due by then folded; a copy without jobs.
pub(super) fn folded(shared: &Shared, state: &State, at: Millis) -> State {
    let (shelf, rules) = (shared.shelf(), shared.rules());
    state_at(state, &shared.world((&shelf, &rules), at, &[]), at)
}

fn balance_of(shared: &Shared, state: &State, at: Millis) -> Balance {
    let (shelf, rules) = (shared.shelf(), shared.rules());
    let world = shared.world((&shelf, &rules), at, &[]);
    let then = state_at(state, &world, at);
    let next = next_change(&then, &world);
    Balance { view: view(shared, &then, at), lots: then.lots, as_of: at, next }
}
