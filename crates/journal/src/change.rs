//! What is written in one step for one owner.

use reeve_types::{KeyId, Millis, WorkspaceId};
use reeve_workspace::Records;

/// One decision of a workspace, all or nothing.
#[derive(Clone, Debug)]
pub struct ChangeSet {
    pub workspace: WorkspaceId,
    /// The version it was decided on; it becomes this plus one. 0 = the workspace does not exist yet.
    pub expected: u64,
    pub records: Box<Records>,
}

impl ChangeSet {
    /// A rough size, for the bound of a batch.
    pub fn weight_bytes(&self) -> usize {
        let records = &self.records;
        let params: usize = records.admitted.len() * 600;
        512 + params
            + 300 * (records.ledger.len() + records.jobs.len() + records.lots.len() + records.outbox.len())
    }
}

/// What a key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The platform's back end: everything.
    Admin,
    /// One workspace's own jobs and balance.
    Workspace,
    /// Lease, upload, complete.
    Worker,
}

impl Role {
    /// The stored and shown word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Workspace => "workspace",
            Self::Worker => "worker",
        }
    }

    /// The role of a stored word.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Admin, Self::Workspace, Self::Worker].into_iter().find(|role| role.as_str() == word)
    }
}

/// An API key; of its secret only the digest is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRow {
    pub id: KeyId,
    pub role: Role,
    /// The one workspace of a key with role `workspace`.
    pub workspace: Option<WorkspaceId>,
    pub name: String,
    /// SHA-256 of the secret.
    pub digest: [u8; 32],
    pub created_at: Millis,
    pub revoked_at: Option<Millis>,
}

/// A change of what belongs to no workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlatformChange {
    PutKey(KeyRow),
    RevokeKey { id: KeyId, at: Millis },
}
