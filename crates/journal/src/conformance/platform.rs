//! Records that belong to no workspace: keys, catalogs, promotions.

use reeve_types::Millis;
use reeve_workspace::Promotion;

use super::desk::{Desk, T0, ws};
use crate::{AbortReason, CatalogRow, CommitOutcome, PlatformChange, Role};

pub(super) async fn keys_read_back_and_are_revoked_once(desk: Desk) {
    let id = reeve_types::KeyId::from_parts(T0, 1);
    let key = crate::KeyRow {
        id,
        role: Role::Workspace,
        workspace: Some(ws("acme")),
        name: "dashboard".to_owned(),
        digest: [9; 32],
        created_at: T0,
        revoked_at: None,
    };
    let journal = &desk.subject.journal;
    let put = journal.submit_platform(PlatformChange::PutKey(key.clone())).unwrap();
    assert_eq!(put.await.unwrap(), CommitOutcome::Durable);
    assert_eq!(desk.subject.reader.key(id).await.unwrap(), Some(key.clone()));
    for at in [T0.plus_ms(5), T0.plus_ms(9)] {
        let revoke = journal.submit_platform(PlatformChange::RevokeKey { id, at }).unwrap();
        assert_eq!(revoke.await.unwrap(), CommitOutcome::Durable);
    }
    let revoked = crate::KeyRow { revoked_at: Some(T0.plus_ms(5)), ..key };
    assert_eq!(desk.subject.reader.keys().await.unwrap(), [revoked]);
}

async fn change(desk: &Desk, change: PlatformChange) -> CommitOutcome {
    desk.subject.journal.submit_platform(change).unwrap().await.unwrap()
}

pub(super) async fn a_catalog_version_is_published_once(desk: Desk) {
    let row = |name: &str, version: u32, text: &str| CatalogRow {
        name: name.parse().unwrap(),
        version,
        text: text.to_owned(),
        examples: (version == 2).then(|| "[[example]]".to_owned()),
        published_at: T0.plus_ms(i64::from(version)),
    };
    let publish = async |row: &CatalogRow| change(&desk, PlatformChange::PublishCatalog(row.clone())).await;
    let rows = [row("alpha", 2, "a's \"text\"\n"), row("alpha", 10, "later"), row("beta", 1, "other")];
    for row in rows.iter().rev() {
        assert_eq!(publish(row).await, CommitOutcome::Durable);
    }
    assert_eq!(desk.subject.reader.catalogs().await.unwrap(), rows);
    let again = CatalogRow { published_at: T0, ..rows[0].clone() };
    assert_eq!(publish(&again).await, CommitOutcome::Durable, "sent twice is published once");
    let exists = CommitOutcome::Aborted(AbortReason::Exists);
    assert_eq!(publish(&row("alpha", 2, "another text")).await, exists);
    assert_eq!(desk.subject.reader.catalogs().await.unwrap(), rows);
}

pub(super) async fn promotions_read_back_at_their_latest_values(desk: Desk) {
    let promotion = |id: &str, days: i64| Promotion {
        id: id.into(),
        catalog: "kira".parse().unwrap(),
        source: "bonus".parse().unwrap(),
        from: T0,
        to: Millis::from_millis(T0.value() + days * crate::DAY_MS),
        factor: serde_json::from_str("\"1.5\"").unwrap(),
    };
    for promotion in [promotion("b", 1), promotion("a", 2), promotion("b", 3)] {
        let outcome = change(&desk, PlatformChange::PutPromotion(promotion)).await;
        assert_eq!(outcome, CommitOutcome::Durable);
    }
    assert_eq!(desk.subject.reader.promotions().await.unwrap(), [promotion("a", 2), promotion("b", 3)]);
}
