//! A log line for each request, at level `debug` and under a target of its own: `reeve_api::access`.
//!
//! Used by the envelope. It names the key by its id and never says a header, a body or a query: the query of a signed
//! link opens it for whoever reads the log.

use std::sync::Arc;

use actix_web::HttpMessage as _;
use actix_web::body::BoxBody;
use actix_web::dev::ServiceResponse;
use tokio::time::Instant;
use tracing::Level;

use crate::request_id::RequestId;
use crate::roles::Caller;

const TARGET: &str = "reeve_api::access";

/// A request that is to be told of.
pub(crate) struct Seen {
    at: Instant,
}

impl Seen {
    /// None unless somebody reads these lines.
    pub(crate) fn now() -> Option<Self> {
        tracing::enabled!(target: TARGET, Level::DEBUG).then(|| Self { at: Instant::now() })
    }

    /// Tells of it with its answer, of which the body may still be on its way.
    pub(crate) fn tell(&self, answer: &ServiceResponse<BoxBody>, id: &RequestId) {
        let request = answer.request();
        let key = request.extensions().get::<Arc<Caller>>().map(|caller| caller.key);
        let key = key.map(tracing::field::display);
        let (path, status, id) = (request.path(), answer.status().as_u16(), &*id.0);
        let elapsed_us = u64::try_from(self.at.elapsed().as_micros()).unwrap_or(u64::MAX);
        tracing::debug!(
            target: TARGET,
            elapsed_us, http.method = %request.method(), http.path = path, http.status = status, key.id = key,
            request.id = id, "request"
        );
    }
}
