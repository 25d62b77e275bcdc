//! One attempt: who runs it, since when, and what has been uploaded so far.

use std::sync::Arc;

use reeve_types::{Millis, WorkerName};

/// SHA-256 of some bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest(pub [u8; 32]);

impl std::fmt::Display for Digest {
    /// Lowercase hexadecimal.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // At once: a digest is written with every output, and byte by byte it took longer than all else of one.
        let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0');
        let text: String = self.0.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect();
        f.pad(&text)
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
    /// Which attempt of the job, from 1.
    pub attempt: u32,
    /// Who has it.
    pub worker: WorkerName,
    /// The worker's process: a restarted worker of the same name is another session.
    pub session: Arc<str>,
    /// When it was given; the run timeout counts from here.
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
    /// Which output, from 0.
    pub index: u32,
    /// Digest of the bytes.
    pub sha256: Digest,
    /// Length in bytes.
    pub size: u64,
    /// Media type, as the worker said.
    pub content_type: Arc<str>,
}

/// Where the bytes of a landed output are.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// In Reeve's artifact store.
    Uploaded(Upload),
    /// In a store that the worker's platform vouches for.
    Elsewhere {
        /// Where it can be fetched.
        url: Arc<str>,
        /// Digest of the bytes, as the worker said.
        sha256: Digest,
        /// Length in bytes, as the worker said.
        size: u64,
    },
}

/// What a worker says became of one output.
#[derive(Clone, Debug, PartialEq)]
pub struct Reported {
    /// Which output, from 0.
    pub index: u32,
    /// What the worker says became of it.
    pub outcome: crate::verdict::ReportedOutcome,
}
