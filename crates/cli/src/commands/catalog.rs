//! `reeve catalog check`: reads catalogs, judges them and runs their examples.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use reeve_credits::{Catalog, ExampleResult, run_examples};
use serde::Serialize;

use crate::catalogs::{self, Source};
use crate::exit::Failure;
use crate::output;

/// Commands about catalogs.
#[derive(Debug, Subcommand)]
pub enum CatalogCommand {
    /// Check catalogs and run their examples
    Check(CheckArgs),
}

/// Options of `catalog check`.
#[derive(Args, Debug)]
pub struct CheckArgs {
    /// Catalog files, each with its examples in the folder `examples` beside it; those built in when left out
    files: Vec<PathBuf>,
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
    /// What is wrong, one line each.
    findings: Vec<String>,
}

/// Runs the command.
///
/// # Errors
/// A catalog is bad or an example does not come out, or a file cannot be read.
pub fn run(command: CatalogCommand) -> Result<(), Failure> {
    let CatalogCommand::Check(args) = command;
    let sources = if args.files.is_empty() {
        catalogs::built_in()
    } else {
        args.files.iter().map(|file| catalogs::from_file(file)).collect::<Result<_, _>>()?
    };
    let reports: Vec<Report> = sources.iter().map(check).collect();
    if args.json {
        output::json(&reports)?;
    } else {
        show(&reports)?;
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
        findings: Vec::new(),
    };
    match Catalog::parse(&source.file, &source.text) {
        Ok(catalog) => {
            report.catalog = Some(catalog.name.to_string());
            report.version = Some(catalog.version);
            (report.plans, report.actions) = (catalog.plans.len(), catalog.actions.len());
            try_examples(source, &catalog, &mut report);
        }
        Err(error) => report.findings = error.findings.iter().map(ToString::to_string).collect(),
    }
    report.ok = report.findings.is_empty();
    report
}

fn try_examples(source: &Source, catalog: &Catalog, report: &mut Report) {
    let examples = match catalogs::examples(source) {
        Ok(Some(examples)) => examples,
        Ok(None) => return,
        Err(failure) => return report.findings.push(failure.to_string()),
    };
    let results: Vec<ExampleResult> = run_examples(catalog, &examples);
    report.examples = results.len();
    for result in results {
        match result.difference {
            None => report.passed += 1,
            Some(difference) => {
                report.findings.push(format!("{} {}: {difference}", result.rule, result.title))
            }
        }
    }
}

fn show(reports: &[Report]) -> Result<(), Failure> {
    let mut table = output::table(&["", "catalog", ">version", ">plans", ">actions", ">examples", "file"]);
    for report in reports {
        table.add_row([
            if report.ok { "✓" } else { "✗" }.to_owned(),
            report.catalog.clone().unwrap_or_else(|| "?".to_owned()),
            report.version.map_or_else(String::new, |version| version.to_string()),
            report.plans.to_string(),
            report.actions.to_string(),
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
        source.text.push_str("\n[plann.x]\n");
        assert!(check(source).findings.iter().any(|finding| finding.contains("plann")));
    }
}
