//! Group commit on a thread of its own: while a transaction runs the next batch gathers, as the journal has it.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reeve_journal::{ChangeSet, Written};
use reeve_store::Bare;
use tokio::sync::{mpsc, oneshot};

/// Most change sets of one transaction, and the longest wait for more: the journal's own bounds.
const BATCH_COUNT_MAX: usize = 1_024;
const BATCH_AGE: Duration = Duration::from_millis(1);

/// A change set and who waits for it.
pub type Item = (ChangeSet, oneshot::Sender<()>);

/// Starts the thread; it ends when nobody can send any more.
pub fn start(path: PathBuf, told: Arc<Mutex<Written>>) -> mpsc::UnboundedSender<Item> {
    let (sender, items) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(run(path, items, told));
    });
    sender
}

async fn run(path: PathBuf, mut items: mpsc::UnboundedReceiver<Item>, told: Arc<Mutex<Written>>) {
    let mut bare = Bare::open(&path).await.unwrap();
    let mut expected: usize = 0;
    while let Some(first) = items.recv().await {
        let mut batch = vec![first];
        drain(&mut items, &mut batch);
        let enough = expected / 2;
        if batch.len() < enough && enough >= 2 {
            let gather = async {
                while batch.len() < enough
                    && let Some(item) = items.recv().await
                {
                    batch.push(item);
                    drain(&mut items, &mut batch);
                }
            };
            let _ = tokio::time::timeout(BATCH_AGE, gather).await;
        }
        expected = batch.len();
        let (changes, waiting): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
        bare.commit(changes).await.unwrap();
        *told.lock().unwrap() = bare.written();
        for reply in waiting {
            let _ = reply.send(());
        }
    }
    bare.close().await.unwrap();
}

fn drain(items: &mut mpsc::UnboundedReceiver<Item>, batch: &mut Vec<Item>) {
    while batch.len() < BATCH_COUNT_MAX
        && let Ok(item) = items.try_recv()
    {
        batch.push(item);
    }
}
