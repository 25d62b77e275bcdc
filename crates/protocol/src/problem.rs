//! Problem details (RFC 9457) with their closed table of codes.
//!
//! A client decides by `code`; titles and details are for people and may change.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use reeve_types::{PlanName, PoolName};

use crate::{Amount, At, HealthCheck, schema};

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal, $status:literal, $title:literal;)+) => {
        /// The stable word of a problem.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Code {
            $($(#[$doc])* #[serde(rename = $text)] $variant,)+
        }

        impl Code {
            /// The whole table.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// The HTTP status that goes with it.
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status),+ }
            }

            /// A few words for people.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title),+ }
            }
        }
    };
}

codes! {
    /// The lots that may pay for the action have too little. Tells what is missing and the ways out (KV-06).
    InsufficientCredits = "insufficient_credits", 402, "Not enough credits";
    /// The plan may not do this.
    NotEntitled = "not_entitled", 403, "The plan does not include this";
    /// A member's limit or a purchase cap.
    LimitReached = "limit_reached", 403, "A limit is reached";
    /// The purchase cannot be refunded.
    RefundRefused = "refund_refused", 409, "The refund is refused";
    /// The price is above `max_credits`.
    PriceChanged = "price_changed", 409, "The price is higher than allowed";
    /// The body or a parameter is wrong; with status 400 when it is not JSON at all.
    InvalidRequest = "invalid_request", 422, "The request is not valid";
    /// There is no such thing, or this key may not know of it.
    NotFound = "not_found", 404, "Not found";
    /// Another attempt holds the job now, or it is closed.
    StaleLease = "stale_lease", 409, "The lease is no longer held";
    /// The state does not allow this.
    Conflict = "conflict", 409, "In conflict with the present state";
    /// The workspace is closed for good; nothing begins in it any more.
    WorkspaceClosed = "workspace_closed", 409, "The workspace is closed";
    /// It was there; age or erasing took it away.
    Gone = "gone", 410, "No longer there";
    /// The key was used with another body.
    IdempotencyMismatch = "idempotency_mismatch", 422, "The idempotency key belongs to another request";
    /// The tier's backlog is full.
    QueueFull = "queue_full", 429, "The queue is full";
    /// Too many requests.
    RateLimited = "rate_limited", 429, "Too many requests";
    /// The server cannot take this now; nothing was changed that a repeat would double.
    Overloaded = "overloaded", 503, "The server cannot take this now";
    /// Not ready to serve, while starting or stopping.
    NotReady = "not_ready", 503, "The server is not ready";
    /// No key, or one that is not known.
    Unauthorized = "unauthorized", 401, "A valid key is needed";
    /// What a provider sent is not signed with a secret of this server, or was signed too long ago.
    InvalidSignature = "invalid_signature", 400, "The signature does not hold";
    /// The key's role may not do this.
    Forbidden = "forbidden", 403, "This key may not do this";
    /// The body is too large.
    PayloadTooLarge = "payload_too_large", 413, "The body is too large";
    /// The body has a type that is not taken here.
    UnsupportedMediaType = "unsupported_media_type", 415, "This media type is not supported";
    /// The path has no such method.
    MethodNotAllowed = "method_not_allowed", 405, "This method is not allowed here";
    /// A bug of the server.
    Internal = "internal", 500, "The server made a mistake";
}

impl Code {
    /// True when the same request may succeed later without a change: the answer was not recorded.
    pub const fn is_retryable(self) -> bool {
        matches!(self.status(), 429 | 503)
    }
}

/// By hand: the derive does not see names that a macro gives to variants.
impl PartialSchema for Code {
    fn schema() -> RefOr<Schema> {
        let words = Self::ALL.iter().map(|code| code.as_str());
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("The stable word of a problem."))
            .enum_values(Some(words))
            .into()
    }
}

impl ToSchema for Code {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Code")
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A way out of a lack of credits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Remedy {
    /// Credits come by themselves.
    Wait,
    /// Credits can be bought.
    Purchase,
    /// A higher plan comes with enough.
    Upgrade,
    /// Fewer outputs can be paid now.
    FewerOutputs,
}

/// The cheapest way out of a lack of credits, in figures. Members that the kind does not have are left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Cheapest {
    /// Which way it is.
    pub kind: Remedy,
    /// `fewer_outputs`: so many can be paid now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outputs: Option<u32>,
    /// `fewer_outputs`: what those cost; `purchase`: what to buy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credits: Option<Amount>,
    /// `wait`: when enough is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<At>,
    /// `purchase`: the smallest pack that is enough, where packs are sold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pack: Option<String>,
    /// `upgrade`: the lowest plan that comes with enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::PlanName>)]
    pub plan: Option<PlanName>,
}

impl Cheapest {
    /// A way without figures.
    pub const fn by(kind: Remedy) -> Self {
        Self { kind, outputs: None, credits: None, until: None, pack: None, plan: None }
    }
}

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// A JSON pointer (RFC 6901) into the body; empty for the body itself.
    pub pointer: String,
    /// What is wrong, for people.
    pub detail: String,
}

impl FieldError {
    /// A wrong field.
    pub fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), detail: detail.into() }
    }
}

