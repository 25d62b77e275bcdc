//! The verifier finds what was tampered with, names the row, and finds nothing in an honest store.

use std::path::Path;

use crate::support::desk::{
    Desk, adjust, buy, charge_back, create, lease, limit_member, upload, win_dispute, ws,
};
use crate::support::{sqlite, tamper};
use reeve_journal::Journal;
use reeve_store::verify::Report;
use reeve_types::LeaseId;

/// A workspace whose purchase was half used and then charged back: its rest is debt, partly repaid.
async fn indebted(desk: &mut Desk, journal: &dyn Journal, name: &str, purchase: u128) {
    let id = ws(name);
    desk.run(journal, &id, create(None)).await;
    desk.run(journal, &id, limit_member("anna", "500")).await;
    desk.run(journal, &id, buy(purchase, &format!("pay-{name}"))).await;
    for _ in 0..12 {
        desk.whole_job(journal, &id).await;
    }
    desk.run(journal, &id, charge_back(purchase)).await;
    desk.run(journal, &id, adjust("1")).await;
}

/// A store with closed, running and waiting jobs, purchases, a debt, and a dispute that was won.
async fn fill(path: &Path) {
    let store = sqlite(path).await;
    let journal = store.journal();
    let mut desk = Desk::new();
    for name in ["acme", "bolt"] {
        let id = desk.open(&*journal, name).await;
        desk.whole_job(&*journal, &id).await;
        desk.whole_job(&*journal, &id).await;
        let (cancelled, command) = desk.submit();
        desk.run(&*journal, &id, command).await;
        desk.run(
            &*journal,
            &id,
            reeve_workspace::Command::Cancel(reeve_workspace::Cancel { job: cancelled }),
        )
        .await;
        let (running, command) = desk.submit();
        desk.run(&*journal, &id, command).await;
        desk.run(&*journal, &id, lease(running)).await;
        desk.run(&*journal, &id, upload(LeaseId { job: running, attempt: 1 }, 0)).await;
        let (_, command) = desk.submit();
        desk.run(&*journal, &id, command).await;
        desk.run(&*journal, &id, buy(desk.jobs, &format!("pay-{name}"))).await;
    }
    indebted(&mut desk, &*journal, "owes", 1_001).await;
    indebted(&mut desk, &*journal, "won", 1_002).await;
    desk.run(&*journal, &ws("won"), win_dispute(1_002)).await;
    assert!(desk.slots[&ws("owes")].as_ref().unwrap().debt.is_positive());
    assert!(desk.slots[&ws("won")].as_ref().unwrap().debt.is_zero());
    store.close().await;
}

async fn verify(path: &Path) -> Report {
    let store = sqlite(path).await;
    let report = store.verifier().run(|_| ()).await.unwrap();
    store.close().await;
    report
}

#[tokio::test]
async fn an_honest_store_is_ok_and_every_promise_was_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("reeve.db");
    fill(&path).await;
    let report = verify(&path).await;
    assert!(report.is_ok(), "{report:#?}");
    assert_eq!(report.workspaces, 4);
    for check in &report.checks {
        assert!(check.checked > 0, "{} was never looked at", check.name);
    }
}

