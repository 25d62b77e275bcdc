//! Streaming bytes in: counted and digested on the way, published under their digest when all are there.
//!
//! What fits one part is written in one step. A larger body goes to the staging area part by part and is moved to
//! its key at the end, since the key holds the digest, which is known only then.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStoreExt, PutPayload};
use reeve_faults::{self as faults, Law, Point};
use sha2::{Digest, Sha256};

use crate::Artifacts;
use crate::error::{ArtifactError, PutError};
use crate::key::{OutputSlot, Place};
use crate::local::STAGING;

/// What an upload must keep to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Most bytes.
    pub bytes_max: u64,
    /// The digest that the sender announced.
    pub sha256: Option<[u8; 32]>,
}

/// Bytes that are durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    pub sha256: [u8; 32],
    /// Bytes.
    pub size: u64,
}

impl Artifacts {
    /// Stores one output of one attempt. The same bytes again are fine; other bytes get a key of their own.
    ///
    /// # Errors
    /// See [`PutError`]; nothing readable is left then. Dropping the future has the same effect.
    pub async fn put_output<S, E>(
        &self,
        slot: OutputSlot,
        body: S,
        wanted: Wanted,
    ) -> Result<Stored, PutError<E>>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin,
    {
        self.put(&slot, body, wanted).await
    }

    pub(crate) async fn put<S, E>(
        &self,
        place: &impl Place,
        mut body: S,
        wanted: Wanted,
    ) -> Result<Stored, PutError<E>>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin,
    {
        let mut intake = Intake::new(wanted);
        while let Some(chunk) = body.next().await {
            intake.take(chunk.map_err(PutError::Body)?)?;
            if intake.pending_bytes > self.part_bytes {
                return self.put_large(place, body, intake).await;
            }
        }
        let (stored, rest) = intake.finish()?;
        let key = place.with_digest(&stored.sha256);
        faults::pass(Point::OutputBeforeBytes);
        if faults::is_broken(Law::BytesBeforeRow) {
            return Ok(stored);
        }
        self.prepare(&key).await?;
        self.store.put(&key, rest).await?;
        faults::pass(Point::OutputLanded);
        Ok(stored)
    }

    async fn put_large<S, E>(
        &self,
        place: &impl Place,
        body: S,
        intake: Intake,
    ) -> Result<Stored, PutError<E>>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin,
    {
        let n = self.uploads.fetch_add(1, Ordering::Relaxed);
        // The place is in the name because two servers may share a bucket, but never a lease or an asset.
        let staging = Path::from(format!("{STAGING}/{}-{n}", place.to_string().replace('/', "-")));
        self.prepare(&staging).await?;
        let mut upload = self.store.put_multipart(&staging).await?;
        let stored = match self.send_parts(&mut *upload, body, intake).await {
            Ok(stored) => stored,
            Err(e) => {
                abandon(&mut *upload).await;
                return Err(e);
            }
        };
        upload.complete().await?;
        faults::pass(Point::OutputStaged);
        let key = place.with_digest(&stored.sha256);
        self.prepare(&key).await?;
        if let Err(e) = self.store.rename(&staging, &key).await {
            self.remove(&staging).await?;
            return Err(e.into());
        }
        faults::pass(Point::OutputLanded);
        Ok(stored)
    }

    async fn send_parts<S, E>(
        &self,
        upload: &mut dyn MultipartUpload,
        mut body: S,
        mut intake: Intake,
    ) -> Result<Stored, PutError<E>>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin,
    {
        // One part after the other: the sender is slower than the store, and memory stays at one part.
        upload.put_part(intake.part()).await?;
        while let Some(chunk) = body.next().await {
            intake.take(chunk.map_err(PutError::Body)?)?;
            if intake.pending_bytes >= self.part_bytes {
                upload.put_part(intake.part()).await?;
            }
        }
        let (stored, rest) = intake.finish()?;
        if rest.content_length() > 0 {
            upload.put_part(rest).await?;
        }
        Ok(stored)
    }

    pub(crate) async fn prepare(&self, key: &Path) -> Result<(), ArtifactError> {
        match &self.folders {
            Some(folders) => folders.prepare(key).await,
            None => Ok(()),
        }
    }
}

/// A bucket keeps the parts of an upload that nobody ends; a failure here leaves that to the bucket's own rules.
async fn abandon(upload: &mut dyn MultipartUpload) {
    if let Err(e) = upload.abort().await {
        tracing::warn!(error = %e, "an upload that broke off could not be removed");
    }
}

/// Bytes taken in: counted, digested, not yet written.
struct Intake {
    wanted: Wanted,
    sha: Sha256,
    size: u64,
    pending: Vec<Bytes>,
    pending_bytes: usize,
}

impl Intake {
    fn new(wanted: Wanted) -> Self {
        Self { wanted, sha: Sha256::new(), size: 0, pending: Vec::new(), pending_bytes: 0 }
    }

    fn take<E>(&mut self, chunk: Bytes) -> Result<(), PutError<E>> {
        self.size += chunk.len() as u64;
        if self.size > self.wanted.bytes_max {
            return Err(PutError::TooLarge { bytes_max: self.wanted.bytes_max });
        }
        self.sha.update(&chunk);
        self.pending_bytes += chunk.len();
        self.pending.push(chunk);
        Ok(())
    }

    /// What is pending, as one part.
    fn part(&mut self) -> PutPayload {
        self.pending_bytes = 0;
        std::mem::take(&mut self.pending).into_iter().collect()
    }

    fn finish<E>(mut self) -> Result<(Stored, PutPayload), PutError<E>> {
        let rest = self.part();
        let sha256: [u8; 32] = self.sha.finalize().into();
        match self.wanted.sha256 {
            Some(wanted) if wanted != sha256 => {
                Err(PutError::DigestMismatch { wanted: hex::encode(wanted), got: hex::encode(sha256) })
            }
            _ => Ok((Stored { sha256, size: self.size }, rest)),
        }
    }
}
