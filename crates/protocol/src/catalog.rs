//! Catalogs as clients see them, and how new versions are published.
//!
//! What can be subscribed to, asked for and bought is here; rules of accounting stay inside the catalog's own text.

use std::collections::BTreeMap;

use reeve_types::CatalogName;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{Amount, At, Quantity, schema};

/// One version of a catalog.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CatalogView {
    pub name: String,
    pub version: u32,
    pub title: String,
    /// `automatic` or `on_payment` (KV-26).
    pub renewal: String,
    pub plans: Vec<PlanView>,
    pub actions: Vec<ActionView>,
    /// What grants credits.
    pub sources: Vec<SourceView>,
    pub scopes: Vec<ScopeView>,
    pub packs: Vec<PackView>,
    pub addons: Vec<AddonView>,
    /// Queue tiers of its plans, lowest plan first.
    pub tiers: Vec<String>,
    /// All versions, oldest first.
    pub versions: Vec<VersionView>,
}

/// A version that was published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VersionView {
    pub version: u32,
    /// `null` for what the server was started with.
    pub published_at: Option<At>,
}

/// A plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PlanView {
    pub name: String,
    pub title: String,
    pub rank: u32,
    pub tier: String,
    pub paid: bool,
    pub per_seat: bool,
    pub max_concurrent: Option<u32>,
    /// Allotments to choose from; empty when there is none to choose.
    pub allotments: Vec<Amount>,
    /// The least allotment of a plan that is agreed with each workspace.
    pub allotment_min: Option<Amount>,
    pub intervals: Vec<String>,
}

/// Something that grants credits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SourceView {
    pub name: String,
    pub class: String,
    /// Which actions its lots may pay for; `null` pays for all.
    pub scope: Option<String>,
    /// The least that a purchase may be.
    pub min: Option<Amount>,
}

/// What lots of a scope may pay for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ScopeView {
    pub name: String,
    /// Names of actions, or `image.*` for all below a prefix.
    pub actions: Vec<String>,
}

/// An action with its price.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ActionView {
    pub name: String,
    pub title: String,
    pub pool: String,
    /// Plans that may ask for it; `null` is every plan.
    pub plans: Option<Vec<String>>,
    pub outputs_default: u32,
    pub outputs_max: u32,
    pub free: bool,
    /// The price is the sum of these.
    pub price: Vec<StageView>,
}

/// One stage of a price.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StageView {
    pub name: String,
    /// `job`, `output`, `second` or `block`.
    pub per: String,
    pub rate: Option<Amount>,
    pub min_seconds: Option<u32>,
    pub block_seconds: Option<u32>,
    /// Parameters whose value changes the price.
    pub by: BTreeMap<String, AxisView>,
}

/// A priced parameter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AxisView {
    pub default: Option<String>,
    /// Left out, the stage is not charged.
    pub optional: bool,
    pub values: BTreeMap<String, VariantView>,
}

/// What one value of a parameter does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct VariantView {
    /// Instead of the stage's rate.
    pub rate: Option<Amount>,
    /// Times the rate.
    pub times: Option<Quantity>,
    pub block_seconds: Option<u32>,
    pub plans: Option<Vec<String>>,
}

/// Credits that are sold as a whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PackView {
    pub name: String,
    pub title: String,
    pub credits: Amount,
}

/// A recurring add-on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AddonView {
    pub name: String,
    pub title: String,
    pub plans: Vec<String>,
    pub units_max: u32,
}

/// Query of `GET /v1/catalogs/{name}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CatalogQuery {
    /// The newest when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
}

/// Query of `PUT /v1/catalogs/{name}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PublishQuery {
    /// Judges the catalog and runs its examples, and publishes nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dry_run: Option<bool>,
}

/// `PUT /v1/catalogs/{name}` as JSON; the bare TOML text is taken too, as `application/toml` or `text/plain`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CatalogPublish {
    /// TOML.
    pub catalog: String,
    /// Examples that must come out, as TOML.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub examples: Option<String>,
}

/// What came of publishing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CatalogPublished {
    /// False for a dry run.
    pub published: bool,
    pub examples: Vec<ExampleView>,
    pub catalog: CatalogView,
}

/// An example that came out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExampleView {
    pub rule: String,
    pub title: String,
}

/// `POST /v1/workspaces/{ws}/catalog`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CatalogMove {
    #[schema(value_type = schema::CatalogName)]
    pub name: CatalogName,
    pub version: u32,
}
