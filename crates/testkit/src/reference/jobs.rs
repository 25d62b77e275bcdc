//! Jobs: admitted with a hold, closed with settles and releases (X3 to X12, X19, X21).

use reeve_credits::catalog::Outcome as Ended;
use reeve_credits::price::{OutputResult, StageOutcome, Units, quote};
use reeve_jobs::{LapseCause, ReportedOutcome};
use reeve_types::{JobId, LeaseId};
use reeve_workspace::{Complete, Fail, Lapse, Submit};

use super::{Job, Outcome, Phase, Reference, job_pays};
use crate::setting::{QUEUED_MAX, RUNNING_MAX};

impl Reference<'_> {
    /// Lots in the order of use (X19).
    pub(super) fn in_order(&self, lots: &[usize]) -> Vec<usize> {
        let mut order = lots.to_vec();
        order.sort_by_key(|n| {
            let lot = &self.lots[*n];
            (lot.priority, lot.expires.unwrap_or(i64::MAX), lot.class, lot.effective, *n)
        });
        order
    }

    pub(super) fn submit(&mut self, submit: &Submit) -> Outcome {
        let catalog = self.catalog();
        let plan = match &self.acting {
            Some((plan, until)) if *until > self.now && self.plan_named(plan).rank > self.plan().rank => plan,
            _ => &self.sub.plan,
        };
        let quote = match quote(catalog, plan, &submit.action, &submit.params) {
            Ok(quote) => quote,
            Err(reeve_credits::QuoteRefusal::NotEntitled { .. }) => return Err("not_entitled"),
            Err(_) => return Err("invalid"),
        };
        let price = quote.credits.micros();
        if submit.credits_max.is_some_and(|most| price > most.micros()) {
            return Err("price_changed");
        }
        let usable: Vec<usize> = (0..self.lots.len())
            .filter(|n| {
                let lot = &self.lots[*n];
                self.usable(lot, self.now) && job_pays(catalog, lot, &submit.action)
            })
            .collect();
        let sum: i64 = usable.iter().map(|n| self.lots[*n].available).sum();
        if price > 0 && (sum < price || (self.debt > 0 && self.available() < price)) {
            return Err("insufficient_credits");
        }
        let queued = self.jobs.iter().filter(|job| matches!(job.phase, Phase::Queued { .. })).count();
        if queued as u64 >= QUEUED_MAX {
            return Err("queue_full");
        }
        let mut parts = Vec::new();
        let mut missing = price;
        for n in self.in_order(&usable) {
            let part = missing.min(self.lots[n].available);
            if part > 0 {
                self.lots[n].available -= part;
                self.lots[n].held += part;
                parts.push((n, part));
                missing -= part;
            }
        }
        let most =
            catalog.action(&submit.action).and_then(|action| action.queue_timeout_ms).unwrap_or(20_000_000);
        let wait = submit.queue_timeout_ms.unwrap_or(most).min(most) as i64;
        self.jobs.push(Job {
            id: submit.job,
            quote,
            parts,
            attempts_max: catalog
                .action(&submit.action)
                .map_or(1, |action| action.attempts_max.unwrap_or(3) as u16),
            phase: Phase::Queued { not_before: self.now },
            attempt: 0,
            lost: 0,
            lapses: 0,
            admitted: self.now,
            queue_deadline: self.now + wait,
            unknown_until: None,
        });
        Ok(())
    }

    fn place(&self, job: JobId) -> Result<usize, &'static str> {
        self.jobs.iter().position(|other| other.id == job).ok_or("not_live")
    }

    /// The job of a lease that is the live one.
    fn leased(&self, lease: LeaseId) -> Result<usize, &'static str> {
        let place = self.place(lease.job)?;
        let job = &self.jobs[place];
        match matches!(job.phase, Phase::Queued { .. }) || job.attempt != lease.attempt {
            true => Err("stale_lease"),
            false => Ok(place),
        }
    }

    pub(super) fn lease(&mut self, id: JobId) -> Outcome {
        let place = self.place(id)?;
        let running = self.jobs.iter().filter(|job| !matches!(job.phase, Phase::Queued { .. })).count();
        let job = &mut self.jobs[place];
        match job.phase {
            Phase::Queued { not_before } if not_before <= self.now && running < RUNNING_MAX as usize => {
                job.phase = Phase::Running;
                job.attempt += 1;
                job.unknown_until = None;
                Ok(())
            }
            _ => Err("conflict"),
        }
    }

    pub(super) fn cancel(&mut self, id: JobId) -> Outcome {
        let place = self.place(id)?;
        match self.jobs[place].phase {
            Phase::Queued { .. } => self.close(place, &[], self.now),
            _ => self.jobs[place].phase = Phase::Cancelling,
        }
        Ok(())
    }

    pub(super) fn complete(&mut self, complete: &Complete) -> Outcome {
        let place = self.leased(complete.lease)?;
        let mut settles = Vec::new();
        if self.jobs[place].phase == Phase::Running {
            for report in &complete.outputs {
                let ReportedOutcome::Landed { units, stages, .. } = &report.outcome else { continue };
                let ended = |landed: bool| if landed { Ended::Success } else { Ended::Failed };
                let stages: Vec<StageOutcome> = stages
                    .iter()
                    .filter_map(|(name, landed)| {
                        Some(StageOutcome { name: name.parse().ok()?, outcome: ended(*landed) })
                    })
                    .collect();
                let delivered = units.and_then(|units| Units::from_decimal(&units.to_string()).ok());
                let result = OutputResult { outcome: Ended::Success, delivered, stages };
                match self.jobs[place].quote.per_output.settle(&result) {
                    Ok(credits) => settles.push(credits.micros()),
                    Err(_) => return Err("invalid"),
                }
            }
        }
        self.close(place, &settles, self.now);
        Ok(())
    }

    pub(super) fn fail(&mut self, fail: &Fail) -> Outcome {
        let place = self.leased(fail.lease)?;
        let now = self.now;
        let job = &mut self.jobs[place];
        if job.phase == Phase::Cancelling {
            self.close(place, &[], now);
        } else if fail.report.fate_unknown {
            let wait = i64::from(self.setting.catalog.charge.unknown_deadline_seconds) * 1_000;
            job.unknown_until = job.unknown_until.or(Some(now + wait));
        } else if fail.report.retryable {
            job.lost += 1;
            self.again(place, true);
        } else {
            self.close(place, &[], now);
        }
        Ok(())
    }

    pub(super) fn lapse(&mut self, lapse: &Lapse) -> Outcome {
        let place = self.leased(lapse.lease)?;
        let poison = self.setting.retry.poison_lapses_max;
        let job = &mut self.jobs[place];
        let ends = job.phase == Phase::Cancelling;
        match lapse.cause {
            _ if ends => self.close(place, &[], self.now),
            LapseCause::RunTimeout | LapseCause::FateUnknown => self.close(place, &[], self.now),
            LapseCause::Unacknowledged => self.again(place, false),
            LapseCause::Silent | LapseCause::Dropped => {
                job.lost += 1;
                job.lapses += u16::from(lapse.cause == LapseCause::Silent);
                match job.lapses >= poison {
                    true => self.close(place, &[], self.now),
                    false => self.again(place, true),
                }
            }
        }
        Ok(())
    }

    /// Back to the queue with its hold, or over (KR-11).
    fn again(&mut self, place: usize, counted: bool) {
        let retry = &self.setting.retry;
        let job = &mut self.jobs[place];
        if counted && job.lost >= job.attempts_max {
            return self.close(place, &[], self.now);
        }
        let wait = if counted { retry.backoff_ms(job.lost, 7) as i64 } else { 0 };
        job.phase = Phase::Queued { not_before: self.now + wait };
        job.unknown_until = None;
    }

    /// The end of a job and of its hold: settles in the order of use, the rest back in reverse.
    pub(super) fn close(&mut self, place: usize, settles: &[i64], at: i64) {
        let mut job = self.jobs.remove(place);
        for settle in settles {
            let mut due = *settle;
            for (lot, part) in &mut job.parts {
                let paid = due.min(*part);
                *part -= paid;
                due -= paid;
                self.lots[*lot].held -= paid;
                self.lots[*lot].consumed += paid;
            }
        }
        for (n, part) in job.parts.iter().rev() {
            let lot = &mut self.lots[*n];
            lot.held -= part;
            if lot.expires.is_some_and(|end| end <= at) {
                lot.expired += part;
                continue;
            }
            let mut kept = *part;
            for crossing in &mut self.crossings {
                if job.admitted < crossing.at && crossing.sources.contains(&lot.source) {
                    kept = kept.min(crossing.allowance);
                    crossing.allowance -= kept;
                }
            }
            lot.available += kept;
            lot.forfeited += part - kept;
        }
    }
}
