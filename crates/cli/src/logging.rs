//! Where log lines go and how they look.

mod of_request;

use std::fs::File;
use std::io::stderr;
use std::path::Path;
use std::sync::Mutex;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

use crate::config::{LogFormat, LogSettings};
use crate::exit::Failure;

use of_request::OfRequest;

/// Logs to stderr as the settings say.
///
/// # Errors
/// A level that is none.
pub fn to_stderr(settings: &LogSettings) -> Result<(), Failure> {
    let filter = filter(&settings.level)?;
    match settings.format {
        LogFormat::Human => {
            let ansi = console::colors_enabled_stderr();
            let lines = fmt().with_env_filter(filter).with_writer(stderr).with_ansi(ansi);
            lines.map_event_format(|inner| OfRequest::human(inner.with_ansi(ansi))).init();
        }
        LogFormat::Json => {
            let lines = fmt().with_env_filter(filter).with_writer(stderr).json();
            lines.map_event_format(OfRequest::json).init();
        }
    }
    Ok(())
}

/// Logs to a file, for a command that draws on the terminal itself.
///
/// # Errors
/// The file cannot be made, or the level is none.
pub fn to_file(path: &Path, level: &str) -> Result<(), Failure> {
    let filter = filter(level)?;
    let file = File::create(path)
        .map_err(|e| Failure::environment(&format!("cannot write `{}`", path.display()), e))?;
    let lines = fmt().with_env_filter(filter).with_writer(Mutex::new(file)).with_ansi(false);
    lines.map_event_format(|inner| OfRequest::human(inner.with_ansi(false))).init();
    Ok(())
}

/// What others' libraries say at `info` is about themselves: it is heard only when the setting asks for it by name.
const QUIET: &str = "sea_orm_migration=warn,actix_server=warn";

fn filter(level: &str) -> Result<EnvFilter, Failure> {
    // Of two directives for one target the later wins, so the setting has the last word.
    EnvFilter::try_new(format!("{QUIET},{level}"))
        .map_err(|e| Failure::usage(format!("`log.level` is `{level}`: {e}")))
}
