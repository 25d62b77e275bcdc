//! Is the process alive, and may it be sent requests?

use actix_web::web::Data;
use reeve_protocol::{Code, Health, Problem};

use crate::error::Answer;
use crate::json::ok;
use crate::state::ApiState;

fn fine() -> Answer {
    ok(&Health { status: "ok".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() })
}

/// The process answers.
#[utoipa::path(get, path = "/healthz", tag = "health", security(()),
    responses((status = 200, description = "It lives", body = Health)))]
pub(crate) async fn live() -> Answer {
    fine()
}

/// Everything stored is loaded, and the store takes changes.
#[utoipa::path(get, path = "/readyz", tag = "health", security(()),
    responses((status = 200, description = "It is ready", body = Health)))]
pub(crate) async fn ready(state: Data<ApiState>) -> Answer {
    let not_ready = |why: &str| Err(Problem::later(Code::NotReady, why, 1).into());
    if state.engine.stopping() || *state.closing().borrow() {
        return not_ready("the server is stopping");
    }
    if !state.engine.is_ready() {
        return not_ready("the server is still loading what is stored");
    }
    if !state.engine.journal_health().can_commit {
        return not_ready("the store takes no changes now");
    }
    fine()
}
