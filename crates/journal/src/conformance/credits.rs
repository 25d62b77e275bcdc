//! Workspaces and their credits: every event of a purchase, a lot, a member reads back (S1).

use reeve_types::PurchaseId;
use reeve_workspace::{
    Command, Kind, LimitMember, MemberLimit, MemberWindow, PurchaseStatus, RefundKind, RefundPurchase,
    Subscribe, fold, genesis, hash_row,
};

use super::desk::{Desk, T0, all, buy, create, give, ws};
use crate::LedgerFilter;

pub(super) async fn a_workspace_reads_back_as_it_was(mut desk: Desk) {
    let id = desk.open("acme").await;
    desk.assert_same(&id).await;
    let record = desk.subject.reader.workspace(&id).await.unwrap().unwrap();
    assert_eq!((record.version, record.profile.name.as_deref()), (1, Some("Acme")));
    assert_eq!(record.available.to_string(), "45");
    assert!(desk.subject.reader.load(&ws("nobody")).await.unwrap().is_none());
}

pub(super) async fn the_ledger_is_a_hash_chain_that_folds_to_the_balance(mut desk: Desk) {
    let id = desk.open("acme").await;
    for _ in 0..4 {
        desk.whole_job(&id).await;
    }
    let rows = desk.subject.reader.ledger(&id, &LedgerFilter::default(), &all()).await.unwrap();
    let mut chain = genesis(&id);
    for row in &rows {
        assert_eq!((row.seq, row.hash), (chain.seq + 1, hash_row(chain.hash, row)));
        chain = reeve_workspace::Chain { seq: row.seq, hash: row.hash };
    }
    assert_eq!(desk.slots[&id].as_ref().unwrap().chain, chain);
    let (available, held) = fold(&rows).unwrap();
    assert_eq!((available.to_string(), held.to_string()), ("25".to_owned(), "0".to_owned()));
    let lots = desk.subject.reader.lots(&id).await.unwrap();
    assert!(lots.len() == 2 && lots.iter().all(reeve_credits::lot::Lot::is_conserved));
    let first = rows.iter().find_map(|row| row.job).unwrap();
    let filter = LedgerFilter { job: Some(first), ..LedgerFilter::default() };
    assert_eq!(desk.subject.reader.ledger(&id, &filter, &all()).await.unwrap().len(), 2);
}

pub(super) async fn due_workspaces_come_from_the_index(mut desk: Desk) {
    let id = desk.open("acme").await;
    assert!(desk.subject.reader.due(T0.plus_ms(i64::MAX / 4), 10).await.unwrap().is_empty());
    let (_, command) = desk.submit();
    desk.run(&id, command).await.reply.unwrap();
    let at = T0.plus_ms(86_400_000);
    assert!(desk.subject.reader.due(at.plus_ms(-1), 10).await.unwrap().is_empty());
    assert_eq!(desk.subject.reader.due(at, 10).await.unwrap(), std::slice::from_ref(&id));
    desk.now = at;
    desk.run(&id, Command::Wake).await.reply.unwrap();
    assert!(desk.subject.reader.due(at, 10).await.unwrap().is_empty());
    desk.assert_same(&id).await;
}

/// The whole life of a purchase: pending, paid, spent, charged back, owed, repaid, won back.
pub(super) async fn every_step_of_a_purchase_reads_back(mut desk: Desk) {
    let id = desk.open("acme").await;
    let purchase = PurchaseId::from_parts(T0, 1);
    let refund = RefundPurchase { purchase, kind: RefundKind::Chargeback, reason: None, credits: None };
    desk.run(&id, buy(1, "pay-1", true)).await.reply.unwrap();
    desk.assert_same(&id).await;
    let (_, row) = desk.subject.reader.purchase(purchase).await.unwrap().unwrap();
    assert_eq!((row.status, row.lot, row.confirmed_at), (PurchaseStatus::Pending, None, None));
    desk.run(&id, Command::ConfirmPurchase { purchase }).await.reply.unwrap();
    desk.assert_same(&id).await;
    for _ in 0..12 {
        desk.whole_job(&id).await;
    }
    desk.assert_same(&id).await;
    desk.run(&id, Command::RefundPurchase(refund)).await.reply.unwrap();
    desk.assert_same(&id).await;
    assert!(desk.state(&id).debt.is_positive() && !desk.state(&id).paid_lots.is_empty());
    let record = desk.subject.reader.workspace(&id).await.unwrap().unwrap();
    assert_eq!(record.debt, desk.state(&id).debt);
    desk.run(&id, give("1", None)).await.reply.unwrap();
    desk.assert_same(&id).await;
    desk.run(&id, Command::WinDispute { purchase }).await.reply.unwrap();
    desk.assert_same(&id).await;
    let (by, row) = desk.subject.reader.purchase(purchase).await.unwrap().unwrap();
    assert_eq!((by, Some(&row)), (id.clone(), desk.state(&id).purchases.get(&purchase)));
    assert!(row.restored && row.confirmed_at == Some(T0));
    assert!(desk.subject.reader.purchase(PurchaseId::from_parts(T0, 2)).await.unwrap().is_none());
    let rows = desk.subject.reader.ledger(&id, &LedgerFilter::default(), &all()).await.unwrap();
    for kind in [Kind::ClawBack, Kind::Owe, Kind::Repay, Kind::Restore] {
        assert!(rows.iter().any(|row| row.kind == kind), "no row says {kind:?}");
    }
    let record = desk.subject.reader.workspace(&id).await.unwrap().unwrap();
    assert_eq!(fold(&rows).unwrap(), (record.available, record.held), "the ledger explains the debt");
}

