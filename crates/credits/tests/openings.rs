//! Laws of opening grants, over every shipped catalog, plan and term.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use proptest::prelude::*;
use reeve_credits::{Catalog, Interval, OpeningFacts, OpeningRefusal, opening_grants};
use reeve_types::{Credits, Millis, PlanName, WorkspaceId};

static CATALOGS: LazyLock<Vec<Catalog>> = LazyLock::new(|| {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../config/catalogs");
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    files.iter().map(|path| Catalog::parse("file", &fs::read_to_string(path).unwrap()).unwrap()).collect()
});

fn facts<'a>(plan: &'a PlanName, workspace: &'a WorkspaceId, user: Option<&'a str>) -> OpeningFacts<'a> {
    OpeningFacts {
        plan,
        allotment: None,
        interval: Interval::Month,
        seats: 1,
        identity: Some("google"),
        timezone: chrono_tz::Tz::UTC,
        workspace,
        owner_user: user,
        anchor: Millis::from_millis(1_700_000_000_000),
    }
}

#[test]
fn x14_a_key_that_another_workspace_can_have_is_claimed_and_no_other_is() {
    let (one, two) = (WorkspaceId::new("one").unwrap(), WorkspaceId::new("two").unwrap());
    for catalog in CATALOGS.iter() {
        for plan in &catalog.plans {
            let first = opening_grants(catalog, &facts(&plan.name, &one, Some("anna"))).unwrap();
            let second = opening_grants(catalog, &facts(&plan.name, &two, Some("anna"))).unwrap();
            for (a, b) in first.iter().zip(&second) {
                assert_eq!(a.key == b.key, a.once, "{} {} {}", catalog.name, plan.name, a.source);
            }
            let alone = opening_grants(catalog, &facts(&plan.name, &one, None)).unwrap();
            assert!(alone.iter().all(|order| !order.once), "{} {}", catalog.name, plan.name);
        }
    }
}

#[test]
fn x14_a_user_called_like_a_workspace_is_not_that_workspace() {
    let (one, two) = (WorkspaceId::new("one").unwrap(), WorkspaceId::new("two").unwrap());
    for catalog in CATALOGS.iter() {
        let plan = &catalog.default_plan().name;
        let own = opening_grants(catalog, &facts(plan, &one, None)).unwrap();
        let users = opening_grants(catalog, &facts(plan, &two, Some("one"))).unwrap();
        let keys: BTreeSet<&str> = own.iter().map(|order| order.key.as_str()).collect();
        assert!(users.iter().all(|order| !keys.contains(order.key.as_str())), "{}", catalog.name);
    }
}

#[test]
fn a_plan_that_does_not_exist_is_refused_with_those_that_do() {
    let workspace = WorkspaceId::new("one").unwrap();
    let plan = PlanName::new("imaginary").unwrap();
    for catalog in CATALOGS.iter() {
        let refused = opening_grants(catalog, &facts(&plan, &workspace, None));
        assert!(
            matches!(refused, Err(OpeningRefusal::UnknownPlan { known, .. }) if known.len() == catalog.plans.len())
        );
    }
}

#[test]
fn an_absurd_number_of_seats_is_refused() {
    let workspace = WorkspaceId::new("one").unwrap();
    for catalog in CATALOGS.iter() {
        for plan in &catalog.plans {
            let absurd = OpeningFacts { seats: u32::MAX, ..facts(&plan.name, &workspace, None) };
            assert!(matches!(opening_grants(catalog, &absurd), Err(OpeningRefusal::Seats { .. })));
        }
    }
}

proptest! {
    #[test]
    fn no_facts_panic_and_every_grant_is_sound(
        catalog in 0..CATALOGS.len(),
        plan in 0_usize..4,
        allotment in prop::option::of(any::<i64>()),
        year: bool,
        seats in prop_oneof![0_u32..10, any::<u32>()],
        user in prop::option::of("\\PC{0,20}"),
        zone in 0..chrono_tz::TZ_VARIANTS.len(),
        anchor in prop_oneof![0_i64..4_000_000_000_000, any::<i64>()],
    ) {
        let catalog = &CATALOGS[catalog];
        let plan = &catalog.plans[plan.min(catalog.plans.len() - 1)].name;
        let workspace = WorkspaceId::new("one").unwrap();
        let facts = OpeningFacts {
            allotment: allotment.map(Credits::from_micros),
            interval: if year { Interval::Year } else { Interval::Month },
            seats,
            timezone: chrono_tz::TZ_VARIANTS[zone],
            anchor: Millis::from_millis(anchor),
            ..facts(plan, &workspace, user.as_deref())
        };
        let Ok(orders) = opening_grants(catalog, &facts) else { return Ok(()) };
        let keys: BTreeSet<&str> = orders.iter().map(|order| order.key.as_str()).collect();
        prop_assert_eq!(keys.len(), orders.len());
        for order in &orders {
            prop_assert!(order.amount.is_positive());
            prop_assert_eq!(order.effective_at, facts.anchor);
            if (0..4_000_000_000_000).contains(&anchor) {
                prop_assert!(order.expires_at.is_none_or(|end| end > order.effective_at));
            }
        }
    }
}
