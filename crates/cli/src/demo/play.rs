//! Plays the script: makes the workspaces, submits, listens to their event streams, cancels the one.

use std::collections::BTreeMap;

use reeve_client::{Client, ClientError, IdempotencyKey};
use reeve_protocol::{Amount, Code, JobEvent, JobStatus, JobSubmit, JobView, OutputStatus, Params, Problem};
use reeve_types::{ActionName, JobId, WorkspaceId};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::cast::CAST;
use super::script::{Scene, Twist, script};
use super::view::View;
use crate::exit::Failure;
use crate::system::{self, Mark};

/// Longest time that the whole may take, in seconds; it takes a fraction of it.
const SECONDS_MAX: f64 = 300.0;
/// How often one job is asked for by itself, in case its stream broke, in milliseconds.
const POLL_MS: u64 = 1_000;
/// The running job is cancelled once it is this far.
const CANCEL_AT: f64 = 0.05;

/// How it all ended.
#[derive(Debug, Default)]
pub struct Played {
    /// In the order in which they ended.
    pub jobs: Vec<Ended>,
    /// Refused at submission.
    pub denied: Vec<(Scene, Problem)>,
}

/// A job that is over.
#[derive(Debug)]
pub struct Ended {
    pub scene: Scene,
    pub job: JobView,
}

/// Plays everything and waits until every job is over.
///
/// # Errors
/// The server refuses what it should take, or takes what it should refuse.
pub async fn play(client: &Client, view: &mut View) -> Result<Played, Failure> {
    let began = Mark::now();
    let (sender, mut events) = mpsc::channel(1_024);
    let mut stage =
        Stage { client, view, live: BTreeMap::new(), waiting: Vec::new(), played: Played::default() };
    let _listeners = stage.set_up(&sender).await?;
    for scene in script() {
        match scene.twist {
            Twist::On(_) => stage.waiting.push(scene),
            _ => stage.submit(scene).await?,
        }
    }
    let mut turn = 0_usize;
    while !stage.live.is_empty() || !stage.waiting.is_empty() {
        if began.seconds() > SECONDS_MAX {
            return Err(Failure::no(format!("{} jobs are not over after {SECONDS_MAX} s", stage.live.len())));
        }
        match system::within_ms(POLL_MS, events.recv()).await {
            Some(Some(event)) => stage.hear(event).await?,
            _ => {
                stage.ask_one(turn).await?;
                turn = turn.wrapping_add(1);
            }
        }
    }
    Ok(stage.played)
}

/// Ends its task with itself.
struct Listener(JoinHandle<()>);

impl Drop for Listener {
    fn drop(&mut self) {
        self.0.abort();
    }
}

struct Stage<'a> {
    client: &'a Client,
    view: &'a mut View,
    live: BTreeMap<JobId, Live>,
    /// Scenes that work on an output that is not there yet.
    waiting: Vec<Scene>,
    played: Played,
}

struct Live {
    scene: Scene,
    cancelled: bool,
}

