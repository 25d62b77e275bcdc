//! What happens to a job whoever runs it when: drawn from the job's own dice.

use crate::dice::Dice;
use crate::load::Load;

const ATTEMPTS: u64 = 2;
const JITTER: u64 = 3;
const CANCELS: u64 = 4;
const LOSSES: u64 = 5;

/// How an attempt ends if nobody interferes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Done,
    FailedForNow,
    FailedForGood,
}

/// How an attempt ends, and after how many milliseconds.
pub(super) fn attempt(load: &Load, job: u32, attempt: u16) -> (Ending, u64) {
    let arrival = &load.arrivals[job as usize];
    let action = &load.actions[usize::from(arrival.action)];
    let run_ms = u64::from(arrival.run_ms);
    if action.fail_permille == 0 {
        return (Ending::Done, run_ms);
    }
    let mut dice = Dice::of(load.seed, ATTEMPTS, subject(job, attempt));
    if !dice.is(action.fail_permille) {
        return (Ending::Done, run_ms);
    }
    let until_ms = 1 + dice.below(run_ms);
    let is_retryable = dice.is(action.retryable_permille);
    (if is_retryable { Ending::FailedForNow } else { Ending::FailedForGood }, until_ms)
}

/// The pause before the next attempt.
pub(super) fn backoff_ms(load: &Load, job: u32, lost: u16) -> u64 {
    let jitter = Dice::of(load.seed, JITTER, subject(job, lost)).below(u64::from(u32::MAX));
    load.retry.backoff_ms(lost, jitter)
}

/// How long after its arrival the job is cancelled, if it is.
pub(super) fn cancelled_after_ms(load: &Load, job: u32) -> Option<u64> {
    let cancel = load.cancel.as_ref()?;
    let mut dice = Dice::of(load.seed, CANCELS, u64::from(job));
    dice.is(cancel.permille).then(|| u64::from(cancel.after.draw(&mut dice)))
}

/// How long a worker lives, if workers of its kind are lost at all.
pub(super) fn lost_after_ms(load: &Load, workers: usize, worker: u32) -> Option<u64> {
    let mean = load.workers[workers].lost_every_ms?;
    let drawn = Dice::of(load.seed, LOSSES, u64::from(worker)).exponential(mean as f64);
    Some((drawn as u64).max(1))
}

fn subject(job: u32, attempt: u16) -> u64 {
    (u64::from(job) << 16) | u64::from(attempt)
}
