//! The ledger: append-only rows, each chained to the one before by its hash (L5).
//!
//! Each kind moves credits between two accounts of double entry:
//!
//! | kind | from | to |
//! |---|---|---|
//! | grant | `issued:<source>` | lot, available |
//! | hold | lot, available | lot, held |
//! | settle | lot, held | `consumed:<action>` |
//! | release | lot, held | lot, available |
//! | expire, forfeit | lot, available | `breakage` |
//! | claw_back | lot, available | `clawback` |
//! | take | lot, available | `consumed:adjustment` |
//! | restore | `clawback` | lot, available |
//! | owe | workspace, available | `debt` |
//! | repay | `debt` | workspace, available |
//!
//! `owe` and `repay` name the lot that caused them and change none of its terms: debt is the workspace's.

use std::sync::Arc;

use reeve_types::{ActionName, Credits, Hex, JobId, KeyId, LotId, MemberId, Millis, SourceName, WorkspaceId};
use sha2::{Digest as _, Sha256};

/// SHA-256 of a row and of all before it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hash(pub [u8; 32]);

impl std::fmt::Display for Hash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(&Hex(&self.0), f)
    }
}

impl std::fmt::Debug for Hash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

/// The end of a workspace's chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chain {
    /// Rows so far.
    pub seq: u64,
    /// The hash of the last row; of [`genesis`] before the first.
    pub hash: Hash,
}

/// What a row says happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
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
    ClawBack,
    /// An operator took credits.
    Take,
    /// A won dispute gave back what a clawback had taken.
    Restore,
    /// A clawback found too little: debt from here on (X13).
    Owe,
    /// Debt was paid, or forgiven.
    Repay,
}

impl Kind {
    /// Every kind, for parsing and tables.
    pub const ALL: [Self; 11] = [
        Self::Grant,
        Self::Hold,
        Self::Settle,
        Self::Release,
        Self::Expire,
        Self::Forfeit,
        Self::ClawBack,
        Self::Take,
        Self::Restore,
        Self::Owe,
        Self::Repay,
    ];

    /// The stored and shown word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Grant => "grant",
            Self::Hold => "hold",
            Self::Settle => "settle",
            Self::Release => "release",
            Self::Expire => "expire",
            Self::Forfeit => "forfeit",
            Self::ClawBack => "claw_back",
            Self::Take => "take",
            Self::Restore => "restore",
            Self::Owe => "owe",
            Self::Repay => "repay",
        }
    }

    /// The kind of a stored word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// What one credit of this kind does to (available, held).
    pub const fn effect(self) -> (i64, i64) {
        match self {
            Self::Grant | Self::Restore | Self::Repay => (1, 0),
            Self::Hold => (-1, 1),
            Self::Settle => (0, -1),
            Self::Release => (1, -1),
            Self::Expire | Self::Forfeit | Self::ClawBack | Self::Take | Self::Owe => (-1, 0),
        }
    }
}

/// One row. `amount` is a size: the kind says the direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// From 1, without gaps, per workspace.
    pub seq: u64,
    /// When it happened; never earlier than the row before.
    pub at: Millis,
    /// What happened.
    pub kind: Kind,
    /// How many credits; above zero.
    pub amount: Credits,
    /// The lot that it is about.
    pub lot: LotId,
    /// The source of that lot.
    pub source: SourceName,
    /// The job that caused it, if one did.
    pub job: Option<JobId>,
    /// Its attempt.
    pub attempt: Option<u32>,
    /// Which of its outputs, from 0; of settles.
    pub output: Option<u32>,
    /// Its action.
    pub action: Option<ActionName>,
    /// On whose behalf.
    pub member: Option<MemberId>,
    /// For people, where somebody gave one.
    pub reason: Option<Arc<str>>,
    /// The API key of the request that caused it; `None` when time did.
    pub actor: Option<KeyId>,
    /// `X-Request-Id` of that request.
    pub request: Option<Arc<str>>,
    /// Sum over all lots after this row, less debt.
    pub available_after: Credits,
    /// Sum over all lots after this row.
    pub held_after: Credits,
    /// SHA-256 over the row before and this one ([`hash_row`]).
    pub hash: Hash,
}

/// Where a workspace's chain starts.
pub fn genesis(workspace: &WorkspaceId) -> Chain {
    let mut sha = Sha256::new();
    sha.update(b"reeve ledger 1\n");
    sha.update(workspace.as_str().as_bytes());
    Chain { seq: 0, hash: Hash(sha.finalize().into()) }
}

/// The hash of a row after `before`: SHA-256 over the previous hash and a canonical encoding, version 1.
///
/// Texts are length-prefixed, so that no two rows share an encoding whatever a reason contains.
pub fn hash_row(before: Hash, row: &Row) -> Hash {
    let mut bytes = Vec::with_capacity(256);
    bytes.push(1_u8);
    bytes.extend_from_slice(&before.0);
    for number in [
        row.seq as i64,
        row.at.value(),
        row.amount.micros(),
        row.available_after.micros(),
        row.held_after.micros(),
        row.attempt.map_or(-1, i64::from),
        row.output.map_or(-1, i64::from),
    ] {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    bytes.extend_from_slice(row.lot.uuid().as_bytes());
    bytes.extend_from_slice(row.job.map_or([0; 16], |job| *job.uuid().as_bytes()).as_slice());
    bytes.extend_from_slice(row.actor.map_or([0; 16], |key| *key.uuid().as_bytes()).as_slice());
    let texts = [
        Some(row.kind.as_str()),
        Some(row.source.as_str()),
        row.action.as_ref().map(ActionName::as_str),
        row.member.as_ref().map(MemberId::as_str),
        row.reason.as_deref(),
        row.request.as_deref(),
    ];
    for text in texts {
        // A missing text and an empty one are different: the length of a missing one is -1.
        let len = text.map_or(-1, |text| text.len() as i64);
        bytes.extend_from_slice(&len.to_le_bytes());
        bytes.extend_from_slice(text.unwrap_or_default().as_bytes());
    }
    Hash(Sha256::digest(&bytes).into())
}

/// What a ledger adds up to: (available, held). L5: equal to the workspace's figures after its last row.
pub fn fold<'a>(rows: impl IntoIterator<Item = &'a Row>) -> Option<(Credits, Credits)> {
    rows.into_iter().try_fold((Credits::ZERO, Credits::ZERO), |(available, held), row| {
        let (a, h) = row.kind.effect();
        Some((
            available.checked_add(row.amount.checked_mul(a)?)?,
            held.checked_add(row.amount.checked_mul(h)?)?,
        ))
    })
}
