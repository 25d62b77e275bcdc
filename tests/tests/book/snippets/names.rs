//! What pages name in passing exists: commands with their options, and calls of the API.

use std::collections::{BTreeMap, BTreeSet};

use super::{blocks_of, pages};
use crate::read;

/// Options of each command by its words, as the page that the program writes has them.
fn commands() -> BTreeMap<String, BTreeSet<String>> {
    let page = read("docs/cli.md");
    let sections = page.split("\n## `reeve ").skip(1);
    let options = |rows: &str| {
        let cells =
            rows.lines().filter_map(|row| row.strip_prefix("| `-")).filter_map(|row| row.split_once('`'));
        let words = cells.flat_map(|(cell, _)| {
            format!("-{cell}").split([' ', ',']).map(str::to_owned).collect::<Vec<_>>()
        });
        words.filter(|word| word.starts_with('-')).collect()
    };
    sections
        .filter_map(|section| section.split_once('`'))
        .map(|(name, rest)| (name.to_owned(), options(rest)))
        .collect()
}

/// Texts between single backquotes, outside of blocks.
fn spans(page: &str) -> Vec<String> {
    let prose = crate::prose(&read(page));
    let spans = prose.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
    spans.map(str::to_owned).collect()
}

/// Command lines of blocks for a shell that call the program.
fn lines(page: &str) -> Vec<String> {
    let blocks = blocks_of(page).into_iter().filter(|block| block.lang == "sh" || block.lang == "console");
    let joined = blocks.map(|block| block.text.replace("\\\n", " ")).collect::<String>();
    joined.lines().map(|line| line.split(" #").next().unwrap_or_default().trim().to_owned()).collect()
}

/// What is wrong with a command line; `None` where it is none of ours or all right.
fn wrong(line: &str, known: &BTreeMap<String, BTreeSet<String>>) -> Option<String> {
    let line = line.strip_prefix("time ").unwrap_or(line);
    let line = line.strip_prefix("./target/release/").unwrap_or(line);
    let words: Vec<&str> = line.strip_prefix("reeve ")?.split_whitespace().collect();
    // `COMMAND` stands for any.
    if words.first().is_none_or(|word| word.starts_with('-') || word.chars().all(char::is_uppercase)) {
        return None;
    }
    let choices: Vec<&str> = words[0].split('|').collect();
    let longest = (1..=words.len().min(2)).rev().find(|n| known.contains_key(&words[..*n].join(" ")));
    let Some(longest) = longest else {
        let all = choices.iter().all(|choice| known.contains_key(*choice));
        return (!all).then(|| format!("`{line}`: there is no such command"));
    };
    let options = &known[&words[..longest].join(" ")];
    let named = words[longest..].iter().map(|word| word.trim_start_matches('[').trim_end_matches(']'));
    let unknown = named.filter(|word| word.starts_with("--")).find(|word| {
        let option = word.split('=').next().unwrap_or(word);
        option != "--help" && !options.contains(option)
    });
    unknown.map(|option| format!("`{line}`: there is no option `{option}`"))
}

#[test]
fn every_command_that_a_page_names_exists() {
    let known = commands();
    assert!(known.len() > 30 && known["serve"].contains("--data"), "{known:?}");
    let mut faults = Vec::new();
    for page in pages() {
        let named = spans(&page).into_iter().chain(lines(&page));
        faults.extend(named.filter_map(|line| wrong(&line, &known)).map(|fault| format!("{page}: {fault}")));
    }
    assert!(faults.is_empty(), "{faults:#?}");
    assert!(wrong("reeve serve --data x --no-such-option", &known).is_some());
    assert!(wrong("reeve sevre", &known).is_some());
}

const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/// Calls of the API document: method, and segments of the path with `{}` for any.
fn calls() -> BTreeSet<(String, Vec<String>)> {
    let document: serde_json::Value = serde_json::from_str(&read("docs/openapi.json")).unwrap();
    let mut calls = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in METHODS.iter().filter(|method| item.get(method.to_lowercase()).is_some()) {
            calls.insert(((*method).to_owned(), segments(path)));
        }
    }
    calls
}

fn segments(path: &str) -> Vec<String> {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let any = |segment: &str| if segment.starts_with('{') { "{}".to_owned() } else { segment.to_owned() };
    path.trim_matches('/').split('/').map(any).collect()
}

/// Whether a call that a page names is one of the document's. `.../x` is the end of a longer path.
fn exists(method: &str, path: &str, calls: &BTreeSet<(String, Vec<String>)>) -> bool {
    let (ending, path) = match path.strip_prefix("...") {
        Some(rest) => (true, rest),
        None => (false, path),
    };
    let named = segments(path);
    calls.iter().any(|(known, template)| {
        let fits = if ending { template.len() > named.len() } else { template.len() == named.len() };
        let start = template.len().saturating_sub(named.len());
        let pairs = template[start..].iter().zip(&named);
        known == method && fits && pairs.into_iter().all(|(wanted, said)| wanted == said || wanted == "{}")
    })
}

#[test]
fn every_call_that_a_page_names_exists() {
    let calls = calls();
    assert!(calls.len() > 50, "the document was not read");
    let mut faults = Vec::new();
    let mut looked_at = 0;
    for page in pages() {
        let http = blocks_of(&page).into_iter().filter(|block| block.lang == "http");
        let firsts = http.map(|block| block.first().to_owned());
        for span in spans(&page).into_iter().chain(firsts) {
            let Some((method, path)) = span.split_once(' ') else { continue };
            if !METHODS.contains(&method) || !(path.starts_with('/') || path.starts_with(".../")) {
                continue;
            }
            looked_at += 1;
            // `GET /v1/a, /v1/b`, or with the members of its body behind it.
            let path = path.split([',', ' ']).next().unwrap_or(path);
            let is_whole = !path.contains("...") || path.starts_with("...");
            if is_whole && !exists(method, path, &calls) {
                faults.push(format!("{page}: `{span}`"));
            }
        }
    }
    assert!(looked_at > 60, "only {looked_at} calls were found");
    assert!(faults.is_empty(), "calls that do not exist: {faults:#?}");
    assert!(!exists("GET", "/v1/no/such/call", &calls) && exists("GET", "/v1/jobs/{id}", &calls));
}
