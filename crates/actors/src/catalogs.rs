//! The catalogs in force, by name.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use reeve_credits::catalog::Catalog;
use reeve_types::{CatalogName, PoolName};

/// Every catalog that was loaded; shared, never changed.
#[derive(Clone, Debug, Default)]
pub struct Catalogs {
    by_name: Arc<BTreeMap<CatalogName, Arc<Catalog>>>,
}

impl Catalogs {
    /// A set of catalogs; of two with one name the later wins.
    pub fn new(catalogs: impl IntoIterator<Item = Catalog>) -> Self {
        let by_name = catalogs.into_iter().map(|catalog| (catalog.name.clone(), Arc::new(catalog))).collect();
        Self { by_name: Arc::new(by_name) }
    }

    /// The catalog of that name.
    pub fn get(&self, name: &CatalogName) -> Option<&Arc<Catalog>> {
        self.by_name.get(name)
    }

    /// All, in order of name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Catalog>> {
        self.by_name.values()
    }

    /// Every pool that an action names.
    pub fn pools(&self) -> BTreeSet<PoolName> {
        self.iter().flat_map(|catalog| catalog.actions.values().map(|action| action.pool.clone())).collect()
    }
}
