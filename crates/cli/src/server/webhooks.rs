//! Where deliveries meet the engine, the store and the API.

use std::sync::Arc;

use reeve_actors::{Engine, Entropy as _};
use reeve_api::{Asked, WebhookFigures, WebhookPort};
use reeve_protocol::{
    DeliveriesQuery, DeliveryView, Page, Problem, WebhookCreate, WebhookCreated, WebhookRedeliver,
    WebhookRedelivered, WebhookRotate, WebhookView,
};
use reeve_store::Store;
use reeve_types::{Clock, Millis, WebhookId, WorkspaceId};
use reeve_upkeep::{Forget, Forgotten};
use reeve_webhooks::{Parts, Report, Webhooks, Work};

use crate::config::Settings;
use crate::exit::Failure;
use crate::system::{SystemClock, SystemEntropy};

/// The platform's clock, which stands still on a test server.
struct EngineClock(Engine);

impl Clock for EngineClock {
    fn now(&self) -> Millis {
        self.0.now()
    }
}

/// Starts the deliveries; they end with [`Work::stop`].
pub(super) fn start(
    settings: &Settings,
    store: &Store,
    engine: &Engine,
) -> Result<(Arc<Port>, Work), Failure> {
    let deliveries = settings.webhooks.deliveries();
    let parts = Parts {
        journal: store.journal(),
        store: store.reader(),
        clock: Arc::new(EngineClock(engine.clone())),
        wall: Arc::new(SystemClock),
        entropy: Arc::new(|| SystemEntropy.bits()),
        settings: deliveries.map_err(|e| Failure::usage(format!("`webhooks.allow_addresses`: {e}")))?,
    };
    let (webhooks, work) = Webhooks::start(parts);
    let desk = webhooks.progress().clone();
    engine.on_progress(move |workspace, job, progress| {
        if desk.is_wanted() {
            desk.report(Report {
                workspace: workspace.clone(),
                job,
                at: progress.at,
                fraction: progress.fraction,
                stage: progress.stage.as_deref().map(str::to_owned),
                message: progress.message.as_deref().map(str::to_owned),
            });
        }
    });
    Ok((Arc::new(Port(webhooks)), work))
}

/// The deliveries as the API asks for them.
pub(super) struct Port(Webhooks);

impl Port {
    /// Forgets what is kept for a workspace that is erased.
    pub(super) fn forgetting(&self) -> Forget {
        let webhooks = self.0.clone();
        Arc::new(move |workspace| -> Forgotten {
            let webhooks = webhooks.clone();
            Box::pin(async move { webhooks.forget(workspace).await.map_err(|problem| problem.detail) })
        })
    }
}

impl WebhookPort for Port {
    fn create(&self, body: WebhookCreate) -> Asked<'_, WebhookCreated> {
        Box::pin(self.0.create(body))
    }

    fn list(&self) -> Asked<'_, Vec<WebhookView>> {
        Box::pin(self.0.list())
    }

    fn get(&self, id: WebhookId) -> Asked<'_, WebhookView> {
        Box::pin(self.0.get(id))
    }

    fn delete(&self, id: WebhookId) -> Asked<'_, ()> {
        Box::pin(self.0.delete(id))
    }

    fn rotate(&self, id: WebhookId, body: WebhookRotate) -> Asked<'_, WebhookCreated> {
        Box::pin(self.0.rotate(id, body))
    }

    fn rotate_of_jobs(&self, workspace: WorkspaceId, body: WebhookRotate) -> Asked<'_, WebhookCreated> {
        Box::pin(self.0.rotate_of_jobs(workspace, body))
    }

    fn enable(&self, id: WebhookId) -> Asked<'_, WebhookView> {
        Box::pin(self.0.enable(id))
    }

    fn test(&self, id: WebhookId) -> Asked<'_, WebhookView> {
        Box::pin(self.0.test(id))
    }

    fn redeliver(&self, id: WebhookId, body: WebhookRedeliver) -> Asked<'_, WebhookRedelivered> {
        Box::pin(self.0.redeliver(id, body))
    }

    fn deliveries(&self, id: WebhookId, query: DeliveriesQuery) -> Asked<'_, Page<DeliveryView>> {
        Box::pin(self.0.deliveries(id, query))
    }

    fn check_url(&self, pointer: &str, url: &str) -> Result<(), Box<Problem>> {
        self.0.check_url(pointer, url)
    }

    fn figures(&self) -> WebhookFigures {
        let figures = self.0.figures();
        WebhookFigures {
            outbox_rows: figures.outbox_rows,
            waiting: figures.waiting,
            oldest_ms: figures.oldest_ms,
            tries: [
                ("delivered", figures.delivered),
                ("retried", figures.failed),
                ("given_up", figures.given_up),
            ],
            disabled: figures.disabled,
        }
    }
}
