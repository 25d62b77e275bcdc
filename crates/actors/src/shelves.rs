//! From stored texts to the shelf of catalogs that decisions look at, and from files to the store at a start.
//!
//! The store is the truth: a file is only published into it. A shelf is replaced whole, so a decision that took
//! the one before goes on with it undisturbed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use reeve_credits::catalog::{Catalog, CatalogError};
use reeve_journal::{CatalogRow, CommitOutcome, Journal, PlatformChange, Reader, StoreError};
use reeve_types::{CatalogName, Millis, PoolName};
use reeve_workspace::{Book, Promotion, Shelf, Version};

/// A catalog as the composition root read it: published into the store when its version is new there.
#[derive(Clone, Debug)]
pub struct CatalogFile {
    pub catalog: Catalog,
    /// What `catalog` was parsed from.
    pub text: String,
    /// Its worked examples, as text.
    pub examples: Option<String>,
}

impl CatalogFile {
    /// Reads and checks a catalog. `file` only names the text in findings.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn parse(file: &str, text: &str, examples: Option<String>) -> Result<Self, CatalogError> {
        Ok(Self { catalog: Catalog::parse(file, text)?, text: text.to_owned(), examples })
    }
}

/// Why there is no shelf.
#[derive(Debug, thiserror::Error)]
pub enum ShelfError {
    /// The operator's: a published version is never changed, since lots and jobs refer to it (X6).
    #[error(
        "catalog `{catalog}` version {version} differs from the one in the database; raise its `version`"
    )]
    Differs { catalog: CatalogName, version: u32 },
    #[error(
        "catalog `{catalog}` version {version} is older than version {newest} in the database; use a higher `version`"
    )]
    Older { catalog: CatalogName, version: u32, newest: u32 },
    /// Written by a release that knew more, or damaged.
    #[error("catalog `{catalog}` version {version} of the database cannot be read: {error}")]
    Unreadable { catalog: CatalogName, version: u32, error: CatalogError },
    #[error("catalog `{catalog}` version {version} could not be stored: {detail}")]
    NotStored { catalog: CatalogName, version: u32, detail: String },
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Publishes the files whose version the store does not have.
///
/// # Errors
/// A version that is there with another text, even if only a comment differs.
pub(crate) async fn publish_files(
    journal: &Arc<dyn Journal>,
    reader: &Arc<dyn Reader>,
    (files, now): (&[CatalogFile], Millis),
) -> Result<(), ShelfError> {
    let rows = reader.catalogs().await?;
    for file in files {
        let (catalog, version) = (file.catalog.name.clone(), file.catalog.version);
        let mine = rows.iter().filter(|row| row.name == catalog);
        match mine.clone().find(|row| row.version == version) {
            Some(row) if row.text == file.text => continue,
            Some(_) => return Err(ShelfError::Differs { catalog, version }),
            None => {}
        }
        let newest = mine.max_by_key(|row| row.version);
        if let Some(row) = newest.filter(|row| row.version > version) {
            return Err(ShelfError::Older { catalog, version, newest: row.version });
        }
        let published_at = newest.map_or(now, |row| row.published_at.max(now));
        let (text, examples) = (file.text.clone(), file.examples.clone());
        let row = CatalogRow { name: catalog.clone(), version, text, examples, published_at };
        tracing::info!(%catalog, version, "publishing a catalog");
        store(journal, row).await.map_err(|detail| ShelfError::NotStored { catalog, version, detail })?;
    }
    Ok(())
}

async fn store(journal: &Arc<dyn Journal>, row: CatalogRow) -> Result<(), String> {
    let outcome = journal.submit_platform(PlatformChange::PublishCatalog(row));
    let outcome = outcome.map_err(|overloaded| overloaded.to_string())?.await;
    match outcome {
        Ok(CommitOutcome::Durable) => Ok(()),
        Ok(outcome) => Err(format!("{outcome:?}")),
        Err(_) => Err("the journal is gone".to_owned()),
    }
}

/// The shelf of everything that is stored. Versions that `known` has are taken from there: a text is parsed once.
///
/// # Errors
/// A store that cannot be read, or a text of it.
pub(crate) async fn load(reader: &Arc<dyn Reader>, known: &Shelf) -> Result<Shelf, ShelfError> {
    let mut promotions: BTreeMap<CatalogName, Vec<Promotion>> = BTreeMap::new();
    for promotion in reader.promotions().await? {
        promotions.entry(promotion.catalog.clone()).or_default().push(promotion);
    }
    let mut versions: BTreeMap<CatalogName, Vec<Version>> = BTreeMap::new();
    for row in reader.catalogs().await? {
        let of_name = versions.entry(row.name.clone()).or_default();
        // The first version holds since ever: a workspace imported with an older past finds its catalog too.
        let oldest = of_name.is_empty();
        let published_at = if oldest { Millis::from_millis(i64::MIN) } else { row.published_at };
        of_name.push(Version { catalog: parsed(&row, known)?, published_at });
    }
    let books = versions.into_iter().filter_map(|(name, versions)| {
        let promotions = promotions.remove(&name).unwrap_or_default();
        Book::new(versions, promotions)
    });
    Ok(Shelf::new(books))
}

fn parsed(row: &CatalogRow, known: &Shelf) -> Result<Arc<Catalog>, ShelfError> {
    let same = |version: &&Version| version.catalog.version == row.version;
    if let Some(version) = known.get(&row.name).and_then(|book| book.versions().iter().find(same)) {
        return Ok(version.catalog.clone());
    }
    let file = format!("{} version {}", row.name, row.version);
    let unreadable =
        |error| ShelfError::Unreadable { catalog: row.name.clone(), version: row.version, error };
    Catalog::parse(&file, &row.text).map(Arc::new).map_err(unreadable)
}

/// Every pool that an action of any version names: jobs of old versions run on.
pub(crate) fn pools(shelf: &Shelf) -> BTreeSet<PoolName> {
    named(shelf).cloned().collect()
}

/// True for one of [`pools`], without making the set.
pub(crate) fn names_pool(shelf: &Shelf, pool: &PoolName) -> bool {
    named(shelf).any(|named| named == pool)
}

fn named(shelf: &Shelf) -> impl Iterator<Item = &PoolName> {
    let versions = shelf.iter().flat_map(Book::versions);
    versions.flat_map(|version| version.catalog.actions.values().map(|action| &action.pool))
}
