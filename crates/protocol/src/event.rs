//! Server-sent events: their ids, names and data.
//!
//! A frame's name is its event's name and its data is one line of JSON. The name is not repeated in the
//! data: an internally tagged enum would pass every amount through a float.

use std::fmt;
use std::str::FromStr;

use reeve_types::JobId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Amount, At, BalanceSummary, JobErrorView, JobStatus, JobView, OutputView, QueueView, schema};

/// Names one event of one run of the server; its text is `<boot>-<n>`, both decimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId {
    /// Which run of the server; another one cannot resume and gets a snapshot.
    pub boot: u64,
    /// Counts up within the run.
    pub n: u64,
}

/// Why a text is not an event id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an event id must have the form `<boot>-<n>`")]
pub struct EventIdError;

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.boot, self.n)
    }
}

impl FromStr for EventId {
    type Err = EventIdError;

    fn from_str(text: &str) -> Result<Self, EventIdError> {
        let (boot, n) = text.split_once('-').ok_or(EventIdError)?;
        let number = |part: &str| {
            let digits = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
            if digits { part.parse::<u64>().map_err(|_| EventIdError) } else { Err(EventIdError) }
        };
        Ok(Self { boot: number(boot)?, n: number(n)? })
    }
}

/// `status`: a job moved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StatusEvent {
    /// The job.
    #[schema(value_type = schema::JobId)]
    pub job: JobId,
    /// When it moved.
    pub at: At,
    /// Where it stands now.
    pub status: JobStatus,
    /// Its attempt; 0 before the first lease.
    pub attempt: u32,
    /// `null` unless queued.
    pub queue: Option<QueueView>,
    /// Why it did not succeed; `null` of any other status.
    pub error: Option<JobErrorView>,
}

/// `progress`: a running job came further.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ProgressEvent {
    /// The job.
    #[schema(value_type = schema::JobId)]
    pub job: JobId,
    /// When the worker reported.
    pub at: At,
    /// 0 to 1.
    pub fraction: f64,
    /// The worker's word for what it does.
    pub stage: Option<String>,
    /// The worker's words for people.
    pub message: Option<String>,
}

/// `output`: an output was uploaded, or its outcome is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OutputEvent {
    /// The job.
    #[schema(value_type = schema::JobId)]
    pub job: JobId,
    /// When it was uploaded or decided.
    pub at: At,
    /// The output as it stands now.
    pub output: OutputView,
}

/// How much a log line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// Worth knowing.
    Info,
    /// An attempt was lost, or something else that costs time.
    Warn,
    /// The job will not succeed.
    Error,
}

/// `log`: something worth telling, such as a lost attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogEvent {
    /// The job.
    #[schema(value_type = schema::JobId)]
    pub job: JobId,
    /// When it happened.
    pub at: At,
    /// How much it matters.
    pub level: LogLevel,
    /// For people.
    pub message: String,
}

/// `credits`: credits were held, settled or released for a job, or the workspace's balance changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CreditsEvent {
    /// `null` when no job caused it; then the four figures of the job are zero.
    #[schema(value_type = Option<schema::JobId>)]
    pub job: Option<JobId>,
    /// When the credits moved.
    pub at: At,
    /// The job's price.
    pub quoted: Amount,
    /// Of that, pinned now.
    pub held: Amount,
    /// Of that, spent.
    pub settled: Amount,
    /// Of that, given back.
    pub released: Amount,
    /// The workspace's balance after it.
    pub balance: Option<BalanceSummary>,
}

/// Anything that a stream tells. `done` is the last of its job and carries all of it.
#[derive(Clone, Debug, PartialEq)]
pub enum JobEvent {
    /// A job moved.
    Status(StatusEvent),
    /// A running job came further.
    Progress(ProgressEvent),
    /// An output was uploaded, or its outcome is known.
    Output(OutputEvent),
    /// Something worth telling.
    Log(LogEvent),
    /// Credits moved.
    Credits(CreditsEvent),
    /// The job ended; the last event of it.
    Done(Box<JobView>),
}

/// Why a frame is not an event of ours.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// A newer server may know it.
    #[error("no event is called `{0}`")]
    UnknownName(String),
    /// The event is known, and its data has another shape.
    #[error("the data of `{name}` cannot be read: {source}")]
    Data {
        /// The event's name.
        name: &'static str,
        /// What does not fit.
        source: serde_json::Error,
    },
}

