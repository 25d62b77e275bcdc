//! The shipped catalogs: every example of every one comes out, and every numbered rule has one.
//!
//! The one place in this crate that knows where catalog files lie. What they say is asserted by their own examples.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use reeve_rehearsal::{Draft, Examples, Script, play, run_examples};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn folder() -> PathBuf {
    root().join("config/catalogs")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Every catalog with its examples, by name of file.
fn shipped() -> Vec<(Draft, Examples)> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    let pair = |path: PathBuf| {
        let file = path.file_name().unwrap().to_str().unwrap().to_owned();
        let draft = Draft::parse(&file, &read(&path)).unwrap_or_else(|e| panic!("{e}"));
        let text = read(&folder().join("examples").join(&file));
        let examples = Examples::parse(&format!("examples/{file}"), &text).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(
            format!("{}.toml", draft.catalog().name),
            file,
            "a catalog's file is called like the catalog"
        );
        (draft, examples)
    };
    files.into_iter().map(pair).collect()
}

#[test]
fn five_catalogs_ship() {
    let names: Vec<String> = shipped().iter().map(|(draft, _)| draft.catalog().name.to_string()).collect();
    assert_eq!(names, ["ai-studios", "kaiber", "kira", "kive", "kreatorflow"]);
}

#[test]
fn every_example_of_every_catalog_holds() {
    let mut differences = Vec::new();
    let mut count = 0;
    for (draft, examples) in shipped() {
        for result in run_examples(&draft, &examples) {
            count += 1;
            if let Some(difference) = result.difference {
                let name = &draft.catalog().name;
                differences.push(format!("{name}: {} {}: {difference}", result.rule, result.title));
            }
        }
    }
    assert!(differences.is_empty(), "{} of {count}:\n{}", differences.len(), differences.join("\n"));
    assert!(count >= 300, "only {count} examples were run");
}

/// Every rule of `docs/credit-model.md` has an example, or says which test has it.
#[test]
fn every_numbered_rule_has_an_example_or_says_where_it_is_tested() {
    let counts =
        [("X", 25, 1), ("KV-", 30, 2), ("KR-", 17, 2), ("KF-", 14, 2), ("AS-", 16, 2), ("KA-", 13, 2)];
    let wanted = counts
        .into_iter()
        .flat_map(|(prefix, count, digits)| (1..=count).map(move |n| format!("{prefix}{n:0digits$}")));
    let shipped = shipped();
    let mut had: BTreeSet<&str> = shipped.iter().flat_map(|(_, examples)| examples.rules()).collect();
    had.extend(shipped.iter().flat_map(|(_, examples)| &examples.elsewhere).map(|rule| rule.rule.as_str()));
    let missing: Vec<String> = wanted.filter(|rule| !had.contains(rule.as_str())).collect();
    assert!(missing.is_empty(), "no example for {missing:?}");
}

#[test]
fn every_test_that_stands_for_an_example_exists() {
    for rule in shipped().iter().flat_map(|(_, examples)| &examples.elsewhere) {
        let (file, name) =
            rule.test.split_once("::").unwrap_or_else(|| panic!("{}: {}", rule.rule, rule.test));
        let text = read(&root().join(file));
        assert!(text.contains(&format!("fn {name}(")), "{}: `{file}` has no `{name}`", rule.rule);
        assert!(!rule.why.is_empty(), "{}: says no reason", rule.rule);
    }
}

#[test]
fn every_action_and_every_plan_appears_in_an_example() {
    for (draft, _) in shipped() {
        let catalog = draft.catalog();
        let text = read(&folder().join("examples").join(format!("{}.toml", catalog.name)));
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
    for (draft, _) in shipped() {
        let catalog = draft.catalog();
        let found: Vec<&str> = catalog.plans.iter().map(|plan| plan.tier.as_str()).collect();
        assert_eq!(found, tiers[..catalog.plans.len()], "{}", catalog.name);
        assert_eq!(catalog.default_plan().name.as_str(), "free", "{}", catalog.name);
    }
}

/// An example that is wrong is found wrong: the runner does not just say yes.
#[test]
fn every_figure_that_is_changed_in_an_example_is_found() {
    let figures = ["credits = ", "available = ", "settled = ", "held = ", "released = ", "amount = "];
    for (draft, examples) in shipped() {
        let text = read(&folder().join("examples").join(format!("{}.toml", draft.catalog().name)));
        let body = text.find("[[example]]").map_or("", |at| &text[at..]);
        let head = &text[..text.len() - body.len()];
        let mut wrong = BTreeMap::new();
        for figure in figures {
            // Only expectations end in `}`; what is given or done with another amount would be another story.
            let broken = body.replace(&format!("then = {{ {figure}"), &format!("then = {{ {figure}7"));
            let changed = body.matches(&format!("then = {{ {figure}")).count();
            let broken = Examples::parse("broken", &format!("{head}{broken}")).unwrap();
            let found =
                run_examples(&draft, &broken).iter().filter(|result| result.difference.is_some()).count();
            assert_eq!(found, changed, "{}: {figure}", draft.catalog().name);
            wrong.insert(figure, changed);
        }
        assert!(wrong.values().sum::<usize>() > examples.example.len() / 3, "{wrong:?}");
    }
}

#[test]
fn every_shipped_script_plays_without_a_difference() {
    for (draft, _) in shipped() {
        let file = format!("scripts/{}.toml", draft.catalog().name);
        let script = Script::parse(&file, &read(&folder().join(&file))).unwrap_or_else(|e| panic!("{e}"));
        let story = play(&draft, &script).unwrap_or_else(|e| panic!("{file}: {e}"));
        assert_eq!(story.differences, Vec::<String>::new(), "{file}");
        assert!(story.happenings.len() > 10, "{file}: nothing much happens");
    }
}
