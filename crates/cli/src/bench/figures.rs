//! What a run measured: latencies while it runs, figures and their two faces (text, JSON) at its end.

use std::cell::RefCell;

use hdrhistogram::Histogram;
use serde::Serialize;

use super::BenchError;

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

impl Spread {
    fn line(&self, name: &str) -> String {
        let show = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |ms| format!("{ms:.2}"));
        let (p50, p99, p999) = (show(self.p50), show(self.p99), show(self.p999));
        format!("  {name:<20} p50 {p50:>9}   p99 {p99:>9}   p99.9 {p999:>9}   ms")
    }
}

/// All figures of a run. The names are part of the contract of `--json`.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Figures {
    /// `null` with `--admit-only`.
    pub(super) lifecycles_per_second: Option<f64>,
    pub(super) admitted_per_second: f64,
    /// Leased and completed per second while nothing was submitted.
    pub(super) drained_per_second: Option<f64>,
    pub(super) admit_ms: Spread,
    /// From eligible (its submit was answered) to leased (the worker has it).
    pub(super) lease_ms: Spread,
    pub(super) complete_ms: Spread,
    /// The same three while only submits ran: admit alone.
    pub(super) admit_alone_ms: Spread,
    /// Jobs of each phase.
    pub(super) jobs: u64,
    /// Jobs in the store at the end.
    pub(super) jobs_stored: u64,
    pub(super) workspaces: u32,
    pub(super) clients: u32,
    pub(super) workers: u32,
    pub(super) hot_share: f64,
    pub(super) progress_reports_per_job: u32,
    /// Requests that the server put off with 429 or 503 and that were sent again.
    pub(super) put_off: u64,
    pub(super) database: String,
    /// Processor time of the server over both phases; `null` for a server elsewhere.
    pub(super) server_cpu_seconds: Option<f64>,
    pub(super) server_cpu_us_per_lifecycle: Option<f64>,
    pub(super) generator_cpu_seconds: Option<f64>,
    pub(super) server_peak_rss_bytes: Option<u64>,
    /// The same once the verification is done, too.
    pub(super) verify_peak_rss_bytes: Option<u64>,
    /// Growth of the data folder over all jobs, logs of the database included.
    pub(super) bytes_per_job: Option<f64>,
    pub(super) verified: bool,
}

impl Figures {
    /// For people.
    pub(super) fn lines(&self) -> Vec<String> {
        let rate = |n: f64| format!("{n:.0}");
        let mut lines = vec![format!("admitted    {:>8} jobs/s", rate(self.admitted_per_second))];
        lines.push(self.admit_alone_ms.line("admit (alone)"));
        if let Some(drained) = self.drained_per_second {
            lines.push(format!("drained     {:>8} jobs/s (lease and complete alone)", rate(drained)));
        }
        if let Some(lifecycles) = self.lifecycles_per_second {
            lines.push(format!("lifecycles  {:>8} jobs/s", rate(lifecycles)));
            lines.push(self.admit_ms.line("admit"));
            lines.push(self.lease_ms.line("eligible to leased"));
            lines.push(self.complete_ms.line("complete"));
        }
        let shown = |value: Option<f64>, unit: &str| {
            value.map_or_else(|| "unknown".to_owned(), |value| format!("{value:.1} {unit}"))
        };
        let mib = |bytes: Option<u64>| bytes.map(|bytes| bytes as f64 / f64::from(1 << 20));
        lines.push(format!(
            "server      {} of processor time, {} per lifecycle, {} at its peak ({} with verify); generator {}",
            shown(self.server_cpu_seconds, "s"),
            shown(self.server_cpu_us_per_lifecycle, "us"),
            shown(mib(self.server_peak_rss_bytes), "MiB"),
            shown(mib(self.verify_peak_rss_bytes), "MiB"),
            shown(self.generator_cpu_seconds, "s"),
        ));
        lines.push(format!(
            "store       {} per job, {} jobs; {} requests were put off and sent again",
            shown(self.bytes_per_job, "bytes"),
            self.jobs_stored,
            self.put_off
        ));
        lines.push(format!("verify      {}", if self.verified { "ok" } else { "FAILED" }));
        lines
    }
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
