//! Where outputs and assets land: durable bytes under keys that are made of ids, never of a caller's text.
//!
//! Used by `api`, which streams uploads in and bytes out; nothing here knows about jobs, credits or HTTP. A put
//! returns only when the bytes would survive a power cut, and an upload that breaks off leaves nothing readable.
//!
//! ```text
//! outputs/<job>/<lease>/<n>-<sha256>     one output of one attempt
//! assets/<workspace>/<asset>-<sha256>    an uploaded input
//! assets/<workspace>/<asset>.json        what it is; the asset exists once this does
//! staging/...                            uploads under way; emptied when a local store opens
//! ```
//!
//! The digest is part of the key, so that a later upload of other bytes never changes what a committed row
//! names: the row's digest finds exactly the bytes that it vouches for.

mod asset;
mod body;
mod error;
mod key;
mod local;
mod put;
mod task;
mod walk;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use object_store::ObjectStore;

pub use asset::AssetMeta;
pub use body::Body;
pub use error::{ArtifactError, PutError};
pub use key::{AssetKey, OutputKey, OutputSlot};
pub use put::{Stored, Wanted};
pub use walk::{FileKind, FoundFile, Walk};

/// Bytes that a local put gathers before it writes: what is smaller is written in one step.
const LOCAL_PART_BYTES: usize = 4 << 20;

/// The store of outputs and assets. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Artifacts {
    store: Arc<dyn ObjectStore>,
    /// Set on a local disk, where a folder must be synced too before its files count as durable.
    folders: Option<Arc<local::Folders>>,
    part_bytes: usize,
    /// Tells uploads under way apart.
    uploads: Arc<AtomicU64>,
}

impl Artifacts {
    /// A folder on a local disk; made when it does not exist. Uploads that a crash left half done are removed.
    ///
    /// # Errors
    /// The folder cannot be made, read or synced.
    pub fn local(root: &Path) -> Result<Self, ArtifactError> {
        let (store, folders) = local::open(root)?;
        Ok(Self {
            store: Arc::new(store),
            folders: Some(Arc::new(folders)),
            part_bytes: LOCAL_PART_BYTES,
            uploads: Arc::default(),
        })
    }

    /// Any other store, such as a bucket, whose put is durable by itself. `part_bytes` is the size of the parts of
    /// a large upload; buckets want at least 5 MiB.
    pub fn over(store: Arc<dyn ObjectStore>, part_bytes: usize) -> Self {
        Self { store, folders: None, part_bytes: part_bytes.max(1), uploads: Arc::default() }
    }
}

#[cfg(test)]
mod tests;
