//! The phases of a run, one after the other, and the figures that come of them.

use super::args::{Mode, Shape};
use super::clock::Mark;
use super::error::BenchError;
use super::figures::{Figures, HotFigures, PacedFigures, StepFigures};
use super::load::{Load, Outcome, Phase, Round};
use super::meter::{PerJob, Reading};
use super::pace::Pace;
use super::server::Server;

/// The smallest store of `--scale`.
const STEP_JOBS_MIN: u64 = 1_000;
/// Finished jobs are put into the store in portions of this many, so that their time is bounded.
const FILL_JOBS: u64 = 50_000;

/// A load on its server.
pub(super) struct Runner<'a> {
    pub(super) load: &'a Load<'a>,
    pub(super) server: &'a Server,
}

impl Runner<'_> {
    /// All phases.
    pub(super) async fn run(&self) -> Result<Figures, BenchError> {
        let shape = self.load.shape;
        let mut figures = Figures {
            jobs: shape.jobs,
            workspaces: shape.workspaces,
            clients: shape.clients,
            workers: shape.workers,
            slots: shape.slots,
            hot_share: shape.hot_share,
            progress_reports_per_job: shape.progress,
            database: self.server.database.clone(),
            ..Figures::default()
        };
        match shape.mode {
            Mode::Full { compare_hot } => self.full(&mut figures, compare_hot).await?,
            Mode::Paced(pace) => self.paced(&mut figures, pace).await?,
            Mode::Scale { jobs_max, seconds_max } => {
                self.scale(&mut figures, jobs_max, f64::from(seconds_max)).await?;
            }
        }
        Ok(figures)
    }

    async fn full(&self, figures: &mut Figures, compare_hot: bool) -> Result<(), BenchError> {
        let shape = self.load.shape;
        let (alone, cost) = self.phase(figures, round(shape, "admit", Phase::Admit)).await?;
        eprintln!("admitted {} jobs in {:.2} s", shape.jobs, alone.seconds);
        figures.jobs_stored += shape.jobs;
        figures.per_job.admit = Some(cost);
        figures.admitted_per_second = alone.per_second();
        figures.admit_alone_ms = alone.times.admit.spread();
        figures.admit_ms = figures.admit_alone_ms;
        if shape.admit_only {
            return Ok(());
        }
        let (drained, cost) = self.phase(figures, round(shape, "drain", Phase::Drain)).await?;
        eprintln!("drained them in {:.2} s", drained.seconds);
        figures.per_job.drain = Some(cost);
        figures.drained_per_second = Some(drained.per_second());
        let (whole, cost) = self.phase(figures, round(shape, "life", Phase::Lifecycle)).await?;
        eprintln!("{} lifecycles in {:.2} s", shape.jobs, whole.seconds);
        figures.jobs_stored += shape.jobs;
        note_whole(figures, &whole, cost);
        if compare_hot {
            let (hot, _) = self
                .phase(figures, Round { hot_share: 1.0, ..round(shape, "hot", Phase::Lifecycle) })
                .await?;
            eprintln!("{} lifecycles of one workspace in {:.2} s", shape.jobs, hot.seconds);
            figures.jobs_stored += shape.jobs;
            figures.hot = Some(HotFigures {
                lifecycles_per_second: hot.per_second(),
                ratio: hot.per_second() / whole.per_second().max(1e-9),
                admit_ms: hot.times.admit.spread(),
                lease_ms: hot.times.lease.spread(),
                complete_ms: hot.times.complete.spread(),
            });
        }
        Ok(())
    }

    async fn paced(&self, figures: &mut Figures, pace: Pace) -> Result<(), BenchError> {
        let shape = self.load.shape;
        let phase = Phase::Paced(pace, !shape.admit_only);
        let (outcome, cost) = self.phase(figures, round(shape, "paced", phase)).await?;
        eprintln!("{} jobs in {:.2} s", shape.jobs, outcome.seconds);
        figures.jobs_stored += shape.jobs;
        figures.admitted_per_second = outcome.per_second();
        figures.admit_ms = outcome.times.admit.spread();
        if shape.admit_only {
            figures.per_job.admit = Some(cost);
        } else {
            note_whole(figures, &outcome, cost);
        }
        figures.paced = Some(PacedFigures {
            jobs_per_second: pace.per_second,
            seconds: pace.seconds,
            arrivals: pace.arrivals.name(),
            handed_ms: outcome.times.handed.spread(),
            server_wait_ms: outcome.times.server_wait.spread(),
            leased_first_share: outcome.leased_first as f64 / shape.jobs.max(1) as f64,
            late_ms: outcome.times.late.spread(),
        });
        Ok(())
    }

    /// Fills the store to each size and measures the same number of lifecycles there.
    async fn scale(&self, figures: &mut Figures, jobs_max: u64, seconds_max: f64) -> Result<(), BenchError> {
        let (shape, start) = (self.load.shape, Mark::now());
        for size in sizes(jobs_max) {
            while figures.jobs_stored < size {
                if start.elapsed_seconds() > seconds_max {
                    eprintln!("{seconds_max:.0} s are over with {} jobs stored", figures.jobs_stored);
                    return Ok(());
                }
                let jobs = FILL_JOBS.min(size - figures.jobs_stored);
                let name = format!("fill-{}", figures.jobs_stored);
                let fill = Round { name, jobs, ..round(shape, "", Phase::Lifecycle) };
                figures.put_off += self.load.run(&fill).await?.put_off;
                figures.jobs_stored += jobs;
            }
            let jobs_stored = figures.jobs_stored;
            let name = format!("step-{size}");
            let (outcome, per_job) =
                self.phase(figures, Round { name, ..round(shape, "", Phase::Lifecycle) }).await?;
            let lifecycles_per_second = outcome.per_second();
            eprintln!("{jobs_stored} jobs stored: {lifecycles_per_second:.0} lifecycles a second");
            figures.jobs_stored += shape.jobs;
            figures.admitted_per_second = lifecycles_per_second;
            note_whole(figures, &outcome, per_job);
            let jobs_measured = shape.jobs;
            figures.scale.push(StepFigures { jobs_stored, jobs_measured, lifecycles_per_second, per_job });
        }
        Ok(())
    }

    /// One phase and what a job of it cost.
    async fn phase(&self, figures: &mut Figures, round: Round) -> Result<(Outcome, PerJob), BenchError> {
        let before = Reading::take(self.server, self.load.target).await;
        let outcome = self.load.run(&round).await?;
        let after = Reading::take(self.server, self.load.target).await;
        figures.put_off += outcome.put_off;
        (figures.server_cpu_seconds, figures.generator_cpu_seconds) = after.cpu_seconds(&before);
        Ok((outcome, after.per_job(&before, round.jobs)))
    }
}

