//! What a job can do: its pool, its bounds, who may ask for it and what it costs.

use std::collections::BTreeMap;

use reeve_types::limits::{OUTPUTS_MAX, SECONDS_MAX};
use reeve_types::{ActionName, PlanName, PoolName};
use serde::Deserialize;

use super::names::StageName;
use crate::price::{Price, RawPrice, RawStage};

/// One thing a job can do.
#[derive(Debug, Clone, PartialEq)]
pub struct Action {
    /// How requests name it.
    pub name: ActionName,
    /// For people.
    pub title: String,
    /// Workers of this pool run it.
    pub pool: PoolName,
    /// What it makes, where the file says so.
    pub kind: Option<MediaKind>,
    /// Declared cost for the queue, in slot-milliseconds; measured when left out.
    pub work_ms: Option<u32>,
    /// Attempts before the job fails; the server's setting when left out.
    pub attempts_max: Option<u32>,
    /// Wait before the next attempt, in milliseconds; the server's setting when left out.
    pub backoff_ms: Option<u32>,
    /// Lease period, in milliseconds; the server's setting when left out.
    pub lease_ms: Option<u32>,
    /// Longest run of one attempt, in milliseconds; the server's setting when left out.
    pub run_timeout_ms: Option<u64>,
    /// Longest wait in the queue, in milliseconds; the server's setting when left out.
    pub queue_timeout_ms: Option<u64>,
    /// Plans that may ask for it; every plan when left out (KV-30).
    pub plans: Option<Vec<PlanName>>,
    /// How many versions one job may make.
    pub outputs: OutputsRule,
    /// How long a video may be.
    pub seconds: SecondsRule,
    /// What it costs.
    pub price: Price,
}

/// What an action makes, for pages and receipts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaKind {
    /// Pictures.
    Image,
    /// Moving pictures; they have a length in seconds.
    Video,
    /// Three-dimensional models.
    Model,
    /// Anything else.
    Asset,
}

/// How many versions one job may make (X25).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OutputsRule {
    /// When the request leaves `outputs` out.
    pub default: u32,
    /// Most outputs of one job.
    pub max: u32,
}

impl Default for OutputsRule {
    fn default() -> Self {
        Self { default: 1, max: OUTPUTS_MAX }
    }
}

/// How long one job's video may be (X25).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SecondsRule {
    /// When the request leaves `seconds` out; without a default it must say, where the price asks for it.
    pub default: Option<u32>,
    /// Longest video, in seconds.
    pub max: u32,
}

impl Default for SecondsRule {
    fn default() -> Self {
        Self { default: None, max: SECONDS_MAX }
    }
}

/// An action as the file writes it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawAction {
    pub title: Option<String>,
    pub pool: PoolName,
    pub kind: Option<MediaKind>,
    pub work_ms: Option<u32>,
    pub attempts_max: Option<u32>,
    pub backoff_ms: Option<u32>,
    pub lease_ms: Option<u32>,
    pub run_timeout_ms: Option<u64>,
    pub queue_timeout_ms: Option<u64>,
    pub plans: Option<Vec<PlanName>>,
    #[serde(default)]
    pub outputs: OutputsRule,
    #[serde(default)]
    pub seconds: SecondsRule,
    pub price: RawPrice,
}

impl RawAction {
    pub(super) fn into_action(self, name: ActionName, stages: &BTreeMap<StageName, RawStage>) -> Action {
        Action {
            title: self.title.unwrap_or_else(|| name.to_string()),
            pool: self.pool,
            kind: self.kind,
            work_ms: self.work_ms,
            attempts_max: self.attempts_max,
            backoff_ms: self.backoff_ms,
            lease_ms: self.lease_ms,
            run_timeout_ms: self.run_timeout_ms,
            queue_timeout_ms: self.queue_timeout_ms,
            plans: self.plans,
            outputs: self.outputs,
            seconds: self.seconds,
            price: self.price.into_price(stages),
            name,
        }
    }
}

impl Action {
    /// True when what it makes has a length in seconds.
    pub fn has_length(&self) -> bool {
        self.kind == Some(MediaKind::Video)
    }

    /// True when no request for it can ever cost anything: a list may call it free.
    pub fn is_free(&self) -> bool {
        self.price.is_free()
    }
}
