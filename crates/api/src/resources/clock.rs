//! The clock that credits and deadlines go by: looked at, and on a test server moved.

use actix_web::web::Data;
use reeve_protocol::{ClockMode, ClockSet, ClockView, Quantity};
use reeve_types::Millis;

use crate::error::{Answer, ApiError};
use crate::json::{Input, ok};
use crate::problem::refused;
use crate::state::ApiState;

/// The present instant, and whether it moves by itself.
#[utoipa::path(get, path = "/v1/clock", tag = "operating",
    responses((status = 200, description = "The clock", body = ClockView)))]
pub(crate) async fn get(state: Data<ApiState>) -> Answer {
    ok(&view(&state))
}

/// Moves a manual clock forward; answers when all that is due by then is folded.
#[utoipa::path(post, path = "/v1/clock", tag = "operating", request_body = ClockSet,
    responses((status = 200, description = "The clock after it", body = ClockView)))]
pub(crate) async fn set(state: Data<ApiState>, input: Input<ClockSet>) -> Answer {
    let Input { body, call } = input;
    let change = async {
        let _one_at_a_time = state.moving_clock.lock().await;
        let to = target(&body, state.engine.now())?;
        state.engine.advance_clock(to).await?.map_err(|refusal| refused(&refusal))?;
        Ok(view(&state))
    };
    state.repeats.once(&call, change).await
}

fn view(state: &ApiState) -> ClockView {
    let clock = state.engine.clock();
    let mode = if clock.manual { ClockMode::Manual } else { ClockMode::System };
    ClockView { now: clock.now.into(), mode }
}

/// Where the clock is to go. Backward is the engine's to refuse.
fn target(body: &ClockSet, now: Millis) -> Result<Millis, ApiError> {
    match (body.advance_seconds, body.now) {
        (Some(by), None) => Ok(now.plus_ms(by.seconds_to_ms())),
        (None, Some(to)) => Ok(to.into()),
        _ => Err(ApiError::field("", "give either `advance_seconds` or `now`")),
    }
    .and_then(|to| within_years(to, body.advance_seconds))
}

/// RFC 3339 has four digits for a year: a clock beyond them could not be shown.
fn within_years(to: Millis, by: Option<Quantity>) -> Result<Millis, ApiError> {
    const LAST_MS: i64 = 253_402_300_799_999;
    if to.value() <= LAST_MS {
        return Ok(to);
    }
    let pointer = if by.is_some() { "/advance_seconds" } else { "/now" };
    Err(ApiError::field(pointer, "goes beyond the year 9999"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_move_names_a_distance_or_an_instant() {
        let now = Millis::from_millis(10);
        let by = |seconds| ClockSet { advance_seconds: Quantity::whole(seconds), now: None };
        assert_eq!(target(&by(2), now).unwrap().value(), 2_010);
        let to = ClockSet { advance_seconds: None, now: Some(Millis::from_millis(7).into()) };
        assert_eq!(target(&to, now).unwrap().value(), 7);
        assert!(target(&ClockSet::default(), now).is_err());
        assert!(target(&ClockSet { now: to.now, ..by(1) }, now).is_err());
        assert!(target(&by(9_000_000_000_000), now).is_err());
    }
}