impl JobEvent {
    /// The name of its frames.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Status(_) => "status",
            Self::Progress(_) => "progress",
            Self::Output(_) => "output",
            Self::Log(_) => "log",
            Self::Credits(_) => "credits",
            Self::Done(_) => "done",
        }
    }

    /// Which job it is about.
    pub fn job(&self) -> Option<JobId> {
        match self {
            Self::Status(event) => Some(event.job),
            Self::Progress(event) => Some(event.job),
            Self::Output(event) => Some(event.job),
            Self::Log(event) => Some(event.job),
            Self::Credits(event) => event.job,
            Self::Done(job) => Some(job.id),
        }
    }

    /// Its data: one line of JSON.
    ///
    /// # Errors
    /// Only for a number that JSON cannot write.
    pub fn data(&self) -> Result<String, serde_json::Error> {
        match self {
            Self::Status(event) => serde_json::to_string(event),
            Self::Progress(event) => serde_json::to_string(event),
            Self::Output(event) => serde_json::to_string(event),
            Self::Log(event) => serde_json::to_string(event),
            Self::Credits(event) => serde_json::to_string(event),
            Self::Done(job) => serde_json::to_string(job),
        }
    }

    /// Its frame as it stands in a stream.
    ///
    /// # Errors
    /// As [`data`](Self::data).
    pub fn frame(&self, id: EventId) -> Result<String, serde_json::Error> {
        Ok(format!("id: {id}\nevent: {}\ndata: {}\n\n", self.name(), self.data()?))
    }

    /// Reads a frame's name and data. A reader passes over [`EventError::UnknownName`]: a newer server may say more.
    ///
    /// # Errors
    /// A name that is not known, or data of another shape.
    pub fn parse(name: &str, data: &str) -> Result<Self, EventError> {
        fn read<'a, T: Deserialize<'a>>(name: &'static str, data: &'a str) -> Result<T, EventError> {
            serde_json::from_str(data).map_err(|source| EventError::Data { name, source })
        }
        match name {
            "status" => read("status", data).map(Self::Status),
            "progress" => read("progress", data).map(Self::Progress),
            "output" => read("output", data).map(Self::Output),
            "log" => read("log", data).map(Self::Log),
            "credits" => read("credits", data).map(Self::Credits),
            "done" => read("done", data).map(|job| Self::Done(Box::new(job))),
            other => Err(EventError::UnknownName(other.chars().take(40).collect())),
        }
    }
}

#[cfg(test)]
mod tests {

    use proptest::prelude::*;
    use reeve_types::{Credits, JobId, Millis};

    use super::*;

    fn credits_event(micros: i64) -> JobEvent {
        JobEvent::Credits(CreditsEvent {
            job: Some(JobId::from_parts(Millis::from_millis(5), 7)),
            at: At(Millis::from_millis(1_000)),
            quoted: Amount(Credits::from_micros(micros)),
            held: Amount::ZERO,
            settled: Amount::ZERO,
            released: Amount::ZERO,
            balance: None,
        })
    }

    #[test]
    fn a_frame_is_three_lines_and_a_blank_one() {
        let event = JobEvent::Log(LogEvent {
            job: JobId::from_parts(Millis::from_millis(5), 7),
            at: At::default(),
            level: LogLevel::Warn,
            message: "two\nlines\r\n".into(),
        });
        let frame = event.frame(EventId { boot: 3, n: 4 }).unwrap();
        assert!(frame.starts_with("id: 3-4\nevent: log\ndata: {"), "{frame}");
        assert_eq!(frame.matches('\n').count(), 4, "a line break in a message must not break the frame");
        assert!(!frame.contains('\r'));
    }

    #[test]
    fn an_unknown_name_is_told_apart_from_bad_data() {
        assert!(matches!(JobEvent::parse("novel", "{}"), Err(EventError::UnknownName(_))));
        assert!(matches!(JobEvent::parse("log", "{}"), Err(EventError::Data { name: "log", .. })));
    }

    #[test]
    fn an_event_id_has_one_form() {
        assert_eq!("7-0".parse(), Ok(EventId { boot: 7, n: 0 }));
        for bad in ["", "-", "7-", "-7", "7", "+7-1", "7--1", "7-1-2", "99999999999999999999-1", "a-b"] {
            assert_eq!(bad.parse::<EventId>(), Err(EventIdError), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn event_ids_read_back(boot in any::<u64>(), n in any::<u64>()) {
            prop_assert_eq!(EventId { boot, n }.to_string().parse(), Ok(EventId { boot, n }));
        }

        #[test]
        fn amounts_pass_through_events_exactly(micros in -i64::MAX..=i64::MAX) {
            let event = credits_event(micros);
            prop_assert_eq!(JobEvent::parse(event.name(), &event.data().unwrap()).unwrap(), event);
        }

        #[test]
        fn hostile_frames_never_panic(name in "status|progress|output|log|credits|done", data in "\\PC{0,80}") {
            let _ = JobEvent::parse(&name, &data);
        }
    }
}
