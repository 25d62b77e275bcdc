//! The one error of handlers: a problem, and headers that go with it.

use std::fmt;

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use reeve_protocol::headers::{IDEMPOTENT_REPLAY, RETRY_AFTER};
use reeve_protocol::{Code, FieldError, Problem};
use reeve_types::{PoolName, did_you_mean};

/// What handlers answer with.
pub(crate) type Answer<T = HttpResponse> = Result<T, ApiError>;

/// A problem on its way out. The envelope around all routes writes its body, because it knows the path.
#[derive(Debug)]
pub(crate) struct ApiError(Box<Inner>);

#[derive(Debug)]
struct Inner {
    problem: Problem,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl ApiError {
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Self {
        Problem::new(code, detail).into()
    }

    /// There is no such thing, or the key may not know of it: both look the same.
    pub(crate) fn not_found(what: &str) -> Self {
        Self::new(Code::NotFound, format!("there is no such {what}"))
    }

    /// The same, where everybody may know of the others: what may have been meant is told.
    pub(crate) fn no_such<'k>(what: &str, name: &str, known: impl IntoIterator<Item = &'k str>) -> Self {
        Self::new(Code::NotFound, format!("there is no {what} `{name}`{}", did_you_mean(name, known)))
    }

    /// A pool of the path that no catalog names (404).
    pub(crate) fn no_such_pool(pool: PoolName, known: Vec<PoolName>) -> Self {
        let detail = format!("there is no such pool: {}", unknown_pool(&pool, &known));
        let problem = Problem::new(Code::NotFound, detail);
        Problem { unknown_pools: Some(vec![pool]), known_pools: Some(known), ..problem }.into()
    }

    /// Pools of the body's `pools` that no catalog names (422). Never some of them only: a worker with one wrong name
    /// would else work on as if it served all.
    pub(crate) fn unknown_pools(
        asked: &[PoolName],
        (unknown, known): (Vec<PoolName>, Vec<PoolName>),
    ) -> Self {
        let wrong = asked.iter().enumerate().filter(|(_, pool)| unknown.contains(pool));
        let errors: Vec<FieldError> = wrong
            .map(|(n, pool)| FieldError::new(format!("/pools/{n}"), unknown_pool(pool, &known)))
            .collect();
        let detail = format!("no catalog names {}; there are {}", listed(&unknown), listed(&known));
        let problem = Problem::invalid(detail, errors);
        Problem { unknown_pools: Some(unknown), known_pools: Some(known), ..problem }.into()
    }

    /// One wrong field (422).
    pub(crate) fn field(pointer: &str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Problem::invalid(format!("`{pointer}`: {detail}"), vec![FieldError::new(pointer, detail)]).into()
    }

    /// A bug of ours: told to the log, hidden from the caller.
    pub(crate) fn internal(what: impl fmt::Display) -> Self {
        tracing::error!(error = %what, "a request failed for a reason of our own");
        Self::new(Code::Internal, "something went wrong on the server; the request id finds it in its log")
    }

    /// The environment's fault: told to the log, and worth a retry.
    pub(crate) fn unavailable(what: impl fmt::Display) -> Self {
        tracing::warn!(error = %what, "a request could not be served");
        Problem::later(Code::Overloaded, "the server's storage is not available; try again", 1).into()
    }

    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    /// Marks the remembered refusal of an earlier request.
    pub(crate) fn replayed(self, replayed: bool) -> Self {
        if !replayed {
            return self;
        }
        match HeaderName::from_bytes(IDEMPOTENT_REPLAY.as_bytes()) {
            Ok(name) => self.with_header(name, HeaderValue::from_static("true")),
            Err(_) => self,
        }
    }

    pub(crate) fn problem(&self) -> &Problem {
        &self.0.problem
    }
}

fn unknown_pool(pool: &PoolName, known: &[PoolName]) -> String {
    let near = did_you_mean(pool.as_str(), known.iter().map(PoolName::as_str));
    format!("no catalog names pool `{pool}`; there are {}{near}", listed(known))
}

fn listed(pools: &[PoolName]) -> String {
    let names: Vec<String> = pools.iter().map(|pool| format!("`{pool}`")).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

impl From<Problem> for ApiError {
    fn from(problem: Problem) -> Self {
        Self(Box::new(Inner { problem, headers: Vec::new() }))
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0.problem, f)
    }
}

impl std::error::Error for ApiError {}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.0.problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Without a body: [`crate::app::envelope`] writes it from the problem that is attached here.
    fn error_response(&self) -> HttpResponse<BoxBody> {
        let mut answer = HttpResponse::build(self.status_code());
        for (name, value) in &self.0.headers {
            answer.append_header((name.clone(), value.clone()));
        }
        if let Some(seconds) = self.0.problem.retry_after_seconds {
            answer.append_header((RETRY_AFTER, seconds.to_string()));
        }
        let mut answer = answer.finish();
        answer.extensions_mut().insert(self.0.problem.clone());
        answer
    }
}
