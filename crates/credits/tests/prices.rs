//! Laws of prices, over every shipped catalog: no request panics, no outcome settles more than was quoted.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use proptest::prelude::*;
use reeve_credits::catalog::Outcome;
use reeve_credits::{Catalog, OutputResult, Quote, QuoteRefusal, StageOutcome, Units, quote};
use reeve_types::{ActionName, Credits, PlanName};
use serde_json::{Map, Value, json};

static CATALOGS: LazyLock<Vec<Catalog>> = LazyLock::new(|| {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../config/catalogs");
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    files.iter().map(|path| Catalog::parse("file", &fs::read_to_string(path).unwrap()).unwrap()).collect()
});

/// Every (catalog, plan, action) there is.
static PLACES: LazyLock<Vec<(&Catalog, PlanName, ActionName)>> = LazyLock::new(|| {
    let mut places = Vec::new();
    for catalog in CATALOGS.iter() {
        for plan in &catalog.plans {
            places.extend(catalog.actions.keys().map(|action| (catalog, plan.name.clone(), action.clone())));
        }
    }
    places
});

fn hostile() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (-2_i64..20).prop_map(Value::from),
        (0.0_f64..700.0).prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        prop::sample::select(vec!["standard", "high", "premium", "basic", "custom", "4k", "1080p", "short"])
            .prop_map(Value::from),
    ];
    prop_oneof![4 => leaf.clone(), 1 => prop::collection::vec(leaf, 0..3).prop_map(Value::from)]
}

