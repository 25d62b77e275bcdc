//! Reading stored bytes, whole or in part.

use std::fmt;
use std::ops::Range;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use object_store::path::Path;
use object_store::{GetOptions, ObjectStoreExt};

use crate::Artifacts;
use crate::error::ArtifactError;
use crate::key::{OutputKey, OutputSlot};

/// Bytes on their way out.
pub struct Body {
    pub chunks: BoxStream<'static, Result<Bytes, ArtifactError>>,
    /// Bytes of the whole, whatever the range.
    pub size: u64,
    /// Which of them come.
    pub range: Range<u64>,
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body").field("size", &self.size).field("range", &self.range).finish_non_exhaustive()
    }
}

impl Artifacts {
    /// The bytes of an output, or those of `range`; `None` when they are not stored.
    ///
    /// # Errors
    /// The store failed, or the range lies outside the bytes.
    pub async fn output(
        &self,
        key: &OutputKey,
        range: Option<Range<u64>>,
    ) -> Result<Option<Body>, ArtifactError> {
        self.read(&key.path(), range).await
    }

    /// Removes the bytes of an output; removing what is not there is fine.
    ///
    /// # Errors
    /// The store failed.
    pub async fn delete_output(&self, slot: OutputSlot, sha256: [u8; 32]) -> Result<(), ArtifactError> {
        self.remove(&OutputKey { slot, sha256 }.path()).await
    }

    pub(crate) async fn read(
        &self,
        path: &Path,
        range: Option<Range<u64>>,
    ) -> Result<Option<Body>, ArtifactError> {
        // An empty range is nothing to ask a store for; some refuse it.
        let options = GetOptions::new().with_range(range.filter(|range| !range.is_empty()));
        let got = match self.store.get_opts(path, options).await {
            Ok(got) => got,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(e) => return Err(e.into()),
        };
        let (size, range) = (got.meta.size, got.range.clone());
        let chunks = got.into_stream().map(|chunk| chunk.map_err(ArtifactError::from)).boxed();
        Ok(Some(Body { chunks, size, range }))
    }

    pub(crate) async fn remove(&self, path: &Path) -> Result<(), ArtifactError> {
        match self.store.delete(path).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(e) => Err(e.into()),
        }
    }
}
