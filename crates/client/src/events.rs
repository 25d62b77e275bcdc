//! A feed of events that survives broken connections and restarts of the server.
//!
//! After a break it resumes behind the last event that it saw. A server that cannot resume there sends
//! a snapshot: a reader may then see a state twice, but misses no final one.

use std::collections::VecDeque;

use futures_util::stream::{self, Stream};
use reeve_protocol::{EventError, JobEvent, headers};
use reeve_types::{JobId, WorkspaceId};
use reqwest::header::ACCEPT;
use reqwest::{Method, Response};

use crate::sse::{Frame, SseParser};
use crate::{Client, ClientError, entropy, task};

/// Events of one job or of one workspace, in order.
#[derive(Debug)]
pub struct EventFeed {
    client: Client,
    segments: Vec<String>,
    /// A job's feed ends with `done`; a workspace's has no end.
    ends_with_done: bool,
    connection: Option<Connection>,
    frames: VecDeque<Frame>,
    last_id: Option<String>,
    /// Connections in a row that brought nothing, and since when.
    failures: u32,
    failing_since: Option<task::Mark>,
    ended: bool,
}

#[derive(Debug)]
struct Connection {
    response: Response,
    parser: SseParser,
    opened: task::Mark,
}

impl EventFeed {
    pub(crate) fn of_job(client: Client, job: JobId) -> Self {
        Self::new(client, vec!["v1".into(), "jobs".into(), job.to_string(), "events".into()], true)
    }

    pub(crate) fn of_workspace(client: Client, workspace: &WorkspaceId) -> Self {
        Self::new(
            client,
            vec!["v1".into(), "workspaces".into(), workspace.to_string(), "events".into()],
            false,
        )
    }

    fn new(client: Client, segments: Vec<String>, ends_with_done: bool) -> Self {
        Self {
            client,
            segments,
            ends_with_done,
            connection: None,
            frames: VecDeque::new(),
            last_id: None,
            failures: 0,
            failing_since: None,
            ended: false,
        }
    }

    /// The same feed, resumed behind an event that was seen earlier.
    #[must_use]
    pub fn resume_after(self, id: impl Into<String>) -> Self {
        Self { last_id: Some(id.into()), ..self }
    }

    /// The id of the last event seen, to resume by.
    pub fn last_id(&self) -> Option<&str> {
        self.last_id.as_deref()
    }

    /// The next event; `None` after a job's `done` or after an error, which ends the feed.
    pub async fn next(&mut self) -> Option<Result<JobEvent, ClientError>> {
        while !self.ended {
            if let Some(frame) = self.frames.pop_front() {
                if frame.id.is_some() {
                    self.last_id = frame.id;
                }
                match JobEvent::parse(&frame.event, &frame.data) {
                    Ok(event) => {
                        self.ended = self.ends_with_done && matches!(event, JobEvent::Done(_));
                        return Some(Ok(event));
                    }
                    Err(EventError::UnknownName(_)) => {}
                    Err(error) => return self.end_with(ClientError::unexpected(200, &error.to_string())),
                }
            } else if let Err(error) = self.receive().await {
                return self.end_with(error);
            }
        }
        None
    }

    /// The feed as a stream.
    pub fn into_stream(self) -> impl Stream<Item = Result<JobEvent, ClientError>> {
        stream::unfold(self, async |mut feed| feed.next().await.map(|item| (item, feed)))
    }

    fn end_with(&mut self, error: ClientError) -> Option<Result<JobEvent, ClientError>> {
        self.ended = true;
        self.connection = None;
        Some(Err(error))
    }

    /// Takes the next bytes, on a new connection when there is none. A break is not an error until the deadline.
    async fn receive(&mut self) -> Result<(), ClientError> {
        if self.connection.is_none() {
            match self.connect().await {
                Ok(response) => {
                    let (parser, opened) = (SseParser::default(), task::Mark::now());
                    self.connection = Some(Connection { response, parser, opened });
                }
                Err(error) if error.is_retryable() => return self.pause(Some(error)).await,
                Err(error) => return Err(error),
            }
        }
        let Some(connection) = &mut self.connection else { return Ok(()) };
        let chunk = task::within_ms(self.client.settings().silence_ms_max, connection.response.chunk()).await;
        let Some(Ok(Some(bytes))) = chunk else {
            // Ended, broken or silent: all three are answered by a new connection. One that stood for long
            // was no failure, even if it had nothing to tell.
            if connection.opened.elapsed_ms() >= self.client.settings().retry.deadline_ms {
                (self.failures, self.failing_since) = (0, None);
            }
            self.connection = None;
            let error = chunk.and_then(Result::err).map(ClientError::from_http);
            return self.pause(error).await;
        };
        let frames = connection
            .parser
            .push(&bytes)
            .map_err(|error| ClientError::unexpected(200, &error.to_string()))?;
        if !frames.is_empty() {
            (self.failures, self.failing_since) = (0, None);
        }
        self.frames.extend(frames);
        Ok(())
    }

    async fn connect(&self) -> Result<Response, ClientError> {
        let segments: Vec<&str> = self.segments.iter().map(String::as_str).collect();
        // A request's own timeout would cut the stream: the answer's head is timed here, its body by silence.
        let stream_ms_max = std::time::Duration::from_secs(24 * 3600);
        let mut request = self
            .client
            .to(Method::GET, &segments)
            .timeout(stream_ms_max)
            .header(ACCEPT, headers::EVENT_STREAM);
        if let Some(id) = &self.last_id {
            request = request.header(headers::LAST_EVENT_ID, id);
        }
        let opened = task::within_ms(self.client.settings().answer_ms_max, self.client.open(request)).await;
        opened.unwrap_or_else(|| Err(ClientError::unexpected(504, "the event stream did not open in time")))
    }

    /// Waits before the next connection, or gives up when nothing came for as long as the policy allows.
    async fn pause(&mut self, error: Option<ClientError>) -> Result<(), ClientError> {
        self.failures = self.failures.saturating_add(1);
        let since = *self.failing_since.get_or_insert_with(task::Mark::now);
        let asked_ms =
            error.as_ref().and_then(ClientError::retry_after_seconds).map(|s| s.saturating_mul(1_000));
        let policy = self.client.settings().retry;
        match policy.pause_ms(self.failures, since.elapsed_ms(), asked_ms, entropy::jitter_permille()) {
            Some(pause_ms) => {
                task::sleep_ms(pause_ms).await;
                Ok(())
            }
            None => Err(error
                .unwrap_or_else(|| ClientError::unexpected(200, "the event stream ends again and again"))),
        }
    }
}
