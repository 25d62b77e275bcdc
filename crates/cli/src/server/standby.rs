//! Waiting for a database that another process has, and answering meanwhile.
//!
//! On PostgreSQL a second process is a spare one: it listens, says that it is not ready and who serves, and takes over
//! when the lock is free. A SQLite file has one process only, and a second one there is a mistake.

use std::net::TcpListener;

use reeve_api::{Certificate, ServeError, stand_by};
use reeve_store::{Database, OpenError, Store};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use super::fatal_hook;
use crate::config::Settings;
use crate::exit::Failure;
use crate::system;

/// Between two tries to get the lock, in milliseconds.
const TRY_EVERY_MS: u64 = 500;

/// The answers of a process that does not serve yet.
pub(super) struct Standby {
    why: watch::Sender<String>,
    over: oneshot::Sender<()>,
    served: JoinHandle<Result<(), ServeError>>,
}

impl Standby {
    fn start(listener: &TcpListener, tls: Option<Certificate>, why: String) -> Result<Self, Failure> {
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
                    standby.why.send_replace("the server is loading what is stored".to_owned());
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
                standby = Some(Standby::start(listener, tls.cloned(), why)?);
            }
            Some(standby) => drop(standby.why.send_replace(why)),
        }
        system::pause_ms(TRY_EVERY_MS).await;
    }
}
