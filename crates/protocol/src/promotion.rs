//! Promotions: for a while, purchases come with more (KV-27).

use reeve_types::{CatalogName, SourceName};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{At, Quantity, schema};

/// `PUT /v1/promotions/{id}`: purchases confirmed in `[from, to)` get a promotional lot beside theirs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PromotionPut {
    #[schema(value_type = schema::CatalogName)]
    pub catalog: CatalogName,
    /// The catalog's source that the promotional lot is of.
    #[schema(value_type = schema::SourceName)]
    pub source: SourceName,
    pub from: At,
    /// First instant no longer included.
    pub to: At,
    /// How many times the purchase the buyer gets in all, above 1: 2 doubles it.
    pub factor: Quantity,
}

/// A promotion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PromotionView {
    pub id: String,
    #[schema(value_type = schema::CatalogName)]
    pub catalog: CatalogName,
    #[schema(value_type = schema::SourceName)]
    pub source: SourceName,
    pub from: At,
    pub to: At,
    pub factor: Quantity,
}
