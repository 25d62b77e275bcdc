//! The journal task: takes batches from the queue and gives them to the writer, one after the other.
//!
//! While a transaction runs, the next batch gathers; so batches grow with the load and with the latency
//! of the disk, and a lone change set is committed at once.

use std::any::Any;
use std::path::PathBuf;
use std::sync::Arc;

use sea_orm::DatabaseConnection;
use tokio::sync::{mpsc, oneshot};

use super::handle::{Handle, Item, Shared, closed};
use super::hot::Hot;
use super::lane::{Connect, LOOK_EVERY, Lane};
use super::queue::{Next, Queue};
use super::statements::Statements;
use super::trail::Trail;
use super::writer::Writer;
use crate::open::FatalHook;
use crate::task;

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
pub(crate) fn start(setup: Setup) -> Arc<Handle> {
    let (sender, items) = mpsc::unbounded_channel();
    let shared = Shared::new();
    let Setup { db, hot, lane, fatal, connect, file, guard } = setup;
    let backend = db.get_database_backend();
    let sql = Statements::of(backend);
    let writer = Writer {
        db,
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
    task::spawn(async move {
        let closing = run(writer, Queue::new(items)).await;
        drop((guard, watch));
        // Last, so that whoever waits for it may open the database again.
        done(closing);
    });
    Arc::new(Handle::new(sender, shared))
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
    let closing = loop {
        let next = if writer.connect.is_some() {
            queue.next_within(LOOK_EVERY).await
        } else {
            Some(queue.next().await)
        };
        let Some(next) = next else {
            writer.look().await;
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
            }
            Next::Platform(change, reply) => {
                writer.drain().await;
                let outcome = writer.platform(change).await;
                let _ = reply.send(outcome);
            }
            Next::Close(reply) => break Some(reply),
            Next::End => break None,
        }
    };
    for item in queue.rest() {
        match item {
            Item::Change(entry) => writer.shared.answer(entry, closed()),
            Item::Platform(_, reply) => drop(reply.send(closed())),
            Item::Flush(reply) | Item::Close(reply) => done([reply]),
        }
    }
    if let Some(hot) = writer.hot
        && let Err(error) = hot.close().await
    {
        tracing::warn!(%error, "the writer's connection did not close cleanly");
    }
    if let Err(error) = writer.db.close_by_ref().await {
        tracing::warn!(%error, "the writer's connection did not close cleanly");
    }
    closing
}

/// Tells those who waited; one that stopped waiting is no fault.
fn done(waiting: impl IntoIterator<Item = oneshot::Sender<()>>) {
    for reply in waiting {
        let _ = reply.send(());
    }
}
