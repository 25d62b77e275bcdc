//! Reading the configuration again while the server runs: by a request of the API, or by SIGHUP.
//!
//! All or nothing: what cannot be read, or does not fit the catalogs, changes nothing and says why.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use reeve_actors::Engine;
use reeve_api::{Bounds, Certificate, ReloadPort, Stripe, StripeRules};
use reeve_protocol::ReloadReport;
use tokio::sync::Mutex;

use crate::config::Settings;
use crate::{signals, system};

/// Reads the settings again, all layers of them.
pub type Reread = Arc<dyn Fn() -> Result<Settings, String> + Send + Sync>;

/// Cheap to clone.
#[derive(Clone)]
pub(super) struct Reloader(Arc<Inner>);

/// Who is told what is in force.
pub(super) struct Told {
    pub(super) engine: Engine,
    pub(super) stripe: Arc<Stripe>,
    pub(super) bounds: Bounds,
}

struct Inner {
    told: Told,
    certificate: Option<Certificate>,
    reread: Reread,
    started: Settings,
    /// What is in force of that which may change.
    in_force: Mutex<Settings>,
}

impl Reloader {
    pub(super) fn new(
        told: Told,
        certificate: Option<Certificate>,
        reread: Reread,
        settings: Settings,
    ) -> Self {
        let (started, in_force) = (settings.clone(), Mutex::new(settings));
        Self(Arc::new(Inner { told, certificate, reread, started, in_force }))
    }

    async fn reload(&self) -> Result<ReloadReport, String> {
        // One at a time: the last file read is the one in force.
        let mut in_force = self.0.in_force.lock().await;
        let wanted = (self.0.reread)()?;
        // Read before anything is changed, and shown when all the rest is in force.
        let fresh = self.0.certificate.as_ref().map(|certificate| (certificate, certificate.read_again()));
        let fresh = match fresh {
            Some((certificate, Ok(fresh))) => Some((certificate, fresh)),
            Some((_, Err(error))) => return Err(format!("`server.tls`: {error}")),
            None => None,
        };
        let stripe = StripeRules::new(&wanted.integrations.stripe, &self.0.told.engine.shelf());
        let stripe = stripe.map_err(|e| e.to_string())?;
        let limits = wanted.limits.bounds().map_err(|e| e.to_string())?;
        let engine_settings = wanted.engine().map_err(|e| e.to_string())?;
        let outcome = self.0.told.engine.reload(engine_settings).await.map_err(|e| e.to_string())?;
        outcome.map_err(|refusal| refusal.to_string())?;
        self.0.told.stripe.put(stripe);
        self.0.told.bounds.put(&limits);
        let mut applied = in_force.reloadable_unlike(&wanted);
        if fresh.is_some_and(|(certificate, fresh)| certificate.put(fresh)) {
            applied.push("server.tls".to_owned());
        }
        let report = ReloadReport { applied, needs_restart: self.0.started.fixed_unlike(&wanted) };
        *in_force = wanted;
        Ok(report)
    }

    /// Reloads at every SIGHUP from now on. What became of it is told by the log.
    pub(super) fn at_hangup(&self) {
        let reloader = self.clone();
        let hangups = match signals::Hangups::hear() {
            Ok(hangups) => hangups,
            Err(error) => return tracing::warn!(%error, "SIGHUP cannot be heard; use POST /v1/reload"),
        };
        system::spawn(async move {
            let mut hangups = hangups;
            while hangups.next().await {
                match reloader.reload().await {
                    Ok(ReloadReport { applied, needs_restart }) => {
                        tracing::info!(?applied, ?needs_restart, "configuration reloaded");
                    }
                    Err(why) => {
                        tracing::error!(%why, "the configuration is not reloaded; nothing was changed")
                    }
                }
            }
        });
    }
}

impl ReloadPort for Reloader {
    fn run(&self) -> BoxFuture<'static, Result<ReloadReport, String>> {
        let reloader = self.clone();
        Box::pin(async move { reloader.reload().await })
    }
}
