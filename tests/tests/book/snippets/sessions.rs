//! The pages' commands, run as a reader would.

use std::collections::BTreeMap;
use std::fs;

use super::shell::Sandbox;
use super::{block, blocks_of};
use crate::read;

const SERVE: &str = "export REEVE_ADMIN_KEY=reeve_admin_try_me\nreeve serve --data /tmp/data --with-worker\n";
const CALLER: &str = "export REEVE_URL=http://127.0.0.1:8080 REEVE_KEY=reeve_admin_try_me\n";

fn is_png(sandbox: &Sandbox, path: &str) -> bool {
    fs::read(sandbox.path(path)).unwrap().starts_with(b"\x89PNG\r\n")
}

#[test]
fn the_first_five_minutes_of_the_readme() {
    let Some(mut sandbox) = Sandbox::new() else { return };
    sandbox.serve(&block("README.md", "cargo build --release"));
    let said = sandbox.run(&block("README.md", "alias call="));
    assert!(said.contains("\"credits\":32"), "four versions at 8 credits: {said}");
    assert!(said.contains("\"status\":\"succeeded\""), "{said}");
    assert!(said.contains("\"balance\":984"), "1,000 less two pictures: {said}");
    assert!(said.contains("\"kind\":\"settle\""), "{said}");
    assert!(is_png(&sandbox, "tmp/lighthouse.png"));
    let said = sandbox.run(&block("README.md", "export REEVE_URL="));
    assert!(said.contains("acme") || said.contains("952"), "{said}");
}

#[test]
fn the_quick_start() {
    let Some(mut sandbox) = Sandbox::new() else { return };
    sandbox.serve(&block("docs/quick-start.md", "cargo build --release"));
    let said = sandbox.run(&block("docs/quick-start.md", "export REEVE_URL="));
    for word in ["grant", "hold", "settle", "984"] {
        assert!(said.contains(word), "`{word}`: {said}");
    }
}

#[test]
fn the_demo_ends_with_books_that_add_up() {
    let Some(sandbox) = Sandbox::new() else { return };
    let said = sandbox.run(&block("README.md", "cargo run --release -- demo"));
    assert_eq!(block("docs/quick-start.md", "cargo run"), block("README.md", "cargo run --release -- demo"));
    assert!(said.contains("settled"), "{said}");
}

#[test]
fn a_clock_of_ones_own() {
    let Some(sandbox) = Sandbox::new() else { return };
    let said = sandbox.run(&block("README.md", "export REEVE_ADMIN_KEY="));
    assert!(said.contains("\"available\":2000"), "it rolled over: {said}");
}

#[test]
fn catalogs_are_checked_and_played() {
    let Some(sandbox) = Sandbox::new() else { return };
    let text = block("README.md", "./target/release/reeve catalog check");
    let said = sandbox.run(&text);
    let (_, promised) = text.split_once("rules and ").unwrap();
    let promised: u32 = promised.split_whitespace().next().unwrap().parse().unwrap();
    // `53/53  NAME.toml` at the end of a row; those that were named by a path come once more.
    let passed = |row: &str| {
        let (rest, file) = row.trim_end().rsplit_once(' ')?;
        let (passed, of) = rest.trim_end().rsplit_once(' ')?.1.split_once('/')?;
        assert_eq!(passed, of, "{row}");
        if file.contains('/') { None } else { passed.parse::<u32>().ok() }
    };
    let rows = said.lines().filter(|row| row.ends_with(".toml"));
    assert_eq!(rows.filter_map(passed).sum::<u32>(), promised, "{said}");
    assert!(fs::read_to_string(sandbox.path("tmp/kive.svg")).unwrap().contains("<svg"));
}

