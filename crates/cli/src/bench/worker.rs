//! A worker that renders nothing: leases a batch, says that its outputs landed elsewhere, asks for the next.

use reeve_protocol::At;

use super::board::Board;
use super::clock::Mark;
use super::error::BenchError;
use super::http::Connection;
use super::load::{Load, Phase};

/// Longest wait for work; short, because the last jobs of a phase may go to another worker.
const WAIT_SECONDS: u32 = 1;
/// The same under a paced load, whose last worker is not waited for.
const PACED_WAIT_SECONDS: u32 = 20;
/// What stands before a lease's 40 digits in an answer.
const LEASE_MARK: &str = r#""lease":"lease_"#;
/// Digits of a lease's job, and with those of its attempt.
const JOB_DIGITS: usize = 32;
const LEASE_DIGITS: usize = 40;
/// What stands before two of a job's instants, and how long they are.
const CREATED_MARK: &str = r#""created_at":""#;
const STARTED_MARK: &str = r#""started_at":""#;
const INSTANT_LEN: usize = "2026-01-31T12:00:00.000Z".len();
/// What each accepted completion shows once.
pub(super) const SUCCEEDED: &str = r#""status":"succeeded""#;

/// Works until the phase's jobs are done.
pub(super) async fn work(load: &Load<'_>, board: &Board, n: u32) -> Result<(), BenchError> {
    let mut connection = Connection::new(load.target.addr);
    let session = format!("{}-{n}", load.shape.run);
    let slots = load.shape.slots;
    let wait = if matches!(board.phase, Phase::Paced(..)) { PACED_WAIT_SECONDS } else { WAIT_SECONDS };
    let body = format!(
        r#"{{"worker":"bench-{n}","session":"{session}","pools":["image"],"slots":{slots},"wait_seconds":{wait}}}"#
    );
    let ask = load.worker_request("/v1/worker/leases", &body);
    while !board.is_worked_off() {
        let leases = lease(&mut connection, &ask, board).await?;
        if leases.is_empty() {
            continue;
        }
        for lease in &leases {
            report(&mut connection, load, lease).await?;
        }
        complete(&mut connection, load, board, &leases).await?;
    }
    Ok(())
}

/// The digits of the leases that were given.
async fn lease(connection: &mut Connection, ask: &[u8], board: &Board) -> Result<Vec<String>, BenchError> {
    loop {
        let answer = connection.call(ask).await?;
        match answer.status {
            200 => return leases(answer.body, board),
            429 | 503 => board.put_off(answer.status, answer.body).await,
            status => return Err(BenchError::refused(status, answer.body)),
        }
    }
}

fn leases(body: &[u8], board: &Board) -> Result<Vec<String>, BenchError> {
    let text = std::str::from_utf8(body).map_err(|e| BenchError::Answer(e.to_string()))?;
    let mut leases = Vec::new();
    for (at, _) in text.match_indices(LEASE_MARK) {
        let start = at + LEASE_MARK.len();
        let digits = text.get(start..start + LEASE_DIGITS).unwrap_or_default();
        let job = digits.get(..JOB_DIGITS).and_then(|job| u128::from_str_radix(job, 16).ok());
        board.leased(job.ok_or_else(|| BenchError::Answer("a lease without an id".to_owned()))?);
        leases.push(digits.to_owned());
    }
    Ok(leases)
}

/// As many progress reports as were asked for, one request each.
async fn report(connection: &mut Connection, load: &Load<'_>, lease: &str) -> Result<(), BenchError> {
    let reports = load.shape.progress;
    for n in 1..=reports {
        let body = format!(r#"{{"fraction":{:.3},"stage":"render"}}"#, f64::from(n) / f64::from(reports + 1));
        let request = load.worker_request(&format!("/v1/worker/leases/lease_{lease}/progress"), &body);
        let answer = connection.call(&request).await?;
        // 409: the lease went back meanwhile; its completion will be told the same.
        if !matches!(answer.status, 200 | 409 | 503) {
            return Err(BenchError::refused(answer.status, answer.body));
        }
    }
    Ok(())
}

async fn complete(
    connection: &mut Connection,
    load: &Load<'_>,
    board: &Board,
    leases: &[String],
) -> Result<(), BenchError> {
    let request = load.worker_request("/v1/worker/completions", &completions(leases));
    let start = Mark::now();
    let body = loop {
        let answer = connection.call(&request).await?;
        match answer.status {
            200 => break answer.body,
            429 | 503 => board.put_off(answer.status, answer.body).await,
            status => return Err(BenchError::refused(status, answer.body)),
        }
    };
    let text = std::str::from_utf8(body).map_err(|e| BenchError::Answer(e.to_string()))?;
    let completed = text.matches(SUCCEEDED).count() as u64;
    if completed == 0 {
        return Err(BenchError::refused(200, body));
    }
    board.times.complete.note(start.elapsed_us(), completed);
    if matches!(board.phase, Phase::Paced(..)) {
        waits_ms(text).for_each(|ms| board.times.server_wait.note(ms * 1_000, 1));
    }
    board.completed(completed);
    Ok(())
}

/// How long each job of an answer waited for its first worker by the server's clock, in milliseconds.
fn waits_ms(text: &str) -> impl Iterator<Item = u64> {
    let instants = |mark: &'static str| {
        text.match_indices(mark).filter_map(move |(at, _)| {
            let start = at + mark.len();
            text.get(start..start + INSTANT_LEN)?.parse::<At>().ok()
        })
    };
    instants(CREATED_MARK)
        .zip(instants(STARTED_MARK))
        .map(|(created, started)| u64::try_from(started.0.value() - created.0.value()).unwrap_or(0))
}

/// One output each, given by an address: the bytes are someone else's.
fn completions(leases: &[String]) -> String {
    let mut body = String::with_capacity(64 + leases.len() * 320);
    body.push_str(r#"{"entries":["#);
    for (n, lease) in leases.iter().enumerate() {
        body.push_str(if n == 0 { r#"{"lease":"lease_"# } else { r#",{"lease":"lease_"# });
        body.push_str(lease);
        body.push_str(
            r#"","complete":{"outputs":[{"index":0,"outcome":"landed","url":"https://outputs.example/"#,
        );
        body.push_str(lease);
        body.push_str(r#".png","sha256":"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08","size":48211,"content_type":"image/png"}]}}"#);
    }
    body.push_str("]}");
    body
}

#[cfg(test)]
mod tests {
    use reeve_protocol::CompletionsRequest;

    use super::*;

    #[test]
    fn waits_are_read_from_the_jobs_of_an_answer() {
        let job = |ms: &str| {
            format!(
                r#"{{"created_at":"2026-01-31T12:00:00.100Z","started_at":"2026-01-31T12:00:{ms}Z","finished_at":null}}"#
            )
        };
        let text = format!("[{},{}]", job("00.103"), job("01.100"));
        assert_eq!(waits_ms(&text).collect::<Vec<_>>(), [3, 1_000]);
        assert_eq!(waits_ms("{}").count(), 0);
    }

    #[test]
    fn a_batch_of_completions_is_what_the_protocol_reads() {
        let digits = |n: u32| format!("{n:032x}{:08x}", 1);
        let text = completions(&[digits(1), digits(2)]);
        let read: CompletionsRequest = serde_json::from_str(&text).unwrap();
        assert_eq!(read.entries.len(), 2);
        assert_eq!(read.entries[1].lease.attempt, 1);
        let output = &read.entries[0].complete.as_ref().unwrap().outputs[0];
        assert!(output.url.is_some() && output.sha256.is_some() && output.size.is_some());
    }
}
