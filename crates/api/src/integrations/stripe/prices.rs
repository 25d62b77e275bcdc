//! The mapping: what the provider's prices sell here. The configuration decides it, never an amount in an event.
//!
//! Checked against the catalogs in force when it is made, at start and at each reload, so that a slip of the pen is
//! found by whoever makes it and not by the first customer who pays.

use reeve_credits::catalog::{AddonName, Catalog, Interval};
use reeve_types::{CatalogName, Credits, PlanName};
use reeve_workspace::{Shelf, Subscribe};
use rustc_hash::FxHashMap;
use serde::Deserialize;

/// Longest id of the provider's, in bytes.
pub(super) const ID_BYTES_MAX: usize = 255;

/// How Stripe's events are taken.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StripeSettings {
    /// How far a signature's time may lie from ours, in seconds.
    pub tolerance_seconds: u32,
    /// How long an event waits for one that comes before it, counted from when it happened, in seconds.
    pub wait_seconds: u32,
    pub prices: Vec<PriceEntry>,
}

/// What one price sells: exactly one of `plan`, `pack`, `credits` and `addon`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceEntry {
    /// The provider's id of it.
    pub price: String,
    pub catalog: String,
    pub plan: Option<String>,
    /// With `plan`: the plan's smallest when absent.
    pub allotment: Option<u32>,
    /// With `plan`: a month when absent.
    pub interval: Option<Interval>,
    /// With `plan`: the quantity is the number of seats.
    #[serde(default)]
    pub seats: bool,
    pub pack: Option<String>,
    /// For each of the quantity.
    pub credits: Option<u32>,
    /// The quantity is the number of units.
    pub addon: Option<String>,
}

/// A mapping that does not fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`integrations.stripe.prices`: price `{price}` {reason}")]
pub struct PriceError {
    pub price: String,
    pub reason: String,
}

/// The mapping in force.
#[derive(Debug, Default)]
pub(super) struct Prices(FxHashMap<String, Price>);

/// What a price is here.
#[derive(Clone, Debug)]
pub(super) struct Price {
    pub catalog: CatalogName,
    pub sells: Sells,
}

/// What it sells.
#[derive(Clone, Debug)]
pub(super) enum Sells {
    /// `seats`: to be filled in with the quantity.
    Plan {
        subscribe: Subscribe,
        seats: bool,
    },
    Pack(String),
    Credits(Credits),
    Addon(AddonName),
}

impl Prices {
    /// The entries, each fitting its catalog.
    pub(super) fn new(entries: &[PriceEntry], shelf: &Shelf) -> Result<Self, PriceError> {
        let mut prices = FxHashMap::default();
        for entry in entries {
            let wrong = |reason: String| PriceError { price: entry.price.clone(), reason };
            if !is_id(&entry.price) {
                return Err(wrong(format!("is no id: 1 to {ID_BYTES_MAX} visible ASCII characters")));
            }
            let price = price(entry, shelf).map_err(wrong)?;
            if prices.insert(entry.price.clone(), price).is_some() {
                return Err(wrong("is there twice".to_owned()));
            }
        }
        Ok(Self(prices))
    }

    pub(super) fn get(&self, price: &str) -> Option<&Price> {
        self.0.get(price)
    }
}