/// A problem. The members after `code` are left out where the code does not have them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// `urn:reeve:problem:` and the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// A few words for people; may change.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong this time, for people; may change.
    pub detail: String,
    /// The path of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// What to decide by.
    pub code: Code,

    /// `insufficient_credits`: the price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub required: Option<Amount>,
    /// `insufficient_credits`: in the lots that may pay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub available: Option<Amount>,
    /// `insufficient_credits`: the price less what is available.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<Amount>,
    /// `insufficient_credits`: when credits come by themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_credit_at: Option<At>,
    /// `insufficient_credits`: how many come then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_credit_amount: Option<Amount>,
    /// `insufficient_credits`: all ways out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedies: Option<Vec<Remedy>>,
    /// `insufficient_credits`: the cheapest way out, in figures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cheapest: Option<Cheapest>,

    /// `limit_reached`: which one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `limit_reached`: the limit and what counts against it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<Amount>,
    /// `limit_reached`: what counts against it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used: Option<Amount>,
    /// `limit_reached`: of purchases that are not paid yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<Amount>,
    /// `limit_reached`: of jobs under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<Amount>,
    /// `limit_reached`: when it starts anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resets_at: Option<At>,

    /// `price_changed`: the price now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credits: Option<Amount>,
    /// `invalid_request`: field by field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub errors: Option<Vec<FieldError>>,
    /// `invalid_request`, `not_found`: pools of the request that no catalog names, where it named one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<schema::PoolName>>)]
    pub unknown_pools: Option<Vec<PoolName>>,
    /// With `unknown_pools`: the pools that there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<schema::PoolName>>)]
    pub known_pools: Option<Vec<PoolName>>,
    /// `queue_full`, `rate_limited`, `overloaded`, `not_ready`: as the header `Retry-After`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_seconds: Option<u64>,
    /// `not_ready`: what was looked at, each with its answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checks: Option<Vec<HealthCheck>>,
}

impl Problem {
    /// What stands before the code in `type`: a name, not an address, so that it stays true wherever the docs are served.
    pub const TYPE_PREFIX: &'static str = "urn:reeve:problem:";

    /// A problem with the status and title of its code.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("{}{code}", Self::TYPE_PREFIX),
            title: code.title().to_owned(),
            status: code.status(),
            detail: detail.into(),
            instance: None,
            code,
            required: None,
            available: None,
            missing: None,
            next_credit_at: None,
            next_credit_amount: None,
            remedies: None,
            cheapest: None,
            name: None,
            limit: None,
            used: None,
            pending: None,
            held: None,
            resets_at: None,
            credits: None,
            errors: None,
            unknown_pools: None,
            known_pools: None,
            retry_after_seconds: None,
            checks: None,
        }
    }

    /// A body that is not JSON at all: `invalid_request` with status 400.
    pub fn malformed(detail: impl Into<String>) -> Self {
        Self { status: 400, ..Self::new(Code::InvalidRequest, detail) }
    }

    /// Wrong fields: `invalid_request` with status 422.
    pub fn invalid(detail: impl Into<String>, errors: Vec<FieldError>) -> Self {
        Self { errors: Some(errors), ..Self::new(Code::InvalidRequest, detail) }
    }

    /// A refusal for now: `overloaded`, `queue_full`, `rate_limited` or `not_ready`, with the seconds to wait.
    pub fn later(code: Code, detail: impl Into<String>, retry_after_seconds: u64) -> Self {
        Self { retry_after_seconds: Some(retry_after_seconds), ..Self::new(code, detail) }
    }

    /// The same problem, about this path.
    #[must_use]
    pub fn at(self, instance: impl Into<String>) -> Self {
        Self { instance: Some(instance.into()), ..self }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.code, self.status, self.detail)?;
        for error in self.errors.iter().flatten() {
            write!(f, "; `{}` {}", error.pointer, error.detail)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problem {}

#[cfg(test)]
mod tests {

    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_table_has_every_code_of_the_contract_once() {
        let words: HashSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(words.len(), Code::ALL.len());
        let contract = [
            ("insufficient_credits", 402),
            ("not_entitled", 403),
            ("limit_reached", 403),
            ("refund_refused", 409),
            ("price_changed", 409),
            ("invalid_request", 422),
            ("not_found", 404),
            ("stale_lease", 409),
            ("conflict", 409),
            ("idempotency_mismatch", 422),
            ("queue_full", 429),
            ("rate_limited", 429),
            ("overloaded", 503),
            ("unauthorized", 401),
            ("forbidden", 403),
            ("payload_too_large", 413),
            ("unsupported_media_type", 415),
            ("method_not_allowed", 405),
        ];
        for (word, status) in contract {
            let code = Code::ALL.iter().find(|code| code.as_str() == word);
            assert_eq!(code.map(|code| code.status()), Some(status), "{word}");
        }
    }

    #[test]
    fn every_code_reads_back_from_its_word() {
        for code in Code::ALL {
            let text = serde_json::to_string(code).unwrap();
            assert_eq!(text, format!("\"{code}\""));
            assert_eq!(serde_json::from_str::<Code>(&text).unwrap(), *code);
        }
    }

    #[test]
    fn only_the_members_of_the_code_are_shown() {
        let problem =
            Problem::invalid("two", vec![FieldError::new("/seats", "must be above 0")]).at("/v1/workspaces");
        assert_eq!(
            serde_json::to_string(&problem).unwrap(),
            concat!(
                r#"{"type":"urn:reeve:problem:invalid_request","title":"The request is not valid","status":422,"#,
                r#""detail":"two","instance":"/v1/workspaces","code":"invalid_request","#,
                r#""errors":[{"pointer":"/seats","detail":"must be above 0"}]}"#
            )
        );
    }

    #[test]
    fn a_problem_of_a_newer_server_is_read_without_its_new_members() {
        let text = r#"{"type":"x","title":"t","status":409,"detail":"d","code":"conflict","novel":1}"#;
        assert_eq!(serde_json::from_str::<Problem>(text).unwrap().code, Code::Conflict);
    }
}
