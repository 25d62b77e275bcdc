//! How a batch of spans reaches the collector: one request, on the server's own runtime.
//!
//! The exporter's thread has no runtime, so requests run on the server's and the thread waits. A collector that cannot be
//! reached is told of once a minute: it may be away for days, and the server is none the worse for it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use reeve_client::Trust;
use tokio::runtime::Handle;

use crate::exit::Failure;
use crate::system::{self, Mark};

/// Longest time of one request, from the connection to the end of the answer.
pub(super) const ANSWER_MAX: Duration = Duration::from_secs(5);
/// What is read of an answer: it has a few words.
const BODY_BYTES_MAX: usize = 64 << 10;
/// Between two lines about tries that came to nothing.
const TELL_EVERY_SECONDS: f64 = 60.0;

/// The exporter's way to the collector.
pub(super) struct Post {
    client: reqwest::Client,
    runtime: Handle,
    missed: Missed,
}

impl Post {
    /// A client that trusts whom the system trusts.
    ///
    /// # Errors
    /// No client can be made.
    pub(super) fn new(runtime: Handle) -> Result<Self, Failure> {
        let tls = Trust::System.config()?;
        let client = reqwest::Client::builder()
            .no_proxy()
            .tls_backend_preconfigured(tls)
            .redirect(reqwest::redirect::Policy::none())
            .timeout(ANSWER_MAX)
            .build()
            .map_err(|e| Failure::environment("cannot make a client for the collector", e))?;
        Ok(Self { client, runtime, missed: Missed::default() })
    }

    /// The answer, whatever it says: the exporter judges by its status whether to try again.
    async fn sent(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let request = reqwest::Request::try_from(request)?;
        let client = self.client.clone();
        let asked = async move {
            let mut answer = client.execute(request).await?;
            let mut body = Vec::new();
            while let Some(chunk) = answer.chunk().await? {
                let room = BODY_BYTES_MAX.saturating_sub(body.len());
                if room == 0 {
                    break;
                }
                body.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
            }
            let (status, headers) = (answer.status(), std::mem::take(answer.headers_mut()));
            Ok::<_, reqwest::Error>((status, headers, Bytes::from(body)))
        };
        let (status, headers, body) = system::spawn_on(&self.runtime, asked).await??;
        let mut answer = Response::new(body);
        (*answer.status_mut(), *answer.headers_mut()) = (status, headers);
        Ok(answer)
    }
}

impl fmt::Debug for Post {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Post").finish_non_exhaustive()
    }
}

impl HttpClient for Post {
    // Written out as the trait's macro does, which is not worth a dependency.
    fn send_bytes<'s, 'f>(
        &'s self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'f>>
    where
        's: 'f,
        Self: 'f,
    {
        Box::pin(async move {
            let sent = self.sent(request).await;
            match &sent {
                Ok(answer) if answer.status().is_success() => {}
                Ok(answer) => self.missed.count(&format!("it answered {}", answer.status())),
                Err(error) => self.missed.count(&whole(error.as_ref())),
            }
            sent
        })
    }
}

/// Tries that came to nothing.
#[derive(Default)]
struct Missed(Mutex<Told>);

#[derive(Default)]
struct Told {
    at: Option<Mark>,
    /// Since then.
    tries: u64,
}

impl Missed {
    fn count(&self, error: &str) {
        if let Some(tries) = self.due() {
            tracing::warn!(error, tries, "traces do not reach the collector; this is said once a minute");
        }
    }

    /// One more; how many there are to be told of, where it is time for that.
    fn due(&self) -> Option<u64> {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.tries += 1;
        if told.at.is_some_and(|at| at.seconds() < TELL_EVERY_SECONDS) {
            return None;
        }
        told.at = Some(Mark::now());
        Some(std::mem::take(&mut told.tries))
    }
}

/// An error with what caused it: that a connection failed does not say why.
fn whole(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collector_that_is_away_is_told_of_once_a_minute() {
        let missed = Missed::default();
        assert_eq!(missed.due(), Some(1));
        assert_eq!((missed.due(), missed.due()), (None, None));
        assert_eq!(missed.0.lock().unwrap().tries, 2, "for the next line");
    }
}
