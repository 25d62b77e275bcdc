//! What-if: a past under its own catalog comes to what it was, and under another to what that one says.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use reeve_rehearsal::replay::{Deed, Past, Replayed, Sums, What, replay};
use reeve_rehearsal::{Draft, Rehearsal, Script};
use reeve_types::Credits;
use reeve_workspace::{Create, Kind};

const CATALOG: &str = include_str!("../../../config/catalogs/kive.toml");

const LIFE: &str = r#"
title = "two months"
given = { plan = "basic", user = "anna", identity = "google", at = "2026-01-10T00:00:00Z" }
when = [
    { at = "2026-01-12T00:00:00Z", settle = { action = "image.generate", outputs = [
        { outcome = "success" }, { outcome = "success" }, { outcome = "filtered" }, { outcome = "failed" },
    ] } },
    { at = "2026-01-20T00:00:00Z", purchase = { payment = "p1", credits = 500 } },
    { at = "2026-02-15T00:00:00Z", submit = { action = "model.train" } },
    { at = "2026-02-15T01:00:00Z", cancel = {} },
    { at = "2026-02-20T00:00:00Z", adjust = { amount = -40, reason = "a gift too many" } },
    { at = "2026-03-01T00:00:00Z", settle = { action = "video.generate", params = { seconds = 30 } } },
]
"#;

fn draft(change: impl Fn(&str) -> String) -> Draft {
    Draft::parse("kive.toml", &change(CATALOG)).unwrap()
}

/// The life, as a store would know it.
fn past() -> Past {
    let draft = draft(str::to_owned);
    let script = Script::parse("life", LIFE).unwrap();
    let mut rehearsal = Rehearsal::open(&draft, &script.given, &script.when).unwrap();
    for step in &script.when {
        rehearsal.perform(step).unwrap();
    }
    let life = rehearsal.world().life(rehearsal.main()).unwrap();
    let mut deeds: Vec<Deed> = Vec::new();
    for row in life.state.purchases.values() {
        let (id, payment, pack, credits) = (row.id, row.payment.clone(), row.pack.clone(), row.credits);
        deeds.push(Deed { at: row.confirmed_at.unwrap(), what: What::Bought { id, payment, pack, credits } });
    }
    for row in life.rows.iter().filter(|row| row.kind == Kind::Take) {
        let amount = Credits::ZERO.checked_sub(row.amount).unwrap();
        let reason = row.reason.clone().unwrap();
        deeds.push(Deed { at: row.at, what: What::Adjusted { amount, reason, expires_at: None } });
    }
    for (job, (intro, state)) in &life.jobs {
        deeds.push(Deed { at: intro.created_at, what: What::Submitted(intro.clone()) });
        deeds.extend(state.started_at.map(|at| Deed { at, what: What::Started(*job) }));
        let (job, state) = (*job, Box::new(state.clone()));
        deeds.push(Deed { at: state.finished_at.unwrap(), what: What::Ended { job, state } });
    }
    let profile = life.state.profile.clone();
    let until = life.state.last_event_at;
    Past {
        workspace: rehearsal.main().clone(),
        opening: Create {
            name: None,
            catalog: profile.catalog,
            plan: Some(profile.subscribed.plan),
            allotment: profile.subscribed.allotment,
            interval: profile.subscribed.interval,
            seats: profile.subscribed.seats,
            timezone: profile.timezone,
            owner: profile.owner,
            metadata: None,
        },
        imported: None,
        opened_at: profile.created_at,
        deeds,
        until,
        before: Sums::of(&life.rows, life.state.available(until)),
    }
}

fn under(change: impl Fn(&str) -> String) -> Replayed {
    replay(&draft(change), &[past()]).unwrap().remove(0)
}

fn whole(n: i64) -> Credits {
    Credits::whole(n).unwrap()
}

#[test]
fn under_its_own_catalog_everything_comes_to_what_it_was() {
    let replayed = under(str::to_owned);
    assert_eq!(replayed.after, Some(replayed.before));
    assert!(replayed.refused.is_empty(), "{:?}", replayed.refused);
    assert_eq!(replayed.before.charged, whole(316));
}

#[test]
fn another_price_and_allotment_change_what_they_are_about() {
    let replayed = under(|text| {
        text.replace("price = { per = \"second\", rate = 10 }", "price = { per = \"second\", rate = 20 }")
            .replace("allotments = [1000]", "allotments = [600]")
    });
    let after = replayed.after.unwrap();
    assert_eq!(after.charged, whole(616));
    assert_eq!(after.granted, whole(50 + 600 + 600 + 500));
}

#[test]
fn what_the_other_catalog_does_not_have_is_refused_and_counted() {
    let replayed = under(|text| text.replace("[action.\"video.generate\"]", "[action.\"video.make\"]"));
    let after = replayed.after.unwrap();
    assert_eq!((after.charged, after.denied), (whole(16), 1));
    assert_eq!(replayed.refused["invalid_request"].0, 1);
}

#[test]
fn a_plan_that_is_not_there_is_told_and_nothing_is_made_up() {
    let replayed = under(|text| {
        text.replace("[plan.basic]", "[plan.starter]")
            .replace("[\"basic\", \"pro\"]", "[\"starter\", \"pro\"]")
    });
    assert_eq!(replayed.after, None);
    assert!(replayed.refused["invalid_request"].1.contains("basic"), "{:?}", replayed.refused);
}