#[tokio::test]
async fn each_promise_is_seen_broken() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("reeve.db");
    fill(&path).await;
    let acme = "workspace = 'acme'";
    let first_lot = format!("{acme} AND id = (SELECT min(id) FROM lots WHERE {acme})");
    let succeeded = "status = 'succeeded'";
    let cases: Vec<(&str, String, &str)> = vec![
        ("L1", format!("UPDATE lots SET consumed = consumed + 1 WHERE {first_lot}"), "lots"),
        ("L2", format!("UPDATE lots SET available = -1 WHERE {first_lot}"), "lots"),
        ("L3", format!("UPDATE jobs SET settled = settled + 5 WHERE {succeeded}"), "jobs"),
        ("L3", "UPDATE jobs SET released = 1 WHERE status = 'cancelled'".to_owned(), "jobs"),
        ("L3", "UPDATE jobs SET hold = '[]' WHERE status = 'running'".to_owned(), "jobs"),
        ("L3", format!("DELETE FROM jobs WHERE {succeeded}"), "jobs"),
        (
            "L4",
            "UPDATE lots SET held = held + 1, available = available - 1 WHERE held > 0".to_owned(),
            "lots",
        ),
        ("L5", format!("UPDATE ledger SET amount = amount + 1 WHERE {acme} AND seq = 2"), "acme/2"),
        ("L5", format!("UPDATE ledger SET reason = 'because' WHERE {acme} AND seq = 1"), "acme/1"),
        ("L5", format!("DELETE FROM ledger WHERE {acme} AND seq = 3"), "acme/4"),
        (
            "L5",
            format!("DELETE FROM ledger WHERE {acme} AND seq = (SELECT max(seq) FROM ledger WHERE {acme})"),
            "acme",
        ),
        ("L5", "UPDATE workspaces SET available = available + 1 WHERE id = 'acme'".to_owned(), "acme"),
        ("L5", "UPDATE workspaces SET debt = 7 WHERE id = 'acme'".to_owned(), "acme"),
        ("L5", "UPDATE workspaces SET debt = debt - 1 WHERE id = 'owes'".to_owned(), "owed less repaid"),
        ("L5", "UPDATE ledger SET kind = 'expire' WHERE kind = 'owe'".to_owned(), "lots"),
        ("L5", "UPDATE ledger SET kind = 'release' WHERE kind = 'restore'".to_owned(), "won"),
        ("L5", "UPDATE ledger SET at = 0 WHERE seq = 3".to_owned(), "column `at`"),
        (
            "L5",
            format!("UPDATE lots SET available = available - 1, consumed = consumed + 1 WHERE {first_lot}"),
            "lots",
        ),
        ("L6", "DELETE FROM claims WHERE scope = 'payment' AND key = 'pay-acme'".to_owned(), "pur_"),
        ("L6", "UPDATE claims SET workspace = 'nobody' WHERE scope = 'payment'".to_owned(), "payment:pay"),
        ("J1", "UPDATE jobs SET attempt = 0 WHERE status = 'running'".to_owned(), "jobs"),
        ("J2", format!("UPDATE jobs SET finished_at = NULL WHERE {succeeded}"), "jobs"),
        ("J3", format!("UPDATE jobs SET outputs = NULL WHERE {succeeded}"), "jobs"),
        ("Q2", "UPDATE workspaces SET running = running + 1 WHERE id = 'bolt'".to_owned(), "bolt"),
        ("Q2", "UPDATE workspaces SET queued = 0 WHERE id = 'bolt'".to_owned(), "bolt"),
        ("S1", "UPDATE workspaces SET next_due_at = 1 WHERE id = 'bolt'".to_owned(), "bolt"),
        ("S1", "UPDATE workspaces SET outward_at = 1 WHERE id = 'bolt'".to_owned(), "bolt"),
        ("S1", "UPDATE members SET workspace = 'nobody' WHERE workspace = 'owes'".to_owned(), "nobody/anna"),
        ("rows", "UPDATE members SET limit_window = 'year'".to_owned(), "owes/anna"),
        ("rows", "UPDATE purchases SET status = 'gift'".to_owned(), "purchases"),
        ("rows", "UPDATE jobs SET lease_worker = NULL WHERE status = 'running'".to_owned(), "jobs"),
        ("rows", "UPDATE ledger SET kind = 'gift' WHERE seq = 1".to_owned(), "ledger"),
    ];
    for (promise, sql, named) in cases {
        let copy = folder.path().join("copy.db");
        let _ = std::fs::remove_file(&copy);
        std::fs::copy(&path, &copy).unwrap();
        tamper(&copy, &[&sql]).await;
        let report = verify(&copy).await;
        let check = report.checks.iter().find(|check| check.name == promise).unwrap();
        assert!(!check.ok && check.broken > 0, "{promise} was not seen broken by: {sql}\n{report:#?}");
        assert!(
            check.detail.iter().any(|detail| detail.contains(named)),
            "{sql}: {:?} does not name {named}",
            check.detail
        );
    }
}

#[tokio::test]
async fn the_same_checks_run_on_postgres() {
    let Some(server) = crate::support::postgres::start() else { return };
    let store = crate::support::postgres::store(&server).await;
    let mut desk = Desk::new();
    let id = desk.open(&*store.journal(), "acme").await;
    desk.whole_job(&*store.journal(), &id).await;
    desk.run(&*store.journal(), &id, buy(1, "pay")).await;
    assert!(store.verifier().run(|_| ()).await.unwrap().is_ok());
    server.sql("t0", "UPDATE jobs SET settled = 1");
    assert!(!store.verifier().run(|_| ()).await.unwrap().is_ok());
}

#[tokio::test]
async fn a_check_says_how_far_it_is_and_ends_at_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("reeve.db");
    fill(&path).await;
    let store = sqlite(&path).await;
    let seen = std::sync::Mutex::new(Vec::new());
    store.verifier().run(|progress| seen.lock().unwrap().push(progress)).await.unwrap();
    store.close().await;
    let seen = seen.into_inner().unwrap();
    assert!(seen.is_sorted_by_key(|progress| (progress.rows_done, progress.workspaces_done)), "{seen:?}");
    let last = seen.last().unwrap();
    assert_eq!((last.workspaces_done, last.workspaces), (4, 4));
    assert!(last.rows > 100 && last.rows_done == last.rows, "{last:?}");
}
