//! The end of every run: the server checks its own books.

use reeve_protocol::{VerifyReport, VerifyStatus};

use super::clock::Mark;
use super::error::BenchError;
use super::http::{Connection, Target};
use super::server::Server;
use crate::system::pause_ms;

/// One wait for the result; the server allows no more.
const WAIT_SECONDS: u64 = 60;
/// A check that takes longer is given up.
const SECONDS_MAX: f64 = 1_800.0;

/// Asks for a verification and waits until it is done. True when every check holds.
pub(super) async fn verify(server: &Server, target: &Target) -> Result<bool, BenchError> {
    let mut connection = Connection::new(target.addr);
    let start = Mark::now();
    let path = format!("/v1/verify?wait={WAIT_SECONDS}");
    let mut request = target.request("POST", &path, &server.admin_key, "");
    loop {
        let answer = connection.call(&request).await?;
        if !matches!(answer.status, 200 | 202) {
            return Err(BenchError::refused(answer.status, answer.body));
        }
        let report: VerifyReport =
            serde_json::from_slice(answer.body).map_err(|e| BenchError::Answer(e.to_string()))?;
        if report.status == VerifyStatus::Done {
            for check in report.checks.iter().filter(|check| !check.ok) {
                eprintln!(
                    "verify: `{}` failed: {}",
                    check.name,
                    check.detail.as_deref().unwrap_or("no detail")
                );
            }
            return Ok(report.ok == Some(true));
        }
        if start.elapsed_seconds() > SECONDS_MAX {
            return Err(BenchError::Answer("the verification does not come to an end".to_owned()));
        }
        request = target.request("GET", &path, &server.admin_key, "");
        pause_ms(100).await;
    }
}
