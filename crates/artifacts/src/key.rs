//! Keys of stored bytes: made of ids alone, so that no text of a caller can name another's bytes or leave the store.

use std::fmt;

use object_store::path::Path;
use reeve_types::{AssetId, LeaseId, WorkspaceId};

/// One output of one attempt, whatever its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OutputSlot {
    pub lease: LeaseId,
    pub index: u32,
}

/// The bytes of one output of one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OutputKey {
    pub slot: OutputSlot,
    pub sha256: [u8; 32],
}

/// One uploaded input.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AssetKey {
    pub workspace: WorkspaceId,
    pub asset: AssetId,
}

/// Where finished bytes go, once their digest is known.
pub(crate) trait Place: fmt::Display {
    /// The final key of bytes with this digest.
    fn with_digest(&self, sha256: &[u8; 32]) -> Path {
        Path::from(format!("{self}-{}", hex::encode(sha256)))
    }
}

impl fmt::Display for OutputSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "outputs/{}/{}/{}", self.lease.job, self.lease, self.index)
    }
}

impl fmt::Display for AssetKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "assets/{}/{}", self.workspace, self.asset)
    }
}

impl Place for OutputSlot {}
impl Place for AssetKey {}

impl OutputKey {
    pub(crate) fn path(&self) -> Path {
        self.slot.with_digest(&self.sha256)
    }
}

impl AssetKey {
    /// Where it is written what the asset is.
    pub(crate) fn sidecar(&self) -> Path {
        Path::from(format!("{self}.json"))
    }
}
