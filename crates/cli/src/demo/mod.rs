//! The demonstration: a server of its own, five workspaces on five catalogs, and forty jobs that go well and badly.
//!
//! Everything goes through the public HTTP API with the typed client, as a platform's back end would do it.

mod cast;
mod folder;
mod gallery;
mod play;
mod report;
mod script;
mod view;

use std::path::{Path, PathBuf};

use reeve_client::Client;
use reeve_journal::Role;

use crate::config::{self, Settings};
use crate::exit::Failure;
use crate::server::{Blueprint, ClockPlan, Secrets, Server, bind, fresh_secret, run_in_system};
use crate::system::Mark;
use crate::{logging, output, signals, sketch};

use view::View;

/// Slots of each of the two embedded workers.
const SLOTS: u32 = 2;

/// Shows it, from an empty folder to the last check.
///
/// # Errors
/// A check does not hold at the end, or something on the way could not be done.
pub fn run(data: Option<PathBuf>, keep: bool) -> Result<(), Failure> {
    let folder = folder::fresh(data)?;
    logging::to_file(&folder.join("demo.log"), "info")?;
    let settings = settings(&folder)?;
    let listener = bind(&settings.server.listen)?;
    let admin = fresh_secret(Role::Admin);
    let secrets = Secrets { admin: Some(admin.clone()), ..Secrets::default() };
    // At the end nothing runs, so nobody needs time to finish.
    let workers = sketch::plans(SLOTS, 0)?;
    let blueprint =
        Blueprint { settings, listener, secrets, clock: ClockPlan::System, workers, reread: None };
    run_in_system(async move {
        let began = Mark::now();
        let mut server = Server::start(blueprint).await?;
        let url = server.url();
        let shown = tokio::select! {
            shown = show(&url, &admin, &folder, began) => shown,
            broken = server.broken() => return Err(broken),
            heard = signals::first() => match heard {
                Ok(()) => Err(Failure::no("interrupted")),
                Err(error) => Err(Failure::environment("cannot hear signals", error)),
            },
        };
        if keep && shown.is_ok() {
            invite(&url, &admin)?;
            signals::first().await.map_err(|e| Failure::environment("cannot hear signals", e))?;
        }
        server.stop().await?;
        shown
    })
}

/// Quicker to notice a dead worker than a real server need be: nobody wants to wait for it here.
fn settings(folder: &Path) -> Result<Settings, Failure> {
    let mut settings = config::shipped().map_err(|e| Failure::usage(e.to_string()))?;
    settings.server.listen = "127.0.0.1:0".to_owned();
    settings.data.dir = folder.join("data");
    settings.leases.heartbeat_ms = 1_000;
    Ok(settings)
}

async fn show(url: &str, admin: &str, folder: &Path, began: Mark) -> Result<(), Failure> {
    let client = Client::new(url, admin)?;
    view::headline(url, folder);
    let mut view = View::new(&cast::CAST);
    let mut played = play::play(&client, &mut view).await?;
    view.close();
    report::credits(&client, &played).await?;
    report::noteworthy(&played)?;
    let pictures = gallery::hang(&client, &mut played, &folder.join("gallery")).await?;
    report::places(folder, pictures)?;
    let verdict = report::verdict(&client).await;
    output::print(&format!("  {:<9} {:.0} s", "took", began.seconds()))?;
    verdict
}

/// Calls to try, short enough to be copied from a narrow terminal.
fn invite(url: &str, admin: &str) -> Result<(), Failure> {
    let reeve = program();
    output::print(&format!(
        r#"
The server stays up until Ctrl-C. In another terminal:

  export REEVE_URL={url}
  export REEVE_KEY={admin}
  A="Authorization: Bearer $REEVE_KEY"
  W=$REEVE_URL/v1/workspaces/northlight

  curl -s -H "$A" $W/balance
  JOB='{{"action":"image.generate","params":{{"prompt":"a quiet harbour"}}}}'
  curl -s -H "$A" --json "$JOB" $W/quotes
  curl -s -H "$A" -H "Idempotency-Key: try-1" --json "$JOB" $W/jobs
  curl -sN -H "$A" $W/events

  {reeve} submit northlight video.generate -p seconds=3 --out pictures
  {reeve} ledger northlight --last 10
"#
    ))
}

/// How this program is called from where we are.
fn program() -> String {
    let Ok(path) = std::env::current_exe() else { return "reeve".to_owned() };
    let here = std::env::current_dir().ok();
    let near = here.and_then(|here| path.strip_prefix(here).ok().map(Path::to_owned));
    near.unwrap_or(path).display().to_string()
}
