//! `X-Request-Id`: taken from the request when it is fit for a log line, else made here.

use std::sync::Arc;

use actix_web::dev::ServiceRequest;
use actix_web::{HttpMessage, HttpRequest};

use crate::header::REQUEST_ID;

/// Longest id that is taken over, in bytes.
const LEN_MAX: usize = 128;

/// Names one request in its answer, in ledger rows and in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestId(pub Arc<str>);

impl RequestId {
    /// The caller's id, or else the one that `make` gives.
    pub(crate) fn of(req: &ServiceRequest, make: impl FnOnce() -> String) -> Self {
        let sent = req.headers().get(&REQUEST_ID).and_then(|value| value.to_str().ok());
        Self(sent.filter(|text| is_fit(text)).map_or_else(|| make().into(), Into::into))
    }

    /// The id of a request that passed the envelope.
    pub(crate) fn get(req: &HttpRequest) -> Option<Arc<str>> {
        req.extensions().get::<Self>().map(|id| id.0.clone())
    }
}

/// Visible ASCII without spaces: an id ends up in logs and in the ledger's hash chain.
fn is_fit(text: &str) -> bool {
    !text.is_empty() && text.len() <= LEN_MAX && text.bytes().all(|b| b.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn a_fit_id_is_taken_over_and_any_other_replaced() {
        let of = |text: &str| {
            let req = TestRequest::default().insert_header((REQUEST_ID.clone(), text)).to_srv_request();
            RequestId::of(&req, || "made".to_owned()).0.to_string()
        };
        assert_eq!(of("abc-1/ä".trim_end_matches("/ä")), "abc-1");
        for bad in ["", "a b", "a\tb", &"x".repeat(129)] {
            assert_eq!(of(bad), "made", "{bad:?}");
        }
    }
}
