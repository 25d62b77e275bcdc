//! Bends texts of TOML by rule: lines, numbers, words, values, depth, characters. For the targets that read catalogs,
//! and for the one that reads examples, which takes this file by its path.
//!
//! Everything is drawn from a seed, so that a case can be run again: `REEVE_FUZZ_SEED`, and `REEVE_FUZZ_CASES` for how
//! many.

use std::fs;
use std::ops::Range;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use proptest::prelude::*;
pub use reeve_testkit::fuzz::{Dice, cases};

/// Longest time for one text of ordinary length, in a debug build on a machine that does other things too.
pub const CASE_MAX: Duration = Duration::from_secs(20);

/// What takes the place of a number.
const NUMBERS: &[&str] = &[
    "0",
    "1",
    "-1",
    "-0.0",
    "0.000001",
    "0.0000001",
    "1e-320",
    "1e308",
    "-1e308",
    "nan",
    "inf",
    "-inf",
    "255",
    "4294967295",
    "4294967296",
    "1000000000000",
    "1000000000001",
    "9223372036854",
    "9223372036854.775807",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551616",
    "0x7fffffffffffffff",
    "1_000_000",
    "1979-05-27T07:32:00Z",
];

/// What takes the place of a word.
const WORDS: &[&str] = &[
    "",
    "x",
    "-",
    "*",
    "a.b",
    "image.*",
    "base",
    "outputs",
    "seconds",
    "never",
    "allotment",
    "purchased",
    "day_end",
    "period_end",
    "day",
    "month",
    "year",
    "second",
    "block",
    "job",
    "after 36525d",
    "after 9223372036854775807d",
    "after 1s",
    "free",
    "true",
    "\u{0}",
    "\u{202e}",
    "é",
    "\"",
    "\\u0000",
    "'''",
];

/// What takes the place of a whole value.
const VALUES: &[&str] = &[
    "",
    "[]",
    "{}",
    "\"\"",
    "true",
    "[[[[[[]]]]]]",
    "{ a = { b = { c = 1 } } }",
    "{ a.b.c.d.e.f.g.h = 1 }",
    "[1, \"two\", 3.0]",
    "\"\\u0000\"",
    "'''\n'''",
    "\"\"\"",
    "2026-02-30",
    "{ allotments = 1 }",
    "{ credits = 0 }",
    "[\"free\", \"free\"]",
];

/// The shipped files of a folder below `config/catalogs`, each with its name.
pub fn shipped(below: &str) -> Vec<(String, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../config/catalogs").join(below);
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    let read = |path: PathBuf| {
        (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(&path).unwrap())
    };
    let found: Vec<_> = files.into_iter().map(read).collect();
    assert_eq!(found.len(), 5, "the shipped files were not found");
    found
}

/// Shows what was at work when something panics.
pub struct Shown<'a> {
    pub case: u32,
    pub text: &'a str,
    started: Instant,
}

impl<'a> Shown<'a> {
    #[expect(clippy::disallowed_methods, reason = "bounded time is what is asked for")]
    pub fn new(case: u32, text: &'a str) -> Self {
        Self { case, text, started: Instant::now() }
    }

    /// How long it took so far. Fails when that is too long.
    pub fn was_quick(&self) -> Duration {
        let took = self.started.elapsed();
        assert!(took < CASE_MAX, "took {took:?}");
        took
    }
}

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("case {}:\n{}", self.case, self.text);
        }
    }
}

/// The text with one to four things otherwise.
pub fn bent(text: &str, dice: &mut Dice) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for _ in 0..=dice.below(4) * dice.below(2) {
        bend(&mut lines, dice);
    }
    let mut text = lines.join("\n");
    match dice.below(12) {
        0 => text.truncate(boundary(&text, dice)),
        1 => text.insert_str(boundary(&text, dice), &dice.draw("\\PC{1,20}")),
        2 => text.insert(boundary(&text, dice), dice.draw(any::<char>())),
        _ => {}
    }
    text
}

fn boundary(text: &str, dice: &mut Dice) -> usize {
    let at = dice.below(text.len() + 1);
    (at..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// One thing otherwise. Numbers and words are what most of a catalog is made of, so they come most often.
fn bend(lines: &mut Vec<String>, dice: &mut Dice) {
    if lines.is_empty() {
        lines.push(dice.draw("\\PC{0,40}"));
    }
    let (at, other) = (dice.below(lines.len()), dice.below(lines.len()));
    match dice.below(16) {
        0 => drop(lines.remove(at)),
        1 => drop(lines.drain(at..(at + 1 + other % 12).min(lines.len()))),
        2 => lines.insert(other, lines[at].clone()),
        3 => lines.swap(at, other),
        4 => lines.insert(at, dice.draw("\\PC{0,60}")),
        5 => lines[at] = nested(&lines[at], dice),
        6 | 7 => {
            let value = dice.one(VALUES);
            lines[at] = format!("{} = {value}", lines[at].split('=').next().unwrap_or_default());
        }
        8..=11 => replace(lines, at, char_of_number, dice.one(NUMBERS), dice),
        12 | 13 => replace(lines, at, char_of_word, dice.one(WORDS), dice),
        _ => {
            let words = spans(&lines[other], char_of_word);
            let taken = words.get(dice.below(words.len())).map(|span| lines[other][span.clone()].to_owned());
            replace(lines, at, char_of_word, &taken.unwrap_or_default(), dice);
        }
    }
}

/// The value of a line within so many brackets, or under so many keys.
fn nested(line: &str, dice: &mut Dice) -> String {
    let depth = dice.below(200);
    let (key, value) = line.split_once('=').unwrap_or((line, "1"));
    match dice.below(4) {
        0 => format!("{key} = {}{value}{}", "[".repeat(depth), "]".repeat(depth)),
        1 => format!("{key} = {}{value}{}", "{ a = ".repeat(depth), " }".repeat(depth)),
        2 => format!("{}{key} = {value}", "a.".repeat(depth)),
        _ => format!("[{}a]\n{line}", "a.".repeat(depth)),
    }
}

const fn char_of_number(c: char) -> bool {
    c.is_ascii_digit()
}

const fn char_of_word(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_'
}

/// Puts a text in the place of one of the spans of a line, or of the next line that has one.
fn replace(lines: &mut [String], at: usize, is_of: fn(char) -> bool, by: &str, dice: &mut Dice) {
    let Some(line) = lines.iter_mut().skip(at).find(|line| !spans(line, is_of).is_empty()) else { return };
    let all = spans(line, is_of);
    line.replace_range(all[dice.below(all.len())].clone(), by);
}

/// Runs of such characters, which are of one byte each; what is behind a `#` is no part of the text.
fn spans(line: &str, is_of: fn(char) -> bool) -> Vec<Range<usize>> {
    let said = line.split('#').next().unwrap_or_default();
    let mut found: Vec<Range<usize>> = Vec::new();
    for (at, _) in said.char_indices().filter(|(_, c)| is_of(*c)) {
        match found.last_mut() {
            Some(last) if last.end == at => last.end = at + 1,
            _ => found.push(at..at + 1),
        }
    }
    found
}