/// Could a text be one of the provider's ids?
pub(super) fn is_id(text: &str) -> bool {
    (1..=ID_BYTES_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn price(entry: &PriceEntry, shelf: &Shelf) -> Result<Price, String> {
    let name = entry.catalog.parse::<CatalogName>().map_err(|error| error.to_string())?;
    let Some(book) = shelf.get(&name) else {
        let known = shelf.iter().map(|book| book.latest().name.to_string());
        return Err(format!("names catalog `{name}`; there are {}", listed(known)));
    };
    let catalog = book.latest();
    let of_plans = entry.allotment.is_some() || entry.interval.is_some() || entry.seats;
    if of_plans && entry.plan.is_none() {
        return Err("has `allotment`, `interval` or `seats` without a `plan`".to_owned());
    }
    let sells = match (&entry.plan, &entry.pack, entry.credits, &entry.addon) {
        (Some(plan), None, None, None) => plan_of(entry, plan, catalog)?,
        (None, Some(pack), None, None) => pack_of(pack, catalog)?,
        (None, None, Some(credits), None) => credits_of(credits, catalog)?,
        (None, None, None, Some(addon)) => addon_of(addon, catalog)?,
        _ => return Err("needs exactly one of `plan`, `pack`, `credits` and `addon`".to_owned()),
    };
    Ok(Price { catalog: name, sells })
}

fn plan_of(entry: &PriceEntry, plan: &str, catalog: &Catalog) -> Result<Sells, String> {
    let plan = plan.parse::<PlanName>().map_err(|error| error.to_string())?;
    let allotment = entry.allotment.and_then(|credits| Credits::whole(i64::from(credits)));
    let interval = entry.interval.unwrap_or(Interval::Month);
    let sold = catalog.subscription(&plan, allotment, interval, 1);
    let sold = sold.map_err(|refusal| format!("does not fit catalog `{}`: {refusal}", catalog.name))?;
    if !sold.plan.paid {
        return Err(format!("sells plan `{plan}` of catalog `{}`, which is free", catalog.name));
    }
    if entry.seats && !sold.plan.per_seat {
        return Err(format!("counts seats of plan `{plan}`, which has none"));
    }
    let subscribe = Subscribe { plan, allotment: sold.allotment, interval: Some(interval), seats: None };
    Ok(Sells::Plan { subscribe, seats: entry.seats })
}

fn pack_of(pack: &str, catalog: &Catalog) -> Result<Sells, String> {
    if !catalog.packs.contains_key(pack) {
        let known = catalog.packs.keys().map(ToString::to_string);
        let (name, known) = (&catalog.name, listed(known));
        return Err(format!("sells pack `{pack}`; catalog `{name}` has {known}"));
    }
    Ok(Sells::Pack(pack.to_owned()))
}

fn credits_of(credits: u32, catalog: &Catalog) -> Result<Sells, String> {
    if !catalog.packs.is_empty() {
        return Err(format!("sells credits; catalog `{}` sells packs", catalog.name));
    }
    match Credits::whole(i64::from(credits)).filter(|credits| credits.is_positive()) {
        Some(credits) => Ok(Sells::Credits(credits)),
        None => Err("sells no credits: `credits` must be above 0".to_owned()),
    }
}

fn addon_of(addon: &str, catalog: &Catalog) -> Result<Sells, String> {
    let name = addon.parse::<AddonName>().map_err(|error| error.to_string())?;
    if !catalog.addons.contains_key(&name) {
        let known = catalog.addons.keys().map(ToString::to_string);
        return Err(format!("sells add-on `{name}`; catalog `{}` has {}", catalog.name, listed(known)));
    }
    Ok(Sells::Addon(name))
}

fn listed(names: impl Iterator<Item = String>) -> String {
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Arc;

    use reeve_workspace::Book;

    use super::*;

    /// Two of the shipped catalogs.
    pub(in crate::integrations::stripe) fn shelf() -> Shelf {
        let book = |name: &str| {
            let text = std::fs::read_to_string(format!("../../config/catalogs/{name}.toml")).unwrap();
            Book::single(Arc::new(Catalog::parse(name, &text).unwrap()))
        };
        Shelf::new(["kive", "kreatorflow", "ai-studios"].map(book))
    }

    pub(in crate::integrations::stripe) fn entry(price: &str, catalog: &str) -> PriceEntry {
        PriceEntry {
            price: price.to_owned(),
            catalog: catalog.to_owned(),
            plan: None,
            allotment: None,
            interval: None,
            seats: false,
            pack: None,
            credits: None,
            addon: None,
        }
    }

    fn plan(catalog: &str, plan: &str) -> PriceEntry {
        PriceEntry { plan: Some(plan.to_owned()), ..entry("price_1", catalog) }
    }

    #[test]
    fn what_fits_its_catalog_is_taken() {
        let entries = [
            PriceEntry { allotment: Some(5_000), ..plan("kive", "pro") },
            PriceEntry { price: "price_2".to_owned(), seats: true, ..plan("ai-studios", "team") },
            PriceEntry { pack: Some("creator".to_owned()), ..entry("price_3", "kreatorflow") },
            PriceEntry { credits: Some(500), ..entry("price_4", "kive") },
            PriceEntry { addon: Some("unit".to_owned()), ..entry("price_5", "ai-studios") },
        ];
        let prices = Prices::new(&entries, &shelf()).unwrap();
        assert!(matches!(&prices.get("price_3").unwrap().sells, Sells::Pack(pack) if pack == "creator"));
        assert!(prices.get("price_6").is_none());
    }

    #[test]
    fn what_does_not_fit_is_refused_with_the_price_and_the_reason() {
        let both = PriceEntry { credits: Some(1), ..plan("kive", "pro") };
        let cases = [
            (plan("kivee", "pro"), "names catalog `kivee`; there are"),
            (plan("kive", "gold"), "gold"),
            (plan("kive", "free"), "which is free"),
            (PriceEntry { allotment: Some(7), ..plan("kive", "pro") }, "does not fit catalog `kive`"),
            (PriceEntry { seats: true, ..plan("kive", "pro") }, "which has none"),
            (both, "exactly one of"),
            (entry("price_1", "kive"), "exactly one of"),
            (PriceEntry { pack: Some("big".to_owned()), ..entry("price_1", "kreatorflow") }, "pack `big`"),
            (PriceEntry { credits: Some(5), ..entry("price_1", "kreatorflow") }, "sells packs"),
            (PriceEntry { credits: Some(0), ..entry("price_1", "kive") }, "above 0"),
            (PriceEntry { addon: Some("unit".to_owned()), ..entry("price_1", "kive") }, "has none"),
            (PriceEntry { seats: true, credits: Some(1), ..entry("price_1", "kive") }, "without a `plan`"),
            (PriceEntry { price: "a b".to_owned(), ..plan("kive", "pro") }, "is no id"),
        ];
        for (entry, reason) in cases {
            let error = Prices::new(std::slice::from_ref(&entry), &shelf()).unwrap_err();
            assert_eq!(error.price, entry.price);
            assert!(error.to_string().contains(reason), "{error}");
        }
        let twice = Prices::new(&[plan("kive", "pro"), plan("kive", "basic")], &shelf()).unwrap_err();
        assert!(twice.to_string().contains("there twice"), "{twice}");
    }
}
