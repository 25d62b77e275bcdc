//! What can go wrong with a call: the server refused, could not be reached, or spoke otherwise than agreed.

use reeve_protocol::{Code, Problem};
use reeve_types::PoolName;

/// Why a call did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The server understood and said no. The reason is in the problem's code.
    #[error("{0}")]
    Refused(Box<Problem>),
    /// No answer came: it is not known whether the call took effect. The same idempotency key may be tried again.
    #[error("no answer from the server: {0}")]
    Unreachable(#[source] reqwest::Error),
    /// An answer that is not of this API: another server, or a proxy in between.
    #[error("unexpected answer with status {status}: {body}")]
    Unexpected {
        /// The HTTP status.
        status: u16,
        /// The beginning of the body.
        body: String,
    },
    /// The call cannot be made as asked.
    #[error("the request cannot be made: {0}")]
    Invalid(String),
}

impl ClientError {
    /// Longest part of a foreign body that is kept, in characters.
    const BODY_CHARS_MAX: usize = 300;

    /// An answer that is not of this API; only the head of its body is kept.
    pub(crate) fn unexpected(status: u16, body: &str) -> Self {
        Self::Unexpected { status, body: body.chars().take(Self::BODY_CHARS_MAX).collect() }
    }

    /// Sorts what the HTTP library says: what could not even be built is the caller's mistake.
    pub(crate) fn from_http(error: reqwest::Error) -> Self {
        if error.is_builder() { Self::Invalid(error.to_string()) } else { Self::Unreachable(error) }
    }

    /// True when the same call may succeed later: no answer, 429, 502, 503 or 504.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Refused(problem) => matches!(problem.status, 429 | 502..=504),
            Self::Unexpected { status, .. } => matches!(status, 429 | 502..=504),
            Self::Unreachable(_) => true,
            Self::Invalid(_) => false,
        }
    }

    /// True when a call repeats itself without being told: a 429 is left to the caller, who may prefer to give up.
    pub(crate) fn is_outage(&self) -> bool {
        self.is_retryable() && self.status() != Some(429)
    }

    /// How long the server asks to wait, in seconds.
    pub fn retry_after_seconds(&self) -> Option<u64> {
        self.problem().and_then(|problem| problem.retry_after_seconds)
    }

    /// The refusal, if it is one.
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Refused(problem) => Some(problem),
            _ => None,
        }
    }

    /// The pools that the server does not know, when that is why it refused.
    pub fn unknown_pools(&self) -> Option<&[PoolName]> {
        self.problem()?.unknown_pools.as_deref()
    }

    /// The refusal's code, if it is one.
    pub fn code(&self) -> Option<Code> {
        self.problem().map(|problem| problem.code)
    }

    /// The HTTP status, if there was an answer.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused(problem) => Some(problem.status),
            Self::Unexpected { status, .. } => Some(*status),
            Self::Unreachable(_) | Self::Invalid(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: Code) -> ClientError {
        ClientError::Refused(Box::new(Problem::later(code, "d", 7)))
    }

    #[test]
    fn what_may_pass_is_retryable_and_a_decision_is_not() {
        assert!(refused(Code::Overloaded).is_retryable());
        assert!(refused(Code::QueueFull).is_retryable());
        assert!(ClientError::unexpected(502, "proxy").is_retryable());
        for code in [Code::InsufficientCredits, Code::StaleLease, Code::InvalidRequest, Code::Internal] {
            assert!(!refused(code).is_retryable(), "{code}");
        }
        assert!(!ClientError::unexpected(200, "<html>").is_retryable());
    }

    #[test]
    fn a_full_queue_is_not_retried_behind_the_callers_back() {
        assert!(!refused(Code::QueueFull).is_outage());
        assert!(refused(Code::Overloaded).is_outage());
        assert_eq!(refused(Code::QueueFull).retry_after_seconds(), Some(7));
    }

    #[test]
    fn only_the_head_of_a_foreign_body_is_kept() {
        let error = ClientError::unexpected(200, &"ä".repeat(100_000));
        assert!(error.to_string().len() < 1_000);
    }
}
