//! When a stream or a long poll ends before its time: the server stops, or the key that opened it is no longer good.

use std::sync::Arc;

use actix_web::{HttpMessage as _, HttpRequest};
use tokio::sync::watch;

use crate::key_table::Key;
use crate::state::ApiState;

/// Comes at most once, and then is there for good.
pub(crate) struct Ending {
    closing: watch::Receiver<bool>,
    /// None where a signed link opened the route.
    key_ended: Option<watch::Receiver<bool>>,
}

impl Ending {
    /// Of what this request opens.
    pub(crate) fn of(state: &ApiState, req: &HttpRequest) -> Self {
        let key_ended = req.extensions().get::<Arc<Key>>().map(|key| key.ended());
        Self { closing: state.closing(), key_ended }
    }

    /// Of what lasts as long as the server.
    #[cfg(test)]
    pub(crate) fn of_server(closing: watch::Receiver<bool>) -> Self {
        Self { closing, key_ended: None }
    }

    /// Waits for it. Whoever could have told of it and is gone has ended too.
    pub(crate) async fn comes(&mut self) {
        let key_ends = async {
            match &mut self.key_ended {
                Some(ended) => drop(ended.wait_for(|ended| *ended).await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.closing.wait_for(|closing| *closing) => {}
            () = key_ends => {}
        }
    }

    pub(crate) fn is_here(&self) -> bool {
        self.server_stops() || self.key_is_over()
    }

    pub(crate) fn server_stops(&self) -> bool {
        *self.closing.borrow()
    }

    /// The caller is nobody we know any more.
    pub(crate) fn key_is_over(&self) -> bool {
        self.key_ended.as_ref().is_some_and(|ended| *ended.borrow())
    }
}
