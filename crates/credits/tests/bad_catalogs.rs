//! Catalogs that must be refused, each with the file, the key and the reason (one mistake at a time).

#![expect(clippy::panic, reason = "a test fails by panicking")]

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

/// Replaced text, its replacement, the key that is reported, and a part of the reason.
const MISTAKES: &[(&str, &str, &str, &str)] = &[
    // Shapes.
    ("name = \"sample\"", "name = sample", "", "line 2"),
    ("name = \"sample\"", "name = \"sam ple\"", "name", "catalog name"),
    ("version = 1\n", "", "", "missing field `version`"),
    ("version = 1\n", "version = 0\n", "version", "count from 1"),
    ("version = 1\n", "version = -1\n", "version", "integer `-1`"),
    ("tier = \"free\"", "tier = \"free\"\ncolour = \"red\"", "plan.free.colour", "unknown field `colour`"),
    ("rate = 8", "rate = 8\nrates = 9", "action.\"image.generate\".price.rates", "unknown field `rates`"),
    (
        "rate = 8",
        "rate = \"eight\"",
        "action.\"image.generate\".price.rate",
        "`eight` is not a decimal number",
    ),
    ("rate = 8", "rate = true", "action.\"image.generate\".price.rate", "an amount with at most 6 decimals"),
    ("class = \"signup\"", "class = \"present\"", "source.gift.class", "unknown variant `present`"),
    ("until = \"never\"", "until = \"later\"", "source.gift.until", "`later` is not a lifetime"),
    ("every = \"month\"", "every = \"week\"", "source.plan.every", "unknown variant `week`"),
    ("if = { paid = true }", "if = { rich = true }", "source.plan.if.rich", "unknown field `rich`"),
    ("[change.cancel]\nwhen = \"term_end\"", "", "change", "missing field `cancel`"),
    // Amounts.
    ("rate = 8", "rate = -8", "action.\"image.generate\".price.rate", "`-8` is negative"),
    ("rate = 8", "rate = 0.0000001", "action.\"image.generate\".price.rate", "more than 6 decimals"),
    ("rate = 8", "rate = 1000000000001", "action.\"image.generate\".price.rate", "more than 1000000000000"),
    ("amount = 10", "amount = -10", "source.gift.amount", "`-10` is negative"),
    ("amount = 10", "amount = 0", "source.gift.amount", "above zero"),
    ("amount = 10", "amount = 0.0000005", "source.gift.amount", "more than 6 decimals"),
    ("credits = 50", "credits = 0", "pack.small.credits", "above zero"),
    ("{ full = 60 }", "{ full = -60 }", "source.unit.amount.full", "negative"),
    ("min = 5", "min = 0", "source.pack.min", "above zero"),
    ("allotments = [100, 200]", "allotments = [200, 100]", "plan.full.allotments", "ascend"),
    (
        "times = 1.5",
        "times = -1.5",
        "action.\"image.generate\".price.by.quality.values.high.times",
        "negative",
    ),
    // Names that must exist.
    ("default_plan = \"free\"", "default_plan = \"none\"", "default_plan", "no plan `none`"),
    ("scope = \"pictures\"", "scope = \"films\"", "source.gift.scope", "no scope `films`"),
    (
        "actions = [\"image.*\"]",
        "actions = [\"audio.*\"]",
        "scope.pictures.actions",
        "`audio.*` matches no action",
    ),
    (
        "source = \"pack\"\n\n[addon",
        "source = \"gift\"\n\n[addon",
        "pack.small.source",
        "does not grant what was purchased",
    ),
    (
        "credits = 50\nsource = \"pack\"",
        "credits = 50\nsource = \"none\"",
        "pack.small.source",
        "no source `none`",
    ),
    ("plans = [\"full\"]\n\n[[carry", "plans = [\"vast\"]\n\n[[carry", "addon.unit.plans", "no plan `vast`"),
    (
        "sources = [\"plan\", \"pack\"]",
        "sources = [\"plan\", \"none\"]",
        "carry[0].sources",
        "no source `none`",
    ),
    (
        "plans = [\"full\"] }",
        "plans = [\"vast\"] }",
        "action.\"image.generate\".price.by.quality.values.high.plans",
        "no plan `vast`",
    ),
    (
        "stages = [\"upscale\"]",
        "stages = [\"sharpen\"]",
        "action.\"video.generate\".price.stages",
        "no stage `sharpen`",
    ),
    (
        "what = \"purchase\"\nsource = \"pack\"",
        "what = \"purchase\"\nsource = \"none\"",
        "limit[0].source",
        "no source `none`",
    ),
    // What parses is executed: what nothing looks at is refused.
    (
        "what = \"purchase\"\nsource = \"pack\"\namount = { allotments = 1 }\nwindow = \"billing_month\"\ncount = [\"pending\", \"confirmed\"]",
        "what = \"spend\"\namount = { credits = 9 }\nwindow = \"month\"",
        "limit[0].what",
        "is not enforced by this version",
    ),
    (
        "what = \"purchase\"\nsource = \"pack\"\namount = { allotments = 1 }\nwindow = \"billing_month\"\ncount = [\"pending\", \"confirmed\"]",
        "what = \"balance\"\namount = { credits = 9 }\nwindow = \"now\"",
        "limit[0].what",
        "is not enforced by this version",
    ),
    (
        "what = \"purchase\"\nsource = \"pack\"\namount = { allotments = 1 }\nwindow = \"billing_month\"\ncount = [\"pending\", \"confirmed\"]",
        "what = \"concurrency\"\namount = { count = 9 }\nwindow = \"now\"",
        "limit[0].what",
        "is not enforced by this version",
    ),
    (
        "what = \"purchase\"\nsource = \"pack\"\namount = { allotments = 1 }\nwindow = \"billing_month\"\ncount = [\"pending\", \"confirmed\"]",
        "what = \"free_jobs\"\namount = { count = 9 }\nwindow = \"month\"",
        "limit[0].window",
        "free jobs are counted by the `day`",
    ),
    (
        "what = \"purchase\"\n",
        "what = \"purchase\"\nwho = \"member\"\n",
        "limit[0].who",
        "a member's limit is set for each",
    ),
    ("what = \"purchase\"\n", "what = \"purchase\"\nwho = \"key\"\n", "limit[0].who", "not enforced"),
    ("what = \"purchase\"\n", "what = \"purchase\"\nthen = \"alert\"\n", "limit[0].then", "a limit blocks"),
    (
        "what = \"purchase\"\n",
        "what = \"purchase\"\nactions = [\"image.generate\"]\n",
        "limit[0].actions",
        "is not enforced by this version",
    ),
    ("kind = \"low\"\npercent = 20", "kind = \"forecast\"", "alert[0].kind", "unknown variant `forecast`"),
    (
        "[change.cancel]\nwhen = \"term_end\"",
        "[change.cancel]\nwhen = \"term_end\"\n[change.addon]\ncancel = \"now\"",
        "change.addon.cancel",
        "only `period_end` is honoured",
    ),
    (
        "[change.cancel]\nwhen = \"term_end\"",
        "[change.cancel]\nwhen = \"term_end\"\n[change.addon]\ncancel = \"term_end\"",
        "change.addon.cancel",
        "only `period_end` is honoured",
    ),
    (
        "[change.cancel]\nwhen = \"term_end\"",
        "[change.cancel]\nwhen = \"term_end\"\n[change.seats]\nremoved = \"now\"",
        "change.seats.removed",
        "where a downgrade is `now` too",
    ),
    (
        "[change.downgrade]\nwhen = \"term_end\"",
        "[change.downgrade]\nwhen = \"term_end\"\nanchor = \"reset\"",
        "change.downgrade.anchor",
        "`reset` is for a change",
    ),
    (
        "[change.cancel]\nwhen = \"term_end\"",
        "[change.cancel]\nwhen = \"now\"\nexisting = \"expire\"",
        "change.cancel.existing",
        "`expire` is for a change",
    ),
    // Tables that must be whole, orders that must be total.
    ("timeout = \"release\", ", "", "charge.outcome", "no row for `timeout`"),
    (
        "unknown = \"release\"",
        "unknown = \"charge\"",
        "charge.outcome.unknown",
        "only output that landed is charged",
    ),
    ("\"effective_at\", \"id\"]", "\"effective_at\"]", "order", "end with `id`"),
    ("[\"priority\", \"expires_at\"", "[\"class\", \"expires_at\"", "order", "twice"),
    ("rank = 2", "rank = 1", "plan.full.rank", "rank 1 too"),
    // Rules that contradict themselves.
    ("once = \"user\"\n", "", "source.gift", "never grants"),
    ("once = \"user\"", "once = \"friend\"", "source.gift.once", "friend_signed_up"),
    ("until = \"period_end\"", "until = \"day_end\"", "source.plan.until", "every = \"day\""),
    ("until = \"never\"", "until = \"period_end\"", "source.gift.until", "does not belong to a period"),
    ("if = { paid = true }\n", "", "source.plan.amount", "plan `free` has no allotment"),
    ("on = [\"payment_confirmed\"]", "on = [\"addon_bought\"]", "source.pack.amount", "payment_confirmed"),
    ("amount = 10", "amount = 10\ntimes = 12", "source.gift.times", "allotment only"),
    ("max = { allotments = 2 }", "max = { allotments = 2, credits = 5 }", "carry[0].max", "either"),
    ("max = { allotments = 2 }", "max = { allotments = -2 }", "carry[0].max.allotments", "negative"),
    ("max = { allotments = 2 }\n", "", "carry[0].max", "needs a cap"),
    ("trim = [\"plan\", \"pack\"]", "trim = [\"plan\"]", "carry[0].trim", "each once"),
    ("count = [\"pending\", \"confirmed\"]", "", "limit[0].count", "which payments count"),
    ("window = \"billing_month\"", "window = \"now\"", "limit[0].window", "balances and concurrency"),
    ("amount = { allotments = 1 }", "amount = {}", "limit[0].amount", "says one of"),
    ("percent = 20", "percent = 20\nbelow = 5", "alert[0]", "either `percent` or `below`"),
    ("percent = 20", "percent = 100", "alert[0].percent", "from 1 to 99"),
    // Bounds and prices.
    (
        "outputs = { default = 2, max = 4 }",
        "outputs = { default = 5, max = 4 }",
        "action.\"image.generate\".outputs.default",
        "maximum 4",
    ),
    (
        "outputs = { default = 2, max = 4 }",
        "outputs = { default = 2, max = 17 }",
        "action.\"image.generate\".outputs.max",
        "from 1 to 16",
    ),
    ("kind = \"video\"", "seconds = { max = 601 }", "action.\"video.generate\".seconds.max", "from 1 to 600"),
    ("kind = \"video\"", "attempts_max = 0", "action.\"video.generate\".attempts_max", "from 1 to 100"),
    (
        "default = \"standard\"",
        "default = \"fine\"",
        "action.\"image.generate\".price.by.quality.default",
        "`fine` is not one of",
    ),
    (
        "default = \"standard\"",
        "optional = true",
        "action.\"image.generate\".price.by.quality.optional",
        "only a stage",
    ),
    ("rate = 8\n", "", "action.\"image.generate\".price.rate", "is missing"),
    ("rate = 8", "rate = 8\nper = \"job\"", "action.\"image.generate\".price.per", "outputs.max = 1"),
    (
        "rate = 8",
        "rate = 8\nmin_seconds = 3",
        "action.\"image.generate\".price.min_seconds",
        "per = \"second\"",
    ),
    ("min_seconds = 3", "min_seconds = 0", "action.\"video.generate\".price.min_seconds", "from 1 to"),
    ("block_seconds = 5", "block_seconds = 0", "stage.upscale.block_seconds", "above zero"),
    ("values.4k = { block_seconds = 5 }", "values.4k = {}", "stage.upscale.block_seconds", "is missing"),
    (", stages = [\"upscale\"]", "", "stage.upscale", "no action adds it"),
    (
        ".by.quality]",
        ".by.seconds]",
        "action.\"image.generate\".price.by.seconds",
        "counted by the price itself",
    ),
    // One rule each of what is checked beside: a check that nothing breaks could as well be missing.
    (
        "trim = [\"plan\", \"pack\"]",
        "[[carry]]\nat = \"downgrade\"\nsources = [\"pack\"]\nkeep = \"none\"",
        "carry[1].sources",
        "`pack` has a rule for this boundary already",
    ),
    ("sources = [\"plan\", \"pack\"]", "sources = [\"plan\", \"plan\"]", "carry[0].sources", "`plan` twice"),
    ("keep = \"max\"", "keep = \"all\"", "carry[0].max", "only for `keep = \"max\"`"),
    (
        "[change.downgrade]\nwhen = \"term_end\"",
        "[change.downgrade]\nwhen = \"term_end\"\ngrant = \"full\"",
        "change.downgrade.grant",
        "granted by the boundary",
    ),
    (
        "allotments = [100, 200]",
        "custom = { min = 5, default = 4 }",
        "plan.full.custom.default",
        "below the minimum",
    ),
    (
        "allotments = [100, 200]",
        "allotments = [100]\nintervals = []",
        "plan.full.intervals",
        "at least one term",
    ),
    (
        "allotments = [100, 200]",
        "allotments = [100]\nmax_concurrent = 0",
        "plan.full.max_concurrent",
        "runs nothing",
    ),
    ("amount = { full = 60 }", "amount = { vast = 60 }", "addon.unit.source", "no amount for plan `full`"),
    (
        "amount = { full = 60 }",
        "amount = { full = 60, vast = 6 }",
        "source.unit.amount.vast",
        "no plan `vast`",
    ),
    ("per = \"unit\"\n", "", "addon.unit.source", "does not grant per `unit`"),
    ("[addon.unit]\nsource = \"unit\"\nplans = [\"full\"]", "", "source.unit.per", "no add-on"),
    (
        "source = \"unit\"\nplans = [\"full\"]",
        "source = \"unit\"\nplans = [\"full\"]\nunits_max = 0",
        "addon.unit.units_max",
        "above zero",
    ),
    (
        "amount = 10\n",
        "amount = 10\nif = { identity = [] }\n",
        "source.gift.if.identity",
        "names no identity",
    ),
    (
        "amount = 10\n",
        "amount = 10\nif = { plan = [\"free\", \"free\"] }\n",
        "source.gift.if.plan",
        "`free` twice",
    ),
    ("amount = 10\n", "amount = 10\nacts_as = \"vast\"\n", "source.gift.acts_as", "no plan `vast`"),
    ("amount = 10\n", "amount = 10\non_convert = \"keep\"\n", "source.gift.on_convert", "trial_started"),
    (
        "amount = 10\n",
        "amount = 10\non_plan_exit = \"forfeit\"\n",
        "source.gift.on_plan_exit",
        "needs `if.plan`",
    ),
    ("amount = 10\n", "amount = 10\nevery = \"month\"\n", "source.gift.once", "cannot stand with `every`"),
    ("amount = 10\n", "amount = 10\nmin = 5\n", "source.gift.min", "not `purchased`"),
    ("actions = [\"image.*\"]", "actions = []", "scope.pictures.actions", "at least one action"),
    (
        "[[alert]]",
        "[[limit]]\nname = \"purchases\"\nwhat = \"free_jobs\"\namount = { count = 5 }\nwindow = \"day\"\n\n[[alert]]",
        "limit[1].name",
        "another limit too",
    ),
    ("amount = { allotments = 1 }", "amount = { count = 5 }", "limit[0].amount", "`count` is for jobs"),
    ("amount = { allotments = 1 }", "amount = { allotments = -1 }", "limit[0].amount.allotments", "negative"),
    (
        "window = \"billing_month\"",
        "window = \"day\"\nactions = [\"audio.mix\"]",
        "limit[0].actions",
        "no action `audio.mix`",
    ),
    (
        "settle_on = \"each_output\"",
        "settle_on = \"each_output\"\nunknown_deadline_seconds = 0",
        "charge.unknown_deadline_seconds",
        "above zero",
    ),
    ("[[alert]]", "[refund]\nwindow_seconds = 0\n\n[[alert]]", "refund.window_seconds", "to refund never"),
    ("kind = \"low\"\npercent = 20", "kind = \"expiring\"", "alert[0].lead_hours", "need it"),
    (
        "values.standard = {}",
        "values.standard = { rate = 1 }\n[action.\"image.generate\".price.by.model]\nvalues.own = { rate = 2 }\n[action.\"image.generate\".price.by.size]\ndefault = \"s\"\nvalues.s = {}\n[action.\"image.generate\".price.by.other]",
        "action.\"image.generate\".price.rate",
        "two parameters bring one",
    ),
    (
        "default = \"standard\"",
        "default = \"standard\"\noptional = true",
        "action.\"image.generate\".price.by.quality.optional",
        "never left out",
    ),
    (
        "per = \"second\", rate = 5, min_seconds = 3",
        "rate = 5",
        "stage.upscale.per",
        "need not say its seconds",
    ),
    (
        "stages = [\"upscale\"]",
        "stages = [\"upscale\", \"upscale\"]",
        "action.\"video.generate\".price.stages",
        "`upscale` twice",
    ),
    ("[stage.upscale]", "[stage.base]", "stage.base", "every output has"),
    (
        "rate = 8",
        "rate = 8\nblock_seconds = 5",
        "action.\"image.generate\".price.block_seconds",
        "only for `per = \"block\"`",
    ),
    ("kind = \"video\"", "run_timeout_ms = 0", "action.\"video.generate\".run_timeout_ms", "above zero"),
    (
        "kind = \"video\"",
        "seconds = { default = 9, max = 8 }",
        "action.\"video.generate\".seconds.default",
        "maximum 8",
    ),
];

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
