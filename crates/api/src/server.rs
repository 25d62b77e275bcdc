//! The HTTP server: limits set on purpose, and an end in order.

use std::future::Future;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use actix_web::middleware::from_fn;
use actix_web::web::Data;
use actix_web::{App, HttpServer};

use crate::app::envelope;
use crate::keeper;
use crate::routes::routes;
use crate::state::ApiState;
use crate::tls::Certificate;

/// How the server listens.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// Threads that serve requests.
    pub workers: usize,
    /// Connections that one of those threads holds at once.
    pub connections_max: usize,
    /// How long an idle connection is kept, in seconds.
    pub keep_alive_seconds: u64,
    /// How long a client may take to send the head of a request, in seconds.
    pub head_seconds: u64,
    /// How long a client may take nothing of what was sent to it, in seconds; on Linux, elsewhere it is for ever.
    pub unread_seconds: u32,
    /// How long requests under way may take when the server stops, in seconds.
    pub stop_seconds: u64,
    /// What is shown to clients; without it they speak plain HTTP.
    pub tls: Option<Certificate>,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            workers: 2,
            connections_max: 25_000,
            keep_alive_seconds: 75,
            head_seconds: 10,
            unread_seconds: 60,
            stop_seconds: 20,
            tls: None,
        }
    }
}

/// Why the server cannot run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error("the server cannot listen: {0}")]
    Listen(std::io::Error),
    #[error("TLS cannot be used: {0}")]
    Tls(rustls::Error),
    #[error("the server failed: {0}")]
    Run(std::io::Error),
}

/// Serves on `listener` until `shutdown` is ready; then ends streams and long polls, lets the other requests finish
/// and stops. Must be called inside an actix system. Signals are the caller's affair.
///
/// # Errors
/// The listener cannot be used, or the server breaks down.
pub async fn serve(
    state: Arc<ApiState>,
    listener: TcpListener,
    options: ServerOptions,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    cut_off_unread(&listener, options.unread_seconds).map_err(ServeError::Listen)?;
    let data = Data::from(state.clone());
    let server =
        HttpServer::new(move || App::new().app_data(data.clone()).wrap(from_fn(envelope)).configure(routes))
            .workers(options.workers.max(1))
            .max_connections(options.connections_max)
            .keep_alive(Duration::from_secs(options.keep_alive_seconds))
            .client_request_timeout(Duration::from_secs(options.head_seconds))
            .client_disconnect_timeout(Duration::from_secs(5))
            // The head and the bytes of an output, and the frames of a stream, are writes of their own: held back for
            // the client's acknowledgement, which clients delay, each would wait 40 ms.
            .tcp_nodelay(true)
            // A client that hangs up must end its long poll at once, or leases are granted to nobody.
            .h1_allow_half_closed(false)
            .shutdown_timeout(options.stop_seconds)
            .disable_signals();
    let server = match &options.tls {
        Some(certificate) => {
            server.listen_rustls_0_23(listener, certificate.config().map_err(ServeError::Tls)?)
        }
        None => server.listen(listener),
    };
    let server = server.map_err(ServeError::Listen)?.run();
    let handle = server.handle();
    let stop = async {
        shutdown.await;
        state.close_streams();
        handle.stop(true).await;
    };
    // Both: the server's future drives the requests that `stop` waits for.
    let both = async {
        let (result, ()) = tokio::join!(async { server.await.map_err(ServeError::Run) }, stop);
        result
    };
    let result = tokio::select! {
        result = both => result,
        () = keeper::keep(&state) => Ok(()),
    };
    keeper::finish(&state).await;
    result
}

/// Lets the system end connections whose other end takes nothing of what was sent to it, be it gone or not reading.
///
/// The server's framework waits for such a client as long as the connection lives, and keeps the rest of the answer. A
/// timer for each write would be one for each answer; the system counts anyway. Connections inherit it from the listener.
#[cfg(target_os = "linux")]
fn cut_off_unread(listener: &TcpListener, seconds: u32) -> std::io::Result<()> {
    rustix::net::sockopt::set_tcp_user_timeout(listener, seconds.saturating_mul(1_000))?;
    Ok(())
}

/// Elsewhere there is no such bound.
#[cfg(not(target_os = "linux"))]
fn cut_off_unread(_: &TcpListener, _: u32) -> std::io::Result<()> {
    Ok(())
}
