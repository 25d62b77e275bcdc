//! One delivery as it is sent: its id, and its body.
//!
//! Both are the same in every try, and after a kill in the middle of one: the id is made of the event's place in the
//! outbox, and the body tells only what never changes. A final state never does; what a live job costs is left out
//! until it is final.

use std::fmt;
use std::str::FromStr;

use reeve_journal::{JobRecord, OutboxEvent};
use reeve_protocol::{
    Amount, At, JobErrorView, JobEventCredits, JobEventData, JobEventProgress, JobStatus, WebhookPayload,
};
use reeve_types::{JobId, Millis, WorkspaceId};
use serde_json::{Map, Value};

/// The `webhook-id` of an event: the same for each endpoint and in each try. The time is in it so that ids of one
/// database are not those of another one, which receivers may have seen before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MessageId {
    pub at: Millis,
    pub event: i64,
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "msg_{:012x}{:012x}", self.at.value(), self.event)
    }
}

impl FromStr for MessageId {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let digits = text.strip_prefix("msg_").ok_or(())?;
        let (at, event) = digits.split_at_checked(12).ok_or(())?;
        let hex = |text: &str| {
            let canonical = text.len() == 12 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
            if canonical { i64::from_str_radix(text, 16).map_err(drop) } else { Err(()) }
        };
        Ok(Self { at: Millis::from_millis(hex(at)?), event: hex(event)? })
    }
}

/// The status that a kind of event tells of.
fn status_of(kind: &str) -> Option<JobStatus> {
    match kind {
        "job.started" | reeve_protocol::JOB_PROGRESS => Some(JobStatus::Running),
        "job.succeeded" => Some(JobStatus::Succeeded),
        "job.failed" => Some(JobStatus::Failed),
        "job.cancelled" => Some(JobStatus::Cancelled),
        "job.expired" => Some(JobStatus::Expired),
        _ => None,
    }
}

/// The job of an event whose body needs its row.
pub(crate) fn job_of(event: &OutboxEvent) -> Option<JobId> {
    event.job.filter(|_| status_of(&event.kind).is_some())
}

/// The body of a delivery; `job` is the row of [`job_of`], when there still is one.
pub(crate) fn body(event: &OutboxEvent, job: Option<&JobRecord>) -> Result<String, serde_json::Error> {
    let stored: Map<String, Value> = serde_json::from_str(&event.body).unwrap_or_default();
    let (kind, timestamp) = (event.kind.clone(), At::from(event.at));
    if let (Some(status), Some(id), Some(workspace)) =
        (status_of(&event.kind), event.job, event.workspace.clone())
    {
        let attempt = stored.get("attempt").and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok());
        let data = job_data((workspace, id), (attempt.unwrap_or(0), status), job);
        return serde_json::to_string(&WebhookPayload { kind, timestamp, data });
    }
    let mut data = Map::new();
    data.extend(event.workspace.as_ref().map(|id| ("workspace".to_owned(), Value::from(id.as_str()))));
    data.extend(event.job.map(|id| ("job".to_owned(), Value::from(id.to_string()))));
    data.extend(stored);
    serde_json::to_string(&WebhookPayload { kind, timestamp, data })
}

fn job_data(
    (workspace, job): (WorkspaceId, JobId),
    (attempt, status): (u32, JobStatus),
    row: Option<&JobRecord>,
) -> JobEventData {
    let data = JobEventData {
        workspace,
        job,
        attempt,
        status,
        action: None,
        member: None,
        metadata: None,
        credits: None,
        error: None,
        progress: None,
    };
    let Some(JobRecord { intro, state, .. }) = row else { return data };
    let is_final = status.is_final();
    let error = state.error.as_ref().filter(|_| is_final);
    JobEventData {
        action: Some(intro.action.clone()),
        member: intro.member.clone(),
        metadata: intro.metadata.as_deref().and_then(|text| serde_json::from_str(text).ok()),
        credits: Some(JobEventCredits {
            quoted: Amount(intro.quote.credits),
            settled: is_final.then_some(Amount(state.settled)),
            released: is_final.then_some(Amount(state.released)),
        }),
        error: error
            .map(|error| JobErrorView { code: error.code.to_string(), message: error.message.to_string() }),
        ..data
    }
}

/// The body of a report of progress.
pub(crate) fn progress_body(
    ids: (WorkspaceId, JobId),
    at: Millis,
    progress: JobEventProgress,
    row: Option<&JobRecord>,
) -> Result<String, serde_json::Error> {
    let kind = reeve_protocol::JOB_PROGRESS.to_owned();
    let attempt = row.map_or(0, |row| row.state.attempt);
    let data = JobEventData { progress: Some(progress), ..job_data(ids, (attempt, JobStatus::Running), row) };
    serde_json::to_string(&WebhookPayload { kind, timestamp: At::from(at), data })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const T0: Millis = Millis::from_millis(1_772_000_000_000);
    const JOB: JobId = JobId::from_parts(T0, 7);

    fn event(kind: &str, job: Option<JobId>, body: &str) -> OutboxEvent {
        OutboxEvent {
            id: 5,
            workspace: Some("acme".parse().unwrap()),
            at: T0,
            kind: kind.to_owned(),
            job,
            body: body.to_owned(),
            job_url: None,
        }
    }

    fn read(event: &OutboxEvent) -> Value {
        serde_json::from_str(&body(event, None).unwrap()).unwrap()
    }

    proptest! {
        #[test]
        fn an_id_reads_back(at in 0..(1_i64 << 47), event in 0..(1_i64 << 47)) {
            let id = MessageId { at: Millis::from_millis(at), event };
            prop_assert_eq!(id.to_string().parse(), Ok(id));
        }

        #[test]
        fn hostile_ids_are_refused_without_panic(text in "(msg_)?\\PC{0,40}") {
            let _ = text.parse::<MessageId>();
        }
    }

    #[test]
    fn ids_sort_by_time_and_then_by_event() {
        let id = |at, event| MessageId { at: Millis::from_millis(at), event }.to_string();
        assert!(id(1, 9) < id(2, 1) && id(2, 1) < id(2, 2));
    }

    #[test]
    fn what_credits_do_is_told_as_it_was_written() {
        let low = event("credits.low", None, r#"{"threshold":"10","available":"9.5"}"#);
        let expected = json!({
            "type": "credits.low", "timestamp": "2026-02-25T06:13:20.000Z",
            "data": {"workspace": "acme", "threshold": "10", "available": "9.5"},
        });
        assert_eq!(read(&low), expected);
    }

    #[test]
    fn a_job_that_is_not_stored_any_more_is_told_by_its_ids() {
        let failed = event("job.failed", Some(JOB), r#"{"job":"x","attempt":3}"#);
        let data = json!({"workspace": "acme", "job": JOB.to_string(), "attempt": 3, "status": "failed"});
        assert_eq!(read(&failed)["data"], data);
    }

    #[test]
    fn a_body_that_cannot_be_read_tells_what_its_row_says() {
        assert_eq!(read(&event("credits.granted", None, "no json"))["data"], json!({"workspace": "acme"}));
    }
}
