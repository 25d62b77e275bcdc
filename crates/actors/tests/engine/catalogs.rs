//! Versions of catalogs: published by files at a start, or while the engine runs.

use std::sync::Arc;

use reeve_actors::{CatalogFile, ClockSource, ManualClock, PublishRefusal, ShelfError, StartError};
use reeve_journal::MemoryJournal;
use reeve_types::{ActionName, Credits, WorkspaceId};

use super::house::{DAY_MS, House, KIVE, Plan, START, cr, house, manual_house, settings, start};

/// Kive's second version: an image costs 10, and models are trained in a pool of their own.
fn second() -> String {
    KIVE.replace("version = 1", "version = 2")
        .replace("values.standard = { rate = 8 }", "values.standard = { rate = 10 }")
        .replace("pool = \"image\"\nkind = \"model\"", "pool = \"models\"\nkind = \"model\"")
}

async fn image_price(house: &House, id: &WorkspaceId) -> Credits {
    let action = ActionName::new("image.generate").unwrap();
    house.engine.quote(id, action, Arc::default()).await.unwrap().unwrap().unwrap().quote.credits
}

#[actix_rt::test]
async fn a_new_version_leaves_lots_and_jobs_alone_and_moves_workspaces_at_their_next_term() {
    let house = manual_house().await;
    let id = house.open_on("old", ("kive", "basic"), None).await;
    let job = house.submit(&id).await;
    let before = house.engine.balance(&id).await.unwrap().unwrap();
    house.engine.advance_clock(START.plus_ms(DAY_MS / 2)).await.unwrap().unwrap();
    let published = house.engine.publish_catalog(&second(), None).await.unwrap().unwrap();
    assert_eq!(published.version, 2);
    let after = house.engine.balance(&id).await.unwrap().unwrap();
    assert_eq!((after.lots, after.view.held), (before.lots, cr(32)), "bug 35");
    assert_eq!(house.engine.job(job).await.unwrap().unwrap().intro.quote.catalog_version, 1);
    assert_eq!(image_price(&house, &id).await, cr(32), "KV-04: its own version until the term ends");
    let new = house.open_on("new", ("kive", "basic"), None).await;
    assert_eq!(image_price(&house, &new).await, cr(40));
    house.advance_days(30).await;
    assert_eq!(image_price(&house, &id).await, cr(40));
    let profile = house.engine.balance(&id).await.unwrap().unwrap().view.profile;
    assert_eq!(profile.catalog_version, 2);
    house.submit(&id).await;
    house.assert_sound(&id).await;
}

#[actix_rt::test]
async fn a_pool_that_only_a_new_version_names_is_served_at_once() {
    let house = house().await;
    house.engine.publish_catalog(&second(), None).await.unwrap().unwrap();
    let id = house.open_on("acme", ("kive", "basic"), None).await;
    let reeve_workspace::Command::Submit(mut submit) = house.job() else { unreachable!() };
    submit.action = "model.train".parse().unwrap();
    house.run(&id, reeve_workspace::Command::Submit(submit)).await.unwrap();
    let ask = reeve_actors::LeaseRequest {
        pools: vec!["models".parse().unwrap()],
        ..super::house::ask("w", 1, 10_000)
    };
    assert_eq!(house.engine.lease(ask).await.unwrap().len(), 1);
}

#[actix_rt::test]
async fn a_version_is_published_once_and_versions_count_up_by_one() {
    let house = house().await;
    let publish = async |text: String| house.engine.publish_catalog(&text, None).await.unwrap();
    let skipped = publish(KIVE.replace("version = 1", "version = 3")).await;
    assert!(matches!(skipped, Err(PublishRefusal::Version { version: 3, next: 2, .. })), "{skipped:?}");
    let (one, other) = futures_util::future::join(publish(second()), publish(second())).await;
    assert_eq!((one.unwrap().version, other.unwrap().version), (2, 2), "the same text again is no conflict");
    let changed = publish(second() + "\n# a remark\n").await;
    assert!(matches!(changed, Err(PublishRefusal::Published { version: 2, next: 3, .. })), "{changed:?}");
    let broken = publish(second().replace("rank = 2", "rank = \"two\"")).await;
    assert!(matches!(broken, Err(PublishRefusal::Invalid { .. })));
    let text = KIVE.replace("version = 1", "version = 3").replace("tier = \"instant\"", "tier = \"royal\"");
    let untiered = publish(text).await;
    assert!(matches!(untiered, Err(PublishRefusal::Invalid { .. })), "{untiered:?}");
    assert_eq!(house.engine.shelf().get(&"kive".parse().unwrap()).unwrap().versions().len(), 2);
}

fn file(text: &str) -> Vec<CatalogFile> {
    vec![CatalogFile::parse("kive.toml", text, None).unwrap()]
}

fn plan(journal: &Arc<MemoryJournal>, text: &str) -> Plan {
    let clock = ClockSource::from(Arc::new(ManualClock::at(START)));
    Plan { journal: journal.clone(), settings: settings(), catalogs: file(text), clock }
}

#[actix_rt::test]
async fn a_file_that_differs_from_its_published_version_stops_the_start() {
    let journal = MemoryJournal::new();
    let first = start(plan(&journal, KIVE)).await.unwrap();
    first.publish_catalog(&second(), None).await.unwrap().unwrap();
    first.stop();
    let again = start(plan(&journal, KIVE)).await.unwrap();
    let versions = again.shelf().get(&"kive".parse().unwrap()).unwrap().versions().len();
    assert_eq!(versions, 2, "what was published while it ran is in force again");
    again.stop();
    let edited = KIVE.to_owned() + "\n# a remark\n";
    let refused = start(plan(&journal, &edited)).await.err().unwrap();
    assert_eq!(
        refused.to_string(),
        "catalog `kive` version 1 differs from the one in the database; raise its `version`"
    );
    let raised = start(plan(&journal, &KIVE.replace("version = 1", "version = 3"))).await.unwrap();
    assert_eq!(raised.shelf().get(&"kive".parse().unwrap()).unwrap().latest().version, 3);
    let other = MemoryJournal::new();
    start(plan(&other, &second())).await.unwrap();
    let older = start(plan(&other, KIVE)).await.err().unwrap();
    assert!(matches!(older, StartError::Shelf(ShelfError::Older { version: 1, newest: 2, .. })));
}

#[actix_rt::test]
async fn a_manual_clock_starts_no_earlier_than_what_the_store_has_seen() {
    let house = manual_house().await;
    let id = house.open_on("acme", ("kive", "basic"), None).await;
    house.advance_days(10).await;
    house.submit(&id).await;
    house.engine.stop();
    let again = start(plan(&house.journal, KIVE)).await.unwrap();
    assert_eq!(again.now(), START.plus_ms(10 * DAY_MS));
}
