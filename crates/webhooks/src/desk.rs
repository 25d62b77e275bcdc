//! What operators ask for: endpoints made, listed, rotated, tested, and deliveries asked for again.
//!
//! Speaks the shapes of the API, so that the HTTP layer only passes them through. What is changed goes through the
//! journal, each change in a task of its own: a caller that hangs up does not leave half of it.

use std::sync::Arc;

use reeve_journal::{CommitOutcome, DeliveryRow, EndpointRow, EndpointSecret, StoreError, WebhookChange};
use reeve_protocol::{
    Code, FieldError, Problem, WEBHOOK_EVENTS, WEBHOOK_TEST, WebhookCreate, WebhookCreated, WebhookRedeliver,
    WebhookRedelivered, WebhookRotate, WebhookView,
};
use reeve_types::{WebhookId, WorkspaceId, did_you_mean};

use crate::hearing;
use crate::message::MessageId;
use crate::office::{Office, Wake};
use crate::replay::{self, Part};
use crate::{secret, task, view};

/// Most endpoints of a platform: each event is held against every one of them.
const ENDPOINTS_MAX: usize = 1_000;
/// Longest address, in bytes.
const URL_BYTES_MAX: usize = 2_048;
/// How long an old secret signs too, when nothing else is said.
const OVERLAP_SECONDS: u64 = 86_400;
/// Longest overlap: thirty days.
const OVERLAP_SECONDS_MAX: u64 = 30 * 86_400;
/// Deliveries that one transaction removes with their endpoint.
const DELETE_ROWS_MAX: u32 = 1_000;

/// The answer to an operator.
pub type Answer<T> = Result<T, Box<Problem>>;

/// Something of ours under way that outlives the request.
pub(crate) async fn whole<T: Send + 'static>(
    work: impl Future<Output = Answer<T>> + Send + 'static,
) -> Answer<T> {
    task::spawn(work).await.unwrap_or_else(|_| Err(problem(Code::Internal, "the change broke off")))
}

fn problem(code: Code, detail: impl Into<String>) -> Box<Problem> {
    Box::new(Problem::new(code, detail))
}

fn later(detail: &str) -> Box<Problem> {
    Box::new(Problem::later(Code::Overloaded, detail, 1))
}

pub(crate) fn unavailable(error: &StoreError) -> Box<Problem> {
    tracing::warn!(%error, "a request about webhooks could not be served");
    later("the server's storage is not available; try again")
}

fn field(pointer: &str, detail: impl Into<String>) -> Box<Problem> {
    let detail = detail.into();
    let whole = format!("`{pointer}`: {detail}");
    Box::new(Problem::invalid(whole, vec![FieldError::new(pointer, detail)]))
}

pub(crate) fn not_found(what: &str) -> Box<Problem> {
    problem(Code::NotFound, format!("there is no such {what}"))
}

pub(crate) async fn commit(office: &Office, change: WebhookChange) -> Answer<()> {
    match office.commit(change).await {
        CommitOutcome::Durable => Ok(()),
        outcome => {
            tracing::warn!(?outcome, "a change of webhooks was not committed");
            Err(later("the change could not be committed; try again"))
        }
    }
}

fn fresh(office: &Office) -> [u8; reeve_journal::SECRET_BYTES] {
    secret::of_bits([(office.entropy)(), (office.entropy)()])
}

/// The endpoint of an id, of either sort.
pub(crate) async fn endpoint(office: &Office, id: WebhookId) -> Answer<EndpointRow> {
    let found = office.store.endpoint(id).await.map_err(|error| unavailable(&error))?;
    found.ok_or_else(|| not_found("webhook"))
}

/// Whether a text may be the address of an endpoint, as far as the text tells.
pub(crate) fn check_url(office: &Office, pointer: &str, url: &str) -> Answer<()> {
    if url.len() > URL_BYTES_MAX || !url.bytes().all(|byte| byte.is_ascii_graphic()) {
        let detail = format!("must be a web address of at most {URL_BYTES_MAX} ASCII characters");
        return Err(field(pointer, detail));
    }
    office.sender.guard().url(url).map(drop).map_err(|forbidden| field(pointer, forbidden.to_string()))
}

