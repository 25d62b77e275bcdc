//! What handlers share.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use reeve_actors::Engine;
use reeve_artifacts::Artifacts;
use reeve_types::limits::{BODY_BYTES_MAX, UPLOAD_BYTES_MAX};
use tokio::sync::{Mutex, watch};

use crate::bounds::{Bounds, Limits};
use crate::integrations::stripe::Stripe;
use crate::key_table::KeyTable;
use crate::link::Links;
use crate::peers::Peers;
use crate::repeats::Repeats;
use crate::resources::reload::ReloadPort;
use crate::spent::SpentCache;
use crate::upkeep::UpkeepPort;
use crate::verify::{Verification, VerifyPort};
use crate::webhooks::WebhookPort;

/// What may be configured.
#[derive(Clone)]
pub struct ApiSettings {
    /// Largest JSON body, in bytes.
    pub body_bytes_max: usize,
    /// Largest output or asset, in bytes.
    pub upload_bytes_max: u64,
    /// Longest silence inside a body before the request is given up, in seconds.
    pub body_idle_seconds: u64,
    /// How often a silent event stream says that it lives, in seconds.
    pub keep_alive_seconds: u64,
    /// Signs links to inputs; the same over restarts, so that links outlive them.
    pub link_secret: [u8; 32],
    /// What addresses in answers start with, such as `https://api.example.com`; without it they start with a slash.
    pub public_url: Option<String>,
    /// Whether `/metrics` is read without a key, as `/healthz` is.
    pub metrics_open: bool,
    /// How many requests are taken at the start; those of roles are in force in the table of keys already.
    pub limits: Limits,
    /// The folder whose disk the figures tell of; without it they do not.
    pub data_dir: Option<PathBuf>,
    /// Less room than this on that disk, in bytes, and the server is not ready; 0: it does not matter.
    pub free_bytes_min: u64,
    /// The commit that the program was built from, for the figures; empty when it is not known.
    pub build_commit: &'static str,
}

impl ApiSettings {
    /// Shipped values.
    pub fn new(link_secret: [u8; 32]) -> Self {
        Self {
            body_bytes_max: BODY_BYTES_MAX,
            upload_bytes_max: UPLOAD_BYTES_MAX as u64,
            body_idle_seconds: 30,
            keep_alive_seconds: 15,
            link_secret,
            public_url: None,
            metrics_open: true,
            limits: Limits::default(),
            data_dir: None,
            free_bytes_min: 0,
            build_commit: "",
        }
    }
}

impl std::fmt::Debug for ApiSettings {
    /// Without the secret: debug output ends up in logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ApiSettings")
            .field("body_bytes_max", &self.body_bytes_max)
            .field("upload_bytes_max", &self.upload_bytes_max)
            .field("public_url", &self.public_url)
            .finish_non_exhaustive()
    }
}

/// One server's state, behind every handler.
pub struct ApiState {
    pub engine: Engine,
    pub artifacts: Artifacts,
    pub keys: KeyTable,
    pub settings: ApiSettings,
    pub(crate) verification: Verification,
    pub(crate) reload: Option<Arc<dyn ReloadPort>>,
    pub(crate) webhooks: Option<Arc<dyn WebhookPort>>,
    pub(crate) upkeep: Option<Arc<dyn UpkeepPort>>,
    pub(crate) stripe: Arc<Stripe>,
    pub(crate) spent: SpentCache,
    pub(crate) repeats: Repeats,
    pub(crate) peers: Arc<Peers>,
    /// Requests refused because their key makes too many.
    limited: AtomicU64,
    /// One move of a manual clock at a time: "advance" twice at once is twice as far.
    pub(crate) moving_clock: Mutex<()>,
    closing: watch::Sender<bool>,
}

impl ApiState {
    /// A state over a running engine.
    pub fn new(
        engine: Engine,
        artifacts: Artifacts,
        keys: KeyTable,
        verify: Arc<dyn VerifyPort>,
        settings: ApiSettings,
    ) -> Self {
        let (closing, _) = watch::channel(false);
        let verification = Verification::new(verify);
        let peers = Arc::new(Peers::new(settings.limits.unknown, &settings.limits.trusted_proxies));
        Self {
            engine,
            artifacts,
            keys,
            settings,
            verification,
            reload: None,
            webhooks: None,
            upkeep: None,
            stripe: Arc::default(),
            spent: SpentCache::default(),
            repeats: Repeats::default(),
            peers,
            limited: AtomicU64::new(0),
            moving_clock: Mutex::default(),
            closing,
        }
    }

    /// Lets `POST /v1/reload` work.
    #[must_use]
    pub fn with_reload(self, reload: Arc<dyn ReloadPort>) -> Self {
        Self { reload: Some(reload), ..self }
    }

    /// Takes events of Stripe.
    #[must_use]
    pub fn with_stripe(self, stripe: Arc<Stripe>) -> Self {
        Self { stripe, ..self }
    }

    /// Lets the resources of webhooks work.
    #[must_use]
    pub fn with_webhooks(self, webhooks: Arc<dyn WebhookPort>) -> Self {
        Self { webhooks: Some(webhooks), ..self }
    }

    /// Changes how many requests are taken, while the server runs.
    pub fn bounds(&self) -> Bounds {
        Bounds::new(self.keys.clone(), self.peers.clone())
    }

    /// Shows figures of the upkeep.
    #[must_use]
    pub fn with_upkeep(self, upkeep: Arc<dyn UpkeepPort>) -> Self {
        Self { upkeep: Some(upkeep), ..self }
    }

    /// Ends event streams and long polls: they would hold a graceful stop until its time is up.
    pub fn close_streams(&self) {
        self.closing.send_replace(true);
    }

    /// Turns true when streams and long polls shall end.
    pub(crate) fn closing(&self) -> watch::Receiver<bool> {
        self.closing.subscribe()
    }

    pub(crate) fn count_limited(&self) {
        self.limited.fetch_add(1, Ordering::Relaxed);
    }

    /// Requests answered 429 so far: for their key, and for their address.
    pub(crate) fn limited(&self) -> (u64, u64) {
        (self.limited.load(Ordering::Relaxed), self.peers.refused())
    }

    pub(crate) const fn links(&self) -> Links<'_> {
        Links::new(&self.settings.link_secret)
    }

    /// The address of a path in answers.
    pub(crate) fn url(&self, path: &str) -> String {
        match &self.settings.public_url {
            Some(base) => [base.trim_end_matches('/'), path].concat(),
            None => path.to_owned(),
        }
    }
}
