//! Why bytes could not be stored or read: the environment's fault, or the sender's.

/// The store failed; worth a retry.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    #[error("the artifact store failed: {0}")]
    Store(#[from] object_store::Error),
    #[error("the folder `{path}` of the artifact store cannot be used: {source}")]
    Folder { path: String, source: std::io::Error },
    /// A note beside an asset that we could not have written.
    #[error("the note `{path}` in the artifact store is damaged: {detail}")]
    Damaged { path: String, detail: String },
}

/// Why an upload was not stored; nothing readable is left of it. `E` is what the body's stream fails with.
#[derive(Debug, thiserror::Error)]
pub enum PutError<E> {
    #[error("the body has more than {bytes_max} bytes")]
    TooLarge { bytes_max: u64 },
    #[error("the body's sha256 is `{got}`, not `{wanted}` as announced")]
    DigestMismatch { wanted: String, got: String },
    /// The asset exists already, with other bytes or another type.
    #[error("asset exists already with other content")]
    Exists,
    #[error("the body broke off: {0}")]
    Body(E),
    #[error(transparent)]
    Store(#[from] ArtifactError),
}

impl<E> From<object_store::Error> for PutError<E> {
    fn from(error: object_store::Error) -> Self {
        Self::Store(error.into())
    }
}
