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
    /// How workspaces name it.
    pub name: String,
    /// Counts up from 1 with every published change.
    pub version: u32,
    /// For people.
    pub title: String,
    /// `automatic` or `on_payment` (KV-26).
    pub renewal: String,
    /// What can be subscribed to, lowest first.
    pub plans: Vec<PlanView>,
    /// What can be asked for.
    pub actions: Vec<ActionView>,
    /// What grants credits.
    pub sources: Vec<SourceView>,
    /// What credits may pay for, when not everything.
    pub scopes: Vec<ScopeView>,
    /// Credits that are sold as a whole.
    pub packs: Vec<PackView>,
    /// Recurring add-ons.
    pub addons: Vec<AddonView>,
    /// Queue tiers of its plans, lowest plan first.
    pub tiers: Vec<String>,
    /// All versions, oldest first.
    pub versions: Vec<VersionView>,
}

/// A version that was published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VersionView {
    /// The version.
    pub version: u32,
    /// `null` for what the server was started with.
    pub published_at: Option<At>,
}

/// A plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PlanView {
    /// How requests name it.
    pub name: String,
    /// For people.
    pub title: String,
    /// Place among the plans, lowest first; an upgrade goes to a higher one (X22).
    pub rank: u32,
    /// The queue tier of its jobs.
    pub tier: String,
    /// Whether it is paid for.
    pub paid: bool,
    /// The allotment is for one seat (AS-03).
    pub per_seat: bool,
    /// Most jobs that run at once, where the plan differs from its tier.
    pub max_concurrent: Option<u32>,
    /// Allotments to choose from; empty when there is none to choose.
    pub allotments: Vec<Amount>,
    /// The least allotment of a plan that is agreed with each workspace.
    pub allotment_min: Option<Amount>,
    /// Terms it is sold for: `month`, `year`.
    pub intervals: Vec<String>,
}

/// Something that grants credits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SourceView {
    /// Its name.
    pub name: String,
    /// What kind of credits its lots hold.
    pub class: String,
    /// Which actions its lots may pay for; `null` pays for all.
    pub scope: Option<String>,
    /// The least that a purchase may be.
    pub min: Option<Amount>,
}

/// What lots of a scope may pay for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ScopeView {
    /// Its name.
    pub name: String,
    /// Names of actions, or `image.*` for all below a prefix.
    pub actions: Vec<String>,
}

/// An action with its price.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ActionView {
    /// How requests name it.
    pub name: String,
    /// For people.
    pub title: String,
    /// The pool whose workers run it.
    pub pool: String,
    /// Plans that may ask for it; `null` is every plan.
    pub plans: Option<Vec<String>>,
    /// Outputs of a request that does not say.
    pub outputs_default: u32,
    /// Most outputs of one job.
    pub outputs_max: u32,
    /// No request for it can cost anything.
    pub free: bool,
    /// The price is the sum of these.
    pub price: Vec<StageView>,
}

/// One stage of a price.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StageView {
    /// What receipts and worker reports call it.
    pub name: String,
    /// `job`, `output`, `second` or `block`.
    pub per: String,
    /// Credits for one unit; `null` where each value of a parameter brings its own.
    pub rate: Option<Amount>,
    /// Fewer seconds are billed, and produced, as so many (KA-07).
    pub min_seconds: Option<u32>,
    /// Length of a block, in seconds, with `per` = `block`.
    pub block_seconds: Option<u32>,
    /// Parameters whose value changes the price.
    pub by: BTreeMap<String, AxisView>,
}

/// A priced parameter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AxisView {
    /// The value of a request that leaves the parameter out.
    pub default: Option<String>,
    /// Left out, the stage is not charged.
    pub optional: bool,
    /// What each value does; others are refused.
    pub values: BTreeMap<String, VariantView>,
}

/// What one value of a parameter does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct VariantView {
    /// Instead of the stage's rate.
    pub rate: Option<Amount>,
    /// Times the rate.
    pub times: Option<Quantity>,
    /// Instead of the stage's block length, in seconds.
    pub block_seconds: Option<u32>,
    /// Plans that may ask for it; `null` is every plan.
    pub plans: Option<Vec<String>>,
}

/// Credits that are sold as a whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PackView {
    /// How purchases name it.
    pub name: String,
    /// For people.
    pub title: String,
    /// What it gives.
    pub credits: Amount,
}

/// A recurring add-on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AddonView {
    /// How requests name it.
    pub name: String,
    /// For people.
    pub title: String,
    /// Plans that may buy it.
    pub plans: Vec<String>,
    /// Most units of one workspace.
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
    /// Examples that came out.
    pub examples: Vec<ExampleView>,
    /// The catalog as clients see it now.
    pub catalog: CatalogView,
}

/// An example that came out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExampleView {
    /// The rule that it shows.
    pub rule: String,
    /// What it shows, in words.
    pub title: String,
}

/// `POST /v1/workspaces/{ws}/catalog`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CatalogMove {
    /// The catalog to live by; it must have the workspace's plan.
    #[schema(value_type = schema::CatalogName)]
    pub name: CatalogName,
    /// Its version.
    pub version: u32,
}
