//! What an answer means for a delivery and for its endpoint. Pure.

use reeve_journal::{Attempt, DeliveryRow, DeliveryState, Disabled, EndpointHealth};
use reeve_types::{Millis, WebhookId};

use crate::exchange::{Heard, NoAnswer};
use crate::schedule;

/// An endpoint whose every delivery failed for so long is disabled.
const FAILING_MS_MAX: i64 = 5 * 86_400_000;

/// What a try came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Delivered,
    /// It is tried again.
    Retry,
    /// No further try.
    GivenUp,
    /// The receiver said that it wants nothing any more.
    Gone,
}

/// A delivery after a try, and what the try came to. `random` spreads the next one.
pub(crate) fn judge(
    row: DeliveryRow,
    answer: &Result<Heard, NoAnswer>,
    (at, took_ms): (Millis, u32),
    random: u128,
) -> (DeliveryRow, Verdict) {
    let attempts = row.attempts.saturating_add(1);
    let again = |asked| schedule::next(at, attempts, asked, random);
    let (error, next) = match answer {
        Ok(heard) if (200..300).contains(&heard.status) => (None, None),
        Ok(Heard { status: 410, .. }) => (Some("it is gone (410)".to_owned()), None),
        Ok(Heard { status: status @ (429 | 503), retry_after_seconds, .. }) => {
            (Some(format!("it answered {status}")), again(*retry_after_seconds))
        }
        Ok(Heard { status, .. }) if (300..400).contains(status) => {
            (Some(format!("it answered {status}; redirects are not followed")), again(None))
        }
        Ok(heard) => (Some(format!("it answered {}", heard.status)), again(None)),
        Err(error) => (Some(error.to_string()), again(None)),
    };
    let verdict = match (&error, next, answer) {
        (None, ..) => Verdict::Delivered,
        (Some(_), _, Ok(Heard { status: 410, .. })) => Verdict::Gone,
        (Some(_), Some(_), _) => Verdict::Retry,
        (Some(_), None, _) => Verdict::GivenUp,
    };
    let state = match verdict {
        Verdict::Delivered => DeliveryState::Delivered,
        Verdict::Retry => DeliveryState::Pending,
        Verdict::GivenUp | Verdict::Gone => DeliveryState::Failed,
    };
    let heard = answer.as_ref().ok();
    let last = Attempt {
        at,
        took_ms,
        status: heard.map(|heard| heard.status),
        error,
        response: heard.map(|heard| heard.body.clone()).filter(|body| !body.is_empty()),
    };
    (DeliveryRow { state, due_at: next, attempts, last: Some(last), ..row }, verdict)
}

/// How the endpoint does after a try, when that changed. `failing_since` is how it did before; `of_jobs` tells that
/// many receivers are behind it, of which one that is gone says nothing about the others.
pub(crate) fn health(
    id: WebhookId,
    (failing_since, of_jobs): (Option<Millis>, bool),
    verdict: Verdict,
    at: Millis,
) -> Option<EndpointHealth> {
    let since = match verdict {
        Verdict::Delivered => None,
        Verdict::Retry | Verdict::GivenUp | Verdict::Gone => Some(failing_since.unwrap_or(at)),
    };
    let for_long = since.is_some_and(|since| at.since(since) >= FAILING_MS_MAX);
    let why = match verdict {
        Verdict::Gone => Some("it answered 410: it is gone".to_owned()),
        _ if for_long => Some("every delivery failed for five days".to_owned()),
        _ => None,
    };
    let disabled = why.filter(|_| !of_jobs).map(|why| Disabled { at, why });
    let changed = disabled.is_some() || since != failing_since;
    changed.then_some(EndpointHealth { id, failing_since: since, disabled })
}

#[cfg(test)]
mod tests {
    use reeve_journal::OutboxEvent;

    use super::*;

    const T0: Millis = Millis::from_millis(1_772_000_000_000);
    const ID: WebhookId = WebhookId::from_parts(T0, 1);

    fn row(attempts: u32) -> DeliveryRow {
        let event = OutboxEvent {
            id: 1,
            workspace: None,
            at: T0,
            kind: "credits.low".to_owned(),
            job: None,
            body: "{}".to_owned(),
            job_url: None,
        };
        DeliveryRow { attempts, ..DeliveryRow::new(ID, &event, None, T0) }
    }

    fn answered(status: u16, attempts: u32, asked: Option<u64>) -> (DeliveryRow, Verdict) {
        let heard = Heard { status, retry_after_seconds: asked, body: "so".to_owned() };
        judge(row(attempts), &Ok(heard), (T0, 9), 0)
    }

    #[test]
    fn answers_mean_what_the_convention_says() {
        for status in [200, 201, 204, 299] {
            assert_eq!(answered(status, 0, None).1, Verdict::Delivered, "{status}");
        }
        for status in [199, 300, 301, 302, 307, 400, 401, 404, 409, 429, 500, 502, 503, 504] {
            assert_eq!(answered(status, 0, None).1, Verdict::Retry, "{status}");
        }
        assert_eq!(answered(410, 0, None).1, Verdict::Gone);
        assert_eq!(answered(500, 10, None).1, Verdict::GivenUp);
        assert_eq!(judge(row(0), &Err(NoAnswer::Timeout(5)), (T0, 5), 0).1, Verdict::Retry);
    }

    #[test]
    fn only_429_and_503_may_ask_for_time() {
        let pause = |status| answered(status, 0, Some(600)).0.due_at.unwrap().since(T0);
        assert_eq!([pause(429), pause(503)], [600_000; 2]);
        assert_eq!([pause(500), pause(404)], [5_000; 2]);
    }

    #[test]
    fn the_log_tells_the_last_try() {
        let (row, _) = answered(302, 2, None);
        assert_eq!((row.state, row.attempts), (DeliveryState::Pending, 3));
        let last = row.last.unwrap();
        assert_eq!((last.status, last.took_ms, last.response.as_deref()), (Some(302), 9, Some("so")));
        assert!(last.error.unwrap().contains("not followed"));
        let (row, _) = judge(row_again(), &Err(NoAnswer::Timeout(15_000)), (T0, 7), 0);
        assert_eq!(row.last.unwrap().error.as_deref(), Some("no answer within 15000 ms"));
    }

    fn row_again() -> DeliveryRow {
        row(1)
    }

    #[test]
    fn an_endpoint_is_disabled_when_it_is_gone_or_failed_for_five_days() {
        let day = 86_400_000;
        assert_eq!(health(ID, (None, false), Verdict::Delivered, T0), None);
        let first = health(ID, (None, false), Verdict::Retry, T0).unwrap();
        assert_eq!((first.failing_since, first.disabled), (Some(T0), None));
        assert_eq!(health(ID, (Some(T0), false), Verdict::Retry, T0.plus_ms(5 * day - 1)), None);
        let long = health(ID, (Some(T0), false), Verdict::GivenUp, T0.plus_ms(5 * day)).unwrap();
        assert!(long.disabled.unwrap().why.contains("five days"));
        let gone = health(ID, (None, false), Verdict::Gone, T0).unwrap();
        assert!(gone.disabled.unwrap().why.contains("410"));
        let well = health(ID, (Some(T0), false), Verdict::Delivered, T0.plus_ms(9 * day)).unwrap();
        assert_eq!((well.failing_since, well.disabled), (None, None), "one that succeeds ends it");
    }

    #[test]
    fn many_receivers_behind_one_endpoint_are_not_disabled_for_one_that_is_gone() {
        let gone = health(ID, (Some(T0), true), Verdict::Gone, T0.plus_ms(9 * 86_400_000));
        assert_eq!(gone, None);
    }
}
