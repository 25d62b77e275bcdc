//! Event streams: frames, keep-alive, resume, and an end that comes when it should.
//!
//! A stream never holds the hub up: the hub cuts a reader that does not keep up, and the stream then ends. The
//! reader comes back with its last id.

use std::collections::VecDeque;
use std::time::Duration;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};
use futures_util::Stream;
use futures_util::future::BoxFuture;
use reeve_actors::{HubEvent, Subscription};
use reeve_protocol::headers::{EVENT_STREAM, LAST_EVENT_ID};
use reeve_protocol::{EventId, JobEvent};
use tokio::time::{Instant, Interval, MissedTickBehavior};

use crate::ending::Ending;
use crate::error::ApiError;

/// Sent while nothing happens, so that proxies and clients know that the stream lives.
const KEEP_ALIVE: &[u8] = b": keep-alive\n\n";

/// No event of any run: who resumes after it gets a snapshot.
const NOWHERE: EventId = EventId { boot: 0, n: 0 };

/// Where a reader stopped. A text that is no id of ours is as good as none: it gets a snapshot.
pub(crate) fn resume_after(req: &HttpRequest) -> Option<(u64, u64)> {
    let text = req.headers().get(LAST_EVENT_ID)?.to_str().ok()?;
    text.trim().parse::<EventId>().ok().map(|id| (id.boot, id.n))
}

/// Turns an event of the hub into those of the wire.
pub(crate) type Translate = Box<dyn FnMut(HubEvent) -> BoxFuture<'static, Step> + Send>;

/// What one event of the hub leads to.
pub(crate) struct Step {
    pub events: Vec<JobEvent>,
    /// Nothing comes after these.
    pub last: bool,
}

impl Step {
    /// These events, and more to come.
    pub(crate) const fn more(events: Vec<JobEvent>) -> Self {
        Self { events, last: false }
    }
}

/// A stream in the making.
pub(crate) struct Feed {
    pub subscription: Subscription,
    /// Sent before anything of the subscription.
    pub opening: Step,
    pub translate: Translate,
    pub keep_alive: Duration,
    pub ending: Ending,
}

/// The answer that carries a stream.
pub(crate) fn answer(feed: Feed) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, EVENT_STREAM))
        .insert_header((CACHE_CONTROL, "no-cache, no-transform"))
        // A compressor would keep frames back to compress them better.
        .insert_header((CONTENT_ENCODING, "identity"))
        .insert_header(("X-Accel-Buffering", "no"))
        .streaming(frames(feed))
}

struct Running {
    subscription: Subscription,
    translate: Translate,
    ticks: Interval,
    ending: Ending,
    backlog: VecDeque<HubEvent>,
    ready: VecDeque<Bytes>,
    last: bool,
}

fn frames(feed: Feed) -> impl Stream<Item = Result<Bytes, ApiError>> {
    let Feed { mut subscription, opening, translate, keep_alive, ending } = feed;
    let mut ticks = tokio::time::interval_at(Instant::now() + keep_alive, keep_alive);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let backlog = subscription.backlog.take().unwrap_or_default().into();
    let (boot, n) = subscription.position;
    let last = false;
    let mut running =
        Running { subscription, translate, ticks, ending, backlog, ready: VecDeque::new(), last };
    running.take(opening, EventId { boot, n }, NOWHERE);
    futures_util::stream::unfold(running, |mut running| async move {
        let frame = running.next().await?;
        Some((frame, running))
    })
}

impl Running {
    async fn next(&mut self) -> Option<Result<Bytes, ApiError>> {
        loop {
            if let Some(frame) = self.ready.pop_front() {
                return Some(Ok(frame));
            }
            if self.last || self.ending.is_here() {
                return None;
            }
            let event = match self.backlog.pop_front() {
                Some(event) => event,
                None => tokio::select! {
                    event = self.subscription.events.recv() => event?,
                    _ = self.ticks.tick() => return Some(Ok(Bytes::from_static(KEEP_ALIVE))),
                    () = self.ending.comes() => return None,
                },
            };
            let id = EventId { boot: event.boot, n: event.n };
            let step = (self.translate)(event).await;
            self.take(step, id, EventId { n: id.n.saturating_sub(1), ..id });
            self.ticks.reset();
        }
    }

