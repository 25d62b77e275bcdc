//! A running server: the parts put together, and taken down again in order.
//!
//! Used by `serve` and by `demo`. Must live inside [`run_in_system`]. Once [`Server::start`] has answered, what was
//! stored is in the queue again and requests are served; once [`Server::stop`] has answered, all that was
//! acknowledged is on disk and the database is closed.

mod keys;
mod link_key;
mod listen;
mod own_certificate;
mod reload;
mod standby;
mod upkeep;
mod verify;
mod webhooks;

use std::future::Future;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;

use actix_web::rt::System;
use reeve_actors::{ClockSource, Engine, ManualClock, Parts};
use reeve_api::{
    ApiSettings, ApiState, Certificate, KeyTable, Limits, ServeError, ServerOptions, Stripe, StripeRules,
    serve,
};
use reeve_artifacts::Artifacts;
use reeve_client::{Client, ClientSettings, Trust};
use reeve_store::{Fatal, FatalHook, Store};
use reeve_types::{Clock as _, Millis};
use reeve_upkeep::Upkeep;
use reeve_webhooks::Work;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::catalogs;
use crate::config::{ServerSettings, Settings, TlsSettings};
use crate::exit::Failure;
use crate::sketch::{Crew, Plan};
use crate::system::{self, SystemClock, SystemEntropy};

pub use keys::{Secrets, fresh_secret};
pub use listen::bind;
pub use reload::Reread;
use reload::{Reloader, Told};
pub use verify::{check, open_store};

/// The exit code when the disk failed in a commit.
const DISK_FAILED: i32 = 3;
/// The exit code when another process took the database over: started again, this one stands by.
const TAKEN_OVER: i32 = 4;

/// What tells a server the time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClockPlan {
    #[default]
    System,
    /// Stands still until it is told to move: for the tests of those who build on this.
    Manual { start_at: Option<Millis> },
}

/// What a server is made of.
pub struct Blueprint {
    pub settings: Settings,
    /// Bound by the caller: a port that is taken is found out before the data is touched.
    pub listener: TcpListener,
    pub secrets: Secrets,
    pub clock: ClockPlan,
    /// Workers inside this process; none when empty.
    pub workers: Vec<Plan>,
    /// Reads the settings again, for a reload; without it there is none.
    pub reread: Option<Reread>,
}

/// A server that serves.
pub struct Server {
    addr: SocketAddr,
    /// How clients address it: `http` or `https`.
    scheme: &'static str,
    engine: Engine,
    store: Store,
    upkeep: reeve_upkeep::Running,
    webhooks: Work,
    crew: Option<Crew>,
    stop: watch::Sender<bool>,
    served: JoinHandle<Result<(), ServeError>>,
}

/// Runs a future in an actix system whose tasks may use every core.
///
/// # Errors
/// The system gives no threads, or the future's own.
pub fn run_in_system<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|e| Failure::environment("cannot start threads", e))?;
    // The journal and the tasks of the engine are spawned onto it; actix itself keeps to this thread.
    System::with_tokio_rt(move || runtime).block_on(future)
}

