//! Why a run came to no figures.

use std::path::PathBuf;

use super::http::HttpError;
use crate::exit::Failure;

/// What went wrong: usage, the server, or this machine.
#[derive(Debug, thiserror::Error)]
pub(super) enum BenchError {
    #[error("{0}")]
    Usage(String),
    #[error(transparent)]
    Http(#[from] HttpError),
    #[error("the server refused with status {status}: {body}")]
    Refused { status: u16, body: String },
    #[error("the server's answer is not what was asked for: {0}")]
    Answer(String),
    #[error("nothing moves any more: {0}")]
    Stalled(String),
    #[error("the server cannot be started or watched: {0}")]
    Process(#[source] std::io::Error),
    #[error("the started server does not listen; `{log}` may tell why", log = log.display())]
    NotReady { log: PathBuf },
    #[error("the started server did not end well: {0}")]
    Stopped(String),
    #[error("`{folder}` cannot be made: {source}", folder = folder.display())]
    Folder { folder: PathBuf, source: std::io::Error },
    #[error("`{file}` cannot be written: {source}", file = file.display())]
    File { file: PathBuf, source: std::io::Error },
    #[error("a bug of the benchmark: {0}")]
    Bug(String),
}

impl BenchError {
    /// Longest part of an answer that is shown, in characters.
    const BODY_CHARS_MAX: usize = 500;

    pub(super) fn refused(status: u16, body: &[u8]) -> Self {
        Self::Refused { status, body: shown(body) }
    }
}

/// The start of an answer, for people.
pub(super) fn shown(body: &[u8]) -> String {
    String::from_utf8_lossy(body).chars().take(BenchError::BODY_CHARS_MAX).collect()
}

impl From<BenchError> for Failure {
    fn from(error: BenchError) -> Self {
        match error {
            BenchError::Usage(what) => Self::usage(what),
            other => Self::environment("the benchmark came to no figures", other),
        }
    }
}