#[test]
fn the_catalog_of_the_guide() {
    let Some(mut sandbox) = Sandbox::new() else { return };
    const PAGE: &str = "docs/writing-a-catalog.md";
    fs::create_dir(sandbox.path("examples")).unwrap();
    fs::write(sandbox.path("studio.toml"), block(PAGE, "name = \"studio\"")).unwrap();
    fs::write(sandbox.path("examples/studio.toml"), block(PAGE, "catalog = \"studio\"")).unwrap();
    fs::write(sandbox.path("months.toml"), block(PAGE, "title = ")).unwrap();
    sandbox.run(&block(PAGE, "reeve catalog check"));
    sandbox.run(&block(PAGE, "reeve catalog play"));
    assert!(fs::read_to_string(sandbox.path("months.svg")).unwrap().contains("<svg"));
    sandbox.serve(SERVE);
    let said = sandbox.run(&format!("{CALLER}{}", block(PAGE, "reeve catalog publish")));
    assert!(said.contains("studio"), "{said}");
    // What the page says after that, of the next version.
    let next = block(PAGE, "name = \"studio\"")
        .replace("version = 1\n", "version = 2\n")
        .replace("rate = 2", "rate = 3");
    fs::write(sandbox.path("studio.toml"), next).unwrap();
    fs::write(sandbox.path("examples/studio.toml"), "catalog = \"studio\"\n").unwrap();
    sandbox.run(&format!(
        "{CALLER}reeve catalog publish studio.toml\nreeve workspace create studio --id acme --plan maker\n\
         reeve catalog move acme studio 2\n"
    ));
}

#[test]
fn completions_and_manual_pages_are_put_in_place() {
    let Some(sandbox) = Sandbox::new() else { return };
    sandbox.run(&block("docs/cli.md", "mkdir -p"));
    for file in [
        ".local/share/bash-completion/completions/reeve",
        ".zfunc/_reeve",
        ".config/fish/completions/reeve.fish",
    ] {
        assert!(fs::read_to_string(sandbox.path("home").join(file)).unwrap().contains("reeve"), "{file}");
    }
    assert!(sandbox.path("home/.local/share/man/man1/reeve-submit.1").is_file());
}

/// A call as a page writes it: method and path, headers, body.
fn as_curl(call: &str) -> String {
    let (request, rest) = call.split_once('\n').unwrap();
    let (method, path) = request.split_once(' ').unwrap();
    let (headers, body) = rest.split_once('{').unwrap();
    let headers: Vec<String> = headers.lines().map(|header| format!("-H '{header}'")).collect();
    format!(
        "curl -sS -X {method} http://127.0.0.1:8080{path} -H 'Authorization: Bearer reeve_admin_try_me' \
         -H 'Content-Type: application/json' {} -d '{{{}'\n",
        headers.join(" "),
        body.trim()
    )
}

/// What is typed behind the prompts of a transcript.
fn typed(transcript: &str) -> String {
    transcript.lines().map(|line| format!("{}\n", line.strip_prefix("$ ").unwrap_or(line))).collect()
}

#[test]
fn the_calls_of_a_back_end() {
    let Some(mut sandbox) = Sandbox::new() else { return };
    sandbox.serve(SERVE);
    let calls = blocks_of("docs/integrating.md");
    let calls: String =
        calls.iter().filter(|block| block.lang == "http").map(|block| as_curl(&block.text)).collect();
    let said = sandbox.run(&calls);
    assert!(said.contains("\"id\":\"job_"), "{said}");
    let known = format!(
        "URL=http://127.0.0.1:8080 API_KEY=reeve_admin_try_me ADMIN=reeve_admin_try_me\n{}{}",
        typed(&block("docs/retries.md", "$ KEY=")),
        typed(&block("docs/stripe.md", "$ curl -X PUT"))
    );
    let said = sandbox.run(&known);
    assert!(said.contains("\"customer\":\"cus_123\""), "{said}");
}

/// Sections and keys that the shipped settings know, those that are commented out too.
fn settings() -> BTreeMap<String, String> {
    let mut sections = BTreeMap::<String, String>::new();
    let mut section = String::new();
    for line in read("config/default.toml").lines() {
        let line = line.trim_start_matches(['#', ' ']);
        if let Some((name, _)) = line.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            section = name.to_owned();
        }
        let text = sections.entry(section.clone()).or_default();
        text.push_str(line);
        text.push('\n');
    }
    sections
}

#[test]
fn settings_that_pages_show_exist() {
    let known = settings();
    for text in [block("docs/security.md", "[server.tls]"), block("docs/webhooks.md", "[webhooks]")] {
        let _: toml::Table = text.parse().unwrap();
        let (section, keys) = text.strip_prefix('[').and_then(|rest| rest.split_once("]\n")).unwrap();
        let section = known.get(section).unwrap_or_else(|| panic!("there is no section `{section}`"));
        for (key, _) in keys.lines().filter_map(|line| line.split_once(" = ")) {
            assert!(section.contains(&format!("\n{key} = ")), "there is no setting `{key}`");
        }
    }
}
