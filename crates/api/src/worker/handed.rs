//! The answer to a lease request, which notices whether anybody reads it.
//!
//! Over HTTP/1 a client that hangs up takes its request's future with it. Over HTTP/2 the future runs on, and only
//! the attempt to send its answer tells that the stream is gone: then this body is dropped before its end, and what
//! it tells of goes back to the queue at once instead of when its lease falls silent.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::HttpResponse;
use actix_web::body::{BodySize, MessageBody};
use actix_web::web::Bytes;
use reeve_actors::Offer;
use reeve_protocol::LeaseAnswer;

use crate::error::Answer;
use crate::json::to_bytes;

/// Bytes that take an offer with them.
struct Handed {
    size: u64,
    bytes: Option<Bytes>,
    offer: Option<Offer>,
}

/// Tells a worker of its leases; they are taken once all of the answer is on its way.
pub(crate) fn answer(body: &LeaseAnswer, offer: Offer) -> Answer {
    let bytes = to_bytes(body)?;
    let handed = Handed { size: bytes.len() as u64, bytes: Some(bytes), offer: Some(offer) };
    Ok(HttpResponse::Ok().content_type("application/json").body(handed))
}

impl MessageBody for Handed {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.size)
    }

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        if let Some(bytes) = self.bytes.take() {
            return Poll::Ready(Some(Ok(bytes)));
        }
        // Asked for more: the bytes before it were accepted by the connection.
        if let Some(offer) = self.offer.take() {
            drop(offer.taken());
        }
        Poll::Ready(None)
    }
}
