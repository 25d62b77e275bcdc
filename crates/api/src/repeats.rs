//! Changes that no workspace owns, under an idempotency key: operators' orders, reloads, moves of a manual clock.
//!
//! What a workspace changes is remembered in the commit of the change. These write no row, so their first answers are
//! kept here, in memory and in a bounded number: all of them may be given again after a restart without harm. The
//! handlers of such calls run them through [`Repeats::once`] and need to know nothing else.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use actix_web::http::StatusCode;
use actix_web::web::Bytes;
use reeve_actors::{Call, Idempotency};
use reeve_protocol::{Code, Problem};
use serde::Serialize;

use crate::error::{Answer, ApiError};
use crate::json::{answered_bytes, to_bytes};

/// Keys that are remembered, of all API keys together.
const KEPT_MAX: usize = 1_000;

/// The first answers of the latest keys.
#[derive(Debug, Default)]
pub(crate) struct Repeats(Mutex<VecDeque<Entry>>);

#[derive(Debug)]
struct Entry {
    idempotency: Idempotency,
    first: Arc<tokio::sync::Mutex<Option<First>>>,
}

#[derive(Clone, Debug)]
enum First {
    Done(Bytes),
    Refused(Problem),
}

impl Repeats {
    /// Runs a change and answers 200 with its body, or the first answer again when its key was seen before. A repeat
    /// that comes while the first is under way waits for it.
    ///
    /// Refusals are remembered as those of a workspace are; what may be otherwise at the next try (429, 5xx) is not.
    ///
    /// # Errors
    /// What `change` answers, and `idempotency_mismatch` for a key that was used for another request.
    pub(crate) async fn once<T: Serialize>(
        &self,
        call: &Call,
        change: impl Future<Output = Answer<T>>,
    ) -> Answer {
        let Some(idempotency) = &call.idempotency else {
            return answered_bytes(StatusCode::OK, to_bytes(&change.await?)?, false);
        };
        let first = self.entry(idempotency)?;
        let mut first = first.lock().await;
        if let Some(first) = first.clone() {
            return first.again();
        }
        match change.await.and_then(|body| to_bytes(&body)) {
            Ok(body) => {
                *first = Some(First::Done(body.clone()));
                answered_bytes(StatusCode::OK, body, false)
            }
            Err(error) => {
                if is_lasting(error.problem()) {
                    *first = Some(First::Refused(error.problem().clone()));
                }
                Err(error)
            }
        }
    }

    /// Where the first answer of a key stands, or will stand; forgets the oldest key beyond the bound.
    fn entry(&self, wanted: &Idempotency) -> Answer<Arc<tokio::sync::Mutex<Option<First>>>> {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = entries.iter().find(|entry| entry.idempotency.key == wanted.key) {
            if known.idempotency.fingerprint == wanted.fingerprint {
                return Ok(known.first.clone());
            }
            let detail = "this idempotency key was used for another request; use a new one";
            return Err(ApiError::new(Code::IdempotencyMismatch, detail));
        }
        if entries.len() >= KEPT_MAX {
            entries.pop_front();
        }
        let entry = Entry { idempotency: wanted.clone(), first: Arc::default() };
        let first = entry.first.clone();
        entries.push_back(entry);
        Ok(first)
    }
}

impl First {
    fn again(self) -> Answer {
        match self {
            Self::Done(body) => answered_bytes(StatusCode::OK, body, true),
            Self::Refused(problem) => Err(ApiError::from(problem).replayed(true)),
        }
    }
}

/// The statuses that the contract remembers.
const fn is_lasting(problem: &Problem) -> bool {
    matches!(problem.status, 402 | 403 | 404 | 409 | 422)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use actix_web::HttpResponse;
    use actix_web::body::to_bytes as body_of;

    use super::*;

    fn key(key: &str, print: u8) -> Call {
        let idempotency = Idempotency { key: key.into(), fingerprint: [print; 16] };
        Call { idempotency: Some(idempotency), ..Call::default() }
    }

    fn is_replay(answer: &HttpResponse) -> bool {
        answer.headers().contains_key("idempotent-replay")
    }

    async fn text(answer: HttpResponse) -> String {
        String::from_utf8(body_of(answer.into_body()).await.unwrap().to_vec()).unwrap()
    }

    #[actix_web::test]
    async fn a_key_runs_its_change_once_and_hears_its_first_answer_again() {
        let (repeats, runs) = (Repeats::default(), Cell::new(0));
        let run = async || {
            runs.set(runs.get() + 1);
            Ok(runs.get())
        };
        let first = repeats.once(&key("a", 1), run()).await.unwrap();
        let again = repeats.once(&key("a", 1), run()).await.unwrap();
        assert!(!is_replay(&first) && is_replay(&again));
        assert_eq!((text(first).await, text(again).await), ("1".to_owned(), "1".to_owned()));
        assert_eq!(text(repeats.once(&key("b", 1), run()).await.unwrap()).await, "2");
        assert_eq!(text(repeats.once(&Call::default(), run()).await.unwrap()).await, "3");
        let other = repeats.once(&key("a", 2), run()).await.unwrap_err();
        assert_eq!(other.problem().code, Code::IdempotencyMismatch);
        assert_eq!(runs.get(), 3);
    }

    #[actix_web::test]
    async fn a_refusal_is_remembered_and_an_outage_is_not() {
        let repeats = Repeats::default();
        for (code, is_kept) in
            [(Code::NotFound, true), (Code::InvalidRequest, true), (Code::Overloaded, false)]
        {
            let call = key(code.as_str(), 1);
            repeats.once::<u8>(&call, async { Err(ApiError::new(code, "no")) }).await.unwrap_err();
            let again = repeats.once(&call, async { Ok(7) }).await;
            assert_eq!(again.as_ref().err().map(|error| error.problem().code), is_kept.then_some(code));
        }
    }

    #[actix_web::test]
    async fn a_repeat_waits_for_the_first_that_is_under_way() {
        let repeats = Repeats::default();
        let (go, wait) = tokio::sync::oneshot::channel::<u8>();
        let call = key("a", 1);
        let mut first = Box::pin(repeats.once(&call, async { wait.await.map_err(ApiError::internal) }));
        assert!(futures_util::poll!(&mut first).is_pending());
        let mut again = Box::pin(repeats.once(&call, async { Ok(2) }));
        assert!(futures_util::poll!(&mut again).is_pending());
        go.send(1).unwrap();
        assert_eq!(text(first.await.unwrap()).await, "1");
        assert_eq!(text(again.await.unwrap()).await, "1");
    }

    #[actix_web::test]
    async fn the_oldest_keys_are_forgotten() {
        let repeats = Repeats::default();
        for n in 0..=KEPT_MAX {
            repeats.once(&key(&format!("k{n}"), 0), async { Ok(n) }).await.unwrap();
        }
        assert!(!is_replay(&repeats.once(&key("k0", 0), async { Ok(0) }).await.unwrap()));
        assert!(is_replay(&repeats.once(&key("k2", 0), async { Ok(0) }).await.unwrap()));
    }
}
