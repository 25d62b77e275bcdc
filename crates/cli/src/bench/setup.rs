//! Workspaces to load: each with three live lots and credits for everything that will be asked of it.

use std::cell::Cell;

use futures_util::stream::{FuturesUnordered, TryStreamExt};
use reeve_protocol::{
    AdjustmentCreate, Amount, At, BalanceView, WorkspaceCreate, WorkspacePatch, WorkspaceView,
};
use reeve_types::{CatalogName, Credits, PlanName, WorkspaceId};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::args::Shape;
use super::error::BenchError;
use super::http::{Connection, Target};
use super::server::{HOT_RUNNING_MAX, Server};

/// The shipped catalog and plan whose workspaces may run 16 jobs at once each.
const CATALOG: &str = "kreatorflow";
const PLAN: &str = "max";
/// The first lot to be used expires after this, well before the plan's own: so all three live to the end.
const EXPIRES_MS: i64 = 7 * 86_400_000;
/// What one job costs.
const PRICE: u64 = 2;
/// Live lots of a workspace: the plan's and two adjustments.
const LOTS: usize = 3;

/// One request and what it answers; anything else than the status is an error that shows the answer.
pub(super) async fn ask<A: DeserializeOwned>(
    connection: &mut Connection,
    request: &[u8],
    status: u16,
) -> Result<A, BenchError> {
    let answer = connection.call(request).await?;
    if answer.status != status {
        return Err(BenchError::refused(answer.status, answer.body));
    }
    serde_json::from_slice(answer.body).map_err(|e| BenchError::Answer(e.to_string()))
}

/// What the workspaces of a run are called.
pub(super) fn names(shape: &Shape) -> Result<Vec<WorkspaceId>, BenchError> {
    let ids = (0..shape.workspaces).map(|n| WorkspaceId::new(&format!("{}-{n}", shape.run)));
    ids.collect::<Result<_, _>>().map_err(|e| BenchError::Bug(e.to_string()))
}

/// Makes the workspaces, several at once, and checks what they have.
pub(super) async fn workspaces(
    server: &Server,
    target: &Target,
    shape: &Shape,
) -> Result<Vec<WorkspaceId>, BenchError> {
    let ids = names(shape)?;
    let next = Cell::new(0);
    let makers: FuturesUnordered<_> = (0..shape.clients.min(shape.workspaces))
        .map(|_| async {
            let mut maker = Maker { server, target, shape, connection: Connection::new(target.addr) };
            while let Some(id) = ids.get(next.get()) {
                next.set(next.get() + 1);
                maker.make(id).await?;
            }
            Ok::<(), BenchError>(())
        })
        .collect();
    makers.try_collect::<()>().await?;
    Ok(ids)
}

struct Maker<'a> {
    server: &'a Server,
    target: &'a Target,
    shape: &'a Shape,
    connection: Connection,
}

impl Maker<'_> {
    async fn make(&mut self, id: &WorkspaceId) -> Result<(), BenchError> {
        let name = |e: reeve_types::NameError| BenchError::Bug(e.to_string());
        let create = WorkspaceCreate {
            id: Some(id.clone()),
            plan: Some(PlanName::new(PLAN).map_err(name)?),
            ..WorkspaceCreate::on(CatalogName::new(CATALOG).map_err(name)?)
        };
        let made: WorkspaceView = self.post("/v1/workspaces", &create, id, "create").await?;
        let spent = self.shape.jobs_max().saturating_mul(PRICE).saturating_add(1_000);
        let soon = At(made.created_at.0.plus_ms(EXPIRES_MS));
        self.adjust(id, "spent", (spent, Some(soon))).await?;
        self.adjust(id, "reserve", (1_000, None)).await?;
        let path = format!("/v1/workspaces/{id}/balance");
        let request = self.target.request("GET", &path, &self.server.admin_key, "");
        let balance: BalanceView = ask(&mut self.connection, &request, 200).await?;
        if balance.lots.len() == LOTS {
            return Ok(());
        }
        Err(BenchError::Answer(format!("`{id}` has {} lots and should have {LOTS}", balance.lots.len())))
    }

    async fn adjust(
        &mut self,
        id: &WorkspaceId,
        what: &str,
        lot: (u64, Option<At>),
    ) -> Result<(), BenchError> {
        let whole = i64::try_from(lot.0).ok().and_then(Credits::whole);
        let amount = whole.ok_or_else(|| BenchError::Usage("`--jobs` is too large".to_owned()))?;
        let body = AdjustmentCreate {
            amount: Amount(amount),
            reason: format!("benchmark: {what}"),
            expires_at: lot.1,
            job: None,
            scope: None,
        };
        let path = format!("/v1/workspaces/{id}/adjustments");
        self.post::<serde_json::Value>(&path, &body, id, what).await.map(drop)
    }

    async fn post<A: DeserializeOwned>(
        &mut self,
        path: &str,
        body: &impl Serialize,
        id: &WorkspaceId,
        what: &str,
    ) -> Result<A, BenchError> {
        let body = serde_json::to_string(body).map_err(|e| BenchError::Bug(e.to_string()))?;
        let mut request = Vec::new();
        self.target.keyed(path, &self.server.admin_key, &body).write(&format!("{id}-{what}"), &mut request);
        ask(&mut self.connection, &request, 201).await
    }
}

/// Lets the hot workspace run as many jobs as its share of the load needs; false when the server does not.
pub(super) async fn raise_cap(
    server: &Server,
    target: &Target,
    id: &WorkspaceId,
) -> Result<bool, BenchError> {
    let mut connection = Connection::new(target.addr);
    let path = format!("/v1/workspaces/{id}");
    let look = target.request("GET", &path, &server.admin_key, "");
    let view: WorkspaceView = ask(&mut connection, &look, 200).await?;
    // A started server was told a higher cap of the whole tier.
    if view.max_concurrent.is_some_and(|cap| cap >= HOT_RUNNING_MAX) {
        return Ok(true);
    }
    let max_concurrent = reeve_protocol::Patch::Set(HOT_RUNNING_MAX);
    let patch = WorkspacePatch { max_concurrent, ..WorkspacePatch::default() };
    let body = serde_json::to_string(&patch).map_err(|e| BenchError::Bug(e.to_string()))?;
    let request = target.request("PATCH", &path, &server.admin_key, &body);
    Ok(connection.call(&request).await?.status == 200)
}
