//! The journal task: takes batches from the queue and gives them to the writer, one after the other.
//!
//! While a transaction runs, the next batch gathers; so batches grow with the load and with the latency
//! of the disk, and a lone change set is committed at once.

use std::any::Any;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::DatabaseConnection;
use tokio::sync::oneshot;

use super::ahead::Behind;
use super::catch_up::CaughtUp;
use super::handle::{Handle, Item, Shared, closed};
use super::hot::Hot;
use super::inbox::inbox;
use super::lane::{Connect, LOOK_EVERY, Lane};
use super::queue::{Next, Queue};
use super::statements::Statements;
use super::teller::Teller;
use super::trail::Trail;
use super::writer::Writer;
use crate::open::FatalHook;
use crate::task;

/// How long nobody may have submitted anything before what is ahead comes into the tables.
const CATCH_UP_AFTER: Duration = Duration::from_millis(4);

/// What the task needs.
pub(crate) struct Setup {
    pub(crate) db: DatabaseConnection,
    /// The short way for usual batches: SQLite only.
    pub(crate) hot: Option<Hot>,
    pub(crate) lane: Lane,
    pub(crate) fatal: FatalHook,
    pub(crate) connect: Option<Connect>,
    /// SQLite's file, to open it anew.
    pub(crate) file: Option<PathBuf>,
    /// Whatever keeps other processes out; let go of when the task ends.
    pub(crate) guard: Box<dyn Any + Send>,
}

/// Starts the task; it ends when closed, or when the last handle is gone.
///
/// # Errors
/// When the system has no thread for it.
pub(crate) fn start(setup: Setup) -> io::Result<Arc<Handle>> {
    let (door, items) = inbox();
    let Setup { db, hot, lane, fatal, connect, file, guard } = setup;
    let shared = Shared::new(hot.as_ref().map(Hot::ahead));
    let backend = db.get_database_backend();
    let sql = Statements::of(backend);
    let writer = Writer {
        db,
        teller: hot.is_none().then(|| Teller::start(shared.clone())),
        hot,
        backend,
        sql,
        lane,
        shared: shared.clone(),
        fatal,
        connect,
        file,
        spoilt: false,
        in_reach: true,
    };
    let watch = Watch(shared.clone());
    let is_here = writer.hot.is_some();
    let journal = async move {
        let closing = run(writer, Queue::new(items)).await;
        drop((guard, watch));
        // Last, so that whoever waits for it may open the database again.
        done(closing);
    };
    if is_here {
        // Its statements run in the thread that asks for them, which may do nothing else.
        task::spawn_in_thread("journal", journal)?;
    } else {
        task::spawn(journal);
    }
    Ok(Arc::new(Handle::new(door, shared)))
}

/// Says that nothing can be committed once the task is gone, also when it panicked.
struct Watch(Arc<Shared>);

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.set_can_commit(false);
    }
}

/// Runs until closed; answers with whoever waits for the end.
async fn run(mut writer: Writer, mut queue: Queue) -> Option<oneshot::Sender<()>> {
    // The last try to bring the tables up to date failed.
    let mut is_stuck = false;
    let closing = loop {
        let next = match patience(&writer, is_stuck) {
            Some(patience) => queue.next_within(patience).await,
            None => Some(queue.next().await),
        };
        let Some(next) = next else {
            if writer.is_ahead() {
                is_stuck = writer.catch_up_some(Behind::Oldest).await == CaughtUp::Stuck;
                writer.rest();
            } else {
                writer.look().await;
            }
            continue;
        };
        match next {
            Next::Batch(mut batch) => {
                Trail::begin(&mut batch.entries);
                writer.shared.set_under_way(&batch.entries);
                writer.run(batch.entries).await;
                writer.shared.set_under_way(&[]);
                if !batch.flushes.is_empty() {
                    writer.drain().await;
                }
                done(batch.flushes);
                // While its callers hear of it and come back. Where nothing is due, what failed before is as stuck as it was.
                is_stuck = match writer.catch_up_some(Behind::Due).await {
                    CaughtUp::Nothing => is_stuck && writer.is_ahead(),
                    caught_up => caught_up == CaughtUp::Stuck,
                };
            }
            Next::Platform(change, reply) => {
                writer.drain().await;
                let outcome = writer.platform(change).await;
                let _ = reply.send(outcome);
            }
            Next::CatchUp if writer.is_awaited() => {
                is_stuck = writer.catch_up_some(Behind::Oldest).await == CaughtUp::Stuck;
            }
            Next::CatchUp => {}
            Next::Close(reply) => break Some(reply),
            Next::End => break None,
        }
    };
    writer.catch_up_all().await;
    // Whoever was before them is told before them.
    writer.drain().await;
    for item in queue.rest() {
        match item {
            Item::Change(entry) => writer.shared.answer(entry, closed()),
            Item::Platform(_, reply) => drop(reply.send(closed())),
            Item::Flush(reply) | Item::Close(reply) => done([reply]),
            Item::CatchUp => {}
        }
    }
    if let Some(hot) = writer.hot {
        hot.close().await;
    }
    if let Some(teller) = writer.teller {
        teller.close().await;
    }
    if let Err(error) = writer.db.close_by_ref().await {
        tracing::warn!(%error, "the writer's connection did not close cleanly");
    }
    closing
}

/// How long the task waits for work before it does something else; `None` when there is nothing else.
fn patience(writer: &Writer, is_stuck: bool) -> Option<Duration> {
    if writer.shared.dead().is_some() {
        // They are told that it is in vain.
        return writer.is_awaited().then_some(Duration::ZERO);
    }
    match (writer.is_ahead(), writer.connect.is_some()) {
        (true, _) if is_stuck => Some(LOOK_EVERY),
        (true, _) if writer.is_awaited() => Some(Duration::ZERO),
        (true, _) => Some(CATCH_UP_AFTER),
        (false, true) => Some(LOOK_EVERY),
        (false, false) => None,
    }
}

/// Tells those who waited; one that stopped waiting is no fault.
fn done(waiting: impl IntoIterator<Item = oneshot::Sender<()>>) {
    for reply in waiting {
        let _ = reply.send(());
    }
}
