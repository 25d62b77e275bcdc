//! `docs/credit-model.md` says where every rule is kept and tested: this keeps it true.
//!
//! The columns *catalog* and *tests* are generated; with `REEVE_BLESS=1` they are written, else compared.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on shall stop")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Names of tests shown in a row; the rest is counted.
const NAMES_MAX: usize = 3;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Every rule number in a text, such as `KV-17` or `X5`.
fn numbers(text: &str) -> Vec<String> {
    let word = |c: char| !(c.is_ascii_alphanumeric() || c == '-');
    let numbered = |word: &&str| {
        let digits = word.trim_start_matches(|c: char| c.is_ascii_uppercase() || c == '-');
        let prefix = &word[..word.len() - digits.len()];
        ["KV-", "KR-", "KF-", "AS-", "KA-", "X"].contains(&prefix)
            && !digits.is_empty()
            && digits.bytes().all(|b| b.is_ascii_digit())
    };
    text.split(word).filter(numbered).map(str::to_owned).collect()
}

/// Files below a folder with that ending, in order.
fn files(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "target") {
                files(&path, ending, found);
            }
        } else if path.extension().is_some_and(|extension| extension == ending) {
            found.push(path);
        }
    }
}

type Places = BTreeMap<String, BTreeSet<String>>;

/// Where the catalogs' comments name each rule: `kive: source.plan`.
fn catalog_lines() -> Places {
    let mut places = Places::new();
    for entry in fs::read_dir(root().join("config/catalogs")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        let catalog = path.file_stem().unwrap().to_string_lossy().into_owned();
        let mut section = String::new();
        for line in fs::read_to_string(&path).unwrap().lines() {
            let (code, comment) = line.split_once('#').unwrap_or((line, ""));
            let code = code.trim();
            if code.starts_with('[') {
                code.trim_matches(['[', ']']).clone_into(&mut section);
            }
            let key = code.split_once('=').map_or("", |(key, _)| key.trim());
            let place = match (key, comment.contains("----")) {
                (_, true) => {
                    comment.trim_start_matches([' ', '-']).split([':', ',', '(']).next().unwrap().trim()
                }
                ("", _) => &section,
                (key, _) => &format!("{section}.{key}"),
            };
            for rule in numbers(comment) {
                let place = place.trim_start_matches('.').replace('"', "");
                places.entry(rule).or_default().insert(format!("{catalog}: {place}"));
            }
        }
    }
    places
}

/// The rule that a test's name starts with: `kv_18_a_plan_rolls_over` is KV-18, `x5_...` is X5.
fn rule_of(name: &str) -> Option<String> {
    let mut words = name.split('_');
    let first = words.next()?;
    if let Some(digits) = first.strip_prefix('x').filter(|digits| !digits.is_empty()) {
        return digits.bytes().all(|b| b.is_ascii_digit()).then(|| format!("X{digits}"));
    }
    let second = words.next().filter(|word| word.len() == 2 && word.bytes().all(|b| b.is_ascii_digit()))?;
    ["kv", "kr", "kf", "as", "ka"].contains(&first).then(|| format!("{}-{second}", first.to_uppercase()))
}

/// Names of all test functions of the sources.
fn test_names() -> BTreeSet<String> {
    let mut sources = Vec::new();
    files(&root().join("crates"), "rs", &mut sources);
    files(&root().join("tests"), "rs", &mut sources);
    files(&root().join("workers"), "rs", &mut sources);
    let mut names = BTreeSet::new();
    for path in sources {
        let text = fs::read_to_string(&path).unwrap();
        // The promises of a journal are functions that every adapter's tests call.
        let suite = path.components().any(|part| part.as_os_str() == "conformance");
        let mut is_test = false;
        for line in text.lines().map(str::trim) {
            if line.starts_with("#[") && line.contains("test") {
                is_test = true;
            } else if let Some(rest) = function(line) {
                if is_test || suite || text.contains("proptest!") {
                    let name: String =
                        rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
                    names.insert(name);
                }
                is_test = false;
            }
        }
    }
    names
}

