//! Uploaded inputs for edits and upscales.

use reeve_types::AssetId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Sha256, schema};

/// An uploaded input. Its `url` goes into a job's `input` parameter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AssetView {
    /// The asset.
    #[schema(value_type = schema::AssetId)]
    pub id: AssetId,
    /// Where it can be fetched; signed for workers.
    pub url: String,
    /// Digest of its bytes.
    pub sha256: Sha256,
    /// Bytes.
    pub size: u64,
    /// Its media type, as it was uploaded.
    pub content_type: String,
}
