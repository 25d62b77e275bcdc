//! Existing balances in bulk: each row is a workspace of its own, answered on its own.

use actix_web::HttpRequest;
use actix_web::web::{Bytes, Data, Payload};
use futures_util::StreamExt as _;
use reeve_actors::{Answer as Stored, Call, Executed, Idempotency, Unavailable};
use reeve_protocol::{
    Code, ImportAnswer, ImportLot, ImportResult, ImportRow, ImportStatus, Problem, WorkspaceCreate,
};
use reeve_types::WorkspaceId;
use reeve_workspace::{Command, Import, ImportedLot, Refusal};
use serde_json::value::RawValue;

use crate::error::{Answer, ApiError};
use crate::idempotency::{call, fingerprint};
use crate::json::{essence, ok, parse, read_whole};
use crate::resources::reply;
use crate::resources::workspaces::creation;
use crate::roles::Caller;
use crate::state::ApiState;
use crate::task;
use crate::text::{self, NAME_CHARS_MAX};

/// Largest body, in bytes.
const BYTES_MAX: usize = 16 << 20;
/// Most rows of one request.
pub(crate) const ROWS_MAX: usize = 10_000;
/// Most lots of one row.
pub(crate) const LOTS_MAX: usize = 1_000;
/// Rows under way at once.
const PARALLEL: usize = 64;
/// How often a row is tried while the server is at its limit, and the pause in between.
const TRIES_MAX: u32 = 6;
const PAUSE_MS: u64 = 50;
/// The key under which a workspace remembers what it was imported from.
const KEY: &str = "import";

/// Opens workspaces with the lots that another system kept; nothing is granted by the catalog. The same rows may be
/// sent again: what was imported from the very same row `exists`.
#[utoipa::path(post, path = "/v1/workspaces/import", tag = "workspaces",
    request_body(content((Vec<ImportRow> = "application/json"), (String = "application/x-ndjson"))),
    responses((status = 200, description = "A report per row", body = ImportAnswer)))]
pub(crate) async fn run(state: Data<ApiState>, caller: Caller, req: HttpRequest, payload: Payload) -> Answer {
    let bytes = read_whole(&state, payload, BYTES_MAX).await?;
    let rows = rows(&req, &bytes)?;
    let meta = call(&req, &caller, [0; 16])?.meta;
    let imports = rows.into_iter().map(|row| {
        let call = Call { meta: meta.clone(), idempotency: None };
        one(&state, row, call)
    });
    let data: Vec<ImportResult> = futures_util::stream::iter(imports).buffered(PARALLEL).collect().await;
    let count = |status| data.iter().filter(|result| result.status == status).count() as u64;
    let (imported, existing) = (count(ImportStatus::Imported), count(ImportStatus::Exists));
    let refused = count(ImportStatus::Refused);
    ok(&ImportAnswer { data, imported, existing, refused })
}

/// The rows, each still text: a bad one must not spoil the others.
fn rows(req: &HttpRequest, bytes: &Bytes) -> Result<Vec<String>, ApiError> {
    let rows: Vec<String> = match essence(req).as_deref() {
        Some("application/x-ndjson" | "application/jsonl" | "application/ndjson") => {
            let text = std::str::from_utf8(bytes)
                .map_err(|e| Problem::malformed(format!("the body is not UTF-8 text: {e}")))?;
            text.lines().filter(|line| !line.trim().is_empty()).map(ToOwned::to_owned).collect()
        }
        None | Some("application/json") => {
            let rows: Vec<Box<RawValue>> = parse(bytes)?;
            rows.into_iter().map(|row| row.get().to_owned()).collect()
        }
        Some(_) => {
            let detail = "send an array as `application/json`, or a row a line as `application/x-ndjson`";
            return Err(ApiError::new(Code::UnsupportedMediaType, detail));
        }
    };
    if rows.len() > ROWS_MAX {
        let detail = format!("has {} rows; send at most {ROWS_MAX} at a time", rows.len());
        return Err(ApiError::field("", detail));
    }
    Ok(rows)
}

