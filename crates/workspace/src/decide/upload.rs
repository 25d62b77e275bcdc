//! An upload is recorded, and lands nothing (X21).

use super::{Ctx, Decision, live, refused};
use crate::command::UploadOutput;
use crate::event::Event;
use crate::execute::Subject;
use crate::refusal::Refusal;
use crate::state::State;

pub(super) fn decide(state: &State, command: &UploadOutput, ctx: &Ctx<'_>) -> Result<Decision, Refusal> {
    let UploadOutput { lease, upload } = command;
    let live = live(state, lease.job)?;
    live.job.on_upload(*lease, upload).map_err(refused)?;
    let same = live.job.lease().is_some_and(|lease| lease.uploads.contains(upload));
    let event = Event::Uploaded { job: lease.job, attempt: lease.attempt, upload: upload.clone() };
    // A repeat with the same bytes is fine and writes nothing.
    let events = if same { Vec::new() } else { vec![event] };
    Ok(Decision::about(Subject::Job(lease.job), ctx.now, events))
}
