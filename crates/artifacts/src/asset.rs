//! Assets: uploaded inputs, with a note beside the bytes that says what they are.
//!
//! The note is written last and only once, so an asset is there completely or not at all, and never changes.

use std::ops::Range;

use bytes::Bytes;
use futures_util::Stream;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};

use crate::Artifacts;
use crate::body::Body;
use crate::error::{ArtifactError, PutError};
use crate::key::{AssetKey, Place};
use crate::put::Wanted;

/// What an asset is.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct AssetMeta {
    pub content_type: String,
    /// Bytes.
    pub size: u64,
    #[serde(with = "hex::serde")]
    pub sha256: [u8; 32],
}

impl Artifacts {
    /// Stores an asset. The same bytes and type again are fine, and answered with `false`.
    ///
    /// # Errors
    /// See [`PutError`]; [`PutError::Exists`] when the asset is there with other content, which then stays.
    pub async fn put_asset<S, E>(
        &self,
        key: &AssetKey,
        content_type: &str,
        body: S,
        wanted: Wanted,
    ) -> Result<(AssetMeta, bool), PutError<E>>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin,
    {
        let stored = self.put(key, body, wanted).await?;
        let meta =
            AssetMeta { content_type: content_type.to_owned(), size: stored.size, sha256: stored.sha256 };
        if self.note(key, &meta).await? {
            return Ok((meta, true));
        }
        let first = self.asset(key).await?;
        if first.as_ref() == Some(&meta) {
            return Ok((meta, false));
        }
        if first.is_none_or(|first| first.sha256 != meta.sha256) {
            self.remove(&key.with_digest(&meta.sha256)).await?;
        }
        Err(PutError::Exists)
    }

    /// What an asset is; `None` when there is none.
    ///
    /// # Errors
    /// The store failed, or the note is damaged.
    pub async fn asset(&self, key: &AssetKey) -> Result<Option<AssetMeta>, ArtifactError> {
        let path = key.sidecar();
        let note = match self.store.get(&path).await {
            Ok(found) => found.bytes().await?,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(e) => return Err(e.into()),
        };
        serde_json::from_slice(&note).map(Some).map_err(|e| damaged(&path, &e))
    }

    /// The bytes of an asset, or those of `range`; `None` when they are not stored.
    ///
    /// # Errors
    /// The store failed, or the range lies outside the bytes.
    pub async fn asset_body(
        &self,
        key: &AssetKey,
        meta: &AssetMeta,
        range: Option<Range<u64>>,
    ) -> Result<Option<Body>, ArtifactError> {
        self.read(&key.with_digest(&meta.sha256), range).await
    }

    /// Removes an asset; removing what is not there is fine.
    ///
    /// # Errors
    /// The store failed.
    pub async fn delete_asset(&self, key: &AssetKey) -> Result<(), ArtifactError> {
        let Some(meta) = self.asset(key).await? else { return Ok(()) };
        self.remove(&key.sidecar()).await?;
        self.remove(&key.with_digest(&meta.sha256)).await
    }

    /// Writes the note unless there is one.
    async fn note(&self, key: &AssetKey, meta: &AssetMeta) -> Result<bool, ArtifactError> {
        let path = key.sidecar();
        let text = serde_json::to_vec(meta).map_err(|e| damaged(&path, &e))?;
        let once = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        match self.store.put_opts(&path, PutPayload::from(text), once).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::AlreadyExists { .. }) => Ok(false),
            Err(e) => Err(e.into()),
        }
    }
}

fn damaged(path: &Path, error: &serde_json::Error) -> ArtifactError {
    ArtifactError::Damaged { path: path.to_string(), detail: error.to_string() }
}
