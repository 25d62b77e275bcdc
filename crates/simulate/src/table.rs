//! Reports as tables of text: the same in a terminal and, being Markdown, in the documents.

use std::fmt::Write as _;

use crate::load::Load;
use crate::measure::Waits;
use crate::report::{Report, TierReport};
use crate::sweep::SweepRow;

/// One run: a line of totals and a row for each tier.
pub fn of_run(load: &Load, report: &Report) -> String {
    let mut heads =
        vec!["tier", "jobs", "wait p50", "p90", "p99", "max", "unstarted", "share", "Jain", "floor lag"];
    if load.has_noisy() {
        heads.insert(6, "quiet p99");
    }
    let rows = report.tiers.iter().map(|tier| {
        let waits = tier.waits;
        let mut row = vec![tier.tier.clone(), tier.jobs.arrived.to_string()];
        row.extend([waits.p50_ms, waits.p90_ms, waits.p99_ms, waits.max_ms].map(seconds));
        if load.has_noisy() {
            row.push(seconds(tier.quiet_waits.p99_ms));
        }
        row.push(tier.jobs.waiting.to_string());
        row.extend([format!("{:.3}", tier.share), format!("{:.3}", tier.jain)]);
        row.push(tier.floor_lag_ms_max.map_or_else(|| "-".to_owned(), seconds));
        row
    });
    format!("{}\n\n{}", totals(report), markdown(&heads, rows.collect()))
}

/// The same load under several policies.
pub fn of_comparison(load: &Load, reports: &[Report]) -> String {
    let tiers: Vec<&str> = load.settings.tiers.iter().map(|tier| tier.name.as_str()).collect();
    let mut heads = vec!["policy".to_owned()];
    heads.extend(tiers.iter().map(|tier| format!("{tier} p50 / p99")));
    heads.extend(tiers.iter().map(|tier| format!("{tier} share")));
    heads.extend(["utilisation".to_owned(), "Jain".to_owned()]);
    let rows = reports.iter().map(|report| {
        let mut row = vec![report.name.clone()];
        row.extend(report.tiers.iter().map(|tier| {
            let waits = quiet(load, tier);
            format!("{} / {}", seconds(waits.p50_ms), seconds(waits.p99_ms))
        }));
        row.extend(report.tiers.iter().map(|tier| format!("{:.3}", tier.share)));
        row.extend([format!("{:.3}", report.utilisation), format!("{:.3}", report.jain)]);
        row
    });
    let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
    markdown(&heads, rows.collect())
}

/// The same load with fleets of several sizes.
pub fn of_sweep(load: &Load, rows: &[SweepRow]) -> String {
    let mut heads = vec!["workers".to_owned(), "offered".to_owned(), "utilisation".to_owned()];
    heads.extend(load.settings.tiers.iter().map(|tier| format!("{} p50 / p99", tier.name)));
    heads.push("unstarted".to_owned());
    let rows = rows.iter().map(|row| {
        let report = &row.report;
        let mut cells = vec![row.workers.to_string(), format!("{:.2}", report.offered)];
        cells.push(format!("{:.3}", report.utilisation));
        cells.extend(report.tiers.iter().map(|tier| {
            let waits = quiet(load, tier);
            format!("{} / {}", seconds(waits.p50_ms), seconds(waits.p99_ms))
        }));
        cells.push(report.jobs.waiting.to_string());
        cells
    });
    let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
    markdown(&heads, rows.collect())
}

fn quiet(load: &Load, tier: &TierReport) -> Waits {
    if load.has_noisy() { tier.quiet_waits } else { tier.waits }
}

fn totals(report: &Report) -> String {
    let jobs = &report.jobs;
    format!(
        "policy {}, seed {}, {} s, offered load {:.2}, utilisation {:.3}, {:.2} jobs finished a second, Jain \
         {:.3}\n{} jobs: {} finished, {} failed, {} cancelled, {} refused, {} waiting, {} running; {} attempts \
         lost; {} ms idle while a job was eligible",
        report.policy.word(),
        report.seed,
        report.seconds,
        report.offered,
        report.utilisation,
        report.throughput_per_second,
        report.jain,
        jobs.arrived,
        jobs.finished,
        jobs.failed,
        jobs.cancelled,
        jobs.refused,
        jobs.waiting,
        jobs.running,
        report.attempts_lost,
        report.idle_while_eligible_ms,
    )
}

/// Seconds with as many digits as matter.
fn seconds(ms: u64) -> String {
    let s = ms as f64 / 1_000.0;
    match ms {
        0..10_000 => format!("{s:.2}"),
        10_000..100_000 => format!("{s:.1}"),
        _ => format!("{s:.0}"),
    }
}

fn markdown(heads: &[&str], rows: Vec<Vec<String>>) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain([heads[column].chars().count(), 3]).max().unwrap_or(3)
    };
    let widths: Vec<usize> = (0..heads.len()).map(width).collect();
    let mut text = String::new();
    let mut line = |cells: &[&str]| {
        for (n, (cell, width)) in cells.iter().zip(&widths).enumerate() {
            // Writing to a string cannot fail.
            let _ =
                if n == 0 { write!(text, "| {cell:<width$} |") } else { write!(text, " {cell:>width$} |") };
        }
        text.push('\n');
    };
    line(heads);
    let rules: Vec<String> = widths
        .iter()
        .enumerate()
        .map(|(n, width)| if n == 0 { "-".repeat(*width) } else { format!("{}:", "-".repeat(width - 1)) })
        .collect();
    line(&rules.iter().map(String::as_str).collect::<Vec<_>>());
    rows.iter().for_each(|row| line(&row.iter().map(String::as_str).collect::<Vec<_>>()));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_aligned_and_its_seconds_are_short() {
        let table = markdown(
            &["a", "b"],
            vec![vec!["x".into(), seconds(1_234)], vec!["yyyy".into(), seconds(123_456)]],
        );
        assert_eq!(table, "| a    |    b |\n| ---- | ---: |\n| x    | 1.23 |\n| yyyy |  123 |\n");
    }
}
