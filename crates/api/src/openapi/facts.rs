//! What each call can answer with, and what it takes beside its body: one table of codes per kind of call.
//!
//! Most of it follows from the table of routes and from the handler's own annotation: whether a key is asked for,
//! whether the path names something, whether a body is read. What does not follow stands in the lists below, one line
//! a call. A test fails when a line names no call.

use std::collections::BTreeSet;

use actix_web::http::Method;
use reeve_journal::Role;
use reeve_protocol::Code;
use serde_json::Value;

use crate::routes::Endpoint;

/// A status with the code that it comes with.
pub(crate) type Refusal = (u16, Code);

/// Calls that ignore `Idempotency-Key` although they change something: a repeat is harmless by itself, or makes
/// another one of what it makes.
const WITHOUT_IDEMPOTENCY: &[&str] = &[
    "POST /v1/workspaces/{ws}/quotes",
    "POST /v1/workspaces/import",
    "PUT /v1/catalogs/{name}",
    "PUT /v1/promotions/{id}",
    "POST /v1/keys",
    "DELETE /v1/keys/{id}",
    "POST /v1/webhooks",
    "DELETE /v1/webhooks/{id}",
    "POST /v1/webhooks/{id}/rotate",
    "POST /v1/webhooks/{id}/enable",
    "POST /v1/webhooks/{id}/test",
    "POST /v1/webhooks/{id}/redeliver",
    "POST /v1/workspaces/{ws}/job_webhooks/rotate",
    "POST /v1/verify",
    "PUT /v1/integrations/stripe/customers/{customer}",
    "DELETE /v1/integrations/stripe/customers/{customer}",
];

/// Calls that do not look at a body, although their method might have one.
const WITHOUT_BODY: &[&str] = &["POST /v1/verify", "DELETE /v1/keys/{id}", "DELETE /v1/webhooks/{id}"];

/// Calls whose body may be left out, although it has members.
const BODY_OPTIONAL: &[&str] = &["POST /v1/workspaces/{ws}/jobs/cancel", "POST /v1/jobs/{id}/retry"];

/// What single calls refuse beyond what follows from their kind.
const REFUSALS: &[(&str, &[Code])] = &[
    ("POST /v1/workspaces/{ws}/jobs", {
        use Code::{
            InsufficientCredits, LimitReached, NotEntitled, PriceChanged, QueueFull, WorkspaceClosed,
        };
        &[InsufficientCredits, NotEntitled, LimitReached, PriceChanged, QueueFull, WorkspaceClosed]
    }),
    ("POST /v1/workspaces/{ws}/quotes", &[Code::NotEntitled]),
    ("POST /v1/jobs/{id}/retry", {
        use Code::{
            InsufficientCredits, LimitReached, NotEntitled, PriceChanged, QueueFull, WorkspaceClosed,
        };
        &[InsufficientCredits, NotEntitled, LimitReached, PriceChanged, QueueFull, WorkspaceClosed]
    }),
    ("GET /v1/jobs/{id}/outputs/{n}", &[Code::Gone]),
    ("POST /v1/workspaces/{ws}/assets", &[Code::WorkspaceClosed]),
    ("POST /v1/workspaces/{ws}/purchases", &[Code::NotEntitled, Code::LimitReached, Code::WorkspaceClosed]),
    ("POST /v1/purchases/{id}/confirm", &[Code::LimitReached]),
    ("POST /v1/purchases/{id}/refund", &[Code::RefundRefused]),
    ("POST /v1/workspaces/{ws}/referrals", &[Code::NotEntitled, Code::LimitReached]),
    ("POST /v1/workspaces/{ws}/subscription", &[Code::NotEntitled]),
    ("POST /v1/workspaces/{ws}/subscription/refund", &[Code::RefundRefused]),
    ("GET /v1/workspaces/{ws}/subscription/refund_proposal", &[Code::RefundRefused]),
    ("POST /v1/workspaces/{ws}/trial", &[Code::NotEntitled]),
    ("PUT /v1/workspaces/{ws}/addons/{addon}", &[Code::NotEntitled]),
    ("PUT /v1/catalogs/{name}", &[Code::Conflict]),
    ("PUT /v1/promotions/{id}", &[Code::Conflict]),
    ("DELETE /v1/keys/{id}", &[Code::Conflict]),
    ("POST /v1/webhooks", &[Code::Conflict]),
    ("POST /v1/webhooks/{id}/test", &[Code::Conflict]),
    ("POST /v1/webhooks/{id}/redeliver", &[Code::Conflict]),
    ("POST /v1/clock", &[Code::NotEntitled]),
    ("POST /v1/reload", &[Code::Conflict]),
    ("POST /v1/integrations/stripe", {
        use Code::{Conflict, Internal, InvalidSignature, LimitReached, NotEntitled, NotFound};
        &[InvalidSignature, NotFound, NotEntitled, LimitReached, Conflict, Internal]
    }),
    ("PUT /v1/integrations/stripe/customers/{customer}", &[Code::Conflict]),
    ("POST /v1/worker/leases/{lease}/progress", &[Code::StaleLease]),
    ("POST /v1/worker/leases/{lease}/complete", &[Code::StaleLease]),
    ("POST /v1/worker/leases/{lease}/fail", &[Code::StaleLease]),
    ("PUT /v1/worker/leases/{lease}/outputs/{n}", &[Code::StaleLease]),
];

/// How a call reads its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Body {
    /// Not at all.
    Ignored,
    /// None is needed; `{}` is taken.
    Bare,
    Read,
}