/// What follows `fn`, where the line defines a function.
fn function(line: &str) -> Option<&str> {
    let line = line.strip_prefix("pub(super) ").unwrap_or(line);
    line.strip_prefix("async fn ").or(line.strip_prefix("fn "))
}

/// How each rule is tested: examples by catalog, then tests by name.
fn tests() -> Places {
    let mut places = Places::new();
    let mut examples = Vec::new();
    files(&root().join("config/catalogs/examples"), "toml", &mut examples);
    for path in examples {
        let catalog = path.file_stem().unwrap().to_string_lossy().into_owned();
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        let text = fs::read_to_string(&path).unwrap();
        for line in text.lines().filter(|line| line.trim_start().starts_with("rule")) {
            for rule in numbers(line) {
                *counts.entry(rule).or_default() += 1;
            }
        }
        for (rule, count) in counts {
            let plural = if count == 1 { "example" } else { "examples" };
            // Sorts before the names of tests.
            places.entry(rule).or_default().insert(format!("\u{1}{count} {plural} of {catalog}"));
        }
    }
    for name in test_names() {
        if let Some(rule) = rule_of(&name) {
            places.entry(rule).or_default().insert(format!("`{name}`"));
        }
    }
    places
}

fn cell(places: &Places, rule: &str, without: &str) -> String {
    let Some(found) = places.get(rule) else { return without.to_owned() };
    let (examples, names): (Vec<&String>, Vec<&String>) =
        found.iter().partition(|place| place.starts_with('\u{1}') || !place.starts_with('`'));
    let shown = names.iter().take(NAMES_MAX).map(|name| (*name).clone());
    let mut parts: Vec<String> =
        examples.into_iter().map(|place| place.trim_start_matches('\u{1}').to_owned()).chain(shown).collect();
    if names.len() > NAMES_MAX {
        parts.push(format!("{} more", names.len() - NAMES_MAX));
    }
    parts.join(", ")
}

#[test]
fn every_rule_has_its_row_and_its_test() {
    let path = root().join("docs/credit-model.md");
    let text = fs::read_to_string(&path).unwrap();
    let (catalogs, tests) = (catalog_lines(), tests());
    let (head, rules) = text.split_once("<!-- rules -->").unwrap();
    let mut untested = Vec::new();
    let mut seen = BTreeSet::new();
    let mut lines = Vec::new();
    for line in rules.lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let rule = cells.get(1).copied().unwrap_or_default();
        if numbers(rule).len() != 1 {
            lines.push(line.to_owned());
            continue;
        }
        seen.insert(rule.to_owned());
        if !tests.contains_key(rule) {
            untested.push(rule.to_owned());
        }
        let (catalog, tests) = (cell(&catalogs, rule, "core"), cell(&tests, rule, "none"));
        lines.push(format!("| {rule} | {} | {catalog} | {tests} |", cells[2]));
    }
    let wanted = format!("{head}<!-- rules -->{}\n", lines.join("\n"));
    if std::env::var_os("REEVE_BLESS").is_some() {
        fs::write(&path, &wanted).unwrap();
    } else {
        assert!(wanted == text, "docs/credit-model.md is stale; run with REEVE_BLESS=1");
    }
    assert!(untested.is_empty(), "rules without a test: {}", untested.join(", "));
    let named: BTreeSet<String> = catalogs.into_keys().chain(tests.into_keys()).collect();
    let unknown: Vec<&String> = named.difference(&seen).collect();
    assert!(unknown.is_empty(), "rules that the table does not know: {unknown:?}");
}

#[test]
fn every_test_that_a_document_names_exists() {
    let names = test_names();
    let mut missing = Vec::new();
    for file in ["docs/known-bugs.md"] {
        let path = root().join(file);
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"));
        for (n, line) in text.lines().enumerate() {
            let quoted = line.split('`').skip(1).step_by(2);
            let identifiers = quoted.filter(|word| {
                word.contains('_')
                    && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
            });
            for word in identifiers.filter(|word| word.matches('_').count() >= 2 && !names.contains(*word)) {
                missing.push(format!("{file}:{}: `{word}`", n + 1));
            }
        }
    }
    assert!(missing.is_empty(), "tests that do not exist: {missing:#?}");
}
