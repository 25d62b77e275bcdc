//! PostgreSQL: the session that writes has the lock that keeps other processes out; a pool of others reads.

pub(crate) mod session;

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use sea_orm::{ConnectOptions, DatabaseConnection, DbErr};

use crate::journal::{Connect, Reached, Setup, start, take_lane};
use crate::open::{FatalHook, OpenError, Opened, cannot_open, migrate, no_thread};
use crate::patience::Patience;
use crate::release;
use crate::settings::hide_password;
use session::Sessions;

/// How long opening a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The same where a batch of changes waits for it, whose callers shall hear soon that nothing can be done.
const RECONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Opens the database, with a lock against other processes.
pub(crate) async fn open(url: &str, readers: Readers, fatal: FatalHook) -> Result<Opened, OpenError> {
    let database = hide_password(url);
    let failed = |error: DbErr| cannot_open(&database, &error);
    let sessions = Arc::new(Sessions::new(url));
    let writer = match sessions.open().await.map_err(failed)? {
        Reached::Session(db) => db,
        Reached::Held(by) => return Err(OpenError::Locked { database, by }),
    };
    migrate(&writer, &database).await?;
    let lane = take_lane(&writer).await.map_err(failed)?;
    let readers = connect(url, Use::Read(readers)).await.map_err(failed)?;
    let again: Connect = Arc::new(move || {
        let sessions = sessions.clone();
        async move { sessions.open().await }.boxed()
    });
    // The lock goes with the writer's session, so there is nothing else to hold.
    let setup =
        Setup { db: writer, hot: None, lane, fatal, connect: Some(again), file: None, guard: Box::new(()) };
    let journal = start(setup).map_err(|error| no_thread(&database, &error))?;
    Ok(Opened { journal, readers, progress: None })
}

/// Opens the database to read only, beside whoever holds the lock.
pub(crate) async fn open_to_read(
    url: &str,
    readers: impl Into<Readers>,
) -> Result<DatabaseConnection, OpenError> {
    let failed = |error: DbErr| cannot_open(&hide_password(url), &error);
    connect(url, Use::Read(readers.into())).await.map_err(failed)
}

/// Connections that read.
pub(crate) struct Readers {
    pub(crate) count: u32,
    pub(crate) patience: Arc<Patience>,
}

/// So many for a program that does nothing else and may wait.
impl From<u32> for Readers {
    fn from(count: u32) -> Self {
        Self { count, patience: Patience::endless() }
    }
}

/// What a connection is for.
enum Use {
    Write,
    Read(Readers),
}

async fn connect(url: &str, what: Use) -> Result<DatabaseConnection, DbErr> {
    let mut options = ConnectOptions::new(url);
    let count = match &what {
        Use::Write => 1,
        Use::Read(readers) => readers.count.max(1),
    };
    options.max_connections(count).min_connections(1).sqlx_logging(false).record_stmt_in_spans(false);
    options.test_before_acquire(false).connect_timeout(CONNECT_TIMEOUT).acquire_timeout(CONNECT_TIMEOUT);
    options.idle_timeout(None::<Duration>).max_lifetime(None::<Duration>);
    let process = std::process::id();
    if let Use::Read(Readers { patience, .. }) = what {
        options.map_sqlx_postgres_pool_opts(move |pool| release::with_a_sign_of_life(pool, patience.clone()));
        // A reader whose connection broke while idle gets a new one instead of an error.
        options.test_before_acquire_if_idle_for(Duration::from_secs(1));
        options.set_application_name(format!("reeve reader, process {process}"));
    } else {
        options.connect_timeout(RECONNECT_TIMEOUT).acquire_timeout(RECONNECT_TIMEOUT);
        options.set_application_name(format!("reeve writer, process {process}"));
        options.map_sqlx_postgres_opts(|options| {
            options.options([
                ("synchronous_commit", "on"),
                // The migrations' "exists already" at every start is news to nobody.
                ("client_min_messages", "warning"),
                // The server misses a machine that vanished, and with it the lock, within half a minute.
                ("tcp_keepalives_idle", "10"),
                ("tcp_keepalives_interval", "5"),
                ("tcp_keepalives_count", "4"),
                // A batch finds rows by key; a plan made while the tables were small must not scan them for ever.
                ("enable_seqscan", "off"),
                ("enable_hashjoin", "off"),
                ("enable_mergejoin", "off"),
                ("jit", "off"),
            ])
        });
    }
    sea_orm::Database::connect(options).await
}
