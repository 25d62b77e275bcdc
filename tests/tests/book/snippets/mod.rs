//! Every block of code that a page shows: it is run as it stands there, or the list says why it is not.
//!
//! A block is named by its page and the beginning of its first line. A new one that is not in the list fails the first
//! test, so that nobody forgets to say how it is kept true.

mod names;
mod sessions;
mod shell;

use std::collections::BTreeSet;

use crate::{files, read, root};

/// How a block is kept true.
enum How {
    /// A test of `sessions.rs` runs it.
    Run(&'static str),
    /// A test elsewhere does: a file, and something that stands in it.
    Elsewhere(&'static str, &'static str),
    /// Nothing runs it, for this reason.
    No(&'static str),
}

use How::{Elsewhere, No, Run};

const NO_ENGINE: &str = "needs a container engine; docker/check tries what it can do without one";
const LONG: &str = "takes minutes; who works on that runs it, and what it names is checked by `names`";
const RELEASE: &str = "is how a release is made; it was done by hand for this one";

/// Page, beginning of the first line, how.
const BLOCKS: &[(&str, &str, How)] = &[
    ("README.md", "cargo run --release -- demo", Run("the_demo_ends_with_books_that_add_up")),
    ("README.md", "cargo test --workspace", No("is the gate itself")),
    ("README.md", "cargo build --release", Run("the_first_five_minutes_of_the_readme")),
    ("README.md", "alias call=", Run("the_first_five_minutes_of_the_readme")),
    ("README.md", "export REEVE_URL=", Run("the_first_five_minutes_of_the_readme")),
    ("README.md", "./target/release/reeve catalog check", Run("catalogs_are_checked_and_played")),
    ("README.md", "export REEVE_ADMIN_KEY=", Run("a_clock_of_ones_own")),
    ("README.md", "./target/release/reeve simulate", No(LONG)),
    ("README.md", "cp docker/.env.example", No(NO_ENGINE)),
    ("docker/README.md", "cp docker/.env.example", No(NO_ENGINE)),
    ("docker/README.md", "docker build", No(NO_ENGINE)),
    ("docker/README.md", "apt-get install", No("installs packages; docker/check is run where they are")),
    ("docs/cli.md", "mkdir -p", Run("completions_and_manual_pages_are_put_in_place")),
    ("docs/cli.md", "{\"code\":\"not_found\"", Elsewhere("tests/tests/it/people", "told[\"exit_code\"]")),
    ("docs/integrating.md", "POST /v1/workspaces", Run("the_calls_of_a_back_end")),
    ("docs/integrating.md", "POST /v1/workspaces/acme/quotes", Run("the_calls_of_a_back_end")),
    ("docs/integrating.md", "POST /v1/workspaces/acme/jobs", Run("the_calls_of_a_back_end")),
    ("docs/operating.md", "", Elsewhere("tests/day/run", "operating.md")),
    ("docs/packaging.md", "cargo build --locked --profile dist", No(RELEASE)),
    ("docs/packaging.md", "rustup target add", No("needs a target and a compiler that few machines have")),
    ("docs/packaging.md", "cargo install cargo-deb", No(RELEASE)),
    ("docs/packaging.md", "install -m 600", No("changes the services of a machine")),
    ("docs/performance.md", "cargo build --release", No(LONG)),
    ("docs/performance.md", "cargo run --release -p reeve-store", No(LONG)),
    ("docs/quick-start.md", "cargo run --release -- demo", Run("the_demo_ends_with_books_that_add_up")),
    ("docs/quick-start.md", "cargo build --release", Run("the_quick_start")),
    ("docs/quick-start.md", "export REEVE_URL=", Run("the_quick_start")),
    ("docs/reliability.md", "", No("runs tests: those of the gate, or more of the same")),
    ("docs/retries.md", "$ KEY=", Run("the_calls_of_a_back_end")),
    ("docs/scheduling.md", "reeve simulate config/simulations/comparison-1.2", simulated()),
    ("docs/scheduling.md", "reeve simulate config/simulations/comparison-2.9", simulated()),
    ("docs/scheduling.md", "reeve simulate config/simulations/platform", simulated()),
    ("docs/scheduling.md", "time reeve simulate", No(LONG)),
    ("docs/security.md", "[server.tls]", Run("settings_that_pages_show_exist")),
    ("docs/stripe.md", "$ curl -X PUT", Run("the_calls_of_a_back_end")),
    (
        "docs/webhooks.md",
        "{\"type\": \"job.succeeded\"",
        Elsewhere("tests/tests/it/webhooks", "job.succeeded"),
    ),
    ("docs/webhooks.md", "from standardwebhooks", Elsewhere("tests/verifiers/verify.py", "standardwebhooks")),
    ("docs/webhooks.md", "[webhooks]", Run("settings_that_pages_show_exist")),
    ("docs/writing-a-catalog.md", "name = \"studio\"", Run("the_catalog_of_the_guide")),
    ("docs/writing-a-catalog.md", "catalog = \"studio\"", Run("the_catalog_of_the_guide")),
    ("docs/writing-a-catalog.md", "reeve catalog check", Run("the_catalog_of_the_guide")),
    ("docs/writing-a-catalog.md", "title = ", Run("the_catalog_of_the_guide")),
    ("docs/writing-a-catalog.md", "reeve catalog play", Run("the_catalog_of_the_guide")),
    ("docs/writing-a-catalog.md", "reeve catalog publish", Run("the_catalog_of_the_guide")),
    (
        "docs/writing-a-worker.md",
        "use std::sync::Arc;",
        Elsewhere("crates/client/src/lib.rs", "writing-a-worker.md"),
    ),
    (
        "docs/writing-a-worker.md",
        "import json",
        Elsewhere("tests/tests/it/documents.rs", "writing-a-worker.md"),
    ),
    ("docs/writing-a-worker.md", "REEVE_URL=", Elsewhere("tests/tests/it/documents.rs", "worker.py")),
];

const fn simulated() -> How {
    Elsewhere("crates/simulate/tests/documents.rs", "docs/scheduling.md")
}

/// A block of code.
struct Block {
    page: String,
    /// What stands behind its fence.
    lang: String,
    text: String,
}

impl Block {
    /// Its first line.
    fn first(&self) -> &str {
        self.text.lines().next().unwrap_or_default()
    }
}

/// All blocks of a page, drawings and transcripts (`text`) excepted.
fn blocks_of(page: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut open: Option<Block> = None;
    for line in read(page).lines() {
        match (line.strip_prefix("```"), open.take()) {
            (Some(lang), None) => {
                let lang = lang.trim().to_owned();
                open = Some(Block { page: page.to_owned(), lang, text: String::new() });
            }
            (Some(_), Some(block)) => found.push(block),
            (None, Some(mut block)) => {
                block.text.push_str(line);
                block.text.push('\n');
                open = Some(block);
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "{page}: a block of code is not closed");
    found.retain(|block| block.lang != "text");
    found
}

/// The pages with commands; what decisions of the past show is history.
fn pages() -> Vec<String> {
    let mut pages: Vec<String> = files("docs", ".md").into_iter().collect();
    pages.retain(|page| !page.starts_with("docs/adr/"));
    pages.extend(["README.md", "docker/README.md"].map(str::to_owned));
    pages
}

/// The block of a page that begins so.
fn block(page: &str, first: &str) -> String {
    let mut fitting = blocks_of(page).into_iter().filter(|block| block.first().starts_with(first));
    fitting.next().unwrap_or_else(|| panic!("{page} has no block that begins with `{first}`")).text
}

#[test]
fn every_block_of_code_is_run_or_has_a_reason_why_not() {
    let mut unlisted = Vec::new();
    let mut met = BTreeSet::new();
    for block in pages().iter().flat_map(|page| blocks_of(page)) {
        let fits = |(_, (page, first, _)): &(usize, &(&str, &str, How))| {
            *page == block.page && block.first().starts_with(first)
        };
        // The longest beginning that fits: one block may begin as another one does. An empty one is the rest of its page.
        match BLOCKS.iter().enumerate().filter(fits).max_by_key(|(_, (_, first, _))| first.len()) {
            Some((n, (_, first, _))) => {
                let is_new = met.insert(n) || first.is_empty();
                assert!(is_new, "{}: two blocks begin with `{}`", block.page, block.first());
            }
            None => unlisted.push(format!("{}: {} `{}`", block.page, block.lang, block.first())),
        }
    }
    assert!(unlisted.is_empty(), "blocks that tests/tests/book/snippets does not know: {unlisted:#?}");
    let sessions = read("tests/tests/book/snippets/sessions.rs");
    for (n, (page, first, how)) in BLOCKS.iter().enumerate() {
        assert!(met.contains(&n), "{page} has no block any more that begins with `{first}`");
        match how {
            Run(test) => assert!(sessions.contains(&format!("fn {test}()")), "there is no test `{test}`"),
            Elsewhere(path, says) => assert!(holds(path, says), "`{path}` does not say `{says}`"),
            No(reason) => assert!(!reason.is_empty()),
        }
    }
}

/// Whether a file says that, or one below a folder.
fn holds(path: &str, says: &str) -> bool {
    if root().join(path).is_dir() {
        return files(path, ".rs").iter().any(|file| read(file).contains(says));
    }
    root().join(path).is_file() && read(path).contains(says)
}
