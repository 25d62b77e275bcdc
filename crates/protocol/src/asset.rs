//! Uploaded inputs for edits and upscales.

use reeve_types::AssetId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Sha256, schema};

/// An uploaded input. Its `url` goes into a job's `input` parameter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AssetView {
    #[schema(value_type = schema::AssetId)]
    pub id: AssetId,
    pub url: String,
    pub sha256: Sha256,
    /// Bytes.
    pub size: u64,
    pub content_type: String,
}
