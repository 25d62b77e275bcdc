//! What is written in one step for one owner.

use reeve_types::{CatalogName, KeyId, Millis, WorkspaceId};
use reeve_workspace::{Promotion, Records};

use crate::tidy::Tidy;

use crate::webhooks::WebhookChange;

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
            + 300 * (records.purchases.len() + records.members.len())
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
    /// From this instant on it is as good as revoked.
    pub expires_at: Option<Millis>,
    /// The minute of its last use, written now and then.
    pub last_used_at: Option<Millis>,
    /// A bound on its requests, instead of its role's; 0 is none at all.
    pub rate_per_second: Option<u32>,
    pub burst: Option<u32>,
}

/// A published version of a catalog, as it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogRow {
    pub name: CatalogName,
    pub version: u32,
    /// TOML; parsed by whoever builds the book.
    pub text: String,
    /// The worked examples that were sent with it.
    pub examples: Option<String>,
    pub published_at: Millis,
}

/// A change of what belongs to no workspace. Each may be sent again after an unknown outcome.
#[derive(Clone, Debug, PartialEq)]
pub enum PlatformChange {
    PutKey(KeyRow),
    RevokeKey {
        id: KeyId,
        at: Millis,
    },
    /// These keys were used at this instant, or later. An older one than is stored changes nothing.
    TouchKeys {
        keys: Vec<KeyId>,
        at: Millis,
    },
    /// A version is written once: the same text again changes nothing and is `Durable`, another text is
    /// `Aborted(AbortReason::Exists)`. That it follows the versions before is the caller's to check.
    PublishCatalog(CatalogRow),
    /// A promotion at its latest values, by its id.
    PutPromotion(Promotion),
    /// Takes away what nobody needs any more.
    Tidy(Tidy),
    /// What webhooks keep.
    Webhook(WebhookChange),
}
