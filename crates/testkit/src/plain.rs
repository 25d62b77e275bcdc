//! Commands with nothing special in them: a test changes the fields that it is about.

use std::sync::Arc;

use reeve_credits::catalog::Interval;
use reeve_types::JobId;
use reeve_workspace::{Create, Submit};
use serde_json::Value;

/// A workspace on a plan: one seat, by the month, in UTC, of nobody.
pub fn create(catalog: &str, plan: &str) -> Create {
    Create {
        name: None,
        catalog: catalog.parse().expect("a catalog's name"),
        plan: Some(plan.parse().expect("a plan's name")),
        allotment: None,
        interval: Interval::Month,
        seats: 1,
        timezone: chrono_tz::UTC,
        owner: None,
        metadata: None,
    }
}

/// A job with these parameters; anything but an object is none.
pub fn submit(job: JobId, action: &str, params: Value) -> Submit {
    let params = match params {
        Value::Object(params) => params,
        _ => serde_json::Map::new(),
    };
    Submit {
        job,
        action: action.parse().expect("an action's name"),
        params: Arc::new(params),
        member: None,
        priority: 0,
        not_before: None,
        queue_timeout_ms: None,
        run_timeout_ms: None,
        credits_max: None,
        metadata: None,
        webhook: None,
        retry_of: None,
    }
}
