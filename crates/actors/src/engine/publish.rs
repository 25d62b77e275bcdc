//! Catalogs and promotions while the engine runs: checked, stored, then put in force as one new shelf.

use std::sync::Arc;

use reeve_credits::catalog::{Catalog, Factor, Finding, Trigger};
use reeve_journal::{CatalogRow, PlatformChange};
use reeve_types::{CatalogName, Millis};
use reeve_workspace::{Promotion, Refusal, Shelf};

use super::Engine;
use super::start::untiered;
use crate::call::Unavailable;
use crate::dispatcher::Pools;
use crate::shelves::{self, ShelfError};

/// Name of a text that came by a request, in findings.
const SENT: &str = "catalog";

/// Why a catalog is not published.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PublishRefusal {
    /// The text is no sound catalog, or does not fit this server. Never empty.
    #[error("the catalog is not valid")]
    Invalid { findings: Vec<Finding> },
    /// A published version is never changed.
    #[error("catalog `{catalog}` version {version} is published with another text; use version {next}")]
    Published { catalog: CatalogName, version: u32, next: u32 },
    /// Versions count up by one.
    #[error("catalog `{catalog}` cannot get version {version} now; use version {next}")]
    Version { catalog: CatalogName, version: u32, next: u32 },
}

/// A version that may be published.
enum Standing {
    /// With this very text.
    Stored,
    New {
        published_at: Millis,
    },
}

impl Engine {
    /// The catalogs and promotions in force now. A decision keeps the one that it took.
    pub fn shelf(&self) -> Arc<Shelf> {
        self.shared.shelf()
    }

    /// Every promotion, past ones too.
    pub fn promotions(&self) -> Vec<Promotion> {
        self.shelf().iter().flat_map(|book| book.promotions().iter().cloned()).collect()
    }

    /// Publishes a version: the one after the newest, or 1 of a new catalog. Lots and jobs keep the version that
    /// they were made under; a workspace moves when its next term starts. The same text again is the same success.
    /// Running `examples` is the caller's, before.
    ///
    /// # Errors
    /// [`Unavailable`]: perhaps stored; repeat it.
    pub async fn publish_catalog(
        &self,
        text: &str,
        examples: Option<String>,
    ) -> Result<Result<Arc<Catalog>, PublishRefusal>, Unavailable> {
        let catalog = match Catalog::parse(SENT, text) {
            Ok(catalog) => catalog,
            Err(error) => return Ok(Err(PublishRefusal::Invalid { findings: error.findings })),
        };
        let _one_at_a_time = self.shared.publishing.lock().await;
        let rows = self.shared.reader.catalogs().await?;
        let (name, version) = (catalog.name.clone(), catalog.version);
        match self.judge(&catalog, text, &rows) {
            Err(refusal) => return Ok(Err(refusal)),
            // Also after an outcome that nobody knew: the shelf may still lack it.
            Ok(Standing::Stored) => {}
            Ok(Standing::New { published_at }) => {
                let (name, text) = (name.clone(), text.to_owned());
                let row = CatalogRow { name, version, text, examples, published_at };
                self.platform(PlatformChange::PublishCatalog(row)).await?;
            }
        }
        self.reshelve().await?;
        let shelf = self.shelf();
        let book = shelf.get(&name).into_iter().flat_map(|book| book.versions());
        let stored = book.map(|version| &version.catalog).find(|stored| stored.version == version).cloned();
        Ok(Ok(stored.unwrap_or_else(|| Arc::new(catalog))))
    }

    /// What [`publish_catalog`](Self::publish_catalog) would refuse of a catalog and its text; changes nothing.
    ///
    /// # Errors
    /// [`Unavailable`]: the store cannot be read.
    pub async fn try_catalog(
        &self,
        catalog: &Catalog,
        text: &str,
    ) -> Result<Result<(), PublishRefusal>, Unavailable> {
        let rows = self.shared.reader.catalogs().await?;
        Ok(self.judge(catalog, text, &rows).map(drop))
    }