pub(super) async fn members_read_back_with_their_counts(mut desk: Desk) {
    let id = desk.open("acme").await;
    let names = ["anna", "o'brien@example.com"];
    for (name, window) in names.into_iter().zip([MemberWindow::Day, MemberWindow::BillingMonth]) {
        let limit = Some(MemberLimit { amount: "20".parse().unwrap(), window });
        let (member, as_of_seq) = (name.parse().unwrap(), desk.state(&id).chain.seq);
        let limit = LimitMember { member, limit, settled: reeve_types::Credits::ZERO, as_of_seq };
        desk.run(&id, Command::LimitMember(limit)).await.reply.unwrap();
        desk.assert_same(&id).await;
    }
    desk.whole_job(&id).await;
    desk.assert_same(&id).await;
    let members = desk.subject.reader.members(&id).await.unwrap();
    assert_eq!(members.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), names);
    assert_eq!(members[0].1.settled.to_string(), "5");
    let lifted = LimitMember {
        member: names[0].parse().unwrap(),
        limit: None,
        settled: reeve_types::Credits::ZERO,
        as_of_seq: desk.state(&id).chain.seq,
    };
    desk.run(&id, Command::LimitMember(lifted)).await.reply.unwrap();
    desk.assert_same(&id).await;
    assert_eq!(desk.subject.reader.members(&id).await.unwrap()[0].1.limit, None);
    assert!(desk.subject.reader.members(&ws("nobody")).await.unwrap().is_empty());
}

/// A due time that no job brings comes and goes with what is scheduled.
pub(super) async fn a_change_that_waits_is_due_at_its_boundary(mut desk: Desk) {
    let id = desk.open("acme").await;
    let plan = "plus".parse().unwrap();
    let subscribe = Subscribe { plan, allotment: None, interval: None, seats: None };
    desk.run(&id, Command::Subscribe(subscribe)).await.reply.unwrap();
    let (_, command) = desk.submit();
    desk.run(&id, command).await.reply.unwrap();
    for (command, waits) in [
        (Command::CancelSubscription, true),
        (Command::ResumeSubscription, false),
        (Command::CancelSubscription, true),
    ] {
        desk.run(&id, command).await.reply.unwrap();
        // Beside the deadline of a job, which is earlier: the one due time changes, the other does not.
        assert_eq!(desk.state(&id).outward_at.is_some(), waits);
        desk.assert_same(&id).await;
    }
    desk.now = desk.state(&id).outward_at.unwrap();
    let due = desk.subject.reader.due(desk.now, 10).await.unwrap();
    assert_eq!(due, std::slice::from_ref(&id));
    desk.run(&id, Command::Wake).await.reply.unwrap();
    desk.assert_same(&id).await;
    assert_eq!(desk.state(&id).profile.subscribed.plan.as_str(), "free");
    assert!(desk.subject.reader.due(desk.now, 10).await.unwrap().is_empty());
}

/// Days pass: lots expire and are granted anew, small counts and due times move without any job.
pub(super) async fn what_time_alone_does_reads_back(mut desk: Desk) {
    let id = ws("acme");
    desk.run(&id, create(Some("ben"))).await.reply.unwrap();
    desk.run(&id, buy(1, "pay-1", false)).await.reply.unwrap();
    for _ in 0..40 {
        desk.now = desk.now.plus_ms(23 * 3_600_000);
        desk.run(&id, Command::Wake).await.reply.unwrap();
        desk.assert_same(&id).await;
    }
}
