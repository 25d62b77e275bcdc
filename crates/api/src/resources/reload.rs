//! Reading the configuration again.

use actix_web::web::Data;
use futures_util::future::BoxFuture;
use reeve_protocol::{Code, ReloadReport};

use crate::error::{Answer, ApiError};
use crate::json::Bare;
use crate::state::ApiState;

/// What reads the configuration and puts it in force. Given by the composition root, which knows where it stands.
pub trait ReloadPort: Send + Sync + 'static {
    /// Reads and applies.
    ///
    /// # Errors
    /// What is wrong with it, in words for the operator; nothing changed then.
    fn run(&self) -> BoxFuture<'static, Result<ReloadReport, String>>;
}

/// Reads the configuration again and puts limits, tiers, retries, deadlines and costs in force without a restart.
#[utoipa::path(post, path = "/v1/reload", tag = "operating",
    responses((status = 200, description = "What changed", body = ReloadReport)))]
pub(crate) async fn run(state: Data<ApiState>, input: Bare) -> Answer {
    state.repeats.once(&input.call, reload(&state)).await
}

async fn reload(state: &ApiState) -> Answer<ReloadReport> {
    let Some(port) = &state.reload else {
        return Err(ApiError::new(
            Code::Conflict,
            "this server was started without a configuration to read again",
        ));
    };
    port.run().await.map_err(|why| ApiError::field("", format!("nothing was changed: {why}")))
}
