//! Looks at the server again and again, in a task of its own: a server that hangs does not hang the keys.

use std::error::Error as _;

use reeve_client::{Client, ClientError};
use tokio::sync::{mpsc, watch};

use super::look::look;
use super::model::Outcome;
use crate::exit::Failure;
use crate::system;

/// What the screen is told: an outcome to show, or a refusal that no waiting helps against.
pub type Report = Result<Outcome, Failure>;

/// Looks until nobody listens, with a pause after each look; not while `paused`.
pub async fn run(
    client: Client,
    interval_ms: u64,
    mut paused: watch::Receiver<bool>,
    reports: mpsc::Sender<Report>,
) {
    while paused.wait_for(|paused| !*paused).await.is_ok() {
        let report = match look(&client).await {
            Ok(look) => Ok(Outcome::Seen(Box::new(look))),
            Err(error) if is_final(&error) => Err(Failure::from(error)),
            Err(error) => Ok(Outcome::Failed(reason(&error))),
        };
        let last = report.is_err();
        if reports.send(report).await.is_err() || last {
            return;
        }
        system::pause_ms(interval_ms).await;
    }
}

/// A wrong key or address stays wrong; everything else may be a restart.
fn is_final(error: &ClientError) -> bool {
    matches!(error, ClientError::Invalid(_)) || matches!(error.status(), Some(401 | 403))
}

/// The innermost cause: the outer ones repeat the address, and one line has no room for them.
fn reason(error: &ClientError) -> String {
    let Some(mut cause) = error.source() else { return error.to_string() };
    while let Some(below) = cause.source() {
        cause = below;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use reeve_protocol::{Code, Problem};

    use super::*;

    fn refused(code: Code) -> ClientError {
        ClientError::Refused(Box::new(Problem::new(code, "d")))
    }

    #[test]
    fn a_wrong_key_ends_it_and_an_outage_does_not() {
        assert!(is_final(&refused(Code::Unauthorized)));
        assert!(is_final(&refused(Code::Forbidden)));
        assert!(is_final(&ClientError::Invalid("no url".into())));
        assert!(!is_final(&refused(Code::Overloaded)));
        assert!(!is_final(&refused(Code::Internal)));
    }

    #[test]
    fn an_outage_is_told_by_its_own_words() {
        let error = ClientError::Unexpected { status: 502, body: "proxy".into() };
        assert_eq!(reason(&error), "unexpected answer with status 502: proxy");
    }
}
