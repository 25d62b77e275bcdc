//! For which request work is done, and spans that tell a collector how long its parts took.
//!
//! Used by whatever has a part in a request: the API, the actors, the store, the deliveries. Knows no exporter: the
//! composition root installs one where the settings ask for it ([`install`]), and without it every call here is one
//! look at a flag.
//!
//! | part | is |
//! |---|---|
//! | [`Origin`] | the request that work is for: its id and its place in a trace; goes with the work from thread to thread |
//! | [`Trace`] | a place in a trace, as the W3C header `traceparent` says it |
//! | [`Span`] | a piece of work with its begin and end, sent when it is dropped |
//!
//! Guarantees: nothing here waits, fails or logs; a span holds what it was given by name and nothing else, so no body, no
//! prompt and no key can be in it by accident.

mod origin;
mod span;
mod trace;

pub use origin::{Entered, Origin};
pub use span::{Kind, Since, Span, install, is_on};
pub use trace::Trace;
