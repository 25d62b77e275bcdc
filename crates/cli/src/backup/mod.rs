//! Backups: a folder from which a server can begin again elsewhere, made while the server runs.
//!
//! Used by `reeve backup` and `reeve restore`. A backup is made in a folder of another name and gets its own by a rename at
//! the very end, after everything in it is on disk: what has the name is whole. Nothing in a backup is ever written again.
//!
//! ```text
//! manifest.json              what it is a backup of, and the digest of the sums
//! files.sha256               the digest of every other file, as `sha256sum -c` reads it
//! database.sqlite            or database.dump, of PostgreSQL
//! heads.csv                  where the ledger of each workspace ends
//! data/                      outputs, inputs and the key of links, as in the data folder
//! config/                    settings and catalogs of the server's own, if they were named
//! ```
//!
//! The database comes first and the files after it: a file that lands in between is one too many, which the upkeep of a
//! restored server takes away, while a file that its row names is missing only if its row was about to lose it.

mod files;
mod make;
mod manifest;
mod part;
mod restore;
mod sums;

pub use files::FilesMode;
pub use make::{Made, Make, make};
pub use manifest::DatabaseKind;
pub use restore::{Restore, Restored, restore};

/// The manifest's own file.
const MANIFEST: &str = "manifest.json";
/// The digests of all other files.
const SUMS: &str = "files.sha256";
/// Where the ledgers end.
const HEADS: &str = "heads.csv";
/// A copy of a SQLite database. Not by the name that a server looks for: started on a backup, it would write into it.
const SQLITE: &str = "database.sqlite";
/// An archive of a PostgreSQL database.
const POSTGRES: &str = "database.dump";
/// What belongs into the data folder.
const DATA: &str = "data";
/// Settings and catalogs.
const CONFIG: &str = "config";
/// The folder of outputs and inputs in the data folder.
const ARTIFACTS: &str = "artifacts";
/// Uploads under way, in there: nobody ever reads what a backup had of them.
const STAGING: &str = "staging";
/// The secret that signs links, in the data folder.
const LINK_KEY: &str = "link.key";
/// The SQLite database in a data folder.
const DATABASE: &str = "reeve.db";
