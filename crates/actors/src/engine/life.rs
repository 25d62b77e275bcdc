//! Many jobs at once, and the end of a workspace: one command each, carried out in bounded changes.

use reeve_journal::{DaySpan, Page, PlatformChange, Reconciled, Tidy};
use reeve_types::WorkspaceId;
use reeve_workspace::{CancelMany, Command};

use super::{Engine, Executed};
use crate::call::{Answer, Call, Unavailable};

/// Jobs that one change cancels: enough to be quick, few enough that others get their turn between two.
const CANCELLED_AT_ONCE: usize = 500;

/// Which jobs a bulk cancel is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CancelWhich {
    pub queued: bool,
    pub running: bool,
    /// Only jobs of this action.
    pub action: Option<reeve_types::ActionName>,
}

impl CancelWhich {
    fn command(&self, admitted_max: Option<u64>) -> CancelMany {
        let Self { queued, running, action } = self.clone();
        CancelMany { queued, running, action, admitted_max, count_max: CANCELLED_AT_ONCE }
    }
}

impl Engine {
    /// Cancels all jobs that match and were admitted before the call, in the workspace's own order.
    ///
    /// The first change carries the idempotency key and the counts; a repeat is answered with those and carries out
    /// what an interrupted call had left.
    ///
    /// # Errors
    /// [`Unavailable`]: some may be cancelled; repeat it under the same key.
    pub async fn cancel_many(
        &self,
        workspace: &WorkspaceId,
        which: &CancelWhich,
        call: Call,
    ) -> Result<Executed, Unavailable> {
        let follow_up = Call { meta: call.meta.clone(), idempotency: None };
        let first = which.command(None);
        let executed = self.execute(workspace, Command::CancelMany(first), call).await?;
        if let Answer::Cancelled(done) = &executed.answer
            && done.is_more
        {
            self.cancel_rest(workspace, (which, done.admitted_max), follow_up).await?;
        }
        Ok(executed)
    }

    async fn cancel_rest(
        &self,
        workspace: &WorkspaceId,
        (which, admitted_max): (&CancelWhich, u64),
        call: Call,
    ) -> Result<(), Unavailable> {
        loop {
            let next = which.command(Some(admitted_max));
            let executed = self.execute(workspace, Command::CancelMany(next), call.clone()).await?;
            match executed.answer {
                Answer::Cancelled(done) if done.is_more => {}
                _ => return Ok(()),
            }
        }
    }

    /// Closes a workspace for good and cancels its waiting jobs; running ones end normally.
    ///
    /// # Errors
    /// [`Unavailable`]: it may be closed with jobs that still wait; none of them starts, and the upkeep cancels them.
    pub async fn close(&self, workspace: &WorkspaceId, call: Call) -> Result<Executed, Unavailable> {
        let follow_up = Call { meta: call.meta.clone(), idempotency: None };
        let executed = self.execute(workspace, Command::Close, call).await?;
        if matches!(executed.answer, Answer::Workspace(_)) {
            self.cancel_waiting(workspace, follow_up).await?;
        }
        Ok(executed)
    }

    /// Cancels every job that waits.
    ///
    /// # Errors
    /// As [`Self::cancel_many`].
    pub async fn cancel_waiting(&self, workspace: &WorkspaceId, call: Call) -> Result<Executed, Unavailable> {
        let which = CancelWhich { queued: true, running: false, action: None };
        self.cancel_many(workspace, &which, call).await
    }

    /// Takes away what nobody needs any more, and forgets it in memory too.
    ///
    /// # Errors
    /// When the journal cannot commit it, or is not known to have.
    pub async fn tidy(&self, tidy: Tidy) -> Result<(), Unavailable> {
        let jobs: Vec<_> = match &tidy {
            Tidy::Shed(jobs) => jobs.iter().map(|job| job.id).collect(),
            Tidy::AnswersBefore { .. } | Tidy::AnswersOf { .. } => Vec::new(),
        };
        self.platform(PlatformChange::Tidy(tidy)).await?;
        // One that ended while it was handed to a worker may have come back after it was forgotten.
        jobs.into_iter().for_each(|job| self.shared().intros.forget(job));
        Ok(())
    }

    /// Sums of days over all workspaces, a page of them at a time.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn reconcile(&self, span: DaySpan) -> Result<Reconciled, Unavailable> {
        let mut all = Reconciled::default();
        let mut page = Page { after: None, limit: RECONCILED_AT_ONCE };
        loop {
            let part = self.reader().reconcile(span, &page).await?;
            for (day, sums) in &part.days {
                all.days.entry(*day).or_default().add(sums);
            }
            match part.last {
                Some(last) => page.after = Some(last),
                None => return Ok(all),
            }
        }
    }
}

/// Workspaces whose rows are summed in one snapshot.
const RECONCILED_AT_ONCE: u32 = 500;
