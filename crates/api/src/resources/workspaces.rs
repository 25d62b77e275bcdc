//! Workspaces: create, list, read.

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use futures_util::StreamExt as _;
use reeve_actors::{Balance, Call, Unavailable};
use reeve_journal::WorkspaceRecord;
use reeve_protocol::{ListQuery, Page, WorkspaceCreate, WorkspaceView};
use reeve_types::{WorkspaceId, did_you_mean};
use reeve_workspace::{Command, Create, Owner};

use crate::error::{Answer, ApiError};
use crate::idempotency::derived_workspace;
use crate::json::{Input, ok};
use crate::problem::refused;
use crate::query::{Part, parses, path_id, query};
use crate::resources::reply;
use crate::state::ApiState;
use crate::text::{self, NAME_CHARS_MAX};
use crate::view::workspace::{asked_interval, of_actor, of_record};

/// Workspaces of a page that are asked for their balance at once.
const LOOKS: usize = 16;
/// Most seats of one workspace: beyond it the input is a mistake.
pub(crate) const SEATS_MAX: u32 = 100_000;

/// Opens a workspace on a plan; grants what the catalog says.
#[utoipa::path(post, path = "/v1/workspaces", tag = "workspaces", request_body = WorkspaceCreate,
    responses((status = 201, description = "Created", body = WorkspaceView)))]
pub(crate) async fn create(state: Data<ApiState>, input: Input<WorkspaceCreate>) -> Answer {
    let Input { body, call } = input;
    let id = match (&body.id, &call.idempotency) {
        (Some(id), _) => id.clone(),
        (None, Some(idempotency)) => derived_workspace(&idempotency.key)?,
        (None, None) => fresh_id(&state)?,
    };
    let create = creation(&state, body)?;
    let executed = state.engine.execute(&id, Command::Create(Box::new(create)), call).await?;
    reply::workspace(&state, &executed, StatusCode::CREATED)
}

fn fresh_id(state: &ApiState) -> Result<WorkspaceId, ApiError> {
    WorkspaceId::new(&format!("ws_{}", state.engine.new_job_id().uuid().simple())).map_err(ApiError::internal)
}

/// What a body asks for, with its shapes checked.
pub(crate) fn creation(state: &ApiState, body: WorkspaceCreate) -> Result<Create, ApiError> {
    let shelf = state.engine.shelf();
    if shelf.get(&body.catalog).is_none() {
        let names: Vec<&str> = shelf.iter().map(|book| book.latest().name.as_str()).collect();
        let near = did_you_mean(body.catalog.as_str(), names.iter().copied());
        let detail = format!("`{}` is not a catalog; there are {}{near}", body.catalog, names.join(", "));
        return Err(ApiError::field("/catalog", detail));
    }
    Ok(Create {
        name: text::optional("/name", body.name.as_deref(), NAME_CHARS_MAX)?,
        catalog: body.catalog,
        plan: body.plan,
        allotment: body.allotment.map(Into::into),
        interval: body.interval.map(asked_interval).unwrap_or_default(),
        seats: seats(body.seats)?,
        timezone: zone(body.timezone.as_deref().unwrap_or("UTC"))?,
        owner: body.owner.map(owner).transpose()?,
        metadata: text::metadata(body.metadata.as_ref())?,
    })
}

/// A number of seats; one when the body does not say.
pub(crate) fn seats(asked: Option<u32>) -> Result<u32, ApiError> {
    match asked.unwrap_or(1) {
        seats if (1..=SEATS_MAX).contains(&seats) => Ok(seats),
        _ => Err(ApiError::field("/seats", format!("must be 1 to {SEATS_MAX}"))),
    }
}

/// A time zone by its name.
pub(crate) fn zone(name: &str) -> Result<chrono_tz::Tz, ApiError> {
    name.parse().map_err(|_| ApiError::field("/timezone", "is not an IANA zone such as `Europe/Berlin`"))
}

fn owner(owner: reeve_protocol::Owner) -> Result<Owner, ApiError> {
    Ok(Owner {
        user: text::line("/owner/user", &owner.user, NAME_CHARS_MAX)?,
        identity: text::optional("/owner/identity", owner.identity.as_deref(), NAME_CHARS_MAX)?,
    })
}

/// All workspaces in order of id, each with its balance now.
#[utoipa::path(get, path = "/v1/workspaces", tag = "workspaces", params(ListQuery),
    responses((status = 200, description = "A page", body = Page<WorkspaceView>)))]
pub(crate) async fn list(state: Data<ApiState>, req: HttpRequest) -> Answer {
    let ListQuery { limit, cursor } = query(&req)?;
    let part = Part::new(limit, cursor, parses::<WorkspaceId>)?;
    let rows = state.engine.reader().workspaces(&part.page).await?;
    let (shelf, now) = (state.engine.shelf(), state.engine.now());
    let looks = rows.iter().map(|row| state.engine.balance(&row.id));
    let seen: Vec<_> = futures_util::stream::iter(looks).buffered(LOOKS).collect().await;
    let seen = rows.into_iter().zip(seen).collect();
    let view = |(row, seen): &(WorkspaceRecord, Result<Option<Balance>, Unavailable>)| match seen {
        Ok(Some(balance)) => of_actor(&shelf, &balance.view),
        // Its owner cannot answer now; a list is worth more with an older entry than not at all.
        Ok(None) | Err(_) => of_record(&shelf, row, now),
    };
    ok(&part.page(seen, |(row, _)| row.id.to_string(), view))
}

/// A workspace with its balance now.
#[utoipa::path(get, path = "/v1/workspaces/{ws}", tag = "workspaces",
    params(("ws" = String, Path, description = "Workspace id")),
    responses((status = 200, description = "The workspace", body = WorkspaceView)))]
pub(crate) async fn get(state: Data<ApiState>, req: HttpRequest) -> Answer {
    let id: WorkspaceId = path_id(&req, "ws", "workspace")?;
    let balance = state.engine.balance(&id).await?.ok_or_else(|| ApiError::not_found("workspace"))?;
    ok(&of_actor(&state.engine.shelf(), &balance.view))
}

/// Refuses a path whose workspace does not exist; reads of lists would show an empty one.
pub(crate) async fn existing(state: &ApiState, req: &HttpRequest) -> Result<WorkspaceId, ApiError> {
    let id: WorkspaceId = path_id(req, "ws", "workspace")?;
    let found = state.engine.reader().workspace(&id).await?;
    found.map(|_| id).ok_or_else(|| ApiError::not_found("workspace"))
}

/// As [`existing`], and not closed: no bytes are taken for a workspace whose bytes are being removed.
pub(crate) async fn open(state: &ApiState, req: &HttpRequest) -> Result<WorkspaceId, ApiError> {
    let id: WorkspaceId = path_id(req, "ws", "workspace")?;
    let found = state.engine.reader().workspace(&id).await?;
    let found = found.ok_or_else(|| ApiError::not_found("workspace"))?;
    if found.profile.closed.is_some() {
        return Err(refused(&reeve_workspace::Refusal::Closed { workspace: id }));
    }
    Ok(id)
}

/// As [`existing`], with the rows written that are due by now: a ledger must say what its balance says (X15).
pub(crate) async fn folded(state: &ApiState, req: &HttpRequest) -> Result<WorkspaceId, ApiError> {
    let id = existing(state, req).await?;
    // A server that takes no changes now still shows what is stored.
    if let Err(error) = state.engine.execute(&id, Command::Wake, Call::default()).await {
        tracing::debug!(%error, workspace.id = %id, "a workspace is shown as it is stored");
    }
    Ok(id)
}