    /// Frames of one step. Only the last one has the step's own id: a reader that stops between them resumes where
    /// the step began, and gets all of it again.
    fn take(&mut self, step: Step, id: EventId, before: EventId) {
        let count = step.events.len();
        for (n, event) in step.events.into_iter().enumerate() {
            match event.frame(if n + 1 == count { id } else { before }) {
                Ok(frame) => self.ready.push_back(frame.into()),
                Err(e) => tracing::error!(error = %e, "an event could not be written"),
            }
        }
        self.last |= step.last;
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use futures_util::{FutureExt, StreamExt};
    use reeve_actors::HubKind;
    use reeve_protocol::{At, LogEvent, LogLevel};
    use reeve_types::{JobId, Millis, WorkspaceId};
    use tokio::sync::{mpsc, watch};

    use super::*;

    const JOB: JobId = JobId::from_parts(Millis::from_millis(0), 1);

    fn log(text: &str) -> JobEvent {
        JobEvent::Log(LogEvent {
            job: JOB,
            at: At::default(),
            level: LogLevel::Info,
            message: text.to_owned(),
        })
    }

    fn hub_event(n: u64, text: &str) -> HubEvent {
        let kind = HubKind::Log { message: text.into() };
        let workspace = WorkspaceId::new("w").unwrap();
        HubEvent { boot: 7, n, at: Millis::from_millis(0), workspace, job: Some(JOB), kind }
    }

    fn feed(backlog: Vec<HubEvent>) -> (mpsc::Sender<HubEvent>, watch::Sender<bool>, Feed) {
        let (sender, events) = mpsc::channel(4);
        let (close, closing) = watch::channel(false);
        let ending = Ending::of_server(closing);
        let translate: Translate = Box::new(|event| {
            let HubKind::Log { message } = event.kind else { panic!("only logs here") };
            async move { Step { events: message.split('+').map(log).collect(), last: &*message == "last" } }
                .boxed()
        });
        let subscription = Subscription { backlog: Some(backlog), events, position: (7, 4) };
        let opening = Step::more(vec![log("opening")]);
        (
            sender,
            close,
            Feed { subscription, opening, translate, keep_alive: Duration::from_secs(15), ending },
        )
    }

    fn message(frame: &[u8]) -> String {
        let text = std::str::from_utf8(frame).unwrap();
        let id = text.lines().next().unwrap().trim_start_matches("id: ").to_owned();
        let data = text.split("\"message\":\"").nth(1).map(|rest| rest.split('"').next().unwrap().to_owned());
        format!("{id} {}", data.unwrap_or_default())
    }

    #[tokio::test]
    async fn the_opening_comes_first_then_the_backlog_then_what_is_new_until_the_last() {
        let (sender, _close, feed) = feed(vec![hub_event(5, "missed")]);
        for (n, text) in [(6, "new"), (7, "last"), (8, "never")] {
            sender.send(hub_event(n, text)).await.unwrap();
        }
        let got: Vec<String> = frames(feed).map(|frame| message(&frame.unwrap())).collect().await;
        assert_eq!(got, ["7-4 opening", "7-5 missed", "7-6 new", "7-7 last"]);
    }

    #[tokio::test]
    async fn a_reader_that_stops_within_a_step_resumes_where_the_step_began() {
        let (sender, _close, feed) = feed(vec![hub_event(6, "a+b")]);
        drop(sender);
        let feed = Feed { opening: Step::more(vec![log("one"), log("two")]), ..feed };
        let got: Vec<String> = frames(feed).map(|frame| message(&frame.unwrap())).collect().await;
        assert_eq!(got, ["0-0 one", "7-4 two", "7-5 a", "7-6 b"]);
    }

    #[tokio::test(start_paused = true)]
    async fn silence_is_filled_with_comments() {
        let (_sender, _close, feed) = feed(Vec::new());
        let got: Vec<Bytes> = Box::pin(frames(feed)).take(3).map(Result::unwrap).collect().await;
        assert_eq!(&got[1..], [KEEP_ALIVE, KEEP_ALIVE]);
    }

    #[tokio::test]
    async fn a_reader_that_was_cut_or_a_server_that_stops_ends_the_stream() {
        let (sender, _close, cut) = feed(Vec::new());
        drop(sender);
        assert_eq!(frames(cut).count().await, 1);
        let (_sender, close, stopped) = feed(Vec::new());
        close.send(true).unwrap();
        assert_eq!(frames(stopped).count().await, 1);
    }

    #[test]
    fn a_hostile_resume_id_is_as_good_as_none() {
        let of = |text: &str| {
            resume_after(&TestRequest::default().insert_header((LAST_EVENT_ID, text)).to_http_request())
        };
        assert_eq!(of("12-7"), Some((12, 7)));
        for bad in ["", "-", "1", "a-b", "1-2-3", "99999999999999999999-1", "-1-1", "+1-1"] {
            assert_eq!(of(bad), None, "{bad:?}");
        }
    }
}
