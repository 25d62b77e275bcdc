//! The client that the commands talk through.

use reeve_client::{Client, ClientSettings, Trust};

use crate::args::Remote;
use crate::exit::Failure;

/// How long an interactive command goes on trying to reach its server.
const PATIENCE_MS: u64 = 2_000;

/// A client of the server that was named.
///
/// # Errors
/// No key, or an address that is none.
pub fn client(remote: &Remote) -> Result<Client, Failure> {
    let mut settings = ClientSettings::default();
    settings.retry.deadline_ms = PATIENCE_MS;
    client_with(remote, settings)
}

/// The same with patience of its own.
///
/// # Errors
/// No key, an address that is none, or a file of authorities that holds none.
pub fn client_with(remote: &Remote, settings: ClientSettings) -> Result<Client, Failure> {
    let key =
        remote.key.as_deref().ok_or_else(|| Failure::usage("no key: give one with --key or REEVE_KEY"))?;
    if !remote.url.contains("://") {
        let url = &remote.url;
        return Err(Failure::usage(format!(
            "`{url}` is no server's address: write http://{url} or https://{url}"
        )));
    }
    let trust = match &remote.ca {
        Some(file) => Trust::authorities(file)?,
        None => Trust::System,
    };
    Ok(Client::trusting(&remote.url, key, settings, &trust)?)
}
