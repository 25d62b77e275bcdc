//! Catalogs that must be refused, each with the file, the key and the reason (one mistake at a time).

#![expect(clippy::panic, reason = "a test fails by panicking")]

mod mistakes;

use mistakes::MISTAKES;
use reeve_credits::{Catalog, Finding};

/// A small catalog with one of everything, to break in one place at a time.
const SAMPLE: &str = r#"
name = "sample"
version = 1
default_plan = "free"
order = ["priority", "expires_at", "class", "effective_at", "id"]

[plan.free]
rank = 1
tier = "free"
paid = false

[plan.full]
rank = 2
tier = "standard"
paid = true
allotments = [100, 200]

[source.gift]
class = "signup"
amount = 10
once = "user"
until = "never"
scope = "pictures"

[source.plan]
class = "plan"
amount = "allotment"
every = "month"
if = { paid = true }
until = "period_end"

[source.pack]
class = "pack"
amount = "purchased"
min = 5
on = ["payment_confirmed"]
until = "never"

[source.unit]
class = "addon"
amount = { full = 60 }
per = "unit"
every = "month"
on = ["addon_bought"]
until = "term_end"

[scope.pictures]
actions = ["image.*"]

[pack.small]
credits = 50
source = "pack"

[addon.unit]
source = "unit"
plans = ["full"]

[[carry]]
at = "downgrade"
sources = ["plan", "pack"]
keep = "max"
max = { allotments = 2 }
trim = ["plan", "pack"]

[change.upgrade]
when = "now"
grant = "full"

[change.downgrade]
when = "term_end"

[change.cancel]
when = "term_end"

[[limit]]
name = "purchases"
what = "purchase"
source = "pack"
amount = { allotments = 1 }
window = "billing_month"
count = ["pending", "confirmed"]

[charge]
show = "reserved"
settle_on = "each_output"
outcome = { success = "charge", failed = "release", filtered = "release", cancelled = "release", timeout = "release", unknown = "release" }

[[alert]]
kind = "low"
percent = 20

[stage.upscale]
per = "block"
rate = 1
by.upscale.optional = true
by.upscale.values.4k = { block_seconds = 5 }

[action."image.generate"]
pool = "image"
outputs = { default = 2, max = 4 }
[action."image.generate".price]
rate = 8
[action."image.generate".price.by.quality]
default = "standard"
values.standard = {}
values.high = { times = 1.5, plans = ["full"] }

[action."video.generate"]
pool = "video"
kind = "video"
price = { per = "second", rate = 5, min_seconds = 3, stages = ["upscale"] }
"#;

/// What is found in the sample with one text replaced by another.
fn findings(what: &str, with: &str) -> Vec<Finding> {
    assert!(SAMPLE.contains(what), "the sample has no {what:?}");
    match Catalog::parse("sample.toml", &SAMPLE.replacen(what, with, 1)) {
        Ok(_) => panic!("accepted with {with:?} for {what:?}"),
        Err(error) => error.findings,
    }
}

#[test]
fn the_sample_itself_is_fine() {
    let catalog = Catalog::parse("sample.toml", SAMPLE).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(catalog.plans.len(), 2);
}

#[test]
fn every_mistake_is_refused_with_file_key_and_reason() {
    let mut wrong = Vec::new();
    for (what, with, key, reason) in MISTAKES {
        let found = findings(what, with);
        let told = found.iter().any(|finding| {
            finding.file == "sample.toml" && finding.key == *key && finding.reason.contains(reason)
        });
        if !told {
            wrong.push(format!("{what:?} -> {with:?}: wanted {key}: ..{reason}..\n   found {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn all_mistakes_of_a_file_are_told_at_once() {
    let text = SAMPLE
        .replace("rate = 8", "rate = -8")
        .replace("amount = 10", "amount = 0")
        .replace("rank = 2", "rank = 1");
    let error = Catalog::parse("sample.toml", &text).unwrap_err();
    let keys: Vec<&str> = error.findings.iter().map(|finding| finding.key.as_str()).collect();
    assert_eq!(keys, ["plan.full.rank", "action.\"image.generate\".price.rate", "source.gift.amount"]);
    assert_eq!(error.to_string().lines().count(), 3);
    assert!(error.to_string().starts_with("sample.toml: plan.full.rank: "), "{error}");
}

#[test]
fn text_that_is_no_catalog_is_refused_without_panic() {
    for text in
        ["", "\0", "[", "name", "name = ", "[[plan]]", "plan = 3", "= 1", "\u{feff}", "a.b.c = 1\na.b = 2"]
    {
        assert!(Catalog::parse("x.toml", text).is_err(), "{text:?}");
    }
    for cut in (0..SAMPLE.len()).step_by(7) {
        if let Some(head) = SAMPLE.get(..cut) {
            let _ = Catalog::parse("cut.toml", head);
        }
    }
}

/// What the sample exists for: factors, entitlements of values, shared stages, scopes.
#[test]
fn a_catalog_that_passes_prices_as_written() {
    let catalog = Catalog::parse("sample.toml", SAMPLE).unwrap();
    let ask = |plan: &str, action: &str, params: serde_json::Value| {
        let params = params.as_object().unwrap().clone();
        reeve_credits::quote(&catalog, &plan.parse().unwrap(), &action.parse().unwrap(), &params)
    };
    let high = ask("full", "image.generate", serde_json::json!({"quality": "high"})).unwrap();
    assert_eq!((high.credits.to_string().as_str(), high.outputs), ("24", 2));
    assert_eq!(high.lines[0].label, "image.generate, quality high");
    assert!(ask("free", "image.generate", serde_json::json!({"quality": "high"})).is_err());
    let long = ask("free", "video.generate", serde_json::json!({"seconds": 1, "upscale": "4k"})).unwrap();
    assert_eq!(long.lines[1].label, "upscale 4k");
    assert_eq!(long.seconds.map(|seconds| seconds.to_string()).as_deref(), Some("3"));
    let scope = "pictures".parse().unwrap();
    assert!(catalog.pays(Some(&scope), &"image.generate".parse().unwrap()));
    assert!(!catalog.pays(Some(&scope), &"video.generate".parse().unwrap()));
    assert!(catalog.pays(None, &"video.generate".parse().unwrap()));
}
