//! Old jobs: first the row says what is gone, then the files go.
//!
//! Jobs are looked through in order of their ids, which sort by time, so that no index by age is paid for by every
//! close. A pass begins after the last job up to which nothing is left to do.

use reeve_faults::{self as faults, Point};
use reeve_journal::{AgedJob, Shed, Tidy};
use reeve_types::{JobId, Millis};

use crate::figures::Removed;
use crate::{Settings, Upkeep, UpkeepError, slim};

const DAY_MS: i64 = 86_400_000;
/// Rounds without a look after a pass over many jobs; after a short one it costs nothing to look again.
const REST_ROUNDS: u32 = 60;

/// How far a pass is.
#[derive(Default)]
pub(crate) struct Place {
    /// The last job that was looked at.
    after: Option<JobId>,
    /// The last job up to which nothing is left to do.
    done_to: Option<JobId>,
    /// Something was left to do behind it.
    has_gap: bool,
    steps: u32,
    rest: u32,
}

/// What is taken at which age.
#[derive(Clone, Copy)]
struct Ages {
    /// Jobs that ended before it lose their content; `None` = none does.
    content_before: Option<Millis>,
    outputs_before: Option<Millis>,
}

impl Ages {
    fn at(now: Millis, settings: &Settings) -> Self {
        let before = |days: u32| (days > 0).then(|| now.plus_ms(-i64::from(days) * DAY_MS));
        Self { content_before: before(settings.jobs_days), outputs_before: before(settings.outputs_days) }
    }

    /// All that is taken at some age.
    const fn all(&self) -> Shed {
        Shed { content: self.content_before.is_some(), outputs: self.outputs_before.is_some() }
    }

    /// What a job is to have lost by now.
    fn due(&self, job: &AgedJob) -> Shed {
        let is_old = |before: Option<Millis>| {
            job.finished_at.zip(before).is_some_and(|(finished_at, before)| finished_at <= before)
        };
        Shed { content: is_old(self.content_before), outputs: is_old(self.outputs_before) }
    }

    /// No job that was created later can be due.
    fn newest(&self) -> Option<Millis> {
        [self.content_before, self.outputs_before].into_iter().flatten().max()
    }
}

impl Upkeep {
    pub(crate) async fn age_jobs(&mut self) -> Result<(), UpkeepError> {
        let ages = Ages::at(self.engine.now(), &self.settings);
        let Some(newest) = ages.newest() else { return Ok(()) };
        if self.ages.rest > 0 {
            self.ages.rest -= 1;
            return Ok(());
        }
        let step_rows = self.settings.step_rows;
        // The instant itself is old enough.
        let before = newest.plus_ms(1);
        let rows = self.engine.reader().aged(self.ages.after, before, step_rows).await?;
        self.age(&rows, &ages).await?;
        self.ages.look(&rows, &ages);
        if rows.len() < step_rows as usize {
            self.ages.end();
        }
        Ok(())
    }

    async fn age(&self, rows: &[AgedJob], ages: &Ages) -> Result<(), UpkeepError> {
        let mut jobs = Vec::new();
        let mut without_files = Vec::new();
        let mut without_content = 0;
        for row in rows.iter().filter(|row| !row.shed.covers(ages.due(row))) {
            let due = ages.due(row);
            let Some(record) = self.engine.reader().job(row.id).await? else { continue };
            jobs.push(slim::shed(&record, due));
            without_content += usize::from(due.content && !row.shed.content);
            if due.outputs && !row.shed.outputs {
                without_files.push(row.id);
            }
        }
        if jobs.is_empty() {
            return Ok(());
        }
        tracing::debug!(jobs = jobs.len(), "old jobs lose content or outputs");
        self.engine.tidy(Tidy::Shed(jobs)).await?;
        self.figures.removed(Removed::Content, without_content);
        self.figures.removed(Removed::Outputs, without_files.len());
        faults::pass(Point::UpkeepRowsShed);
        for job in without_files {
            // What a kill leaves here, the sweep of files finds.
            self.artifacts.remove_job(job).await?;
        }
        Ok(())
    }
}

impl Place {
    fn look(&mut self, rows: &[AgedJob], ages: &Ages) {
        for row in rows {
            let is_done = row.shed.and(ages.due(row)).covers(ages.all());
            self.has_gap |= !is_done;
            if !self.has_gap {
                self.done_to = Some(row.id);
            }
            self.after = Some(row.id);
        }
        self.steps += 1;
    }

    fn end(&mut self) {
        let rest = if self.steps > 1 { REST_ROUNDS } else { 0 };
        *self = Self { after: self.done_to, done_to: self.done_to, has_gap: false, steps: 0, rest };
    }
}

#[cfg(test)]
mod tests {
    use reeve_types::WorkspaceId;

    use super::*;

    const NOW: i64 = 100 * DAY_MS;

    fn job(n: u128, finished_days_ago: Option<i64>, shed: Shed) -> AgedJob {
        AgedJob {
            id: JobId::from_parts(Millis::from_millis(1), n),
            workspace: WorkspaceId::new("acme").unwrap_or_else(|_| unreachable!("it is a name")),
            finished_at: finished_days_ago.map(|days| Millis::from_millis(NOW - days * DAY_MS)),
            shed,
        }
    }

    fn ages(jobs_days: u32, outputs_days: u32) -> Ages {
        let settings = Settings {
            jobs_days,
            outputs_days,
            answers_hours: 24,
            files_grace_minutes: 60,
            step_rows: 10,
            tick_ms: 1_000,
        };
        Ages::at(Millis::from_millis(NOW), &settings)
    }

    #[test]
    fn each_part_goes_at_its_own_age_and_never_when_it_is_kept() {
        let both = ages(30, 7);
        assert_eq!(both.due(&job(1, Some(6), Shed::default())), Shed::default());
        assert_eq!(both.due(&job(1, Some(7), Shed::default())), Shed { content: false, outputs: true });
        assert_eq!(both.due(&job(1, Some(30), Shed::default())), Shed::ALL);
        assert_eq!(both.due(&job(1, None, Shed::default())), Shed::default(), "a live job loses nothing");
        assert_eq!(
            ages(30, 0).due(&job(1, Some(99), Shed::default())),
            Shed { content: true, outputs: false }
        );
        assert!(ages(0, 0).newest().is_none());
    }

    #[test]
    fn a_pass_begins_where_something_is_left_to_do() {
        let ages = ages(30, 7);
        let mut place = Place::default();
        let rows = [
            job(1, Some(40), Shed::ALL),
            job(2, Some(31), Shed::default()),
            job(3, None, Shed::default()),
            job(4, Some(50), Shed::ALL),
        ];
        place.look(&rows, &ages);
        assert_eq!(place.after, Some(rows[3].id));
        place.end();
        assert_eq!((place.after, place.rest), (Some(rows[1].id), 0));
        place.look(&rows[2..], &ages);
        place.look(&[], &ages);
        place.end();
        assert_eq!((place.after, place.rest), (Some(rows[1].id), REST_ROUNDS));
    }
}
