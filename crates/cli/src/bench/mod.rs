//! `reeve bench`: what a server does a second and how soon, over HTTP, ending in `verify`.
//!
//! A lifecycle is one single-job `POST` with a key and a fresh idempotency key on a workspace with three
//! live lots, a lease, and a completion with one output given by url. Nothing of the server is switched off.
//! The usual run is a closed loop: first clients submit alone (durable admits), then workers drain that backlog,
//! then both run at once. `--rate` is an open loop, `--scale` a store that grows, `--bare` another other end.

mod args;
mod board;
mod clock;
mod disk;
mod error;
mod figures;
mod http;
mod load;
mod meter;
mod pace;
mod phases;
mod process;
mod server;
mod setup;
mod show;
mod verify;
mod worker;

use reeve_types::WorkspaceId;

pub use args::BenchArgs;
use args::Shape;
use error::BenchError;
use figures::Figures;
use http::Target;
use load::Load;
use server::Server;

use crate::exit::Failure;
use crate::output::print;

/// Runs the benchmark and prints its figures.
///
/// # Errors
/// When the server cannot be started or reached, refuses, or stalls; when its books do not hold at the end.
pub fn run(args: &BenchArgs) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let (figures, end) = runtime.map_err(BenchError::Process)?.block_on(measure(args))?;
    show::lines(&figures).iter().try_for_each(|line| print(line))?;
    if let Some(file) = &args.json {
        let text = serde_json::to_string_pretty(&figures).map_err(|e| BenchError::Bug(e.to_string()))?;
        let wrong = |source| BenchError::File { file: file.clone(), source };
        std::fs::write(file, format!("{text}\n")).map_err(wrong)?;
    }
    end?;
    if figures.verified == Some(false) {
        Err(Failure::no("the books of the server do not hold"))
    } else {
        Ok(())
    }
}

/// The figures, and whether the run came to its end after them: what was measured is told either way.
async fn measure(args: &BenchArgs) -> Result<(Figures, Result<(), BenchError>), BenchError> {
    let shape = Shape::of(args);
    let server = Server::of(args, &shape)?;
    let target = Target::of(&server.url).await?;
    let workspaces =
        if args.bare { setup::names(&shape)? } else { prepared(args, &shape, &server, &target).await? };
    let folder = server.data_folder();
    let disk = folder.map(|folder| disk::measure(&folder, args.rate)).transpose()?;
    let bytes_before = server.data_bytes();
    let load = Load::new(&server, &target, &shape, &workspaces);
    let mut figures = phases::Runner { load: &load, server: &server }.run().await?;
    figures.disk = disk;
    let grown = server.data_bytes().zip(bytes_before).map(|(after, before)| after.saturating_sub(before));
    figures.bytes_per_job = grown.map(|bytes| bytes as f64 / figures.jobs_stored.max(1) as f64);
    // Before the verification: what that needs is not what serving needs.
    figures.server_peak_rss_bytes = server.usage().map(|usage| usage.rss_peak_bytes);
    let end = if args.bare { Ok(()) } else { finish(&mut figures, server, &target).await };
    Ok((figures, end))
}

async fn prepared(
    args: &BenchArgs,
    shape: &Shape,
    server: &Server,
    target: &Target,
) -> Result<Vec<WorkspaceId>, BenchError> {
    let workspaces = setup::workspaces(server, target, shape).await?;
    eprintln!("{} workspaces with 3 lots each on {}", shape.workspaces, server.url);
    if let Some(hot) = workspaces.first().filter(|_| args.is_hot())
        && !setup::raise_cap(server, target, hot).await?
    {
        eprintln!("the hot workspace keeps its tier's cap, which bounds its figures");
    }
    Ok(workspaces)
}

async fn finish(figures: &mut Figures, server: Server, target: &Target) -> Result<(), BenchError> {
    figures.verified = Some(false);
    figures.verified = Some(verify::verify(&server, target).await?);
    figures.verify_peak_rss_bytes = server.usage().map(|usage| usage.rss_peak_bytes);
    server.stop().await
}
