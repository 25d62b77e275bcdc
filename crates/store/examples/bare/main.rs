//! The ceiling of admit alone: an actix-web handler that does nothing but commit the rows of an admit.
//!
//! ```sh
//! cargo run --release -p reeve-store --example bare -- 127.0.0.1:8099 200 30000 [folder]
//! reeve bench --bare --url http://127.0.0.1:8099 --key none --pid PID --workspaces 200 --jobs 30000
//! ```
//!
//! The numbers are workspaces and jobs over all of them; the generator's must be the same. Every request is answered
//! with one fixed body after its rows are on disk. They are the rows of a real admission, decided beforehand, in
//! statements that the store itself builds (`Bare`), on a file with its own tables and settings, in batches that
//! gather as the journal's do. What is missing: authentication, reading the request, deciding, conflicts, effects,
//! and an answer made from state. Read its figures beside those of `reeve bench --admit-only` with the same numbers.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a measuring program, not the product")]

mod rows;
mod writer;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use actix_web::web::{Bytes, Data, Path};
use actix_web::{App, HttpResponse, HttpServer, web};
// As in the server.
use mimalloc as _;
use reeve_journal::{ChangeSet, CommitOutcome, Urgency, Written};
use reeve_store::{Store, StoreSettings};
use tokio::sync::{mpsc, oneshot};

/// As long as the answer that the server gives.
const ANSWER: &str = include_str!("answer.json");

/// What the handler has at hand.
struct Shared {
    admits: Vec<Mutex<VecDeque<ChangeSet>>>,
    writer: mpsc::UnboundedSender<writer::Item>,
    written: Arc<Mutex<Written>>,
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |n: usize, default| args.get(n).map_or(default, |text| text.parse().unwrap());
    let listen = args.first().map_or("127.0.0.1:8099", String::as_str).to_owned();
    let (workspaces, jobs): (usize, usize) = (number(1, 200), number(2, 30_000));
    let folder = tempfile::tempdir_in(args.get(3).map_or(".", String::as_str))?;
    let path = folder.path().join("bare.db");
    let admits = opened(&path, workspaces, jobs).await;
    let written = Arc::new(Mutex::new(Written::default()));
    let writer = writer::start(path, written.clone());
    let shared = Data::new(Shared { admits, writer, written });
    println!("{workspaces} workspaces, {jobs} jobs ready; process {}", std::process::id());
    let server = HttpServer::new(move || {
        App::new()
            .app_data(shared.clone())
            .route("/v1/workspaces/{id}/jobs", web::post().to(admit))
            .route("/metrics", web::get().to(metrics))
    });
    // The server's own number of threads on a small machine: one per core.
    let server = server.bind(&listen)?;
    println!("listening on http://{listen}");
    server.run().await
}

/// Makes the tables by the store's own migrations and the workspaces by its own journal; answers what is to be
/// committed in each workspace.
async fn opened(path: &PathBuf, workspaces: usize, jobs: usize) -> Vec<Mutex<VecDeque<ChangeSet>>> {
    let settings = StoreSettings::sqlite(path);
    let store = Store::open(settings, Arc::new(|why| panic!("the journal gave up: {why:?}"))).await.unwrap();
    let (journal, mut admits, mut outcomes) = (store.journal(), Vec::new(), Vec::new());
    for n in 0..workspaces {
        let prepared = rows::prepare(n, jobs.div_ceil(workspaces));
        for change in prepared.opening {
            outcomes.push(journal.submit(change, journal.reserve(Urgency::Submit).unwrap()));
        }
        admits.push(Mutex::new(prepared.admits));
        if outcomes.len() > 1_000 {
            durable(&mut outcomes).await;
        }
    }
    durable(&mut outcomes).await;
    store.close().await;
    admits
}

async fn durable(outcomes: &mut Vec<oneshot::Receiver<CommitOutcome>>) {
    for outcome in outcomes.drain(..) {
        assert_eq!(outcome.await.unwrap(), CommitOutcome::Durable);
    }
}

/// Commits the next admission of the workspace whose number ends the path's id.
async fn admit(shared: Data<Shared>, id: Path<String>, _: Bytes) -> HttpResponse {
    let n = id.rsplit('-').next().and_then(|n| n.parse::<usize>().ok());
    let Some(admits) = n.and_then(|n| shared.admits.get(n)) else {
        return HttpResponse::NotFound().body("start it with more workspaces");
    };
    let (reply, done) = oneshot::channel();
    {
        // Taken and sent under one lock: versions of a workspace reach the writer in order.
        let mut admits = admits.lock().unwrap();
        let Some(change) = admits.pop_front() else {
            return HttpResponse::Gone().body("start it with more jobs");
        };
        shared.writer.send((change, reply)).unwrap();
    }
    done.await.unwrap();
    HttpResponse::Created().content_type("application/json").body(ANSWER)
}

/// The counters of the journal's metrics, under the same names.
async fn metrics(shared: Data<Shared>) -> String {
    let Written { commits, statements, rows, bytes } = *shared.written.lock().unwrap();
    format!(
        "reeve_journal_commits_total {commits}\nreeve_journal_statements_total {statements}\n\
         reeve_journal_rows_total {rows}\nreeve_journal_row_bytes_total {bytes}\n"
    )
}