async fn one(state: &ApiState, row: String, call: Call) -> ImportResult {
    let row = match parse::<ImportRow>(row.as_bytes()) {
        Ok(row) => row,
        Err(error) => return refused(readable_id(&row), &error),
    };
    let id = Some(row.id.to_string());
    match import(state, row, call).await {
        Ok(status) => ImportResult { id, status, problem: None },
        Err(error) => refused(id, &error),
    }
}

fn refused(id: Option<String>, error: &ApiError) -> ImportResult {
    ImportResult { id, status: ImportStatus::Refused, problem: Some(error.problem().clone()) }
}

/// The id of a row that is otherwise wrong, so that its owner can find it.
fn readable_id(row: &str) -> Option<String> {
    let value: serde_json::Value = serde_json::from_str(row).ok()?;
    value.get("id")?.as_str().map(|id| id.chars().take(64).collect())
}

async fn import(state: &ApiState, row: ImportRow, call: Call) -> Result<ImportStatus, ApiError> {
    // The row's own content is its key: the workspace remembers what it was made from.
    let content = serde_json::to_vec(&row).map_err(ApiError::internal)?;
    let fingerprint = fingerprint("POST", KEY, &content);
    let idempotency = Some(Idempotency { key: KEY.into(), fingerprint });
    let (id, import) = wanted(state, row)?;
    let command = Command::Import(Box::new(import));
    let executed = patiently(state, &id, command, Call { idempotency, ..call }).await;
    match executed {
        Ok(executed) => match &executed.answer {
            Stored::Workspace(_) if executed.replayed => Ok(ImportStatus::Exists),
            Stored::Workspace(_) => Ok(ImportStatus::Imported),
            Stored::Refused(Refusal::WorkspaceExists { .. }) => Err(different(&id)),
            other => Err(reply::unexpected(other, false)),
        },
        Err(Unavailable::KeyReused) => Err(different(&id)),
        Err(unavailable) => Err(unavailable.into()),
    }
}

fn different(id: &WorkspaceId) -> ApiError {
    let detail = format!("workspace `{id}` exists already and was not imported from this row");
    ApiError::new(Code::Conflict, detail)
}

/// As one command, but a server at its limit is given time: rows come faster than commits.
async fn patiently(
    state: &ApiState,
    id: &WorkspaceId,
    command: Command,
    call: Call,
) -> Result<Executed, Unavailable> {
    let mut tries = 0;
    loop {
        tries += 1;
        match state.engine.execute(id, command.clone(), call.clone()).await {
            Err(Unavailable::Retry { .. }) if tries < TRIES_MAX && !state.engine.stopping() => {
                task::sleep(std::time::Duration::from_millis(PAUSE_MS << tries)).await;
            }
            result => return result,
        }
    }
}

fn wanted(state: &ApiState, row: ImportRow) -> Result<(WorkspaceId, Import), ApiError> {
    let ImportRow { id, catalog, plan, allotment, interval, seats, timezone, .. } = row;
    if row.lots.len() > LOTS_MAX {
        return Err(ApiError::field(
            "/lots",
            format!("has {} lots; at most {LOTS_MAX} are taken", row.lots.len()),
        ));
    }
    let create = WorkspaceCreate {
        id: None,
        name: row.name,
        catalog,
        plan,
        allotment,
        interval,
        seats,
        timezone,
        owner: row.owner,
        metadata: row.metadata,
    };
    let lots = row.lots.into_iter().enumerate().map(|(n, lot)| imported(n, lot));
    let import = Import {
        create: creation(state, create)?,
        anchor_at: row.anchor_at.map(Into::into),
        lots: lots.collect::<Result<_, _>>()?,
    };
    Ok((id, import))
}

fn imported(n: usize, lot: ImportLot) -> Result<ImportedLot, ApiError> {
    let pointer = format!("/lots/{n}/payment");
    Ok(ImportedLot {
        source: lot.source,
        amount: lot.amount.into(),
        effective_at: lot.effective_at.map(Into::into),
        expires_at: lot.expires_at.map(Into::into),
        payment: text::optional(&pointer, lot.payment.as_deref(), NAME_CHARS_MAX)?,
    })
}
