//! A catalog with its text, so that one setting can be tried otherwise before it is read.

use std::sync::Arc;

use reeve_credits::{Catalog, CatalogError, Finding};
use toml::{Table, Value};

use crate::format::Overlay;

/// A catalog and the table it was read from.
#[derive(Debug, Clone)]
pub struct Draft {
    file: String,
    table: Table,
    catalog: Arc<Catalog>,
}

impl Draft {
    /// Reads a catalog. `file` only names the text in findings.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn parse(file: &str, text: &str) -> Result<Self, CatalogError> {
        let catalog = Arc::new(Catalog::parse(file, text)?);
        // What reads as a catalog reads as a table.
        let table = text.parse::<Table>().unwrap_or_default();
        Ok(Self { file: file.to_owned(), table, catalog })
    }

    /// The catalog.
    pub fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    /// The same catalog with some settings otherwise.
    ///
    /// # Errors
    /// All that is wrong with what comes out, or an entry that the overlay names and the catalog does not have.
    pub fn with(&self, overlay: &Overlay) -> Result<Self, CatalogError> {
        let mut table = self.table.clone();
        merge(&mut table, &overlay.0, "").map_err(|(key, reason)| self.refused(key, reason))?;
        let text = toml::to_string(&table).map_err(|error| self.refused(String::new(), error.to_string()))?;
        Self::parse(&self.file, &text)
    }

    /// The same with the next number of version.
    ///
    /// # Errors
    /// As [`Draft::with`].
    pub fn next(&self, overlay: &Overlay) -> Result<Self, CatalogError> {
        let mut overlay = overlay.clone();
        let version = i64::from(self.catalog.version) + 1;
        overlay.0.entry("version").or_insert(Value::Integer(version));
        self.with(&overlay)
    }

    fn refused(&self, key: String, reason: String) -> CatalogError {
        CatalogError { findings: vec![Finding { file: self.file.clone(), key, reason }] }
    }
}

/// A key and what is wrong with it.
type Wrong = (String, String);

fn merge(base: &mut Table, over: &Table, at: &str) -> Result<(), Wrong> {
    for (key, value) in over {
        let path = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
        match (base.get_mut(key), value) {
            (Some(Value::Table(below)), Value::Table(above)) => merge(below, above, &path)?,
            (Some(Value::Array(entries)), Value::Table(above)) if is_named(entries) => {
                merge_entries(entries, above, &path)?;
            }
            (Some(place), _) => *place = value.clone(),
            (None, _) => {
                base.insert(key.clone(), value.clone());
            }
        }
    }
    Ok(())
}

/// An array of tables, whose entries an overlay may name.
fn is_named(entries: &[Value]) -> bool {
    entries.iter().all(Value::is_table)
}

fn merge_entries(entries: &mut [Value], over: &Table, at: &str) -> Result<(), Wrong> {
    for (name, value) in over {
        let path = format!("{at}.{name}");
        let found = match name.parse::<usize>() {
            Ok(n) => entries.get_mut(n),
            Err(_) => entries.iter_mut().find(|entry| is_called(entry, name)),
        };
        match (found, value) {
            (Some(Value::Table(below)), Value::Table(above)) => merge(below, above, &path)?,
            (Some(_), _) => return Err((path, "an entry is changed by a table".to_owned())),
            (None, _) => {
                let reason = "the catalog has no such entry; name one by number, `name`, `at` or `kind`";
                return Err((path, reason.to_owned()));
            }
        }
    }
    Ok(())
}

fn is_called(entry: &Value, name: &str) -> bool {
    ["name", "at", "kind"].iter().any(|key| entry.get(key).and_then(Value::as_str) == Some(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> Table {
        text.parse().unwrap()
    }

    #[test]
    fn tables_are_merged_entries_are_named_and_the_rest_is_replaced() {
        let mut base =
            table("a = 1\nlist = [1]\n[t]\nx = 1\ny = 2\n[[carry]]\nat = \"renewal\"\nkeep = \"all\"\n");
        let over = table("list = [2]\n[t]\nx = 3\n[carry.renewal]\nkeep = \"none\"\n");
        merge(&mut base, &over, "").unwrap();
        let wanted = "a = 1\nlist = [2]\n[t]\nx = 3\ny = 2\n[[carry]]\nat = \"renewal\"\nkeep = \"none\"\n";
        assert_eq!(base, table(wanted));
    }

    #[test]
    fn an_entry_that_is_not_there_is_named() {
        let mut base = table("[[carry]]\nat = \"renewal\"\n");
        let (key, _) = merge(&mut base, &table("[carry.cancel]\nkeep = \"none\"\n"), "").unwrap_err();
        assert_eq!(key, "carry.cancel");
    }
}
