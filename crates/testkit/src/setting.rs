//! Where a random life takes place: a catalog on a shelf, tiers, retry rules.
//!
//! The five shipped catalogs and variants of them that turn one setting: whoever tests a law tests it on all.

use std::sync::Arc;

use reeve_credits::catalog::{Catalog, Factor};
use reeve_jobs::RetrySettings;
use reeve_types::{CatalogName, Millis, PlanName, SourceName, TierName};
use reeve_workspace::{Book, Promotion, Shelf, TierRules, Version};

/// Wednesday, 31 January 2024, 22:17:05.123 UTC: an anchor on a 31st, with a leap day ahead.
pub const T0: Millis = Millis::from_millis(1_706_739_425_123);
/// Jobs of one workspace that run at once.
pub const RUNNING_MAX: u32 = 3;
/// Jobs of one workspace that wait.
pub const QUEUED_MAX: u64 = 6;

const DAY_MS: i64 = 86_400_000;

/// Everything around a workspace that a test holds fixed.
#[derive(Debug)]
pub struct Setting {
    /// For messages.
    pub name: &'static str,
    pub catalog: Arc<Catalog>,
    pub shelf: Shelf,
    pub tiers: Vec<TierRules>,
    pub retry: RetrySettings,
}

impl Setting {
    /// A catalog in two versions that say the same, the second published after 50 days, and a promotion from day
    /// 5 to day 40 where the catalog has a source for one.
    pub fn of(name: &'static str, text: &str) -> Self {
        let parse = |text: &str| {
            Arc::new(Catalog::parse(name, text).unwrap_or_else(|error| unreachable!("{name}: {error}")))
        };
        let first = parse(text);
        let second = parse(&text.replacen("version = 1", "version = 2", 1));
        let versions = vec![
            Version { catalog: first.clone(), published_at: Millis::from_millis(i64::MIN) },
            Version { catalog: second, published_at: T0.plus_ms(50 * DAY_MS) },
        ];
        let promotions = promotion(&first).into_iter().collect();
        let shelf = Shelf::new(Book::new(versions, promotions));
        Self { name, catalog: first, shelf, tiers: tiers(), retry: retry() }
    }

    /// The plans that a life may open on.
    pub fn plans(&self) -> Vec<PlanName> {
        self.catalog.plans.iter().map(|plan| plan.name.clone()).collect()
    }

    /// The name of its catalog.
    pub fn catalog_name(&self) -> &CatalogName {
        &self.catalog.name
    }
}

fn promotion(catalog: &Catalog) -> Option<Promotion> {
    let source = SourceName::new("promo").ok().filter(|name| catalog.source(name).is_some())?;
    let factor: Factor = serde_json::from_str("2").ok()?;
    Some(Promotion {
        id: "double".into(),
        catalog: catalog.name.clone(),
        source,
        from: T0.plus_ms(5 * DAY_MS),
        to: T0.plus_ms(40 * DAY_MS),
        factor,
    })
}

fn tiers() -> Vec<TierRules> {
    let names = ["free", "standard", "pro", "instant"];
    let tier = |name| {
        TierName::new(name).ok().map(|name| TierRules {
            name,
            running_max: RUNNING_MAX,
            queued_max: QUEUED_MAX,
        })
    };
    names.into_iter().filter_map(tier).collect()
}

/// Two attempts, then a job fails: lives are short.
fn retry() -> RetrySettings {
    RetrySettings { attempts_max: 2, poison_lapses_max: 2, ..RetrySettings::default() }
}

const KIVE: &str = include_str!("../../../config/catalogs/kive.toml");
const KIRA: &str = include_str!("../../../config/catalogs/kira.toml");
const KREATORFLOW: &str = include_str!("../../../config/catalogs/kreatorflow.toml");
const AI_STUDIOS: &str = include_str!("../../../config/catalogs/ai-studios.toml");
const KAIBER: &str = include_str!("../../../config/catalogs/kaiber.toml");

/// `text` with `from` replaced everywhere.
///
/// # Panics
/// When `from` does not occur: a variant that changes nothing would test nothing.
pub fn varied(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "the catalog has no `{from}`");
    text.replace(from, to)
}

/// The five shipped catalogs.
pub fn shipped() -> Vec<Setting> {
    vec![
        Setting::of("kive", KIVE),
        Setting::of("kira", KIRA),
        Setting::of("kreatorflow", KREATORFLOW),
        Setting::of("ai-studios", AI_STUDIOS),
        Setting::of("kaiber", KAIBER),
    ]
}

/// The shipped ones with one setting turned each.
pub fn variants() -> Vec<Setting> {
    let on_payment = |text| varied(text, "renewal = \"automatic\"", "renewal = \"on_payment\"");
    let clamp = |text| varied(text, "chargeback = \"debt\"", "chargeback = \"clamp\"");
    vec![
        Setting::of("kive on payment", &on_payment(KIVE)),
        Setting::of("kive cap on balance", &varied(KIVE, "cap_on = \"carried\"", "cap_on = \"balance\"")),
        Setting::of("kira on payment", &on_payment(KIRA)),
        Setting::of("kreatorflow clamp", &clamp(KREATORFLOW)),
        Setting::of("ai-studios on payment, clamp", &clamp(&on_payment(AI_STUDIOS))),
        Setting::of(
            "ai-studios prorated seats",
            &varied(AI_STUDIOS, "prorate = \"none\"", "prorate = \"days\""),
        ),
        seats_removed_now(),
        Setting::of("kaiber on payment", &on_payment(KAIBER)),
    ]
}

/// AI Studios where everything goes down at once, seats too.
pub fn seats_removed_now() -> Setting {
    let text =
        varied(AI_STUDIOS, "[change.downgrade]\nwhen = \"term_end\"", "[change.downgrade]\nwhen = \"now\"");
    let text = varied(&text, "removed = \"term_end\"", "removed = \"now\"");
    Setting::of("ai-studios, seats removed now", &text)
}

/// What the reference ledger models: the shipped ones, and variants whose rules it knows.
pub fn modelled() -> Vec<Setting> {
    let known = |setting: &Setting| !["on payment", "now"].iter().any(|part| setting.name.contains(part));
    let variants = variants().into_iter().filter(known);
    shipped().into_iter().chain(variants).collect()
}

/// Shipped ones and variants.
pub fn all() -> Vec<Setting> {
    shipped().into_iter().chain(variants()).collect()
}
