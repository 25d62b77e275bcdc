//! Credit policy as data: catalogs, prices, opening grants, the calendar, lots and holds.
//!
//! Pure: no clock, no randomness, no I/O. A catalog is text in, a checked value out; a price is a catalog and a
//! request in, a frozen quote out; a boundary is an anchor and a count in, an instant out. Everything that knows
//! one product's rules is in that product's catalog file; nothing here names a product.
//!
//! Used by `workspace`, which decides with these values, and by whoever loads catalog files.
#![deny(missing_docs)]

pub mod calendar;
pub mod catalog;
pub mod hold;
pub mod lot;
pub mod opening;
pub mod price;

pub use calendar::Period;
pub use catalog::{Catalog, CatalogError, Finding, Interval, Plan, ScopeName};
pub use opening::{GrantKey, GrantOrder, OpeningFacts, OpeningRefusal, opening_grants};
pub use price::{
    OutputPrice, OutputResult, ParamFinding, Quote, QuoteLine, QuoteRefusal, StageOutcome, Units, quote,
};
