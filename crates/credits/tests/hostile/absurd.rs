//! Catalogs of great size, each made to hit one check with as much as fits: the work grows with the text, not with its
//! square. In a long run they have the size of the largest body that the API takes.

use reeve_credits::Catalog;
use reeve_types::limits::BODY_BYTES_MAX;

use super::is_explained;
use crate::bend::{Shown, cases, shipped};

/// Bytes of a text in an ordinary run.
const BYTES: usize = 96 << 10;

fn bytes_max() -> usize {
    if cases(1) > 1 { BODY_BYTES_MAX } else { BYTES }
}

/// As many of the numbered pieces as fit.
fn many(piece: impl Fn(usize) -> String) -> String {
    let mut text = String::new();
    let bytes_max = bytes_max();
    for n in 0.. {
        let next = piece(n);
        if text.len() + next.len() > bytes_max {
            break;
        }
        text.push_str(&next);
    }
    text
}

/// A catalog with these tables at its end.
fn with(tables: &str) -> String {
    let (_, base) = &shipped("")[0];
    format!("{base}\n{tables}\n")
}

/// A catalog in which the value of a key at its beginning is another.
fn with_first(key: &str, value: &str) -> String {
    let (_, base) = &shipped("")[0];
    let start = format!("{key} = ");
    let line = base.lines().find(|line| line.starts_with(&start)).unwrap();
    base.replacen(line, &format!("{start}{value}"), 1)
}

fn action(plans: &str) -> String {
    format!("[action.\"absurd.one\"]\npool = \"image\"\nplans = [{plans}]\nprice = {{ rate = 1 }}\n")
}

fn plan(n: usize, rank: usize) -> String {
    format!("[plan.p{n}]\nrank = {rank}\ntier = \"free\"\npaid = false\n")
}

fn carry(source: usize) -> String {
    format!("[[carry]]\nat = \"renewal\"\nsources = [\"s{source}\"]\nkeep = \"all\"\n")
}

/// What each text is about, and the text.
fn absurd() -> Vec<(&'static str, String)> {
    let bytes_max = bytes_max();
    let half = |text: String| text[..text.len() / 2].rsplit_once('\n').unwrap().0.to_owned();
    let numbered = |n: usize| format!("\"p{n}\",");
    let inline = (0..79).fold("1".to_owned(), |value, _| format!("{{ {}a = {value} }}", "a.".repeat(78)));
    vec![
        ("plans", with(&many(|n| plan(n, n + 1_000)))),
        ("plans of one rank", with(&many(|n| plan(n, 1_000)))),
        ("plans that do not exist", with(&action(&many(numbered)))),
        ("one plan again and again", with(&action(&many(|_| "\"free\",".to_owned())))),
        (
            "limits",
            with(&many(|n| {
                format!(
                    "[[limit]]\nname = \"l{n}\"\nwhat = \"free_jobs\"\namount = {{ count = 1 }}\nwindow = \"day\"\n"
                )
            })),
        ),
        (
            "limits that are not enforced",
            with(&many(|n| {
                format!(
                    "[[limit]]\nname = \"l{n}\"\nwhat = \"spend\"\namount = {{ credits = 1 }}\nwindow = \"day\"\n"
                )
            })),
        ),
        ("carry rules of sources that do not exist", with(&many(carry))),
        ("carry rules of one source", with(&many(|_| carry(1)))),
        (
            "sources of one carry rule",
            with(&format!("[[carry]]\nat = \"cancel\"\nkeep = \"all\"\nsources = [{}]\n", many(numbered))),
        ),
        (
            "patterns of a scope",
            with(&format!("[scope.absurd]\nactions = [{}]\n", many(|n| format!("\"a{n}.*\",")))),
        ),
        ("keys of the order", with_first("order", &format!("[{}]", many(|_| "\"id\",".to_owned())))),
        (
            "allotments",
            with(&format!(
                "[plan.absurd]\nrank = 99\ntier = \"free\"\npaid = true\nallotments = [{}]\n",
                many(|n| format!("{n},"))
            )),
        ),
        (
            "values of a parameter",
            with(&format!(
                "[action.\"absurd.one\"]\npool = \"image\"\n[action.\"absurd.one\".price.by.model.values]\n{}",
                many(|n| format!("v{n} = {{ rate = {n} }}\n"))
            )),
        ),
        (
            "stages that do not exist",
            with(&format!(
                "[action.\"absurd.one\"]\npool = \"image\"\nprice = {{ rate = 1, stages = [{}] }}\n",
                many(numbered)
            )),
        ),
        (
            "plans and a list of them",
            with(&format!(
                "{}\n{}",
                half(many(|n| plan(n, n + 1_000))),
                action(&half(many(|n| format!("\"p{n}\",\n"))))
            )),
        ),
        ("a title", with_first("title", &format!("\"{}\"", "x".repeat(bytes_max)))),
        ("a number", with_first("version", &"9".repeat(bytes_max))),
        (
            "a small number",
            with(&action("").replace("rate = 1", &format!("rate = 0.{}1", "0".repeat(bytes_max)))),
        ),
        ("a key", with(&format!("[{}]", "x".repeat(bytes_max)))),
        ("a dotted key", with(&format!("[{}a]", "a.".repeat(bytes_max / 2)))),
        ("tables in tables", with(&format!("[a]\nb = {inline}"))),
        ("tables in tables, known", with_first("title", &inline)),
        (
            "tables in tables, as an amount",
            with(&format!("[source.absurd]\nclass = \"plan\"\nuntil = \"never\"\namount = {inline}")),
        ),
        ("arrays of tables", with(&many(|_| "[[alert]]\n".to_owned()))),
        ("brackets", "[".repeat(bytes_max)),
        ("braces", format!("a = {}", "{ a = ".repeat(bytes_max / 6))),
        ("quotes", format!("a = {}", "\"".repeat(bytes_max))),
        ("ends of lines", "\r\n".repeat(bytes_max / 2)),
        ("backslashes", format!("a = \"{}\"", "\\".repeat(bytes_max))),
    ]
}

#[test]
fn an_absurd_catalog_is_judged_in_time_that_grows_with_its_text() {
    for (case, (about, text)) in (0..).zip(absurd()) {
        let shown = Shown::new(case, about);
        match Catalog::parse("absurd.toml", &text) {
            Ok(catalog) => assert!(!catalog.plans.is_empty()),
            Err(error) => is_explained(&error),
        }
        println!("{about}: {} bytes, {:?}", text.len(), shown.was_quick());
    }
}
