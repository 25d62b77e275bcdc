//! Answers that several commands share: the workspace after a change of it.

use actix_web::http::StatusCode;
use reeve_actors::{Answer as Stored, Call, Executed};
use reeve_types::WorkspaceId;
use reeve_workspace::Command;

use crate::error::{Answer, ApiError};
use crate::json::answered;
use crate::problem::refused;
use crate::state::ApiState;
use crate::view::workspace::of_actor;

/// Executes a command and answers with the workspace as it then is.
pub(crate) async fn change(
    state: &ApiState,
    workspace: &WorkspaceId,
    (command, call): (Command, Call),
    status: StatusCode,
) -> Answer {
    let executed = state.engine.execute(workspace, command, call).await?;
    self::workspace(state, &executed, status)
}

/// The workspace that a command answered with.
pub(crate) fn workspace(state: &ApiState, executed: &Executed, status: StatusCode) -> Answer {
    match &executed.answer {
        Stored::Workspace(view) => {
            answered(status, &of_actor(&state.engine.shelf(), view), executed.replayed)
        }
        other => Err(unexpected(other, executed.replayed)),
    }
}

/// What a command was answered with instead of what its handler shows.
pub(crate) fn unexpected(answer: &Stored, replayed: bool) -> ApiError {
    match answer {
        Stored::Refused(refusal) => refused(refusal).replayed(replayed),
        other => ApiError::internal(format!("a command was answered with {other:?}")),
    }
}
