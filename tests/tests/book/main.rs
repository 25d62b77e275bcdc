//! The documents as a book: every page is in the contents, every link leads somewhere, and what is made from other files
//! is up to date. What pages show of commands, calls and settings is run, or named with a reason why not.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "../it/fixture/binary.rs"]
mod binary;
mod figures;
mod settings;
mod snippets;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Files below a folder of the repository with that ending, as paths from its root.
fn files(folder: &str, ending: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(root().join(folder)).unwrap() {
        let entry = entry.unwrap();
        let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(&path, ending));
        } else if path.ends_with(ending) {
            found.insert(path);
        }
    }
    found
}

/// A page without its blocks of code, in which brackets are no links.
fn prose(page: &str) -> String {
    let mut in_code = false;
    let lines = page.lines().filter(|line| {
        let fence = line.trim_start().starts_with("```");
        in_code ^= fence;
        !fence && !in_code
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Where the links and pictures of a page lead.
fn links(page: &str) -> Vec<String> {
    let prose = prose(page);
    let targets = prose.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    targets.map(|(target, _)| target.trim().to_owned()).collect()
}

/// The repository's path of a link on a page; `None` for another site.
fn target(page: &str, link: &str) -> Option<(String, Option<String>)> {
    if link.contains("://") || link.starts_with("mailto:") {
        return None;
    }
    let (path, anchor) = link.split_once('#').map_or((link, None), |(path, anchor)| (path, Some(anchor)));
    let mut parts: Vec<&str> = page.split('/').collect();
    if path.is_empty() {
        return Some((page.to_owned(), anchor.map(str::to_owned)));
    }
    parts.pop();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => assert!(parts.pop().is_some(), "{page}: `{link}` leaves the repository"),
            part => parts.push(part),
        }
    }
    Some((parts.join("/"), anchor.map(str::to_owned)))
}

/// What a heading can be linked by.
fn anchors(page: &str) -> BTreeSet<String> {
    let headings = prose(page);
    let headings = headings.lines().filter(|line| line.starts_with('#'));
    let slug = |line: &str| {
        let text = line.trim_start_matches('#').trim().to_lowercase();
        let kept = text.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    headings.map(slug).collect()
}

/// Every page that people read.
fn pages() -> BTreeSet<String> {
    let mut pages = files("docs", ".md");
    pages.extend(["README.md", "CHANGELOG.md", "docker/README.md"].map(str::to_owned));
    pages.extend(files("crates", "README.md"));
    pages
}

#[test]
fn every_page_is_in_the_contents_once() {
    let contents = read("docs/SUMMARY.md");
    let listed: Vec<String> = links(&contents)
        .iter()
        .filter_map(|link| target("docs/SUMMARY.md", link))
        .map(|(page, _)| page)
        .collect();
    let mut missing = files("docs", ".md");
    missing.remove("docs/SUMMARY.md");
    let mut twice = BTreeSet::new();
    for page in &listed {
        assert!(root().join(page).is_file(), "docs/SUMMARY.md lists `{page}`, which does not exist");
        assert!(page.starts_with("docs/"), "docs/SUMMARY.md lists `{page}`, which is not of the book");
        assert!(twice.insert(page), "docs/SUMMARY.md lists `{page}` twice");
        missing.remove(page);
    }
    assert!(missing.is_empty(), "not in docs/SUMMARY.md: {missing:?}");
}

#[test]
fn every_link_leads_somewhere() {
    let mut broken = Vec::new();
    for page in pages() {
        for link in links(&read(&page)) {
            let Some((path, anchor)) = target(&page, &link) else { continue };
            if !root().join(&path).exists() {
                broken.push(format!("{page}: `{link}`"));
            } else if let Some(anchor) = anchor.filter(|_| path.ends_with(".md"))
                && !anchors(&read(&path)).contains(&anchor)
            {
                broken.push(format!("{page}: `{link}` has no such heading"));
            }
        }
    }
    assert!(broken.is_empty(), "links that lead nowhere: {broken:#?}");
}

#[test]
fn every_picture_is_shown_somewhere_and_no_page_is_without_a_title() {
    let mut shown = BTreeSet::new();
    for page in pages() {
        let text = read(&page);
        shown.extend(links(&text).iter().filter_map(|link| target(&page, link)).map(|(path, _)| path));
        // What is made from other files says so first, to whoever is about to edit it.
        let first =
            text.lines().find(|line| !line.is_empty() && !line.starts_with("<!--")).unwrap_or_default();
        assert!(first.starts_with("# "), "{page} begins with `{first}` and not with its title");
    }
    let unused: Vec<String> =
        files("docs", ".svg").into_iter().filter(|path| !shown.contains(path)).collect();
    assert!(unused.is_empty(), "pictures that no page shows: {unused:?}");
}
