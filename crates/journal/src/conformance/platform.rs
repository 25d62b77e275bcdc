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
        expires_at: Some(T0.plus_ms(1_000)),
        last_used_at: None,
        rate_per_second: Some(7),
        burst: Some(0),
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

pub(super) async fn the_latest_use_of_a_key_stands(desk: Desk) {
    let key = |n: u128| crate::KeyRow {
        id: reeve_types::KeyId::from_parts(T0, n),
        role: Role::Admin,
        workspace: None,
        name: String::new(),
        digest: [u8::try_from(n).unwrap(); 32],
        created_at: T0,
        revoked_at: None,
        expires_at: None,
        last_used_at: None,
        rate_per_second: None,
        burst: None,
    };
    let keys = [key(1), key(2), key(3)];
    for key in &keys {
        assert_eq!(change(&desk, PlatformChange::PutKey(key.clone())).await, CommitOutcome::Durable);
    }
    let unknown = reeve_types::KeyId::from_parts(T0, 9);
    for (used, ms) in [(vec![keys[0].id, keys[1].id], 60_000), (vec![keys[0].id, unknown], 0), (vec![], 5)] {
        let touch = PlatformChange::TouchKeys { keys: used, at: T0.plus_ms(ms) };
        assert_eq!(change(&desk, touch).await, CommitOutcome::Durable);
    }
    let stored = desk.subject.reader.keys().await.unwrap();
    let uses: Vec<Option<Millis>> = stored.iter().map(|key| key.last_used_at).collect();
    assert_eq!(uses, [Some(T0.plus_ms(60_000)), Some(T0.plus_ms(60_000)), None]);
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