/// One call: a row of the table of routes with its operation of the document.
pub(crate) struct Call<'a> {
    pub endpoint: &'a Endpoint,
    pub operation: &'a Value,
}

impl Call<'_> {
    /// Its name in lists: method and path.
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.endpoint.method, self.endpoint.path)
    }

    /// Roles whose keys may call it; `None` when no key is needed.
    pub(crate) fn roles(&self) -> Option<Vec<Role>> {
        if self.is_open() {
            return None;
        }
        let all = [Role::Admin, Role::Workspace, Role::Worker];
        Some(all.into_iter().filter(|role| self.endpoint.access.admits(*role)).collect())
    }

    fn is_open(&self) -> bool {
        matches!(self.endpoint.access, crate::roles::Access::Open | crate::roles::Access::Signed)
    }

    /// A repeat under the same `Idempotency-Key` gets the first answer.
    pub(crate) fn is_idempotent_by_key(&self) -> bool {
        let changes = !self.endpoint.method.is_safe() && !self.is_open();
        changes
            && !self.endpoint.path.starts_with("/v1/worker/")
            && !listed(WITHOUT_IDEMPOTENCY, &self.name())
    }

    /// Its body may be left out.
    pub(crate) fn has_optional_body(&self) -> bool {
        listed(BODY_OPTIONAL, &self.name())
    }

    fn body(&self) -> Body {
        if self.operation.get("requestBody").is_some() {
            Body::Read
        } else if self.endpoint.method.is_safe() || listed(WITHOUT_BODY, &self.name()) {
            Body::Ignored
        } else {
            Body::Bare
        }
    }

    fn reads_query(&self) -> bool {
        let parameters = self.operation["parameters"].as_array().into_iter().flatten();
        parameters.into_iter().any(|parameter| parameter["in"] == "query")
    }

    /// Every refusal it can answer with, in order of status.
    pub(crate) fn refusals(&self) -> BTreeSet<Refusal> {
        let mut all = BTreeSet::new();
        let mut may = |code: Code| {
            all.insert((code.status(), code));
        };
        if !self.is_open() {
            for code in
                [Code::Unauthorized, Code::Forbidden, Code::RateLimited, Code::Overloaded, Code::Internal]
            {
                may(code);
            }
        } else {
            match self.endpoint.path {
                "/healthz" => {}
                "/readyz" => may(Code::NotReady),
                // A server that stands by answers only the two above.
                _ => may(Code::Overloaded),
            }
        }
        if self.endpoint.path.contains('{') {
            may(Code::NotFound);
        }
        if self.reads_query() || self.body() != Body::Ignored {
            may(Code::InvalidRequest);
        }
        if self.is_idempotent_by_key() {
            may(Code::IdempotencyMismatch);
            if self.is_about_a_workspace() {
                may(Code::Conflict);
            }
        }
        if self.body() != Body::Ignored {
            may(Code::PayloadTooLarge);
            may(Code::UnsupportedMediaType);
        }
        for (_, codes) in REFUSALS.iter().filter(|(call, _)| *call == self.name()) {
            codes.iter().copied().for_each(&mut may);
        }
        if self.body() != Body::Ignored {
            all.extend([400, 408].map(|status| (status, Code::InvalidRequest)));
        }
        // A refusal that the annotation names is one, too.
        for status in self.annotated() {
            if !all.iter().any(|(known, _)| *known == status) {
                all.insert((status, usual(status)));
            }
        }
        all
    }

    fn annotated(&self) -> impl Iterator<Item = u16> {
        let responses = self.operation["responses"].as_object().into_iter().flatten();
        responses.filter_map(|(status, _)| status.parse().ok()).filter(|status| *status >= 400)
    }

    /// What it changes is owned by a workspace, whose state may not allow it.
    fn is_about_a_workspace(&self) -> bool {
        let path = self.endpoint.path;
        ["/v1/workspaces", "/v1/purchases", "/v1/jobs"].iter().any(|owned| path.starts_with(owned))
    }
}

/// The code that a status comes with when nothing more is said.
const fn usual(status: u16) -> Code {
    match status {
        401 => Code::Unauthorized,
        402 => Code::InsufficientCredits,
        403 => Code::Forbidden,
        404 => Code::NotFound,
        405 => Code::MethodNotAllowed,
        409 => Code::Conflict,
        410 => Code::Gone,
        413 => Code::PayloadTooLarge,
        415 => Code::UnsupportedMediaType,
        429 => Code::RateLimited,
        503 => Code::Overloaded,
        400..500 => Code::InvalidRequest,
        _ => Code::Internal,
    }
}

fn listed(list: &[&str], call: &str) -> bool {
    list.contains(&call)
}

/// The operation of a route in the document; null when it has none.
pub(crate) fn operation<'a>(document: &'a Value, endpoint: &Endpoint) -> &'a Value {
    &document["paths"][endpoint.path][method(&endpoint.method)]
}

/// A method as the document spells it.
pub(crate) fn method(method: &Method) -> String {
    method.as_str().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes::table;

    #[test]
    fn every_line_of_the_lists_names_a_call() {
        let calls: Vec<String> =
            table().iter().map(|endpoint| format!("{} {}", endpoint.method, endpoint.path)).collect();
        let lists = WITHOUT_IDEMPOTENCY
            .iter()
            .chain(WITHOUT_BODY)
            .chain(BODY_OPTIONAL)
            .chain(REFUSALS.iter().map(|(call, _)| call));
        for line in lists {
            assert!(calls.iter().any(|call| call == line), "`{line}` is in a list and in no route");
        }
    }
}