impl Server {
    /// Opens the data, recovers what it holds and serves. On PostgreSQL it waits, answering that it does, while
    /// another process has the database.
    ///
    /// # Errors
    /// A catalog or setting that does not fit, or data that cannot be opened.
    pub async fn start(blueprint: Blueprint) -> Result<Self, Failure> {
        let Blueprint { settings, listener, secrets, clock, workers, reread } = blueprint;
        let addr = listener.local_addr().map_err(|e| Failure::environment("the socket has no address", e))?;
        let certificate = certificate(&settings.server.tls)?;
        let catalogs = catalogs::load(&settings.catalogs.dir)?;
        let engine_settings = settings.engine().map_err(|e| Failure::usage(e.to_string()))?;
        let limits = settings.limits.bounds().map_err(|e| Failure::usage(e.to_string()))?;
        let dir = settings.data_dir();
        std::fs::create_dir_all(dir)
            .map_err(|e| Failure::environment(&format!("cannot make the folder `{}`", dir.display()), e))?;
        // The lock of the database comes first: opening the outputs clears away what an upload left half done, and
        // must not do so under a server that runs.
        let (store, mut standby) =
            standby::wait_for_store(&settings, &listener, certificate.as_ref()).await?;
        let link_secret = link_key::load_or_make(dir)?;
        let artifacts = Artifacts::local(&dir.join("artifacts"))
            .map_err(|e| Failure::environment("cannot open the store of outputs", e))?;
        let parts = Parts {
            settings: engine_settings,
            catalogs,
            journal: store.journal(),
            reader: store.reader(),
            clock: clock_source(clock, &store).await?,
            entropy: Arc::new(SystemEntropy),
        };
        let doorstep = (&listener, certificate.as_ref());
        let engine = standby::while_loading(Engine::start(parts), doorstep, &mut standby).await?;
        let engine = engine.map_err(|e| Failure::environment("cannot start", e))?;
        let table = keys::prepare(&engine, &secrets, limits.roles).await?;
        let rules = StripeRules::new(&settings.integrations.stripe, &engine.shelf());
        let rules = rules.map_err(|e| Failure::usage(e.to_string()))?;
        let stripe = Arc::new(Stripe::new(secrets.stripe.clone(), rules));
        let port = Arc::new(verify::StorePort(store.verifier()));
        let (port_of_webhooks, webhooks) = webhooks::start(&settings, &store, &engine)?;
        let kept = settings.retention.upkeep();
        let upkeep = Upkeep::new(engine.clone(), artifacts.clone(), kept, Arc::new(SystemClock))
            .with_others(port_of_webhooks.forgetting());
        let figures = upkeep::Port(upkeep.figures());
        let upkeep = upkeep.start();
        let state = ApiState::new(
            engine.clone(),
            artifacts,
            table.clone(),
            port,
            api_settings(&settings, limits, link_secret),
        )
        .with_stripe(stripe.clone())
        .with_webhooks(port_of_webhooks)
        .with_upkeep(Arc::new(figures));
        let state = match reread {
            Some(reread) => {
                let told = Told { engine: engine.clone(), stripe, bounds: state.bounds() };
                let reloader = Reloader::new(told, certificate.clone(), reread, settings.clone());
                reloader.at_hangup();
                state.with_reload(Arc::new(reloader))
            }
            None => state,
        };
        if let Some(standby) = standby {
            standby.end().await;
        }
        let (stop, stopped) = watch::channel(false);
        let options = ServerOptions { tls: certificate.clone(), ..options(&settings.server) };
        let served = system::spawn_here(serve(Arc::new(state), listener, options, told(stopped)));
        let scheme = if certificate.is_some() { "https" } else { "http" };
        let inside = Inside { url: local_url(scheme, addr), trust: certificate.map(own_certificate::trust) };
        let crew = start_crew(&engine, &table, &inside, workers)?;
        Ok(Self { addr, scheme, engine, store, upkeep, webhooks, crew, stop, served })
    }

    /// Where it listens.
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The address for clients on this machine.
    pub fn url(&self) -> String {
        local_url(self.scheme, self.addr)
    }

    /// How clients address it: `http` or `https`.
    pub const fn scheme(&self) -> &'static str {
        self.scheme
    }

    /// Waits until the server ends by itself, which it does only when it broke down.
    pub async fn broken(&mut self) -> Failure {
        match (&mut self.served).await {
            Ok(Ok(())) => Failure::environment("the server ended", "nobody told it to"),
            Ok(Err(error)) => Failure::environment("the server broke down", error),
            Err(error) => Failure::environment("the server broke down", error),
        }
    }

    /// Ends in order: no new leases, the workers inside finish or hand back, streams close, requests in flight are
    /// answered, the journal commits what it holds.
    ///
    /// # Errors
    /// The server broke down on the way; what was acknowledged is safe all the same.
    pub async fn stop(self) -> Result<(), Failure> {
        self.engine.stop();
        self.upkeep.stop().await;
        if let Some(crew) = self.crew {
            crew.stop().await;
        }
        self.stop.send_replace(true);
        let served = self.served.await;
        self.webhooks.stop().await;
        self.store.close().await;
        match served {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Failure::environment("the server did not stop cleanly", error)),
            Err(error) => Err(Failure::environment("the server did not stop cleanly", error)),
        }
    }
}

