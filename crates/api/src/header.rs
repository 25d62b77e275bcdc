//! Names of headers that a request is asked for, ready to look up: a text would be made a name anew for each request.

use actix_web::http::header::HeaderName;

/// `X-Request-Id`.
pub(crate) static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// `Idempotency-Key`.
pub(crate) static IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// `traceparent`.
pub(crate) static TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

#[cfg(test)]
mod tests {
    use reeve_protocol::headers;

    use super::*;

    #[test]
    fn they_are_the_names_of_the_contract() {
        let names = [&REQUEST_ID, &IDEMPOTENCY_KEY, &TRACEPARENT].map(HeaderName::as_str);
        let told = [headers::REQUEST_ID, headers::IDEMPOTENCY_KEY, headers::TRACEPARENT];
        assert_eq!(names.as_slice(), told.map(str::to_lowercase).as_slice());
    }
}
