//! What a process answers before it serves: that it lives, and who serves instead.
//!
//! Called by the composition root while another process has the database, and while what is stored is being loaded.
//! Guarantees: every answer but `/healthz` is a retryable 503, so a balancer that asks `/readyz` sends nobody here and
//! a client that comes all the same tries again.

use std::future::Future;
use std::net::TcpListener;
use std::time::Duration;

use actix_web::middleware::from_fn;
use actix_web::web::{self, Data};
use actix_web::{App, HttpServer};
use reeve_protocol::{Code, HealthCheck, Problem};
use tokio::sync::watch;

use crate::app::envelope;
use crate::error::Answer;
use crate::resources::health;
use crate::server::ServeError;
use crate::tls::Certificate;

/// When to ask again, in seconds.
const AGAIN_SECONDS: u64 = 1;

/// What a process waits for before it serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// Another process has the database, or it is away: why, in a sentence.
    Database(String),
    /// What is stored is being loaded.
    Loading,
}

impl Waiting {
    fn why(&self) -> String {
        match self {
            Self::Database(why) => why.clone(),
            Self::Loading => "the server is loading what is stored".to_owned(),
        }
    }

    fn checks(&self) -> Vec<HealthCheck> {
        let database = match self {
            Self::Database(why) => Some(why.clone()),
            Self::Loading => None,
        };
        let loaded = Some("what is stored is not loaded yet".to_owned());
        vec![
            health::check("running", None),
            health::check("database", database),
            health::check("loaded", loaded),
        ]
    }
}

/// Why this process does not serve, as it changes.
type Why = watch::Receiver<Waiting>;

/// Answers on `listener` until `over` is ready. Must be called inside an actix system.
///
/// # Errors
/// The listener cannot be used, or the server breaks down.
pub async fn stand_by(
    listener: TcpListener,
    tls: Option<&Certificate>,
    why: Why,
    over: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let data = Data::new(why);
    let app = move || {
        let routes = App::new().app_data(data.clone()).wrap(from_fn(envelope));
        routes
            .route("/healthz", web::get().to(health::live))
            .route("/readyz", web::get().to(not_ready))
            .default_service(web::to(elsewhere))
    };
    let server = HttpServer::new(app)
        .workers(1)
        // A connection that is kept would never reach the server that follows on this listener.
        .keep_alive(Duration::ZERO)
        .shutdown_timeout(1)
        .disable_signals();
    let server = match tls {
        Some(certificate) => {
            server.listen_rustls_0_23(listener, certificate.config().map_err(ServeError::Tls)?)
        }
        None => server.listen(listener),
    };
    let server = server.map_err(ServeError::Listen)?.run();
    let handle = server.handle();
    let stop = async {
        over.await;
        handle.stop(true).await;
    };
    // Both: the server's future drives the requests that `stop` waits for.
    let (result, ()) = tokio::join!(async { server.await.map_err(ServeError::Run) }, stop);
    result
}

async fn not_ready(why: Data<Why>) -> Answer {
    let waiting = why.borrow().clone();
    Err(health::not_ready(waiting.why(), waiting.checks()))
}

async fn elsewhere(why: Data<Why>) -> Answer {
    let why = why.borrow().why();
    Err(Problem::later(Code::Overloaded, why, AGAIN_SECONDS).into())
}
