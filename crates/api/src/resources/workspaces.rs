//! Workspaces: create, list, read.

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use reeve_actors::Answer as Stored;
use reeve_protocol::{ListQuery, Page, WorkspaceCreate, WorkspaceView};
use reeve_types::WorkspaceId;
use reeve_workspace::{Command, Create, Owner};

use crate::error::{Answer, ApiError};
use crate::idempotency::derived_workspace;
use crate::json::{Input, answered, ok};
use crate::problem::refused;
use crate::query::{Part, parses, path_id, query};
use crate::state::ApiState;
use crate::text::{self, NAME_CHARS_MAX};
use crate::view::workspace::{asked_interval, of_actor, of_record};

/// Most seats of one workspace: beyond it the input is a mistake.
const SEATS_MAX: u32 = 100_000;

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
    match &executed.answer {
        Stored::Workspace(view) => answered(StatusCode::CREATED, &of_actor(view), executed.replayed),
        Stored::Refused(refusal) => Err(refused(refusal).replayed(executed.replayed)),
        other => Err(ApiError::internal(format!("creating a workspace was answered with {other:?}"))),
    }
}

fn fresh_id(state: &ApiState) -> Result<WorkspaceId, ApiError> {
    WorkspaceId::new(&format!("ws_{}", state.engine.new_job_id().uuid().simple())).map_err(ApiError::internal)
}

fn creation(state: &ApiState, body: WorkspaceCreate) -> Result<Create, ApiError> {
    if state.engine.catalogs().get(&body.catalog).is_none() {
        let names: Vec<&str> = state.engine.catalogs().iter().map(|catalog| catalog.name.as_str()).collect();
        let detail = format!("`{}` is not a catalog; there are {}", body.catalog, names.join(", "));
        return Err(ApiError::field("/catalog", detail));
    }
    let seats = body.seats.unwrap_or(1);
    if seats == 0 || seats > SEATS_MAX {
        return Err(ApiError::field("/seats", format!("must be 1 to {SEATS_MAX}")));
    }
    let timezone = body.timezone.as_deref().unwrap_or("UTC");
    let unknown = |_| ApiError::field("/timezone", "is not an IANA zone such as `Europe/Berlin`");
    Ok(Create {
        name: text::optional("/name", body.name.as_deref(), NAME_CHARS_MAX)?,
        catalog: body.catalog,
        plan: body.plan,
        allotment: body.allotment.map(Into::into),
        interval: body.interval.map(asked_interval).unwrap_or_default(),
        seats,
        timezone: timezone.parse().map_err(unknown)?,
        owner: body.owner.map(owner).transpose()?,
        metadata: text::metadata(body.metadata.as_ref())?,
    })
}

fn owner(owner: reeve_protocol::Owner) -> Result<Owner, ApiError> {
    Ok(Owner {
        user: text::line("/owner/user", &owner.user, NAME_CHARS_MAX)?,
        identity: text::optional("/owner/identity", owner.identity.as_deref(), NAME_CHARS_MAX)?,
    })
}

/// All workspaces in order of id, with their stored balances.
#[utoipa::path(get, path = "/v1/workspaces", tag = "workspaces", params(ListQuery),
    responses((status = 200, description = "A page", body = Page<WorkspaceView>)))]
pub(crate) async fn list(state: Data<ApiState>, req: HttpRequest) -> Answer {
    let ListQuery { limit, cursor } = query(&req)?;
    let part = Part::new(limit, cursor, parses::<WorkspaceId>)?;
    let rows = state.engine.reader().workspaces(&part.page).await?;
    ok(&part.page(rows, |row| row.id.to_string(), of_record))
}

/// A workspace with its balance now.
#[utoipa::path(get, path = "/v1/workspaces/{ws}", tag = "workspaces",
    params(("ws" = String, Path, description = "Workspace id")),
    responses((status = 200, description = "The workspace", body = WorkspaceView)))]
pub(crate) async fn get(state: Data<ApiState>, req: HttpRequest) -> Answer {
    let id: WorkspaceId = path_id(&req, "ws", "workspace")?;
    let balance = state.engine.balance(&id).await?.ok_or_else(|| ApiError::not_found("workspace"))?;
    ok(&of_actor(&balance.view))
}

/// Refuses a path whose workspace does not exist; reads of lists would show an empty one.
pub(crate) async fn existing(state: &ApiState, req: &HttpRequest) -> Result<WorkspaceId, ApiError> {
    let id: WorkspaceId = path_id(req, "ws", "workspace")?;
    let found = state.engine.reader().workspace(&id).await?;
    found.map(|_| id).ok_or_else(|| ApiError::not_found("workspace"))
}