/// A round of the shape's own size.
fn round(shape: &Shape, name: &str, phase: Phase) -> Round {
    Round { name: name.to_owned(), phase, jobs: shape.jobs, hot_share: shape.hot_share }
}

fn note_whole(figures: &mut Figures, whole: &Outcome, cost: PerJob) {
    figures.lifecycles_per_second = Some(whole.per_second());
    figures.admit_ms = whole.times.admit.spread();
    figures.lease_ms = whole.times.lease.spread();
    figures.complete_ms = whole.times.complete.spread();
    figures.result_ms = whole.times.result.spread();
    figures.server_cpu_us_per_lifecycle = cost.server_cpu_us;
    figures.per_job.lifecycle = Some(cost);
}

/// 1,000 and every tenfold of it up to the last, which is the end given.
fn sizes(jobs_max: u64) -> Vec<u64> {
    let tenfold = std::iter::successors(Some(STEP_JOBS_MIN), |size| size.checked_mul(10));
    tenfold.take_while(|size| *size < jobs_max).chain([jobs_max]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_grow_tenfold_up_to_the_end_given() {
        assert_eq!(sizes(1_000_000), [1_000, 10_000, 100_000, 1_000_000]);
        assert_eq!(sizes(25_000), [1_000, 10_000, 25_000]);
        assert_eq!(sizes(40), [40]);
    }
}
