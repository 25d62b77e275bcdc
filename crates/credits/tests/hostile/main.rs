//! Catalogs that nobody would write: the shipped ones bent by rule, texts that are none, and absurd ones of great size,
//! through the function that reads and judges catalogs. It never panics, it is done in time, a refusal says what is
//! wrong, and what is accepted can be used.
//!
//! `REEVE_FUZZ_CASES` makes the run longer, `REEVE_FUZZ_SEED` another one; a failure prints the text.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod absurd;
mod bend;

use bend::{Dice, Shown, bent, cases, shipped};
use proptest::prelude::*;
use reeve_credits::catalog::CatalogError;
use reeve_credits::{Catalog, quote};
use reeve_types::{Credits, limits};
use serde_json::{Map, Value, json};

/// A refusal names the file and says something about every finding.
fn is_explained(error: &CatalogError) {
    assert!(!error.findings.is_empty(), "refused for nothing");
    for finding in &error.findings {
        assert!(!finding.reason.trim().is_empty(), "no reason: {finding:?}");
        assert!(!finding.to_string().contains('\n'), "more than a line: {finding:?}");
    }
}

/// Requests that a catalog with extremes might stumble over.
fn requests(catalog: &Catalog) -> Vec<Map<String, Value>> {
    let (outputs, seconds) = (limits::OUTPUTS_MAX, limits::SECONDS_MAX);
    let largest = catalog.actions.values().map(|action| {
        json!({"outputs": action.outputs.max, "seconds": action.seconds.max, "quality": "high", "upscale": "4k"})
    });
    let fixed = [
        json!({}),
        json!({"seconds": 1}),
        json!({"seconds": 0.000_001, "outputs": 1}),
        json!({"outputs": outputs, "seconds": seconds}),
    ];
    largest.chain(fixed).map(|params| params.as_object().unwrap().clone()).collect()
}

/// What a catalog promises to whoever holds one.
fn is_usable(catalog: &Catalog) {
    let most = Credits::whole(limits::CREDITS_MAX).unwrap();
    assert!(catalog.version > 0 && catalog.plan(&catalog.default_plan().name).is_some());
    for plan in &catalog.plans {
        assert!(catalog.tier(&plan.name).is_some());
        for action in catalog.actions.values() {
            for params in requests(catalog) {
                let Ok(quote) = quote(catalog, &plan.name, &action.name, &params) else { continue };
                let lines = Credits::checked_sum(quote.lines.iter().map(|line| line.credits));
                assert_eq!(lines, Some(quote.credits), "{} for {params:?}", action.name);
                assert!(!quote.credits.is_negative() && quote.credits <= most, "{}", quote.credits);
                assert!(!action.is_free() || quote.credits.is_zero(), "`{}` is called free", action.name);
            }
        }
    }
}

/// Was it accepted? Fails when the answer is none that a text may get.
fn judged(case: u32, text: &str) -> bool {
    let shown = Shown::new(case, text);
    let parsed = Catalog::parse("bent.toml", text);
    match &parsed {
        Ok(catalog) => is_usable(catalog),
        Err(error) => is_explained(error),
    }
    shown.was_quick();
    parsed.is_ok()
}

#[test]
fn a_bent_catalog_is_refused_with_reasons_or_can_be_used() {
    let (mut dice, shipped) = (Dice::seeded(), shipped(""));
    let (all, mut accepted) = (cases(1_500), 0);
    for case in 0..all {
        let (_, text) = &shipped[dice.below(shipped.len())];
        accepted += u32::from(judged(case, &bent(text, &mut dice)));
    }
    println!("{accepted} of {all} accepted");
    assert!(accepted > 0 && accepted < all, "the catalogs were bent too much, or not at all");
}

#[test]
fn half_of_one_catalog_and_half_of_another_is_no_surprise() {
    let (mut dice, shipped) = (Dice::seeded(), shipped(""));
    for case in 0..cases(200) {
        let lines = |(_, text): &(String, String)| text.lines().map(str::to_owned).collect::<Vec<_>>();
        let (one, other) = (dice.below(shipped.len()), dice.below(shipped.len()));
        let (mut one, other) = (lines(&shipped[one]), lines(&shipped[other]));
        one.truncate(dice.below(one.len()));
        one.extend_from_slice(&other[dice.below(other.len())..]);
        judged(case, &one.join("\n"));
    }
}

#[test]
fn text_that_is_no_catalog_is_refused() {
    let mut dice = Dice::seeded();
    let key = "[a-z\"'.]{1,8}";
    let line = format!(
        "({key} ?= ?(\\PC{{0,12}}|[0-9eE.+_-]{{1,40}}|[\\[\\]{{}}\"', ]{{0,20}})|\\[{{1,3}}{key}\\]{{0,3}})\r?\n"
    );
    let lines = format!("({line}){{0,12}}");
    for case in 0..cases(500) {
        let text = match dice.below(3) {
            0 => String::from_utf8_lossy(&dice.draw(prop::collection::vec(any::<u8>(), 0..300))).into_owned(),
            1 => dice.draw("\\PC{0,200}"),
            _ => dice.draw(lines.as_str()),
        };
        assert!(!judged(case, &text), "accepted:\n{text}");
    }
}
