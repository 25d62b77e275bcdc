//! One attempt: who runs it, since when, and what has been uploaded so far.

use std::sync::Arc;

use reeve_types::{Millis, WorkerName};

/// SHA-256 of some bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest(pub [u8; 32]);

impl std::fmt::Display for Digest {
    /// Lowercase hexadecimal.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl std::fmt::Debug for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for Digest {
    type Err = BadDigest;

    fn from_str(text: &str) -> Result<Self, BadDigest> {
        if text.len() != 64 || !text.is_ascii() {
            return Err(BadDigest);
        }
        let mut bytes = [0; 32];
        for (n, byte) in bytes.iter_mut().enumerate() {
            let pair = text.get(2 * n..2 * n + 2).ok_or(BadDigest)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| BadDigest)?;
        }
        Ok(Self(bytes))
    }
}

/// A text that is not a SHA-256 in hexadecimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a sha256 is 64 hexadecimal digits")]
pub struct BadDigest;

impl serde::Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'_, str>>::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// The live attempt. When it expires is not here: that is process-local, in the [`crate::LeaseTable`].
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Lease {
    pub attempt: u32,
    pub worker: WorkerName,
    /// The worker's process: a restarted worker of the same name is another session.
    pub session: Arc<str>,
    pub granted_at: Millis,
    /// When the job fails with `run_timeout`, whatever the heartbeats say.
    pub run_deadline_at: Millis,
    /// Set when the worker reported that it cannot know the outcome (X11): until then the hold stays.
    pub unknown_until: Option<Millis>,
    /// Durable uploads of this attempt; they land only with `complete` (X21).
    pub uploads: Vec<Upload>,
}

/// Bytes of one output, durable in the artifact store, not yet landed.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Upload {
    pub index: u32,
    pub sha256: Digest,
    pub size: u64,
    pub content_type: Arc<str>,
}

/// Where the bytes of a landed output are.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// In Reeve's artifact store.
    Uploaded(Upload),
    /// In a store that the worker's platform vouches for.
    Elsewhere { url: Arc<str>, sha256: Digest, size: u64 },
}

/// What a worker says became of one output.
#[derive(Clone, Debug, PartialEq)]
pub struct Reported {
    pub index: u32,
    pub outcome: crate::verdict::ReportedOutcome,
}
