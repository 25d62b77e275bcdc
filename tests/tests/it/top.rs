//! `reeve top` in a terminal, against a server that is there and against one that is not.

use std::process::Command;

use serde_json::{Value, json};

use crate::fixture::{Hand, Server, Tenant, Terminal, image, landed, lease_of, reeve};

const ADMIN_KEY: &str = "admin-key-of-the-tests-0123456789abcdef";
/// Nobody listens on it: ports below 1,024 are not given out.
const NOBODY: &str = "http://127.0.0.1:9";

fn top(url: &str, key: &str, args: &[&str]) -> Command {
    let mut command = Command::new(reeve());
    command.args(["top", "--url", url, "--key", key]).args(args);
    command
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_shows_pools_tiers_and_jobs_follows_them_and_ends_on_q() {
    let server = Server::start();
    let tenant = Tenant::large(&server.admin(), "acme").await;
    let hand = Hand::new(&server.worker_api(), "gpu-7");
    for _ in 0..3 {
        tenant.admitted(image(1)).await;
    }
    let leases = hand.lease(1, 10).await;
    let mut screen = Terminal::run(top(&server.url, ADMIN_KEY, &["--interval", "0.2"]));
    screen.shows(&["reeve top", "queued 2", "running 1", "▸ image", "video", "q quit"]).await;
    screen.shows(&["tier of image", "free", "instant", "image.generate", "acme", "gpu-7"]).await;
    assert!(screen.is_taken());

    hand.complete(&lease_of(&leases[0]), json!([landed(0)])).await.ok(200);
    screen.shows(&["running 0", "nothing runs in image"]).await;
    screen.press("\t");
    screen.shows(&["▸ video", "tier of video"]).await;
    screen.press("?");
    screen.shows(&["Keys", "choose a pool"]).await;
    screen.press("q");
    assert_eq!(screen.ended(20).await.code(), Some(0), "{}", screen.text());
    assert!(!screen.is_taken(), "the terminal is given back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_goes_away_is_told_and_found_again() {
    let mut server = Server::start();
    let mut screen = Terminal::run(top(&server.url, ADMIN_KEY, &["--interval", "0.2"]));
    screen.shows(&["▸ image", "every 0.2 s"]).await;
    tokio::task::block_in_place(|| server.kill9());
    screen.shows(&["NO ANSWER for", "trying again: ", "▸ image"]).await;
    tokio::task::block_in_place(|| server.up());
    screen.shows(&["every 0.2 s"]).await;
    screen.press("\u{3}");
    assert_eq!(screen.ended(20).await.code(), Some(0), "Ctrl-C ends it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_server_or_with_a_wrong_key_it_says_so() {
    let mut screen = Terminal::run(top(NOBODY, ADMIN_KEY, &[]));
    screen.shows(&["NO ANSWER for", "trying again: ", "refused"]).await;
    screen.press("q");
    assert_eq!(screen.ended(20).await.code(), Some(0));

    let server = Server::start();
    let mut screen = Terminal::run(top(&server.url, "no-such-key", &[]));
    assert_eq!(screen.ended(20).await.code(), Some(2), "{}", screen.text());
    screen.shows(&["unauthorized"]).await;
    assert!(!screen.is_taken());

    tokio::task::block_in_place(|| {
        let output = top(NOBODY, ADMIN_KEY, &["--once"]).output().unwrap();
        let words = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{words}");
        assert!(words.contains("no answer from the server"), "{words}");
        assert!(output.stdout.is_empty());
        let output = top(&server.url, ADMIN_KEY, &[]).stdin(std::process::Stdio::null()).output().unwrap();
        let words = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{words}");
        assert!(words.contains("--once"), "{words}");
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_frame_has_every_pool_as_text_and_the_counts_as_json() {
    let server = Server::start();
    let tenant = Tenant::large(&server.admin(), "acme").await;
    let hand = Hand::new(&server.worker_api(), "gpu-7");
    tenant.admitted(image(1)).await;
    hand.complete(&hand.one().await, json!([landed(0)])).await.ok(200);
    tokio::task::block_in_place(|| {
        let output = top(&server.url, ADMIN_KEY, &["--once", "--interval", "0.2"]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        for word in ["tier of image", "tier of video", "instant", "finished 0.0/s", "even"] {
            assert!(text.contains(word), "no `{word}` in\n{text}");
        }
        let json = ["--once", "--json", "--interval", "0.2"];
        let output = top(&server.url, ADMIN_KEY, &json).output().unwrap();
        let answers: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(answers["queue"]["finished"]["succeeded"], 1, "{answers:#}");
        assert_eq!(answers["finished_per_second"], 0.0);
    });
}
