//! `docs/configuration.md` has every setting: with `REEVE_BLESS=1` it is written from the shipped file, else compared.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;

use crate::{read, root};

/// One setting: its key, its shipped value, what its comment says.
type Setting = (String, String, String);

/// A section of the settings, with what stands over it or beside its name.
struct Section {
    name: String,
    intro: String,
    rows: Vec<Setting>,
}

/// Splits a line before the sign of a comment, which may also stand inside quotes.
fn without_comment(line: &str) -> (&str, &str) {
    let mut quoted = false;
    let at = line.char_indices().find(|(_, c)| {
        quoted ^= *c == '"';
        *c == '#' && !quoted
    });
    at.map_or((line.trim(), ""), |(at, _)| (line[..at].trim(), line[at + 1..].trim()))
}

/// The settings of `config/default.toml` by section.
fn sections(text: &str) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    // Comments on lines of their own, up to a blank line that ends them before a key.
    let mut above = String::new();
    for line in text.lines() {
        let (code, comment) = without_comment(line);
        if code.is_empty() {
            if comment.contains("----") || (line.is_empty() && above.ends_with('\n')) {
                above.clear();
            } else if line.is_empty() {
                above.push('\n');
            } else {
                let _ = write!(above, "{comment} ");
            }
        } else if let Some(name) = code.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            // What stands over the first one is about the whole file.
            let above = std::mem::take(&mut above);
            let above = if sections.is_empty() { "" } else { above.trim() };
            let intro = format!("{above} {comment}");
            sections.push(Section {
                name: name.to_owned(),
                intro: intro.trim().to_owned(),
                rows: Vec::new(),
            });
        } else if let Some((key, value)) = code.split_once('=') {
            let above = std::mem::take(&mut above);
            let meaning = if comment.is_empty() { above.trim() } else { comment };
            let section = sections.last_mut().unwrap_or_else(|| panic!("`{line}` is in no section"));
            section.rows.push((key.trim().to_owned(), value.trim().to_owned(), meaning.to_owned()));
        }
    }
    sections
}

/// The sections that the head of the file says are put in force by a reload.
fn reloaded(text: &str) -> BTreeSet<String> {
    let (head, _) = text.split_once("\n[").unwrap();
    let (_, said) = head.split_once("SIGHUP").unwrap();
    let (said, _) = said.split_once("in force").unwrap();
    let names = said.split('[').skip(1).filter_map(|rest| rest.split_once(']'));
    names.map(|(name, _)| name.trim_end_matches(".*").to_owned()).collect()
}

/// What the comment over the tiers says of each of their keys.
fn tier_meanings(text: &str) -> BTreeMap<String, String> {
    let lines = text.lines().filter_map(|line| line.strip_prefix("#   "));
    let pairs = lines.filter_map(|line| line.split_once(' '));
    pairs.map(|(key, meaning)| (key.to_owned(), meaning.trim().to_owned())).collect()
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn settings_page(text: &str) -> String {
    let (sections, reloaded) = (sections(text), reloaded(text));
    let tiers: Vec<&Section> = sections.iter().filter(|section| section.name.starts_with("tiers.")).collect();
    let mut page = String::new();
    let mut tiers_are_told = false;
    for Section { name, intro, rows } in &sections {
        let is_reloaded = reloaded.contains(name) || reloaded.contains(name.split('.').next().unwrap());
        let when = if is_reloaded { "at once" } else { "after a restart" };
        if name.starts_with("tiers.") {
            if !std::mem::replace(&mut tiers_are_told, true) {
                tier_section(&mut page, &tiers, &tier_meanings(text), when);
            }
            continue;
        }
        let _ = write!(page, "\n## `[{name}]`\n\nA change is in force {when}.");
        if !intro.is_empty() {
            let _ = write!(page, " {}", intro.split_whitespace().collect::<Vec<_>>().join(" "));
        }
        page.push('\n');
        if !rows.is_empty() {
            page.push_str("\n| key | shipped | meaning |\n|---|---|---|\n");
        }
        for (key, value, meaning) in rows {
            let is_told = !meaning.is_empty() || !intro.is_empty();
            assert!(is_told, "config/default.toml says nothing of `{name}.{key}`");
            let _ = writeln!(page, "| `{key}` | `{}` | {} |", cell(value), cell(meaning));
        }
    }
    page
}

/// All tiers have the same keys: one table for them, a column each.
fn tier_section(page: &mut String, tiers: &[&Section], meanings: &BTreeMap<String, String>, when: &str) {
    let names: Vec<&str> = tiers.iter().map(|tier| tier.name.trim_start_matches("tiers.")).collect();
    let _ = write!(
        page,
        "\n## `[tiers.NAME]`\n\nA change is in force {when}. A tier of your own needs all of these keys.\n\n| key | {} | meaning |\n|---|{}---|\n",
        names.join(" | "),
        "--:|".repeat(names.len())
    );
    for (n, (key, _, _)) in tiers.first().unwrap().rows.iter().enumerate() {
        let meaning = meanings.get(key).unwrap_or_else(|| panic!("nothing is said of the tiers' `{key}`"));
        let values: Vec<&str> = tiers.iter().map(|tier| tier.rows[n].1.as_str()).collect();
        assert!(tiers.iter().all(|tier| tier.rows[n].0 == *key), "the tiers have their keys in one order");
        let _ = writeln!(page, "| `{key}` | {} | {meaning} |", values.join(" | "));
    }
}

#[test]
fn the_page_of_the_configuration_has_every_setting() {
    const MARK: &str = "<!-- settings -->\n";
    let shipped = read("config/default.toml");
    let text = read("docs/configuration.md");
    let (head, _) = text.split_once(MARK).unwrap();
    let wanted = format!("{head}{MARK}{}", settings_page(&shipped));
    if std::env::var_os("REEVE_BLESS").is_some() {
        fs::write(root().join("docs/configuration.md"), &wanted).unwrap();
    } else {
        assert!(wanted == text, "docs/configuration.md is stale; run with REEVE_BLESS=1");
    }
    // The lines were read as TOML reads them.
    let table: toml::Table = shipped.parse().unwrap();
    let mut keys = Vec::new();
    all_keys("", &table, &mut keys);
    assert!(keys.len() > 50, "the settings were not read");
    for (section, key) in keys {
        let heading = if section.starts_with("tiers.") { "tiers.NAME" } else { &section };
        let (_, rest) = wanted.split_once(&format!("\n## `[{heading}]`\n")).unwrap();
        let rows = rest.split("\n## ").next().unwrap();
        assert!(rows.contains(&format!("\n| `{key}` |")), "`{section}.{key}` is not on the page");
    }
}

/// Every key of a table with the name of its section.
fn all_keys(section: &str, table: &toml::Table, found: &mut Vec<(String, String)>) {
    for (key, value) in table {
        match value {
            toml::Value::Table(below) if section.is_empty() => all_keys(key, below, found),
            toml::Value::Table(below) => all_keys(&format!("{section}.{key}"), below, found),
            _ => found.push((section.to_owned(), key.clone())),
        }
    }
}
