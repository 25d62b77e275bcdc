//! Promotions: for a while, purchases come with more (KV-27).

use reeve_types::{CatalogName, SourceName};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{At, Quantity, schema};

/// `PUT /v1/promotions/{id}`: purchases confirmed in `[from, to)` get a promotional lot beside theirs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PromotionPut {
    /// The catalog whose purchases it is about.
    #[schema(value_type = schema::CatalogName)]
    pub catalog: CatalogName,
    /// The catalog's source that the promotional lot is of.
    #[schema(value_type = schema::SourceName)]
    pub source: SourceName,
    /// First instant included.
    pub from: At,
    /// First instant no longer included.
    pub to: At,
    /// How many times the purchase the buyer gets in all, above 1: 2 doubles it.
    pub factor: Quantity,
}

/// A promotion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PromotionView {
    /// The name that it was put under.
    pub id: String,
    /// The catalog whose purchases it is about.
    #[schema(value_type = schema::CatalogName)]
    pub catalog: CatalogName,
    /// The source that promotional lots are of.
    #[schema(value_type = schema::SourceName)]
    pub source: SourceName,
    /// First instant included.
    pub from: At,
    /// First instant no longer included.
    pub to: At,
    /// How many times the purchase the buyer gets in all.
    pub factor: Quantity,
}