/// A manual clock without a start goes on where the data ends; the engine sees to it that it never starts before.
async fn clock_source(plan: ClockPlan, store: &Store) -> Result<ClockSource, Failure> {
    let ClockPlan::Manual { start_at } = plan else {
        return Ok(ClockSource::System(Arc::new(SystemClock)));
    };
    let newest = store.reader().newest_at().await;
    let newest = newest.map_err(|e| Failure::environment("cannot read the newest instant", e))?;
    let start = start_at.or(newest).unwrap_or_else(|| SystemClock.now());
    Ok(ClockSource::Manual(Arc::new(ManualClock::at(start))))
}

/// How workers of this process reach it.
struct Inside {
    url: String,
    trust: Option<Trust>,
}

fn start_crew(
    engine: &Engine,
    table: &KeyTable,
    inside: &Inside,
    plans: Vec<Plan>,
) -> Result<Option<Crew>, Failure> {
    if plans.is_empty() {
        return Ok(None);
    }
    let secret = keys::internal_worker(engine, table);
    let trust = inside.trust.clone().unwrap_or_default();
    let client = Client::trusting(&inside.url, &secret, ClientSettings::default(), &trust)?;
    Ok(Some(Crew::start(&client, plans)))
}

/// An address that means every interface is not one to connect to.
fn local_url(scheme: &str, addr: SocketAddr) -> String {
    let mut to = addr;
    if addr.ip().is_unspecified() {
        to.set_ip(if addr.is_ipv4() { [127, 0, 0, 1].into() } else { std::net::Ipv6Addr::LOCALHOST.into() });
    }
    format!("{scheme}://{to}")
}

fn fatal_hook() -> FatalHook {
    Arc::new(|why| {
        tracing::error!(%why, "nothing can be committed any more");
        eprintln!("error: nothing can be committed any more: {why}");
        std::process::exit(match why {
            Fatal::Disk { .. } => DISK_FAILED,
            Fatal::TakenOver { .. } => TAKEN_OVER,
        });
    })
}

/// The certificate that the settings name, read before the data is touched.
fn certificate(tls: &TlsSettings) -> Result<Option<Certificate>, Failure> {
    if tls.cert.is_empty() {
        return Ok(None);
    }
    let certificate = Certificate::load(Path::new(&tls.cert), Path::new(&tls.key));
    certificate.map(Some).map_err(|e| Failure::usage(format!("`server.tls`: {e}")))
}

fn api_settings(settings: &Settings, limits: Limits, link_secret: [u8; 32]) -> ApiSettings {
    let server = &settings.server;
    ApiSettings {
        body_idle_seconds: server.body_idle_seconds,
        keep_alive_seconds: server.keep_alive_seconds,
        metrics_open: server.metrics_open,
        limits,
        data_dir: Some(settings.data_dir().to_owned()),
        free_bytes_min: settings.data.free_bytes_min,
        build_commit: env!("REEVE_COMMIT"),
        public_url: (!server.public_url.is_empty()).then(|| server.public_url.clone()),
        ..ApiSettings::new(link_secret)
    }
}

fn options(server: &ServerSettings) -> ServerOptions {
    let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    ServerOptions {
        workers: if server.threads == 0 { cores() } else { server.threads },
        connections_max: server.connections_max,
        unread_seconds: server.unread_seconds_max,
        stop_seconds: server.stop_seconds_max,
        ..ServerOptions::default()
    }
}

/// Resolves when told to stop, or when nobody can tell any more.
async fn told(mut stopped: watch::Receiver<bool>) {
    drop(stopped.wait_for(|stop| *stop).await);
}