fn params() -> impl Strategy<Value = Map<String, Value>> {
    let names =
        ["outputs", "seconds", "quality", "model", "media", "length", "upscale", "to", "prompt", "~/\"\0"];
    prop::collection::vec((prop::sample::select(names.to_vec()), hostile()), 0..6)
        .prop_map(|pairs| pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// Parameters that most actions accept.
fn plausible() -> impl Strategy<Value = Map<String, Value>> {
    let upscale = prop::option::of(prop::sample::select(vec!["4k", "1080p"]));
    (1_u32..=16, 1_u32..=600_000, upscale).prop_map(|(outputs, ms, upscale)| {
        let mut params = Map::new();
        params.insert("outputs".to_owned(), json!(outputs));
        params.insert("seconds".to_owned(), json!(f64::from(ms) / 1000.0));
        params.insert("to".to_owned(), json!("4k"));
        if let Some(upscale) = upscale {
            params.insert("upscale".to_owned(), json!(upscale));
        }
        params
    })
}

fn place() -> impl Strategy<Value = usize> {
    0..PLACES.len()
}

fn ask(place: usize, params: &Map<String, Value>) -> Result<Quote, QuoteRefusal> {
    let (catalog, plan, action) = &PLACES[place];
    quote(catalog, plan, action, params)
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop::sample::select(Outcome::ALL.to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_request_panics_and_every_quote_adds_up(place in place(), params in params()) {
        match ask(place, &params) {
            Ok(quote) => {
                prop_assert!(!quote.credits.is_negative());
                prop_assert!((1..=16).contains(&quote.outputs));
                prop_assert_eq!(Credits::checked_sum(quote.lines.iter().map(|line| line.credits)), Some(quote.credits));
                for line in &quote.lines {
                    let quantity = i64::try_from(line.quantity).unwrap();
                    prop_assert_eq!(line.unit_price.checked_mul(quantity), Some(line.credits));
                }
                // X8: what is held is what the outputs could settle at most, to the millionth.
                let all = quote.per_output.quoted().and_then(|one| one.checked_mul(i64::from(quote.outputs)));
                prop_assert_eq!(all, Some(quote.credits));
            }
            Err(QuoteRefusal::Invalid(findings)) => {
                prop_assert!(!findings.is_empty());
                prop_assert!(findings.iter().all(|finding| finding.pointer.starts_with("/params/")));
            }
            Err(_) => {}
        }
    }

    #[test]
    fn x7_no_outcome_settles_more_than_quoted(
        place in place(),
        params in plausible(),
        ending in outcome(),
        delivered in prop::option::of(0_u64..2_000_000),
        base in prop::option::of(outcome()),
        upscale in prop::option::of(outcome()),
    ) {
        let Ok(quote) = ask(place, &params) else { return Ok(()) };
        let quoted = quote.per_output.quoted().unwrap();
        let has = |name: &str| quote.per_output.stages.iter().any(|stage| stage.name.as_str() == name);
        let said = [("base", base), ("upscale", upscale)];
        let stages = said.into_iter().filter(|(name, _)| has(name)).filter_map(|(name, outcome)| {
            Some(StageOutcome { name: name.parse().unwrap(), outcome: outcome? })
        });
        let delivered = delivered.map(|ms| Units::from_decimal(&format!("{}.{:03}", ms / 1000, ms % 1000)).unwrap());
        let result = OutputResult { outcome: ending, delivered, stages: stages.collect() };
        let settled = quote.per_output.settle(&result).unwrap();
        prop_assert!(!settled.is_negative() && settled <= quoted);
        if ending != Outcome::Success {
            prop_assert_eq!(settled, Credits::ZERO);
        }
        prop_assert_eq!(quote.per_output.settle(&OutputResult::landed()), Ok(quoted));
    }

    #[test]
    fn a_longer_video_never_costs_less(place in place(), params in plausible(), more in 0_u32..1_000) {
        let Ok(short) = ask(place, &params) else { return Ok(()) };
        let mut longer = params.clone();
        let seconds = params["seconds"].as_f64().unwrap() + f64::from(more) / 1000.0;
        longer.insert("seconds".to_owned(), json!(seconds));
        if let Ok(long) = ask(place, &longer) {
            prop_assert!(long.credits >= short.credits);
        }
    }

    #[test]
    fn x6_a_stored_quote_reads_back_and_settles_the_same(place in place(), params in plausible()) {
        let Ok(quote) = ask(place, &params) else { return Ok(()) };
        let stored: Quote = serde_json::from_str(&serde_json::to_string(&quote).unwrap()).unwrap();
        prop_assert_eq!(&stored, &quote);
        let result = OutputResult { delivered: Some(Units::whole(2)), ..OutputResult::landed() };
        prop_assert_eq!(stored.per_output.settle(&result), quote.per_output.settle(&result));
    }
}

/// The strategy above must reach the interesting part: most plausible requests are priced.
#[test]
fn plausible_requests_are_mostly_priced() {
    let params = json!({"seconds": 5.5, "to": "4k"}).as_object().unwrap().clone();
    let priced = (0..PLACES.len()).filter(|place| ask(*place, &params).is_ok()).count();
    assert!(priced == PLACES.len(), "{priced} of {}", PLACES.len());
}

#[test]
fn a_stage_that_was_not_quoted_is_refused() {
    let place = PLACES.iter().position(|(_, _, action)| action.as_str() == "image.generate").unwrap();
    let quote = ask(place, &Map::new()).unwrap();
    let stage = |name: &str| StageOutcome { name: name.parse().unwrap(), outcome: Outcome::Success };
    let unknown = OutputResult { stages: vec![stage("upscale")], ..OutputResult::landed() };
    assert!(quote.per_output.settle(&unknown).is_err());
    let twice = OutputResult { stages: vec![stage("base"), stage("base")], ..OutputResult::landed() };
    assert!(quote.per_output.settle(&twice).is_err());
}

#[test]
fn ka_11_without_partial_delivery_a_failed_stage_settles_nothing() {
    let find = |(catalog, _, action): &(&Catalog, PlanName, ActionName)| {
        catalog
            .action(action)
            .is_some_and(|action| action.price.stages.len() > 1 && action.price.needs_seconds())
    };
    let place = PLACES.iter().position(find).unwrap();
    let params = json!({"seconds": 30, "upscale": "4k"}).as_object().unwrap().clone();
    let mut quote = ask(place, &params).unwrap();
    let failed = StageOutcome { name: "upscale".parse().unwrap(), outcome: Outcome::Failed };
    let result = OutputResult { stages: vec![failed], ..OutputResult::landed() };
    assert!(quote.per_output.settle(&result).unwrap().is_positive());
    quote.per_output.partial = false;
    assert_eq!(quote.per_output.settle(&result), Ok(Credits::ZERO));
}

#[test]
fn an_absurd_price_is_refused() {
    let text =
        fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../config/catalogs/kive.toml"))
            .unwrap();
    let dear = Catalog::parse(
        "dear.toml",
        &text.replace("values.standard = { rate = 8 }", "values.standard = { rate = 999999999999 }"),
    )
    .unwrap();
    let ask = |outputs: u32| {
        let params = json!({"outputs": outputs}).as_object().unwrap().clone();
        quote(&dear, &dear.default_plan().name, &"image.generate".parse().unwrap(), &params)
    };
    assert!(ask(1).is_ok());
    assert!(matches!(ask(2), Err(QuoteRefusal::TooLarge { .. })));
}