fn check_events(events: Option<Vec<String>>) -> Answer<Vec<String>> {
    let mut events = events.unwrap_or_default();
    for (n, kind) in events.iter().enumerate() {
        if !WEBHOOK_EVENTS.contains(&kind.as_str()) {
            let shown: String = kind.chars().take(60).collect();
            let known = WEBHOOK_EVENTS.join("`, `");
            let near = did_you_mean(&shown, WEBHOOK_EVENTS.iter().copied());
            return Err(field(&format!("/events/{n}"), format!("`{shown}` is none of `{known}`{near}")));
        }
    }
    events.sort();
    events.dedup();
    Ok(events)
}

pub(crate) async fn create(office: Arc<Office>, body: WebhookCreate) -> Answer<WebhookCreated> {
    let WebhookCreate { url, events, workspace } = body;
    check_url(&office, "/url", &url)?;
    let events = check_events(events)?;
    if let Some(id) = &workspace
        && office.store.workspace(id).await.map_err(|error| unavailable(&error))?.is_none()
    {
        return Err(field("/workspace", format!("`{id}` does not exist")));
    }
    if office.store.endpoints().await.map_err(|error| unavailable(&error))?.len() >= ENDPOINTS_MAX {
        let detail = format!("there are {ENDPOINTS_MAX} webhooks already; delete one");
        return Err(problem(Code::Conflict, detail));
    }
    let now = office.clock.now();
    let bytes = fresh(&office);
    let row = EndpointRow {
        id: WebhookId::from_parts(now, (office.entropy)()),
        url,
        events,
        workspace,
        of_jobs: false,
        secrets: vec![EndpointSecret { bytes, until: None }],
        created_at: now,
        heard_from: 0,
        failing_since: None,
        disabled: None,
    };
    commit(&office, WebhookChange::Put(row.clone())).await?;
    Ok(WebhookCreated { webhook: view::endpoint(&row, now), secret: secret::shown(&bytes) })
}

pub(crate) async fn delete(office: Arc<Office>, id: WebhookId) -> Answer<()> {
    endpoint(&office, id).await?;
    remove(&office, id).await
}

/// An endpoint with its deliveries, whatever is there of them.
async fn remove(office: &Office, id: WebhookId) -> Answer<()> {
    loop {
        commit(office, WebhookChange::Delete { id, count_max: DELETE_ROWS_MAX }).await?;
        let one = reeve_journal::Page { after: None, limit: 1 };
        let filter = reeve_journal::DeliveryFilter::default();
        let left = office.store.deliveries(id, &filter, &one).await.map_err(|error| unavailable(&error))?;
        if left.is_empty() {
            return Ok(());
        }
    }
}

/// What is kept for one workspace alone: endpoints that hear of no other, and all that went to addresses its jobs named.
pub(crate) async fn forget(office: Arc<Office>, workspace: WorkspaceId) -> Answer<()> {
    let registered = office.store.endpoints().await.map_err(|error| unavailable(&error))?;
    let own = registered.iter().filter(|row| row.workspace.as_ref() == Some(&workspace));
    for id in own.map(|row| row.id).chain([hearing::of_jobs(&workspace)]) {
        remove(&office, id).await?;
    }
    Ok(())
}

fn overlap_ms(body: WebhookRotate) -> Answer<i64> {
    let seconds = body.overlap_seconds.unwrap_or(OVERLAP_SECONDS);
    if seconds > OVERLAP_SECONDS_MAX {
        return Err(field("/overlap_seconds", format!("must be at most {OVERLAP_SECONDS_MAX}")));
    }
    Ok(i64::try_from(seconds).unwrap_or(0).saturating_mul(1_000))
}

pub(crate) async fn rotate(
    office: Arc<Office>,
    id: WebhookId,
    body: WebhookRotate,
) -> Answer<WebhookCreated> {
    let overlap_ms = overlap_ms(body)?;
    let row = endpoint(&office, id).await?;
    let (now, bytes) = (office.clock.now(), fresh(&office));
    let secrets = secret::rotated(&row.secrets, bytes, (now, overlap_ms));
    let row = EndpointRow { secrets, ..row };
    commit(&office, WebhookChange::Put(row.clone())).await?;
    Ok(WebhookCreated { webhook: view::endpoint(&row, now), secret: secret::shown(&bytes) })
}

