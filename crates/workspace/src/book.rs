//! All versions of one catalog, and the promotions that run on it: what a decision may look up by time.
//!
//! Built by the composition root and shared; a workspace is on one version and moves to a later one
//! explicitly or when its term renews.

use std::collections::BTreeMap;
use std::sync::Arc;

use reeve_credits::catalog::{Catalog, Factor};
use reeve_types::{CatalogName, Millis, SourceName};

/// One published version.
#[derive(Clone, Debug)]
pub struct Version {
    /// The catalog at that version.
    pub catalog: Arc<Catalog>,
    /// From when on new terms are of it.
    pub published_at: Millis,
}

/// Purchases confirmed in `[from, to)` get a promotional lot beside theirs (KV-27).
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Promotion {
    /// Its name, unique in the store.
    pub id: Arc<str>,
    /// The catalog whose purchases it is about.
    pub catalog: CatalogName,
    /// The source that the promotional lot is of.
    pub source: SourceName,
    /// First instant included.
    pub from: Millis,
    /// First instant no longer included.
    pub to: Millis,
    /// How many times the purchase the buyer gets in all: 2 doubles it.
    pub factor: Factor,
}

/// All versions of one catalog. Never empty.
#[derive(Clone, Debug)]
pub struct Book {
    /// Ascending by version, each published no earlier than the one before.
    versions: Vec<Version>,
    promotions: Vec<Promotion>,
}

impl Book {
    /// A book of one version, in force since ever.
    pub fn single(catalog: Arc<Catalog>) -> Self {
        let first = Version { catalog, published_at: Millis::from_millis(i64::MIN) };
        Self { versions: vec![first], promotions: Vec::new() }
    }

    /// A book of these versions in order; `None` when there is none.
    pub fn new(mut versions: Vec<Version>, promotions: Vec<Promotion>) -> Option<Self> {
        versions.sort_by_key(|version| version.catalog.version);
        (!versions.is_empty()).then_some(Self { versions, promotions })
    }

    /// The catalog at that version.
    pub fn version(&self, version: u32) -> Option<&Catalog> {
        self.versions.iter().find(|known| known.catalog.version == version).map(|known| &*known.catalog)
    }

    /// The newest version that was published at `t`; the oldest of all before any was.
    pub fn latest_at(&self, t: Millis) -> &Catalog {
        let newest = self.versions.iter().rev().find(|version| version.published_at <= t);
        &newest.unwrap_or(&self.versions[0]).catalog
    }

    /// The newest version of all.
    pub fn latest(&self) -> &Arc<Catalog> {
        &self.versions[self.versions.len() - 1].catalog
    }

    /// All versions, oldest first.
    pub fn versions(&self) -> &[Version] {
        &self.versions
    }

    /// Promotions that run at `t`.
    pub fn promotions_at(&self, t: Millis) -> impl Iterator<Item = &Promotion> {
        self.promotions.iter().filter(move |promotion| promotion.from <= t && t < promotion.to)
    }

    /// All promotions.
    pub fn promotions(&self) -> &[Promotion] {
        &self.promotions
    }
}

/// The books of all catalogs, by name. A new one takes its place whole when something is published.
#[derive(Clone, Debug, Default)]
pub struct Shelf {
    books: BTreeMap<CatalogName, Book>,
}

impl Shelf {
    /// A shelf of these books; of two with one name the later wins.
    pub fn new(books: impl IntoIterator<Item = Book>) -> Self {
        let named = books.into_iter().map(|book| (book.latest().name.clone(), book));
        Self { books: named.collect() }
    }

    /// All versions of a catalog.
    pub fn get(&self, name: &CatalogName) -> Option<&Book> {
        self.books.get(name)
    }

    /// All, in order of name.
    pub fn iter(&self) -> impl Iterator<Item = &Book> {
        self.books.values()
    }

    /// The catalog of that name at that version.
    pub fn version(&self, name: &CatalogName, version: u32) -> Option<&Catalog> {
        self.get(name)?.version(version)
    }
}
