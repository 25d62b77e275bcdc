//! The figures for people: lines of fixed columns, units at their ends.

use super::figures::{Figures, HotFigures, PacedFigures, Spread, StepFigures};
use super::meter::PerJob;

/// Width of what stands before the numbers.
const NAME: usize = 22;

/// The whole report.
pub(super) fn lines(figures: &Figures) -> Vec<String> {
    let mut lines = Vec::new();
    rates(figures, &mut lines);
    lines.push(String::new());
    latencies(figures, &mut lines);
    lines.push(String::new());
    costs(figures, &mut lines);
    lines.push(String::new());
    rest(figures, &mut lines);
    lines
}

fn rates(figures: &Figures, lines: &mut Vec<String>) {
    if let Some(paced) = &figures.paced {
        let PacedFigures { jobs_per_second, seconds, arrivals, .. } = paced;
        lines.push(format!("{:<NAME$} {jobs_per_second} jobs/s for {seconds} s, {arrivals}", "offered"));
    }
    let mut rate = |name: &str, per_second: Option<f64>, note: &str| {
        if let Some(per_second) = per_second {
            lines.push(format!("{name:<NAME$} {:>9} jobs/s{note}", grouped(per_second)));
        }
    };
    let scale = !figures.scale.is_empty();
    rate("admitted", Some(figures.admitted_per_second).filter(|_| !scale), "");
    rate("leased and completed", figures.drained_per_second, "   a backlog, nothing submitted");
    rate("lifecycles", figures.lifecycles_per_second.filter(|_| !scale), "");
    if let Some(HotFigures { lifecycles_per_second, ratio, .. }) = figures.hot {
        let note = format!("   {:.0} % of the spread load's", ratio * 100.0);
        rate("  of one workspace", Some(lifecycles_per_second), &note);
    }
    if scale {
        steps(&figures.scale, lines);
    }
}

fn steps(steps: &[StepFigures], lines: &mut Vec<String>) {
    // The generator does the same at every size: its time tells how fast the machine was.
    let head =
        ["jobs/s", "time", "statements", "rows", "row bytes", "disk bytes", "server us", "generator us"];
    lines.push(row("jobs stored before", &head.map(str::to_owned)));
    let first = steps.first().map_or(0.0, |step| step.lifecycles_per_second);
    for step in steps {
        let per_job = &step.per_job;
        lines.push(row(
            &grouped(step.jobs_stored as f64),
            &[
                grouped(step.lifecycles_per_second),
                format!("{:.2}x", first / step.lifecycles_per_second.max(1e-9)),
                number(per_job.statements, 3),
                number(per_job.rows, 2),
                number(per_job.row_bytes, 0),
                number(per_job.disk_bytes, 0),
                number(per_job.server_cpu_us, 0),
                number(per_job.generator_cpu_us, 0),
            ],
        ));
    }
}

fn latencies(figures: &Figures, lines: &mut Vec<String>) {
    lines.push(row("milliseconds", &["p50", "p99", "p99.9"].map(str::to_owned)));
    let mut spread = |name: &str, spread: &Spread| {
        if spread.p50.is_some() {
            lines.push(row(name, &[spread.p50, spread.p99, spread.p999].map(|ms| number(ms, 2))));
        }
    };
    spread("admit, alone", &figures.admit_alone_ms);
    if figures.lifecycles_per_second.is_some() || figures.admit_alone_ms.p50.is_none() {
        spread("admit", &figures.admit_ms);
    }
    spread("eligible to leased", &figures.lease_ms);
    if let Some(paced) = &figures.paced {
        spread("  due to leased", &paced.handed_ms);
        spread("  by the server's clock", &paced.server_wait_ms);
    }
    spread("complete", &figures.complete_ms);
    spread("submit to result", &figures.result_ms);
    if let Some(hot) = &figures.hot {
        spread("one workspace: admit", &hot.admit_ms);
        spread("  eligible to leased", &hot.lease_ms);
        spread("  complete", &hot.complete_ms);
    }
    if let Some(paced) = &figures.paced {
        spread("generator: due to sent", &paced.late_ms);
    }
    if let Some(disk) = &figures.disk {
        spread("disk: sync of 4 KiB", &disk.overwrite_sync_ms);
        spread("  of a growing file", &disk.append_sync_ms);
        spread("  as far apart as jobs", &disk.apart_sync_ms);
    }
}

