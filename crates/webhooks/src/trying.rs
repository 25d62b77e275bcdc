//! One try of one delivery, in a task of its own.

use reeve_faults::{self as faults, Point};
use reeve_journal::{DeliveryRow, DueDelivery, EndpointRow};
use reeve_telemetry::{Kind, Span};
use reeve_types::{JobId, WebhookId};

use crate::exchange::{Heard, Message, NoAnswer};
use crate::message::{self, MessageId};
use crate::office::Office;
use crate::secret;
use crate::task::Mark;
use crate::verdict::{self, Verdict};

/// What the courier hears of a try.
pub(crate) struct Tried {
    pub webhook: WebhookId,
    pub event: i64,
    pub of_jobs: bool,
    /// The delivery at its new values; `None` when nothing was sent, because the store could not be read.
    pub outcome: Option<(DeliveryRow, Verdict)>,
}

/// Tries a delivery once.
pub(crate) async fn run(office: &Office, endpoint: &EndpointRow, due: DueDelivery) -> Tried {
    let (webhook, event, of_jobs) = (due.delivery.webhook, due.delivery.event, endpoint.of_jobs);
    let outcome = tried(office, endpoint, due).await;
    Tried { webhook, event, of_jobs, outcome }
}

async fn tried(office: &Office, endpoint: &EndpointRow, due: DueDelivery) -> Option<(DeliveryRow, Verdict)> {
    let DueDelivery { delivery, event } = due;
    let at = office.clock.now();
    let random = (office.entropy)();
    let Some(event) = event else {
        let pruned = Err(NoAnswer::Http("its event is not kept any more".to_owned()));
        // No further try can tell what is gone.
        let last_one = DeliveryRow { attempts: u32::MAX - 1, ..delivery.clone() };
        let (row, verdict) = verdict::judge(last_one, &pruned, (at, 0), random);
        return Some((DeliveryRow { attempts: delivery.attempts, ..row }, verdict));
    };
    let job = match message::job_of(&event) {
        Some(id) => match office.store.job(id).await {
            Ok(job) => job,
            Err(error) => {
                tracing::warn!(%error, "the job of a webhook cannot be read");
                return None;
            }
        },
        None => None,
    };
    let since = Mark::now();
    let answer = match message::body(&event, job.as_ref()) {
        Ok(body) => {
            let id = MessageId { at: event.at, event: event.id }.to_string();
            let url = delivery.url.as_deref().unwrap_or(&endpoint.url);
            let message = signed(office, endpoint, (id, body));
            faults::pass(Point::WebhookBeforePost);
            let answer =
                told(&delivery, event.job, office.sender.send(url, message, office.wall.now())).await;
            faults::pass(Point::WebhookAfterPost);
            answer
        }
        Err(error) => Err(NoAnswer::Http(format!("its body cannot be written: {error}"))),
    };
    let took_ms = u32::try_from(since.elapsed_ms()).unwrap_or(u32::MAX);
    let (row, verdict) = verdict::judge(delivery, &answer, (at, took_ms), random);
    if let Some(error) = row.last.as_ref().and_then(|last| last.error.as_deref()) {
        tracing::debug!(webhook.id = %row.webhook, event = row.event, tries = row.attempts, error, "a webhook failed");
    }
    Some((row, verdict))
}

/// The same with a span: which endpoint, which event, what came back. Never the address, which may hold a secret, nor
/// the body.
async fn told(
    delivery: &DeliveryRow,
    job: Option<JobId>,
    sending: impl Future<Output = Result<Heard, NoAnswer>>,
) -> Result<Heard, NoAnswer> {
    let mut span = Span::first("webhook.delivery", Kind::Client, None);
    span.text("webhook.id", delivery.webhook);
    span.number("event.id", delivery.event);
    span.text("event.type", &delivery.kind);
    if let Some(job) = job {
        span.text("job.id", job);
    }
    span.number("webhook.try", delivery.attempts.saturating_add(1));
    let answer = sending.await;
    match &answer {
        Ok(heard) => {
            span.number("http.response.status_code", heard.status);
            if !(200..300).contains(&heard.status) {
                span.fail("the receiver did not take it");
            }
        }
        Err(_) => span.fail("no answer"),
    }
    answer
}

/// A message with its signatures.
pub(crate) fn signed(office: &Office, endpoint: &EndpointRow, (id, body): (String, String)) -> Message {
    let seconds = office.wall.now().value().div_euclid(1_000);
    // When a secret ends is a matter of the platform's clock, on which it was set.
    let signature =
        secret::signatures(&endpoint.secrets, (&id, seconds, body.as_bytes()), office.clock.now());
    Message { id, seconds, signature, body: body.into() }
}
