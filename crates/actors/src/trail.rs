//! Where a command comes from, and the span of its way through the workspace: from the mailbox to the commit.
//!
//! Carried by every command. Guarantee: it says which workspace and job, never what was asked for or answered.

use reeve_telemetry::{Kind, Origin, Span};
use reeve_types::{JobId, WorkspaceId};
use reeve_workspace::Command;

/// Goes with a command to its end.
#[derive(Debug, Default)]
pub(crate) struct Trail {
    origin: Origin,
    /// Ends with the command.
    span: Span,
    outcome: Option<&'static str>,
}

impl Trail {
    /// For a request, or of the server's own accord.
    pub(crate) const fn of(origin: Origin) -> Self {
        Self { origin, span: Span::none(), outcome: None }
    }

    /// A workspace looks at the command.
    pub(crate) fn begin(&mut self, workspace: &WorkspaceId, command: &Command) {
        let mut span = Span::part("workspace.command", Kind::Internal, self.origin.trace);
        span.text("workspace.id", workspace);
        span.text("command", name(command));
        if let Some(job) = job(command) {
            span.text("job.id", job);
        }
        self.span = span;
    }

    /// What is done for the command is for this.
    pub(crate) fn origin(&self) -> Origin {
        self.origin.below(self.span.trace())
    }

    /// It was refused, or could not be done now.
    pub(crate) fn fail(&mut self, why: &'static str) {
        self.span.fail(why);
    }

    /// It was decided. What is decided again, because a claim was taken, ends as decided last.
    pub(crate) fn decided(&mut self, outcome: &'static str) {
        self.outcome = Some(outcome);
    }
}

impl Drop for Trail {
    fn drop(&mut self) {
        if let Some(outcome) = self.outcome {
            self.span.text("outcome", outcome);
        }
    }
}

/// A line of the log for each command, which nobody pays for who does not read it.
pub(crate) fn tell(workspace: &WorkspaceId, command: &Command) {
    if tracing::enabled!(tracing::Level::DEBUG) {
        let job = job(command).map(tracing::field::display);
        tracing::debug!(workspace.id = %workspace, job.id = job, command = name(command), "command");
    }
}

/// The job that a command is about.
fn job(command: &Command) -> Option<JobId> {
    match command {
        Command::Submit(submit) => Some(submit.job),
        Command::Lease(lease) => Some(lease.job),
        Command::Upload(upload) => Some(upload.lease.job),
        Command::Complete(complete) => Some(complete.lease.job),
        Command::Fail(fail) => Some(fail.lease.job),
        Command::Lapse(lapse) => Some(lapse.lease.job),
        Command::Cancel(cancel) => Some(cancel.job),
        _ => None,
    }
}

const fn name(command: &Command) -> &'static str {
    match command {
        Command::Create(_) => "create",
        Command::Submit(_) => "submit",
        Command::Lease(_) => "lease",
        Command::Upload(_) => "upload",
        Command::Complete(_) => "complete",
        Command::Fail(_) => "fail",
        Command::Lapse(_) => "lapse",
        Command::Cancel(_) => "cancel",
        Command::CancelMany(_) => "cancel_many",
        Command::Purchase(_) => "purchase",
        Command::ConfirmPurchase { .. } => "confirm_purchase",
        Command::FailPurchase { .. } => "fail_purchase",
        Command::RefundPurchase(_) => "refund_purchase",
        Command::WinDispute { .. } => "win_dispute",
        Command::Refer(_) => "refer",
        Command::Adjust(_) => "adjust",
        Command::Subscribe(_) => "subscribe",
        Command::CancelSubscription => "cancel_subscription",
        Command::ResumeSubscription => "resume_subscription",
        Command::RefundSubscription(_) => "refund_subscription",
        Command::Renew(_) => "renew",
        Command::Billing(_) => "billing",
        Command::StartTrial => "start_trial",
        Command::SetAddon(_) => "set_addon",
        Command::CancelAddon { .. } => "cancel_addon",
        Command::LimitMember(_) => "limit_member",
        Command::Reconfigure(_) => "reconfigure",
        Command::MoveCatalog(_) => "move_catalog",
        Command::Import(_) => "import",
        Command::Close => "close",
        Command::Erase => "erase",
        Command::FinishErase => "finish_erase",
        Command::Wake => "wake",
    }
}
