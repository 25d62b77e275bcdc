//! The envelope around every route: request id, and problem details for whatever went wrong inside.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{ALLOW, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{HttpMessage, HttpRequest, HttpResponse};
use reeve_faults::{self as faults, Point};
use reeve_protocol::headers::PROBLEM_JSON;
use reeve_protocol::{Code, Problem};

use crate::access::Seen;
use crate::auth::Methods;
use crate::error::{Answer, ApiError};
use crate::header::REQUEST_ID;
use crate::problem;
use crate::request_id::RequestId;
use crate::state::ApiState;
use crate::traced;

/// Wraps the whole app.
pub(crate) async fn envelope(
    req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let changes = !req.method().is_safe();
    let id = RequestId::of(&req, || new_id(&req));
    req.extensions_mut().insert(id.clone());
    let seen = Seen::now();
    let (origin, span) = traced::begin(&req, &id);
    let answer = origin.scope(next.call(req)).await?.map_into_boxed_body();
    let mut answer = if answer.status().is_client_error() || answer.status().is_server_error() {
        let path = answer.request().path().to_owned();
        answer.map_body_whole(|head| problem_body(head, path))
    } else {
        answer
    };
    // It is visible ASCII, so it always is a header's value; empty where there is no engine to draw one.
    if let Ok(value) = HeaderValue::from_str(&id.0)
        && !id.0.is_empty()
    {
        answer.headers_mut().insert(REQUEST_ID.clone(), value);
    }
    if let Some(seen) = seen {
        seen.tell(&answer, &id);
    }
    traced::end(span, &answer);
    if changes {
        faults::pass(Point::ApiBeforeReply);
        faults::pass_soon(Point::ApiAfterReply);
    }
    Ok(answer)
}

fn new_id(req: &ServiceRequest) -> String {
    let state = req.app_data::<Data<ApiState>>();
    state.map_or_else(String::new, |state| format!("req_{:032x}", state.engine.random_bits()))
}

/// Gives an answer that says something went wrong the body that tells what.
fn problem_body(mut answer: HttpResponse, path: String) -> HttpResponse {
    let problem = answer.extensions_mut().remove::<Problem>();
    let problem = problem.unwrap_or_else(|| problem::of_status(answer.status().as_u16())).at(path);
    // A problem has texts and numbers only: it always can be written.
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    let headers = answer.headers_mut();
    headers.remove(CONTENT_LENGTH);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
    answer.set_body(BoxBody::new(body))
}

/// Changing the whole answer of a service, not only its body.
trait MapWhole {
    fn map_body_whole(self, change: impl FnOnce(HttpResponse) -> HttpResponse) -> Self;
}

impl MapWhole for ServiceResponse<BoxBody> {
    fn map_body_whole(self, change: impl FnOnce(HttpResponse) -> HttpResponse) -> Self {
        let (request, answer) = self.into_parts();
        Self::new(request, change(answer))
    }
}

/// The path exists, the method does not.
pub(crate) async fn method_not_allowed(req: HttpRequest) -> Answer {
    let allow = req.app_data::<Methods>().map(Methods::allow).unwrap_or_default();
    let error = ApiError::new(Code::MethodNotAllowed, format!("`{}` is not one of {allow}", req.method()));
    Err(match HeaderValue::from_str(&allow) {
        Ok(value) => error.with_header(ALLOW, value),
        Err(_) => error,
    })
}

/// There is no such path.
pub(crate) async fn no_such_path() -> Answer {
    Err(ApiError::new(Code::NotFound, "there is nothing at this path; `/openapi.json` lists what there is"))
}
