//! What a workspace takes in memory: it follows the backlog up, and down again.

mod desk;

use desk::Desk;
use reeve_jobs::Job;
use reeve_workspace::{Adjust, Cancel, Command};
use serde_json::json;

#[test]
fn a_backlog_that_ended_gives_its_memory_back() {
    let mut desk = Desk::open("kive", "pro", "2026-01-10T00:00:00Z");
    let amount = desk::cr(10_000);
    desk.run(Command::Adjust(Adjust {
        amount,
        reason: "t".into(),
        expires_at: None,
        job: None,
        scope: None,
    }))
    .unwrap();
    let before = desk.state().weight();
    let jobs: Vec<_> = (0..80).map(|n| desk.submit(n, "image.generate", json!({})).unwrap()).collect();
    let full = desk.state().weight();
    assert!(full > before + 80 * size_of::<Job>(), "{before} to {full} bytes");
    for job in jobs {
        desk.run(Command::Cancel(Cancel { job })).unwrap();
    }
    let after = desk.state().weight();
    assert!(desk.state().jobs.is_empty());
    assert!(after < before + 2_000, "{before}, {full}, {after} bytes");
}
