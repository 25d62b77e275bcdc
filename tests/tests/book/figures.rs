//! Alerts, the dashboard and the runbook name figures that exist, and each other.

use std::collections::{BTreeMap, BTreeSet};

use crate::{files, read};

/// Words that start like a figure's name.
fn figures(text: &str) -> BTreeSet<String> {
    let word = |c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    text.split(word).filter(|word| word.starts_with("reeve_")).map(str::to_owned).collect()
}

#[test]
fn alerts_dashboards_and_documents_name_figures_that_exist() {
    let table = read("docs/metrics.md");
    let (_, table) = table.split_once("<!-- metrics -->").unwrap();
    let (table, _) = table.split_once("<!-- end -->").unwrap();
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    let known: BTreeSet<String> = rows.map(|(name, _)| name.to_owned()).collect();
    let is_known = |name: &str| {
        let name = name.strip_suffix("_sum").or(name.strip_suffix("_count")).unwrap_or(name);
        known.contains(name)
    };
    let alerts = read("docker/alerts.yml");
    let mut stray = BTreeMap::new();
    let mut look = |file: &str, text: &str| {
        let names: Vec<String> = figures(text).into_iter().filter(|name| !is_known(name)).collect();
        if !names.is_empty() {
            stray.insert(file.to_owned(), names);
        }
    };
    look("docker/alerts.yml", &alerts);
    look("docker/alerts.test.yml", &read("docker/alerts.test.yml"));
    for dashboard in files("docker/grafana/dashboards", ".json") {
        look(&dashboard, &read(&dashboard));
    }
    look("docs/runbook.md", &read("docs/runbook.md"));
    assert!(stray.is_empty(), "figures that no server shows: {stray:#?}");
}

#[test]
fn every_alert_has_its_section_in_the_runbook_and_its_case() {
    let names = |text: &str, before: &str| -> BTreeSet<String> {
        text.lines()
            .filter_map(|line| line.trim().strip_prefix(before))
            .map(|name| name.trim().to_owned())
            .collect()
    };
    let alerts = read("docker/alerts.yml");
    let defined = names(&alerts, "- alert:");
    assert!(defined.len() > 6, "the alerts were not read");
    assert_eq!(defined, names(&read("docs/runbook.md"), "## "), "alerts and sections of docs/runbook.md");
    let cases = read("docker/alerts.test.yml");
    for alert in &defined {
        assert!(cases.contains(&format!("\"{alert}\"")), "no case of docker/alerts.test.yml fires `{alert}`");
        let anchor = format!("docs/runbook.md#{}", alert.to_lowercase());
        assert!(alerts.contains(&format!("runbook: {anchor}\n")), "`{alert}` does not name `{anchor}`");
    }
}
