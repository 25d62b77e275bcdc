//! `reeve catalog check`: reads catalogs, judges them and runs their examples.

use std::path::PathBuf;

use clap::Args;
use reeve_rehearsal::{Draft, ExampleResult, run_examples};
use serde::Serialize;

use crate::catalogs::{self, Source};
use crate::exit::Failure;
use crate::output;

/// Options of `catalog check`.
#[derive(Args, Debug)]
pub struct CheckArgs {
    /// Catalog files, each with its examples in the folder `examples` beside it; those built in when left out
    files: Vec<PathBuf>,
    /// Show only the examples that do not come out
    #[arg(long)]
    failed: bool,
    /// Print the findings as JSON
    #[arg(long)]
    json: bool,
}

/// What became of one catalog.
#[derive(Debug, Serialize)]
struct Report {
    file: String,
    ok: bool,
    catalog: Option<String>,
    version: Option<u32>,
    plans: usize,
    actions: usize,
    examples: usize,
    passed: usize,
    /// Numbers of rules with an example.
    rules: usize,
    /// What is wrong, one line each.
    findings: Vec<String>,
    results: Vec<Line>,
}

/// What became of one example.
#[derive(Debug, Serialize)]
struct Line {
    rule: String,
    title: String,
    ok: bool,
    /// Which step came out otherwise, and how.
    #[serde(skip_serializing_if = "Option::is_none")]
    difference: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// A catalog is bad or an example does not come out, or a file cannot be read.
pub fn run(args: &CheckArgs) -> Result<(), Failure> {
    let sources = if args.files.is_empty() {
        catalogs::built_in()
    } else {
        args.files.iter().map(|file| catalogs::from_file(file)).collect::<Result<_, _>>()?
    };
    let reports: Vec<Report> = sources.iter().map(check).collect();
    if args.json {
        output::json(&reports)?;
    } else {
        show(&reports, args.failed)?;
    }
    let bad = reports.iter().filter(|report| !report.ok).count();
    if bad == 0 {
        Ok(())
    } else {
        Err(Failure::no(format!("{bad} of {} catalogs are not good", reports.len())))
    }
}

fn check(source: &Source) -> Report {
    let mut report = Report {
        file: source.file.clone(),
        ok: false,
        catalog: None,
        version: None,
        plans: 0,
        actions: 0,
        examples: 0,
        passed: 0,
        rules: 0,
        findings: Vec::new(),
        results: Vec::new(),
    };
    match Draft::parse(&source.file, &source.text) {
        Ok(draft) => {
            let catalog = draft.catalog();
            report.catalog = Some(catalog.name.to_string());
            report.version = Some(catalog.version);
            (report.plans, report.actions) = (catalog.plans.len(), catalog.actions.len());
            try_examples(source, &draft, &mut report);
        }
        Err(error) => report.findings = error.findings.iter().map(ToString::to_string).collect(),
    }
    report.ok = report.findings.is_empty() && report.passed == report.examples;
    report
}

fn try_examples(source: &Source, draft: &Draft, report: &mut Report) {
    let examples = match catalogs::examples(source) {
        Ok(Some(examples)) => examples,
        Ok(None) => return,
        Err(failure) => return report.findings.push(failure.to_string()),
    };
    let results: Vec<ExampleResult> = run_examples(draft, &examples);
    report.examples = results.len();
    report.passed = results.iter().filter(|result| result.difference.is_none()).count();
    report.rules = examples.rules().len();
    let line = |ExampleResult { rule, title, difference }| Line {
        rule,
        title,
        ok: difference.is_none(),
        difference,
    };
    report.results = results.into_iter().map(line).collect();
}

fn show(reports: &[Report], failed_only: bool) -> Result<(), Failure> {
    let mut table = output::table(&["", "|catalog", "|rule", "example"]);
    for report in reports {
        for line in report.results.iter().filter(|line| !failed_only || !line.ok) {
            let text = match &line.difference {
                None => line.title.clone(),
                Some(difference) => format!("{}\n{difference}", line.title),
            };
            let catalog = report.catalog.clone().unwrap_or_default();
            table.add_row([sign(line.ok).to_owned(), catalog, line.rule.clone(), text]);
        }
    }
    if !table.is_empty() {
        output::print_table(&table, "")?;
        output::print("")?;
    }
    summary(reports)
}

fn summary(reports: &[Report]) -> Result<(), Failure> {
    let mut table =
        output::table(&["", "|catalog", ">version", ">plans", ">actions", ">rules?", ">examples", "file??"]);
    for report in reports {
        table.add_row([
            sign(report.ok).to_owned(),
            report.catalog.clone().unwrap_or_else(|| "?".to_owned()),
            report.version.map_or_else(String::new, |version| version.to_string()),
            report.plans.to_string(),
            report.actions.to_string(),
            report.rules.to_string(),
            format!("{}/{}", report.passed, report.examples),
            report.file.clone(),
        ]);
    }
    output::print_table(&table, "no catalogs")?;
    for finding in reports.iter().flat_map(|report| &report.findings) {
        eprintln!("{finding}");
    }
    Ok(())
}

const fn sign(ok: bool) -> &'static str {
    if ok { "✓" } else { "✗" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_catalog_and_a_wrong_example_are_told() {
        let mut sources = catalogs::built_in();
        assert!(sources.iter().map(check).all(|report| report.ok && report.examples > 0));
        let Some(source) = sources.first_mut() else { return };
        source.text = source.text.replace("values.premium = { rate = 1 }", "values.premium = { rate = 9 }");
        let report = check(source);
        assert!(!report.ok && report.passed < report.examples);
        let told = report.results.iter().find_map(|line| line.difference.as_deref()).unwrap_or_default();
        assert!(told.contains("expected") && told.contains("found"), "{told}");
        source.text.push_str("\n[plann.x]\n");
        assert!(check(source).findings.iter().any(|finding| finding.contains("plann")));
    }
}