impl Stage<'_> {
    /// Makes the workspaces and listens to each.
    async fn set_up(&self, sender: &mpsc::Sender<JobEvent>) -> Result<Vec<Listener>, Failure> {
        let mut listeners = Vec::new();
        for member in &CAST {
            let create = member.create().map_err(|e| Failure::usage(e.to_string()))?;
            let made = self.client.create_workspace(&create, IdempotencyKey::Fresh).await?;
            listeners.push(listen(self.client, &made.id, sender.clone()));
        }
        Ok(listeners)
    }

    async fn submit(&mut self, scene: Scene) -> Result<(), Failure> {
        let action = ActionName::new(scene.action).map_err(|e| Failure::usage(e.to_string()))?;
        let workspace = WorkspaceId::new(scene.workspace).map_err(|e| Failure::usage(e.to_string()))?;
        let params: Params = scene.params.as_object().cloned().unwrap_or_default();
        match self.client.submit(&workspace, &JobSubmit::of(action, params), IdempotencyKey::Fresh).await {
            Ok(job) => {
                self.view.submitted(&scene, &job);
                self.live.insert(job.id, Live { scene, cancelled: false });
                Ok(())
            }
            Err(ClientError::Refused(problem)) if expected(&scene, &problem) => {
                self.view.denied(&scene, &problem);
                self.played.denied.push((scene, *problem));
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn hear(&mut self, event: JobEvent) -> Result<(), Failure> {
        match event {
            JobEvent::Status(event) if !event.status.is_final() => {
                self.view.status(event.job, event.status, event.attempt);
            }
            JobEvent::Progress(event) => {
                self.view.progress(event.job, event.fraction, event.stage.as_deref());
                self.cancel_if_asked(event.job, event.fraction).await?;
            }
            JobEvent::Done(job) => self.over(*job).await?,
            _ => {}
        }
        Ok(())
    }

    async fn cancel_if_asked(&mut self, job: JobId, fraction: f64) -> Result<(), Failure> {
        let Some(live) = self.live.get_mut(&job) else { return Ok(()) };
        if live.scene.twist == Twist::Cancel && !live.cancelled && fraction >= CANCEL_AT {
            live.cancelled = true;
            self.client.cancel(job, IdempotencyKey::Fresh).await?;
        }
        Ok(())
    }

    /// Asks for a job that may have ended unheard.
    async fn ask_one(&mut self, turn: usize) -> Result<(), Failure> {
        let count = self.live.len().max(1);
        let Some(id) = self.live.keys().nth(turn % count).copied() else { return Ok(()) };
        let job = self.client.job(id, None).await?;
        if job.status.is_final() {
            return self.over(job).await;
        }
        if job.status == JobStatus::Running {
            self.view.progress(id, job.progress.fraction, job.progress.stage.as_deref());
            self.cancel_if_asked(id, job.progress.fraction).await?;
        }
        Ok(())
    }

    /// A job is over: what waited for its output goes in. A stream may tell twice.
    async fn over(&mut self, job: JobView) -> Result<(), Failure> {
        let Some(live) = self.live.remove(&job.id) else { return Ok(()) };
        self.view.over(&live.scene, &job);
        let landed = job.outputs.iter().find(|output| output.status == OutputStatus::Landed);
        let input = landed.and_then(|output| output.url.clone());
        let name = live.scene.name;
        self.played.jobs.push(Ended { scene: live.scene, job });
        if name.is_empty() {
            return Ok(());
        }
        let (ready, waiting) =
            std::mem::take(&mut self.waiting).into_iter().partition(|s| s.twist == Twist::On(name));
        self.waiting = waiting;
        let ready: Vec<Scene> = ready;
        for mut scene in ready {
            let input =
                input.clone().ok_or_else(|| Failure::no(format!("the job `{name}` left no output")))?;
            if let Some(params) = scene.params.as_object_mut() {
                params.insert("input".to_owned(), Value::String(input));
            }
            self.submit(scene).await?;
        }
        Ok(())
    }
}

/// The one refusal that the script asks for.
fn expected(scene: &Scene, problem: &Problem) -> bool {
    scene.twist == Twist::Denied && problem.code == Code::InsufficientCredits
}

/// Passes a workspace's events on. A feed that ends for good is no harm: jobs are also asked for one by one.
fn listen(client: &Client, workspace: &WorkspaceId, sender: mpsc::Sender<JobEvent>) -> Listener {
    let mut feed = client.workspace_events(workspace);
    Listener(system::spawn(async move {
        while let Some(event) = feed.next().await {
            match event {
                Ok(event) => {
                    if sender.send(event).await.is_err() {
                        return;
                    }
                }
                Err(error) => tracing::warn!(%error, "an event stream ended"),
            }
        }
    }))
}

/// What a job cost in the end.
pub fn charged(job: &JobView) -> Amount {
    job.credits.settled
}
