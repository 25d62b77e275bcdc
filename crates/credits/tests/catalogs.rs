//! The shipped catalogs: each is read, and each of its examples holds.
//!
//! The one place in this crate that knows where catalog files lie. What they say is asserted by their own examples.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use reeve_credits::{Catalog, Examples, run_examples};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../config/catalogs")
}

/// Every catalog with its examples, by name of file.
fn shipped() -> Vec<(Catalog, Examples)> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    let read = |path: PathBuf| {
        let file = path.file_name().unwrap().to_str().unwrap().to_owned();
        let catalog =
            Catalog::parse(&file, &fs::read_to_string(&path).unwrap()).unwrap_or_else(|e| panic!("{e}"));
        let beside = folder().join("examples").join(&file);
        let text = fs::read_to_string(&beside).expect("a catalog ships with its examples");
        let examples = Examples::parse(&format!("examples/{file}"), &text).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(format!("{}.toml", catalog.name), file, "a catalog's file is called like the catalog");
        (catalog, examples)
    };
    files.into_iter().map(read).collect()
}

#[test]
fn five_catalogs_ship() {
    let names: Vec<String> = shipped().iter().map(|(catalog, _)| catalog.name.to_string()).collect();
    assert_eq!(names, ["ai-studios", "kaiber", "kira", "kive", "kreatorflow"]);
}

#[test]
fn every_example_of_every_catalog_holds() {
    let mut differences = Vec::new();
    let mut count = 0;
    for (catalog, examples) in shipped() {
        for result in run_examples(&catalog, &examples) {
            count += 1;
            if let Some(difference) = result.difference {
                differences.push(format!("{}: {} {}: {difference}", catalog.name, result.rule, result.title));
            }
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert!(count >= 60, "only {count} examples were run");
}

/// The rules about prices and openings, each of which has at least one example.
#[test]
fn every_rule_about_prices_and_openings_has_an_example() {
    let wanted = [
        "KV-01", "KV-02", "KV-03", "KV-13", "KV-15", "KV-25", "KV-28", "KR-01", "KR-02", "KR-03", "KR-04",
        "KR-05", "KR-08", "KR-14", "KR-16", "KF-02", "KF-10", "KF-12", "KF-14", "AS-01", "AS-02", "AS-03",
        "AS-04", "AS-14", "AS-16", "KA-01", "KA-02", "KA-06", "KA-07", "KA-08", "KA-09", "KA-10", "KA-11",
        "KA-12", "X7", "X14", "X18", "X25",
    ];
    let shipped = shipped();
    let had: BTreeSet<&str> = shipped.iter().flat_map(|(_, examples)| examples.rules()).collect();
    let missing: Vec<&&str> = wanted.iter().filter(|rule| !had.contains(**rule)).collect();
    assert!(missing.is_empty(), "no example for {missing:?}");
}

#[test]
fn every_action_and_every_plan_appears_in_an_example() {
    for (catalog, _) in shipped() {
        let text =
            fs::read_to_string(folder().join("examples").join(format!("{}.toml", catalog.name))).unwrap();
        for action in catalog.actions.keys() {
            assert!(text.contains(&format!("\"{action}\"")), "{}: {action}", catalog.name);
        }
        for plan in &catalog.plans {
            assert!(text.contains(&format!("plan = \"{}\"", plan.name)), "{}: {}", catalog.name, plan.name);
        }
    }
}

/// Plans queue in the tiers of the shipped scheduler configuration, in order of rank.
#[test]
fn kf_07_plans_queue_in_tiers_by_rank() {
    let tiers = ["free", "standard", "pro", "instant"];
    for (catalog, _) in shipped() {
        let found: Vec<&str> = catalog.plans.iter().map(|plan| plan.tier.as_str()).collect();
        assert_eq!(found, tiers[..catalog.plans.len()], "{}", catalog.name);
        assert_eq!(catalog.default_plan().name.as_str(), "free", "{}", catalog.name);
    }
}

/// An example that is wrong is found wrong: the runner does not just say yes.
#[test]
fn a_wrong_example_is_reported() {
    let shipped = shipped();
    let (catalog, examples) = shipped.first().unwrap();
    let file = folder().join("examples").join(format!("{}.toml", catalog.name));
    let text = fs::read_to_string(file).unwrap();
    let mut wrong = 0;
    for (what, with) in
        [("credits = ", "credits = 7"), ("available = ", "available = 7"), ("settled = ", "settled = 7")]
    {
        let broken = Examples::parse("broken", &text.replace(what, with)).unwrap();
        wrong += run_examples(catalog, &broken).iter().filter(|result| result.difference.is_some()).count();
    }
    assert!(
        wrong >= examples.example.len() / 2,
        "only {wrong} of {} were found wrong",
        examples.example.len()
    );
}
