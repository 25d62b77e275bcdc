//! `reeve retry`: asks for a job again that failed, was cancelled or expired.

use clap::Args;
use reeve_protocol::{Amount, JobRetry};
use reeve_types::JobId;

use super::call::{Call, Named, amount, wait};
use crate::exit::Failure;
use crate::output;

/// Options of `retry`.
#[derive(Args, Debug)]
pub struct RetryArgs {
    job: JobId,
    /// The most that it may cost at today's price
    #[arg(long, value_parser = amount)]
    max_credits: Option<Amount>,
    #[command(flatten)]
    named: Named,
    #[command(flatten)]
    call: Call,
}

/// Runs the command.
///
/// # Errors
/// The server refuses or cannot be reached.
pub fn run(args: RetryArgs) -> Result<(), Failure> {
    let RetryArgs { job, max_credits, named, call } = args;
    let view = wait(call.client()?.retry_within(job, &JobRetry { max_credits }, named.key()))?;
    call.show(&view, |view| {
        output::print(&format!("{} {}, {} credits", view.id, view.status.as_str(), view.credits.quoted))
    })
}
