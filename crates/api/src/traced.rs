//! A request as a trace sees it, and the request that everything below it is for.
//!
//! Used by the envelope. The span has the method, the route as it is written in the table, the status and the request
//! id: never a path, which names what it is about, a query, which opens a signed link, a header or a body.

use std::sync::Arc;

use actix_web::HttpMessage as _;
use actix_web::body::BoxBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::HeaderMap;
use reeve_telemetry::{Kind, Origin, Span, Trace};

use crate::header::TRACEPARENT;
use crate::request_id::RequestId;
use crate::roles::Caller;

/// Asked every few seconds by machines, and never part of a story.
const UNTOLD: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// Begins a request: what it is for, and its span.
pub(crate) fn begin(req: &ServiceRequest, id: &RequestId) -> (Origin, Span) {
    let caller = caller(req.headers());
    let mut span = match UNTOLD.contains(&req.path()) {
        true => Span::none(),
        false => Span::first(method(req.method()), Kind::Server, caller),
    };
    span.text("request.id", &id.0);
    let request = (!id.0.is_empty()).then(|| id.0.clone());
    // Without a collector here, the caller's trace is passed on all the same: the worker may have one.
    (Origin { request, trace: span.trace().or(caller) }, span)
}

/// The request has its answer, of which the body may still be on its way.
pub(crate) fn end(mut span: Span, answer: &ServiceResponse<BoxBody>) {
    if !span.is_kept() {
        return;
    }
    let (request, status) = (answer.request(), answer.status());
    let method = method(request.method());
    span.text("http.request.method", method);
    span.number("http.response.status_code", status.as_u16());
    if let Some(route) = request.match_pattern() {
        span.rename(|| format!("{method} {route}"));
        span.text("http.route", route);
    }
    if let Some(caller) = request.extensions().get::<Arc<Caller>>() {
        span.text("key.id", caller.key);
    }
    if status.is_server_error() {
        span.fail("the server could not serve it");
    }
}

/// The place in a trace that the caller sent. Two of them are none: nobody can tell which is meant.
fn caller(headers: &HeaderMap) -> Option<Trace> {
    let mut sent = headers.get_all(&TRACEPARENT);
    let (first, second) = (sent.next()?, sent.next());
    second.is_none().then(|| first.to_str().ok().and_then(Trace::parse)).flatten()
}

/// Of the methods that there are: the name of a span is not for callers to make up.
fn method(method: &actix_web::http::Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "HTTP",
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn the_trace_of_the_caller_is_passed_on_unless_it_is_doubtful() {
        let of = |headers: &[&str]| {
            let mut request = TestRequest::default();
            for header in headers {
                request = request.append_header((TRACEPARENT.clone(), *header));
            }
            begin(&request.to_srv_request(), &RequestId("r-1".into())).0
        };
        let told = of(&[PARENT]);
        assert_eq!(told.trace.map(|trace| trace.to_string()).as_deref(), Some(PARENT));
        assert_eq!(told.request.as_deref(), Some("r-1"));
        for doubtful in [&[][..], &["nonsense"], &[PARENT, PARENT]] {
            assert_eq!(of(doubtful).trace, None, "{doubtful:?}");
        }
    }
}
