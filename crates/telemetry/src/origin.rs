//! The request that work is for, at hand on every thread that does some of it.
//!
//! Kept beside the code rather than in its arguments: most functions on the way have nothing to do with it, and log
//! lines are to name it whoever writes them. Work that changes the thread takes it along by hand: a message carries it,
//! and whoever handles the message enters it.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::marker::PhantomData;
use std::pin::pin;
use std::sync::Arc;

use crate::trace::Trace;

thread_local! {
    static CURRENT: RefCell<Origin> = const { RefCell::new(Origin::none()) };
}

/// Which request work is for. Nothing for what the server does of its own accord.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// `X-Request-Id`: visible ASCII without spaces.
    pub request: Option<Arc<str>>,
    /// The span that caused the work.
    pub trace: Option<Trace>,
}

impl Origin {
    /// The server's own accord.
    pub const fn none() -> Self {
        Self { request: None, trace: None }
    }

    /// What the work of this thread is for now.
    pub fn current() -> Self {
        // A thread that is ending has no origin left.
        CURRENT.try_with(|current| current.borrow().clone()).unwrap_or_default()
    }

    /// What this thread does until the guard is dropped is for this origin.
    pub fn enter(self) -> Entered {
        let previous = CURRENT.try_with(|current| current.replace(self)).unwrap_or_default();
        Entered { previous, _this_thread: PhantomData }
    }

    /// Runs a future for this origin, on whichever threads it is polled.
    pub async fn scope<F: Future>(self, future: F) -> F::Output {
        let mut future = pin!(future);
        poll_fn(|context| {
            let _entered = self.clone().enter();
            future.as_mut().poll(context)
        })
        .await
    }

    /// The same request, one span further down.
    #[must_use]
    pub fn below(&self, trace: Option<Trace>) -> Self {
        Self { request: self.request.clone(), trace: trace.or(self.trace) }
    }
}

/// Puts back what was there before.
#[derive(Debug)]
#[must_use = "dropped at once, it changes nothing"]
pub struct Entered {
    previous: Origin,
    /// It may not leave the thread that it was made on.
    _this_thread: PhantomData<*const ()>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        let previous = std::mem::take(&mut self.previous);
        let _ = CURRENT.try_with(|current| current.replace(previous));
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn named(request: &str) -> Origin {
        Origin { request: Some(request.into()), trace: None }
    }

    #[test]
    fn what_was_entered_ends_with_its_guard() {
        assert_eq!(Origin::current(), Origin::none());
        let outer = named("outer").enter();
        {
            let _inner = named("inner").enter();
            assert_eq!(Origin::current(), named("inner"));
        }
        assert_eq!(Origin::current(), named("outer"));
        drop(outer);
        assert_eq!(Origin::current(), Origin::none());
    }

    #[test]
    fn a_future_has_its_origin_at_every_poll_and_leaves_none_behind() {
        let mut polls = 0;
        let twice = poll_fn(|_| {
            polls += 1;
            assert_eq!(Origin::current(), named("mine"));
            if polls == 2 { Poll::Ready(()) } else { Poll::Pending }
        });
        let mut scoped = pin!(named("mine").scope(twice));
        let mut context = Context::from_waker(Waker::noop());
        assert_eq!(scoped.as_mut().poll(&mut context), Poll::Pending);
        assert_eq!(Origin::current(), Origin::none());
        assert_eq!(scoped.as_mut().poll(&mut context), Poll::Ready(()));
        assert_eq!(Origin::current(), Origin::none());
    }
}
