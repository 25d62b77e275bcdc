//! What a run measured: latencies while it runs, and the figures of its end as `--json` has them.

use std::cell::RefCell;

use hdrhistogram::Histogram;
use serde::Serialize;

use super::disk::DiskFigures;
use super::error::BenchError;
use super::meter::PerJob;

/// Longest latency that is told apart, in microseconds.
const LATENCY_US_MAX: u64 = 3_600_000_000;
/// Decimal digits that are kept.
const DIGITS: u8 = 3;

/// Latencies of one kind of call.
#[derive(Debug)]
pub(super) struct Latencies(RefCell<Histogram<u64>>);

impl Latencies {
    pub(super) fn new() -> Result<Self, BenchError> {
        let histogram = Histogram::new_with_bounds(1, LATENCY_US_MAX, DIGITS);
        histogram.map(|histogram| Self(RefCell::new(histogram))).map_err(|e| BenchError::Bug(e.to_string()))
    }

    /// Notes `n` latencies of this many microseconds.
    pub(super) fn note(&self, us: u64, n: u64) {
        self.0.borrow_mut().saturating_record_n(us.max(1), n);
    }

    pub(super) fn spread(&self) -> Spread {
        let histogram = self.0.borrow();
        let ms = |quantile: f64| histogram.value_at_quantile(quantile) as f64 / 1_000.0;
        if histogram.is_empty() {
            return Spread::default();
        }
        Spread { p50: Some(ms(0.5)), p99: Some(ms(0.99)), p999: Some(ms(0.999)) }
    }
}

/// Percentiles in milliseconds; `null` when nothing of the kind happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(super) struct Spread {
    pub(super) p50: Option<f64>,
    pub(super) p99: Option<f64>,
    pub(super) p999: Option<f64>,
}

/// All figures of a run. The names are part of the contract of `--json`.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Figures {
    /// `null` when only submits were measured. With `--rate` it is what came of that rate, and with `--scale` the
    /// figure at the largest size.
    pub(super) lifecycles_per_second: Option<f64>,
    pub(super) admitted_per_second: f64,
    /// Leased and completed per second while nothing was submitted.
    pub(super) drained_per_second: Option<f64>,
    pub(super) admit_ms: Spread,
    /// From eligible (its submit was answered) to leased (the worker has it).
    pub(super) lease_ms: Spread,
    pub(super) complete_ms: Spread,
    /// With `--follow`: from due or sent to the answer with the result.
    pub(super) result_ms: Spread,
    /// The first while only submits ran: admit alone.
    pub(super) admit_alone_ms: Spread,
    /// With `--rate`.
    pub(super) paced: Option<PacedFigures>,
    /// With `--compare-hot`.
    pub(super) hot: Option<HotFigures>,
    /// With `--scale`, by size.
    pub(super) scale: Vec<StepFigures>,
    pub(super) per_job: PerJobFigures,
    /// The data folder's; `null` for a server elsewhere.
    pub(super) disk: Option<DiskFigures>,
    /// Jobs of each phase.
    pub(super) jobs: u64,
    /// Jobs in the store at the end.
    pub(super) jobs_stored: u64,
    pub(super) workspaces: u32,
    pub(super) clients: u32,
    pub(super) workers: u32,
    pub(super) slots: u32,
    pub(super) hot_share: f64,
    pub(super) progress_reports_per_job: u32,
    /// Requests that the server put off with 429 or 503 and that were sent again.
    pub(super) put_off: u64,
    pub(super) database: String,
    /// Processor time of the server over the last phase; `null` for a server elsewhere.
    pub(super) server_cpu_seconds: Option<f64>,
    pub(super) server_cpu_us_per_lifecycle: Option<f64>,
    pub(super) generator_cpu_seconds: Option<f64>,
    pub(super) server_peak_rss_bytes: Option<u64>,
    /// The same once the verification is done, too.
    pub(super) verify_peak_rss_bytes: Option<u64>,
    /// Growth of the data folder over all jobs, logs of the database included.
    pub(super) bytes_per_job: Option<f64>,
    /// `null` for a handler that has no books.
    pub(super) verified: Option<bool>,
}

/// What a job cost in which phase.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct PerJobFigures {
    /// While only submits ran.
    pub(super) admit: Option<PerJob>,
    /// While only leases and completions ran.
    pub(super) drain: Option<PerJob>,
    /// While all ran.
    pub(super) lifecycle: Option<PerJob>,
}

/// What an open-loop load saw beside the three latencies.
#[derive(Clone, Debug, Serialize)]
pub(super) struct PacedFigures {
    pub(super) jobs_per_second: f64,
    pub(super) seconds: u32,
    pub(super) arrivals: &'static str,
    /// From due to leased: no less than eligible to leased, whoever heard first.
    pub(super) handed_ms: Spread,
    /// From admitted to leased by the server's own clock, in whole milliseconds.
    pub(super) server_wait_ms: Spread,
    /// Share of the jobs that a worker had before their client read its answer: 0.001 ms in `lease_ms`.
    pub(super) leased_first_share: f64,
    /// From due to sent: what the generator adds to `admit_ms`.
    pub(super) late_ms: Spread,
}

/// One workspace taking the whole load.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct HotFigures {
    pub(super) lifecycles_per_second: f64,
    /// Of the rate over all workspaces in the same run.
    pub(super) ratio: f64,
    pub(super) admit_ms: Spread,
    pub(super) lease_ms: Spread,
    pub(super) complete_ms: Spread,
}

/// Lifecycles with so many finished jobs in the store.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct StepFigures {
    pub(super) jobs_stored: u64,
    pub(super) jobs_measured: u64,
    pub(super) lifecycles_per_second: f64,
    pub(super) per_job: PerJob,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_in_milliseconds_and_absent_without_calls() {
        let latencies = Latencies::new().unwrap();
        assert_eq!(latencies.spread(), Spread::default());
        latencies.note(1_000, 998);
        latencies.note(9_000, 2);
        let spread = latencies.spread();
        assert!((spread.p50.unwrap() - 1.0).abs() < 0.01, "{spread:?}");
        assert!((spread.p99.unwrap() - 1.0).abs() < 0.01, "{spread:?}");
        assert!((spread.p999.unwrap() - 9.0).abs() < 0.01, "{spread:?}");
    }

    #[test]
    fn the_json_has_the_names_of_the_contract() {
        let json = serde_json::to_value(Figures::default()).unwrap();
        let names = [
            "lifecycles_per_second",
            "admitted_per_second",
            "admit_ms",
            "lease_ms",
            "complete_ms",
            "jobs",
            "workspaces",
            "clients",
            "database",
            "server_peak_rss_bytes",
            "verified",
        ];
        for name in names {
            assert!(json.get(name).is_some(), "{name}");
        }
        assert!(json["admit_ms"].get("p999").is_some());
    }
}