    /// How a version stands to those that are stored.
    fn judge(&self, catalog: &Catalog, text: &str, rows: &[CatalogRow]) -> Result<Standing, PublishRefusal> {
        let mine: Vec<&CatalogRow> = rows.iter().filter(|row| row.name == catalog.name).collect();
        let next = mine.iter().map(|row| row.version).max().unwrap_or(0).saturating_add(1);
        let (name, version) = (catalog.name.clone(), catalog.version);
        match mine.iter().find(|row| row.version == version) {
            Some(row) if row.text == text => return Ok(Standing::Stored),
            Some(_) => return Err(PublishRefusal::Published { catalog: name, version, next }),
            None if version != next => return Err(PublishRefusal::Version { catalog: name, version, next }),
            None => {}
        }
        if let Some(refusal) = self.misfit(catalog) {
            return Err(refusal);
        }
        // Each version is published no earlier than the one before, whatever the clock did.
        let newest = mine.iter().map(|row| row.published_at).max();
        Ok(Standing::New { published_at: newest.map_or(self.now(), |newest| newest.max(self.now())) })
    }

    /// Sets a promotion, at its latest values (KV-27).
    ///
    /// # Errors
    /// [`Unavailable`]: perhaps stored; repeat it.
    pub async fn put_promotion(&self, promotion: Promotion) -> Result<Result<(), Refusal>, Unavailable> {
        let _one_at_a_time = self.shared.publishing.lock().await;
        if let Err(refusal) = check(&promotion, &self.shelf()) {
            return Ok(Err(refusal));
        }
        self.platform(PlatformChange::PutPromotion(promotion)).await?;
        self.reshelve().await?;
        Ok(Ok(()))
    }

    /// What this server cannot do for a catalog that is sound in itself.
    fn misfit(&self, catalog: &Catalog) -> Option<PublishRefusal> {
        let plan = untiered(&self.shared.rules().settings, catalog)?;
        let finding = Finding {
            file: SENT.to_owned(),
            key: format!("plan.{}.tier", plan.name),
            reason: format!("tier `{}` is not configured on this server", plan.tier),
        };
        Some(PublishRefusal::Invalid { findings: vec![finding] })
    }

    /// Puts what is stored in force.
    async fn reshelve(&self) -> Result<(), Unavailable> {
        let shared = &self.shared;
        let shelf = shelves::load(&shared.reader, &shared.shelf()).await.map_err(unavailable)?;
        // Pools first: no job of the new version may find its pool missing.
        if let Some(dispatcher) = shared.dispatcher.get() {
            let pools = Pools(shelves::pools(&shelf).into_iter().collect());
            dispatcher.send(pools).await.map_err(|_| Unavailable::STOPPING)?;
        }
        shared.put_shelf(shelf);
        Ok(())
    }
}

fn unavailable(error: ShelfError) -> Unavailable {
    match error {
        ShelfError::Store(error) => error.into(),
        error => {
            tracing::error!(%error, "what is stored cannot be put in force");
            Unavailable::Retry { reason: "the stored catalogs cannot be read", after_seconds: 5 }
        }
    }
}

fn check(promotion: &Promotion, shelf: &Shelf) -> Result<(), Refusal> {
    let Some(book) = shelf.get(&promotion.catalog) else {
        let detail = format!("`{}` is not a catalog", promotion.catalog);
        return Err(Refusal::invalid("/catalog", detail));
    };
    let source = book.latest().source(&promotion.source);
    if !source.is_some_and(|source| source.on.contains(&Trigger::Promotion)) {
        let detail = format!(
            "`{}` is not a source of catalog `{}` that grants on `promotion`",
            promotion.source, promotion.catalog
        );
        return Err(Refusal::invalid("/source", detail));
    }
    if promotion.from >= promotion.to {
        return Err(Refusal::invalid("/to", "a promotion ends after it begins"));
    }
    if promotion.factor <= Factor::ONE {
        return Err(Refusal::invalid("/factor", "a factor is above 1: `2` doubles a purchase"));
    }
    // Moved to another catalog it would vanish from where somebody announced it.
    let taken = shelf.iter().flat_map(|book| book.promotions()).find(|other| other.id == promotion.id);
    if let Some(other) = taken.filter(|other| other.catalog != promotion.catalog) {
        let detail =
            format!("promotion `{}` is one of catalog `{}`; use another id", other.id, other.catalog);
        return Err(Refusal::Conflict { detail });
    }
    Ok(())
}
