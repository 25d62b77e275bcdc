//! Slips of the pen and outages: what was meant, what happened, and the same for programs.

use std::process::{Command, Output};

use super::{ADMIN_KEY, complaint, failure};
use crate::fixture::{Server, reeve};

/// Nobody listens on it: ports below 1,024 are not given out.
const NOBODY: &str = "http://127.0.0.1:9";

fn run(url: &str, args: &[&str]) -> Output {
    let mut command = Command::new(reeve());
    command.args(args).env("REEVE_URL", url).env("REEVE_KEY", ADMIN_KEY).output().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_is_none_is_answered_with_the_one_that_was_meant() {
    let server = Server::start();
    tokio::task::block_in_place(|| {
        let made = run(&server.url, &["workspace", "create", "kive", "--id", "acme", "--plan", "pro"]);
        assert_eq!(made.status.code(), Some(0), "{}", complaint(&made));
        for (args, meant) in [
            (&["workspace", "create", "kivee"][..], "did you mean `kive`?"),
            (&["workspace", "create", "kive", "--plan", "prp"], "did you mean `pro`?"),
            (&["plan", "set", "acme", "prp"], "did you mean `pro`?"),
            (&["submit", "acme", "image.genrate"], "did you mean `image.generate`?"),
            (&["catalog", "show", "kaibr"], "did you mean `kaiber`?"),
            (&["workspaec", "list"], "'workspace'"),
            (&["jobs", "--limti", "3"], "'--limit'"),
            (&["jobs", "--status", "queud"], "did you mean `queued`?"),
        ] {
            let output = run(&server.url, args);
            let text = complaint(&output);
            assert!(output.status.code() != Some(0) && text.contains(meant), "{args:?}: {text}");
        }
        let other = run(&server.url, &["workspace", "show", "acne"]);
        assert!(!complaint(&other).contains("acme"), "ids of workspaces are not guessed at");
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_asked_for_json_is_told_by_json_what_failed() {
    let server = Server::start();
    tokio::task::block_in_place(|| {
        let refused = run(&server.url, &["workspace", "show", "nobody", "--json"]);
        let told = failure(&refused);
        assert_eq!((&told["code"], &told["exit_code"]), (&"not_found".into(), &1.into()), "{told:#}");
        assert_eq!(told["problem"]["status"], 404);
        assert!(refused.stdout.is_empty());
        let mut command = Command::new(reeve());
        command.args(["jobs", "--json", "--url", &server.url, "--key", "no-such-key"]);
        let unknown = command.output().unwrap();
        assert_eq!((unknown.status.code(), &failure(&unknown)["code"]), (Some(2), &"unauthorized".into()));
    });
    for (args, code, exit_code) in [
        (&["jobs", "--json"][..], "unreachable", 3),
        (&["jobs", "--jsno", "--json"], "usage", 2),
        (&["jobz", "--json"], "usage", 2),
        (&["catalog", "check", "--json", "no-such-file.toml"], "environment", 3),
        (&["verify", "--data", "no-such-folder", "--json"], "environment", 3),
    ] {
        let output = run(NOBODY, args);
        let told = failure(&output);
        assert_eq!(
            (&told["code"], &told["exit_code"]),
            (&code.into(), &exit_code.into()),
            "{args:?}: {told:#}"
        );
        assert_eq!(output.status.code(), Some(exit_code), "{args:?}");
        assert!(output.stdout.is_empty() && !told["message"].as_str().unwrap().contains('\u{1b}'));
    }
}

#[test]
fn colours_are_for_terminals_and_for_whoever_insists() {
    let folder = tempfile::tempdir().unwrap();
    let coloured = |variables: &[(&str, &str)]| {
        let mut command = Command::new(reeve());
        command.args(["doctor", "--listen", "127.0.0.1:0", "--data", "d"]).current_dir(folder.path());
        for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
            command.env_remove(name);
        }
        let output = command.envs(variables.iter().copied()).output().unwrap();
        output.stdout.contains(&0x1b)
    };
    assert!(!coloured(&[]), "a pipe");
    assert!(coloured(&[("CLICOLOR_FORCE", "1")]));
    assert!(!coloured(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
}
