//! Waiting for a database that another process has, or for what is stored to be loaded, and answering meanwhile.
//!
//! On PostgreSQL a second process is a spare one: it listens, says that it is not ready and who serves, and takes over
//! when the lock is free. A SQLite file has one process only, and a second one there is a mistake.

use std::future::Future;
use std::net::TcpListener;

use reeve_api::{Certificate, ServeError, Waiting, stand_by};
use reeve_store::{Database, OpenError, Store};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use super::fatal_hook;
use crate::config::Settings;
use crate::exit::Failure;
use crate::system;

/// Between two tries to get the lock, in milliseconds.
const TRY_EVERY_MS: u64 = 500;
/// Who is loaded by then has nobody who asks meanwhile, in milliseconds.
const LOADS_AT_ONCE_MS: u64 = 300;

/// The answers of a process that does not serve yet.
pub(super) struct Standby {
    why: watch::Sender<Waiting>,
    over: oneshot::Sender<()>,
    served: JoinHandle<Result<(), ServeError>>,
}

impl Standby {
    fn start(listener: &TcpListener, tls: Option<Certificate>, why: Waiting) -> Result<Self, Failure> {
        let cannot = |e| Failure::environment("cannot stand by", e);
        let listener = listener.try_clone().map_err(cannot)?;
        let (why, said) = watch::channel(why);
        let (over, told) = oneshot::channel();
        // An end without a word is the end of the process.
        let until = async { drop(told.await) };
        let served = system::spawn_here(async move { stand_by(listener, tls.as_ref(), said, until).await });
        Ok(Self { why, over, served })
    }

    /// Leaves the listener to the server; connections that come between wait for it.
    pub(super) async fn end(self) {
        // An error means that it ended by itself, which is what is wanted.
        let _ = self.over.send(());
        if let Ok(Err(error)) = self.served.await {
            tracing::warn!(%error, "standing by did not end cleanly");
        }
    }
}

/// Opens the database, however long another process has it; what has answered until then is still answering.
///
/// # Errors
/// The database cannot be opened, or is a file that another process has.
pub(super) async fn wait_for_store(
    settings: &Settings,
    listener: &TcpListener,
    tls: Option<&Certificate>,
) -> Result<(Store, Option<Standby>), Failure> {
    let target = settings.store().map_err(|e| Failure::usage(e.to_string()))?;
    let may_wait = matches!(target.database, Database::Postgres(_));
    let mut standby: Option<Standby> = None;
    loop {
        let why = match Store::open(target.clone(), fatal_hook()).await {
            Ok(store) => {
                if let Some(standby) = &standby {
                    tracing::info!("the database is free: taking over");
                    standby.why.send_replace(Waiting::Loading);
                }
                return Ok((store, standby));
            }
            Err(OpenError::Locked { by, .. }) if may_wait => format!("standing by: the database is held{by}"),
            // Only a process that has seen the database once knows that its settings are right.
            Err(error @ OpenError::CannotOpen { .. }) if standby.is_some() => {
                format!("standing by: {error}")
            }
            Err(error) => return Err(Failure::environment("cannot open the database", error)),
        };
        match &standby {
            None => {
                tracing::warn!("{why}");
                standby = Some(Standby::start(listener, tls.cloned(), Waiting::Database(why))?);
            }
            Some(standby) => drop(standby.why.send_replace(Waiting::Database(why))),
        }
        system::pause_ms(TRY_EVERY_MS).await;
    }
}

/// Waits for what is stored to be loaded. Where that takes a while, who asks is told so: a connection that nobody accepts
/// looks like a machine that hangs.
///
/// # Errors
/// The listener cannot be used.
pub(super) async fn while_loading<T>(
    loading: impl Future<Output = T>,
    (listener, tls): (&TcpListener, Option<&Certificate>),
    standby: &mut Option<Standby>,
) -> Result<T, Failure> {
    let mut loading = std::pin::pin!(loading);
    if standby.is_none() {
        if let Some(loaded) = system::within_ms(LOADS_AT_ONCE_MS, &mut loading).await {
            return Ok(loaded);
        }
        *standby = Some(Standby::start(listener, tls.cloned(), Waiting::Loading)?);
    }
    Ok(loading.await)
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{SocketAddr, TcpStream};

    use super::*;
    use crate::server::run_in_system;

    fn asked(addr: SocketAddr) -> String {
        let mut stream = TcpStream::connect(addr).unwrap();
        stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[test]
    fn who_asks_while_much_is_loaded_is_told_so_and_the_listener_is_left_to_the_server() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let (loaded, loading) = oneshot::channel::<u8>();
        let run = async move {
            let mut standby = None;
            let loading = async { loading.await.unwrap() };
            let asking = std::thread::spawn(move || {
                let answer = asked(addr);
                loaded.send(7).unwrap();
                answer
            });
            assert_eq!(while_loading(loading, (&listener, None), &mut standby).await?, 7);
            standby.unwrap().end().await;
            Ok((asking.join().unwrap(), listener))
        };
        let (answer, listener) = run_in_system(run).unwrap();
        assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
        let body: serde_json::Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
        let check = |name: &str| {
            let checks = body["checks"].as_array().unwrap();
            checks.iter().find(|check| check["name"] == name).unwrap()["ok"].as_bool().unwrap()
        };
        assert_eq!((check("running"), check("database"), check("loaded")), (true, true, false), "{body}");
        drop(listener);
    }

    #[test]
    fn what_is_loaded_at_once_needs_nobody_who_answers() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let run = async move {
            let mut standby = None;
            let loaded = while_loading(async { 7 }, (&listener, None), &mut standby).await?;
            Ok((loaded, standby.is_none()))
        };
        assert_eq!(run_in_system(run).unwrap(), (7, true));
    }
}
