//! The rows behind a balance, and totals over them.

use reeve_types::{ActionName, JobId, KeyId, LotId, MemberId, SourceName};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{Amount, At, schema};

/// What a row did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LedgerKind {
    /// Credits appeared in a lot.
    Grant,
    /// Credits were pinned for a job (X8).
    Hold,
    /// Held credits were spent on what landed.
    Settle,
    /// Held credits went back to their lot.
    Release,
    /// A lot's time was over (X1).
    Expire,
    /// A boundary or a change of plan took credits.
    Forfeit,
    /// A payment was given back, and its credits with it.
    Clawback,
    /// Taken by an administrator.
    Adjust,
    /// Given back by a dispute that was won.
    Restore,
    /// Could not be clawed back: debt from here on (X13).
    Owe,
    /// Debt paid, or forgiven.
    Repay,
}

impl LedgerKind {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Grant => "grant",
            Self::Hold => "hold",
            Self::Settle => "settle",
            Self::Release => "release",
            Self::Expire => "expire",
            Self::Forfeit => "forfeit",
            Self::Clawback => "clawback",
            Self::Adjust => "adjust",
            Self::Restore => "restore",
            Self::Owe => "owe",
            Self::Repay => "repay",
        }
    }
}

/// One row of the ledger. Rows are never changed; each carries the hash of the one before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LedgerRow {
    /// From 1, without gaps, for each workspace.
    pub seq: u64,
    /// When it happened.
    pub at: At,
    /// What happened.
    pub kind: LedgerKind,
    /// How many credits; above zero, the kind says the direction.
    pub amount: Amount,
    /// The lot that it is about.
    #[schema(value_type = Option<schema::LotId>)]
    pub lot: Option<LotId>,
    /// The source of that lot.
    #[schema(value_type = Option<schema::SourceName>)]
    pub source: Option<SourceName>,
    /// The job that caused it, if one did.
    #[schema(value_type = Option<schema::JobId>)]
    pub job: Option<JobId>,
    /// The job's attempt.
    pub attempt: Option<u32>,
    /// Which of the job's outputs, from 0; of settles.
    pub output: Option<u32>,
    /// The job's action.
    #[schema(value_type = Option<schema::ActionName>)]
    pub action: Option<ActionName>,
    /// On whose behalf.
    #[schema(value_type = Option<schema::MemberId>)]
    pub member: Option<MemberId>,
    /// For people, where somebody gave one.
    pub reason: Option<String>,
    /// The key whose request caused the row; `null` when time did.
    #[schema(value_type = Option<schema::KeyId>)]
    pub actor: Option<KeyId>,
    /// `X-Request-Id` of that request.
    pub request: Option<String>,
    /// What is available in all lots after it, less debt (X13).
    pub available_after: Amount,
    /// What is held in all lots after it.
    pub held_after: Amount,
    /// Chain hash, hexadecimal.
    pub hash: String,
}

/// Query of `GET /v1/workspaces/{ws}/ledger`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct LedgerQuery {
    /// Only rows of this job.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<schema::JobId>)]
    pub job: Option<JobId>,
    /// Only rows on behalf of this member.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<schema::MemberId>)]
    pub member: Option<MemberId>,
    /// Only rows of this kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(inline)]
    pub kind: Option<LedgerKind>,
    /// First instant included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<At>,
    /// First instant no longer included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<At>,
    /// Most entries wanted; the server has its own bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// Query of `GET /v1/workspaces/{ws}/usage`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct UsageQuery {
    /// `member`, `action`, `day`, separated by commas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_by: Option<String>,
    /// First instant included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<At>,
    /// First instant no longer included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<At>,
    /// Only on behalf of this member.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<schema::MemberId>)]
    pub member: Option<MemberId>,
}

/// Totals of one group; a field that was not grouped by is `null`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UsageRow {
    /// The member of the group.
    #[schema(value_type = Option<schema::MemberId>)]
    pub member: Option<MemberId>,
    /// The action of the group.
    #[schema(value_type = Option<schema::ActionName>)]
    pub action: Option<ActionName>,
    /// A date in UTC, `YYYY-MM-DD`.
    pub day: Option<String>,
    /// Paid for what landed.
    pub settled: Amount,
    /// Held and given back.
    pub released: Amount,
    /// Given back by an administrator, for a job.
    pub refunded: Amount,
    /// Jobs that ended and had held credits.
    pub jobs: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_of_a_kind_is_the_one_on_the_wire() {
        use LedgerKind as K;
        let all = [K::Grant, K::Hold, K::Settle, K::Release, K::Expire, K::Forfeit, K::Clawback, K::Adjust];
        for kind in all.into_iter().chain([K::Restore, K::Owe, K::Repay]) {
            assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{}\"", kind.as_str()));
        }
    }
}