/// The endpoint of the addresses that jobs of a workspace name: made when it is not there, else its secret rotates.
pub(crate) async fn rotate_of_jobs(
    office: Arc<Office>,
    workspace: WorkspaceId,
    body: WebhookRotate,
) -> Answer<WebhookCreated> {
    let id = hearing::of_jobs(&workspace);
    if office.store.endpoint(id).await.map_err(|error| unavailable(&error))?.is_some() {
        return rotate(office, id, body).await;
    }
    overlap_ms(body)?;
    let (now, bytes) = (office.clock.now(), fresh(&office));
    let row = hearing::endpoint_of_jobs(&workspace, bytes, now);
    commit(&office, WebhookChange::Put(row.clone())).await?;
    Ok(WebhookCreated { webhook: view::endpoint(&row, now), secret: secret::shown(&bytes) })
}

pub(crate) async fn enable(office: Arc<Office>, id: WebhookId) -> Answer<WebhookView> {
    let row = EndpointRow { disabled: None, failing_since: None, ..endpoint(&office, id).await? };
    commit(&office, WebhookChange::Put(row.clone())).await?;
    // What waited when it was disabled goes on.
    office.wake(Wake::Lane(id));
    Ok(view::endpoint(&row, office.clock.now()))
}

/// Sends an event that says nothing, to see whether it arrives.
pub(crate) async fn test(office: Arc<Office>, id: WebhookId) -> Answer<WebhookView> {
    let row = endpoint(&office, id).await?;
    if row.of_jobs {
        return Err(problem(Code::Conflict, "each job names an address of its own; test with a job"));
    }
    must_be_enabled(&row)?;
    let tell = WebhookChange::Tell {
        kind: WEBHOOK_TEST.to_owned(),
        workspace: row.workspace.clone(),
        at: office.clock.now(),
        body: serde_json::json!({ "webhook": id }).to_string(),
    };
    commit(&office, tell).await?;
    office.wake(Wake::Outbox);
    Ok(view::endpoint(&row, office.clock.now()))
}

fn must_be_enabled(row: &EndpointRow) -> Answer<()> {
    match &row.disabled {
        None => Ok(()),
        Some(disabled) => {
            let detail = format!("it is disabled ({}); enable it first", disabled.why);
            Err(problem(Code::Conflict, detail))
        }
    }
}

pub(crate) async fn redeliver(
    office: Arc<Office>,
    id: WebhookId,
    body: WebhookRedeliver,
) -> Answer<WebhookRedelivered> {
    let WebhookRedeliver { delivery, since, failed_only, cursor } = body;
    let row = endpoint(&office, id).await?;
    must_be_enabled(&row)?;
    let answer = match (delivery, since) {
        (Some(delivery), None) if failed_only.is_none() && cursor.is_none() => {
            again(&office, id, &delivery).await?
        }
        (None, Some(since)) if !row.of_jobs => {
            let after = cursor.as_deref().map(str::parse::<i64>).transpose();
            let after = after.map_err(|_| field("/cursor", "is not one that this call answered with"))?;
            let part = Part { since: since.into(), failed_only: failed_only.unwrap_or(false), after };
            replay::run(&office, &row, part).await?
        }
        (None, Some(_)) => {
            return Err(field("/since", "goes with registered webhooks; give one `delivery` here"));
        }
        _ => {
            return Err(field("/delivery", "give either `delivery`, or `since` with what goes with it"));
        }
    };
    office.wake(Wake::Lane(id));
    Ok(answer)
}

/// One delivery, whatever became of it.
async fn again(office: &Office, id: WebhookId, delivery: &str) -> Answer<WebhookRedelivered> {
    let message: MessageId = delivery.parse().map_err(|()| not_found("delivery"))?;
    let found = office.store.delivery(id, message.event).await.map_err(|error| unavailable(&error))?;
    let due = found.ok_or_else(|| not_found("delivery"))?;
    if due.event.is_none() {
        return Err(problem(Code::Conflict, "its event is not kept any more"));
    }
    replay::write(office, vec![anew(due.delivery, office)]).await?;
    Ok(WebhookRedelivered { deliveries: 1, next_cursor: None })
}

/// A delivery that begins from the start.
fn anew(row: DeliveryRow, office: &Office) -> DeliveryRow {
    DeliveryRow {
        state: reeve_journal::DeliveryState::Pending,
        due_at: Some(office.clock.now()),
        attempts: 0,
        ..row
    }
}
