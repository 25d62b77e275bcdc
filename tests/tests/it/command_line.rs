//! The command line over the API: what a person types, and what a script reads.

use std::process::Output;

use serde_json::{Value, json};

use crate::fixture::{Server, reeve};

/// `reeve` with an admin key, as from a terminal without colours.
fn run(server: &Server, args: &[&str]) -> Output {
    let mut command = std::process::Command::new(reeve());
    command.args(args).current_dir(server.folder());
    command.env("REEVE_URL", &server.url).env("REEVE_KEY", "admin-key-of-the-tests-0123456789abcdef");
    command.output().unwrap()
}

/// The JSON of a command that must succeed.
#[track_caller]
fn read(server: &Server, args: &[&str]) -> Value {
    let args = [args, &["--json"]].concat();
    let output = run(server, &args);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The text of a command, and its exit code.
fn say(server: &Server, args: &[&str]) -> (String, Option<i32>) {
    let output = run(server, args);
    let text = [output.stdout, output.stderr].concat();
    (String::from_utf8(text).unwrap(), output.status.code())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_workspace_is_run_from_the_command_line_over_months() {
    let server = Server::at("2026-01-01T00:00:00Z");
    tokio::task::block_in_place(|| {
        let made =
            read(&server, &["workspace", "create", "ai-studios", "--id", "acme", "--plan", "personal"]);
        assert_eq!(made["balance"]["available"], 60);
        assert_eq!(read(&server, &["addon", "set", "acme", "unit", "2"])["balance"]["available"], 180);
        assert_eq!(
            read(&server, &["workspace", "adjust", "acme", "-10", "--reason", "x"])["balance"]["available"],
            170
        );
        assert_eq!(read(&server, &["clock"])["mode"], "manual");
        assert_eq!(read(&server, &["clock", "advance", "31d"])["now"], "2026-02-01T00:00:00.000Z");
        assert_eq!(read(&server, &["balance", "acme"])["available"], 180);
        assert_eq!(read(&server, &["addon", "cancel", "acme", "unit"])["addons"]["unit"]["next_units"], 0);
        let up = read(&server, &["plan", "set", "acme", "team", "--seats", "3"]);
        assert_eq!((&up["plan"], &up["seats"]), (&json!("team"), &json!(3)));
        assert_eq!(read(&server, &["plan", "cancel", "acme"])["status"], "canceling");
        assert_eq!(read(&server, &["plan", "resume", "acme"])["status"], "active");
        assert_eq!(
            read(&server, &["member", "limit", "acme", "anna", "20", "--window", "day"])["limit"]["amount"],
            20
        );
        assert_eq!(read(&server, &["member", "list", "acme"])[0]["member"], "anna");
        assert_eq!(
            read(&server, &["workspace", "set", "acme", "--timezone", "Asia/Tokyo"])["timezone"],
            "Asia/Tokyo"
        );
        let (shown, code) = say(&server, &["workspace", "show", "acme"]);
        assert!(code == Some(0) && shown.contains("team") && shown.contains("3 seats"), "{shown}");
        let (usage, code) = say(&server, &["usage", "acme", "--by", "day"]);
        assert_eq!(code, Some(0), "{usage}");
        let (statement, _) = say(&server, &["statement", "acme", "--csv", "--kind", "adjust"]);
        assert_eq!(statement.lines().count(), 2, "{statement}");
        let (list, _) = say(&server, &["workspace", "list"]);
        assert!(list.contains("acme") && list.contains("ai-studios"), "{list}");
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn money_catalogs_and_imports_from_the_command_line() {
    let server = Server::at("2026-01-01T00:00:00Z");
    tokio::task::block_in_place(|| {
        read(&server, &["workspace", "create", "kive", "--id", "acme", "--owner", "u1"]);
        assert_eq!(read(&server, &["trial", "acme"])["trial"]["plan"], "pro");
        read(&server, &["plan", "set", "acme", "pro"]);
        let (from, to) = ("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z");
        let promotion =
            ["promotion", "put", "jan", "--catalog", "kive", "--from", from, "--to", to, "--factor", "1.5"];
        assert_eq!(read(&server, &promotion)["factor"], 1.5);
        let bought = read(
            &server,
            &["purchase", "create", "acme", "--payment", "p1", "--credits", "100", "--pending"],
        );
        let id = bought["id"].as_str().unwrap();
        assert_eq!(read(&server, &["purchase", "confirm", id])["status"], "paid");
        assert_eq!(read(&server, &["balance", "acme"])["available"], 2650);
        let back = read(
            &server,
            &["purchase", "refund", id, "--kind", "admin", "--reason", "kind", "--credits", "50"],
        );
        assert_eq!(back["clawed_back"], 75);
        let (refused, code) = say(&server, &["purchase", "refund", id, "--kind", "requested"]);
        assert!(code == Some(1) && refused.contains("refund_refused"), "{refused}");
        let (denied, code) =
            say(&server, &["purchase", "create", "acme", "--payment", "p2", "--credits", "5000"]);
        assert!(code == Some(1) && denied.contains("limit_reached"), "{denied}");

        let catalog =
            std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../config/catalogs/kive.toml"));
        let next = catalog.unwrap().replacen("version = 1\n", "version = 2\n", 1);
        std::fs::write(server.folder().join("kive.toml"), next).unwrap();
        assert_eq!(read(&server, &["catalog", "publish", "kive.toml", "--dry-run"])["published"], false);
        assert_eq!(read(&server, &["catalog", "publish", "kive.toml"])["published"], true);
        assert_eq!(read(&server, &["catalog", "show", "kive"])["version"], 2);
        assert_eq!(read(&server, &["catalog", "move", "acme", "kive", "2"])["catalog_version"], 2);
        let (list, code) = say(&server, &["catalog", "list"]);
        assert!(code == Some(0) && list.contains("kaiber"), "{list}");

        let rows = r#"{"id":"in","catalog":"kive","plan":"basic","lots":[{"source":"plan","amount":7}]}"#;
        std::fs::write(server.folder().join("rows.jsonl"), rows).unwrap();
        assert_eq!(read(&server, &["import", "rows.jsonl"])["imported"], 1);
        assert_eq!(read(&server, &["import", "rows.jsonl"])["existing"], 1);
        let (wrong, code) = say(&server, &["workspace", "show", "nobody"]);
        assert!(code == Some(1) && wrong.contains("not_found"), "{wrong}");
        let (wrong, code) = say(&server, &["clock", "advance", "1y"]);
        assert!(code == Some(2) && wrong.contains("no length of time"), "{wrong}");
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_needs_a_manual_clock_and_a_later_start_wins_over_what_is_stored() {
    let mut server = Server::at("2026-03-01T00:00:00Z");
    let api = server.admin();
    api.post("/v1/workspaces", json!({"id": "acme", "catalog": "kira"})).await.ok(201);
    api.clock("2026-04-01T00:00:00Z").await;
    api.post("/v1/workspaces", json!({"id": "late", "catalog": "kira"})).await.ok(201);
    tokio::task::block_in_place(|| server.restart());
    let now = server.admin().get("/v1/clock").await.ok(200);
    assert_eq!(now["now"], "2026-04-01T00:00:00.000Z", "the newest stored instant, not the earlier start");
    let back = server.admin().post("/v1/clock", json!({"now": "2026-03-15T00:00:00Z"})).await;
    back.problem(422, "invalid_request");
    tokio::task::block_in_place(|| {
        let (wrong, code) = say(&server, &["serve", "--start-at", "2026-01-01T00:00:00Z"]);
        assert!(code == Some(2) && wrong.contains("--clock manual"), "{wrong}");
    });
}

#[test]
fn what_the_program_allocates_is_mimallocs() {
    let output =
        std::process::Command::new(reeve()).arg("--version").env("MIMALLOC_SHOW_STATS", "1").output();
    let stats = String::from_utf8(output.unwrap().stderr).unwrap();
    let pages = stats.lines().find_map(|line| line.trim().strip_prefix("pages     :"));
    let peak: Option<u32> = pages.and_then(|peak| peak.split_whitespace().next()?.parse().ok());
    // Linked and not used, it would have none.
    assert!(peak.is_some_and(|peak| peak > 2), "{stats}");
}