fn costs(figures: &Figures, lines: &mut Vec<String>) {
    let head = ["commits", "statements", "rows", "row bytes", "disk bytes", "server us", "generator us"];
    lines.push(row("each job", &head.map(str::to_owned)));
    let mut cost = |name: &str, per_job: Option<PerJob>| {
        let Some(per_job) = per_job else { return };
        lines.push(row(
            name,
            &[
                number(per_job.commits, 4),
                number(per_job.statements, 3),
                number(per_job.rows, 2),
                number(per_job.row_bytes, 0),
                number(per_job.disk_bytes, 0),
                number(per_job.server_cpu_us, 0),
                number(per_job.generator_cpu_us, 0),
            ],
        ));
    };
    cost("admit, alone", figures.per_job.admit);
    cost("lease and complete", figures.per_job.drain);
    cost("lifecycle", figures.per_job.lifecycle);
}

fn rest(figures: &Figures, lines: &mut Vec<String>) {
    let mut line = |name: &str, text: String| lines.push(format!("{name:<NAME$} {text}"));
    if let (Some(paced), true) = (&figures.paced, figures.lifecycles_per_second.is_some()) {
        let share = paced.leased_first_share * 100.0;
        line(
            "eligible to leased",
            format!("counts 0 for {share:.1} % of the jobs: their worker heard first"),
        );
    }
    let mib = |bytes: Option<u64>| bytes.map(|bytes| format!("{:.0} MiB", bytes as f64 / f64::from(1 << 20)));
    if let Some(peak) = mib(figures.server_peak_rss_bytes) {
        let verify = mib(figures.verify_peak_rss_bytes).map(|mib| format!(", {mib} with verify"));
        line("server memory", format!("{peak} at its peak{}", verify.unwrap_or_default()));
    }
    if let Some(bytes) = figures.bytes_per_job {
        let (bytes, jobs) = (grouped(bytes), grouped(figures.jobs_stored as f64));
        line("store", format!("{bytes} bytes per job, {jobs} jobs, logs of the database included"));
    }
    if figures.put_off > 0 {
        line("put off", format!("{} requests, sent again", figures.put_off));
    }
    match figures.verified {
        Some(verified) => line("verify", if verified { "ok".to_owned() } else { "FAILED".to_owned() }),
        None => line("verify", "nothing to verify".to_owned()),
    }
}

fn row(name: &str, cells: &[String]) -> String {
    let cells: String = cells.iter().map(|cell| format!(" {cell:>12}")).collect();
    format!("{name:<NAME$}{cells}")
}

/// A number with so many decimals, or a dash.
fn number(value: Option<f64>, decimals: usize) -> String {
    match value {
        None => "-".to_owned(),
        Some(value) if decimals == 0 => grouped(value),
        Some(value) => format!("{value:.decimals$}"),
    }
}

/// A whole number with commas between its thousands.
fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_told_apart() {
        assert_eq!([0.4, 999.0, 1_000.0, 1_234_567.8].map(grouped), ["0", "999", "1,000", "1,234,568"]);
    }

    #[test]
    fn rows_of_one_table_end_in_the_same_columns() {
        let spread = Spread { p50: Some(1.0), p99: Some(22_222.0), p999: None };
        let figures = Figures {
            admit_alone_ms: spread,
            admit_ms: spread,
            lease_ms: spread,
            lifecycles_per_second: Some(1.0),
            ..Figures::default()
        };
        let lines = lines(&figures);
        let table = lines.iter().skip_while(|line| !line.starts_with("milliseconds"));
        let widths: Vec<usize> = table.take_while(|line| !line.is_empty()).map(String::len).collect();
        assert_eq!(widths.len(), 4, "{lines:#?}");
        assert!(widths.iter().all(|width| *width == widths[0]), "{lines:#?}");
    }
}
