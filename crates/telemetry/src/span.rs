//! Spans: made only where somebody collects them and the trace is kept.

use std::borrow::Cow;
use std::fmt::Display;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use opentelemetry::global::{self, BoxedSpan, BoxedTracer};
use opentelemetry::trace::{
    Span as _, SpanBuilder, SpanContext, SpanKind, Status, TraceContextExt as _, Tracer as _,
};
use opentelemetry::{Context, KeyValue};

use crate::trace::Trace;

/// What the program calls itself beside its spans.
const SCOPE: &str = "reeve";

static ON: AtomicBool = AtomicBool::new(false);
static TRACER: OnceLock<BoxedTracer> = OnceLock::new();

/// From now on spans go to the provider that was set for the process.
pub fn install() {
    TRACER.get_or_init(|| global::tracer(SCOPE));
    ON.store(true, Ordering::Release);
}

/// Whether anybody collects spans.
pub fn is_on() -> bool {
    ON.load(Ordering::Relaxed)
}

/// Which side of a conversation a span is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Answers a request.
    Server,
    /// Sends a request.
    Client,
    /// Hands work to somebody who does it later.
    Producer,
    /// Neither: part of something else.
    Internal,
}

impl From<Kind> for SpanKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Server => Self::Server,
            Kind::Client => Self::Client,
            Kind::Producer => Self::Producer,
            Kind::Internal => Self::Internal,
        }
    }
}

/// When something began of which it is not known yet whether anybody wants to hear.
#[derive(Clone, Copy, Debug)]
pub struct Since(Option<SystemTime>);

impl Since {
    /// Now; nothing while spans are off.
    #[expect(clippy::disallowed_methods, reason = "spans are dated by the clock of the world, for people")]
    pub fn now() -> Self {
        Self(is_on().then(SystemTime::now))
    }
}

/// A piece of work. It begins when it is made and is sent when it is dropped.
#[derive(Debug, Default)]
pub struct Span(Option<BoxedSpan>);

impl Span {
    /// None at all.
    pub const fn none() -> Self {
        Self(None)
    }

    /// The first of a trace here: after the caller's, where it sent one, else of a trace that is kept as the settings say.
    pub fn first(name: impl Into<Cow<'static, str>>, kind: Kind, caller: Option<Trace>) -> Self {
        if !is_on() {
            return Self::none();
        }
        let parent = caller.map(|caller| caller.context(true));
        Self::begin(SpanBuilder::from_name(name).with_kind(kind.into()), parent)
    }

    /// Part of what is traced already; none where it is not, or its trace is not kept.
    pub fn part(name: &'static str, kind: Kind, of: Option<Trace>) -> Self {
        Self::part_since(name, kind, (of, Since(None)))
    }

    /// The same for something that began earlier.
    pub fn part_since(name: &'static str, kind: Kind, (of, since): (Option<Trace>, Since)) -> Self {
        let Some(parent) = of.filter(|of| is_on() && of.is_sampled()) else { return Self::none() };
        let builder = SpanBuilder::from_name(name).with_kind(kind.into());
        let builder = match since.0 {
            Some(at) => builder.with_start_time(at),
            None => builder,
        };
        Self::begin(builder, Some(parent.context(false)))
    }

    fn begin(builder: SpanBuilder, parent: Option<SpanContext>) -> Self {
        let Some(tracer) = TRACER.get() else { return Self::none() };
        // Never the thread's own context: work goes from thread to thread, and its parent is named by hand.
        let around = match parent {
            Some(parent) => Context::new().with_remote_span_context(parent),
            None => Context::new(),
        };
        Self(Some(tracer.build_with_context(builder, &around)))
    }

    /// Where work below it belongs.
    pub fn trace(&self) -> Option<Trace> {
        Trace::of(self.0.as_ref()?.span_context())
    }

    /// Whether it will be sent: else there is nothing to note.
    pub fn is_kept(&self) -> bool {
        self.0.as_ref().is_some_and(|span| span.is_recording())
    }

    /// Notes a text. Asked only where the span is kept, so that no text is made for nothing.
    pub fn text(&mut self, key: &'static str, value: impl Display) {
        if let Some(span) = self.kept() {
            span.set_attribute(KeyValue::new(key, value.to_string()));
        }
    }

    /// Notes a number.
    pub fn number(&mut self, key: &'static str, value: impl TryInto<i64>) {
        if let Some(span) = self.kept()
            && let Ok(value) = value.try_into()
        {
            span.set_attribute(KeyValue::new(key, value));
        }
    }

    /// Calls it otherwise, once it is known what it was.
    pub fn rename(&mut self, name: impl FnOnce() -> String) {
        if let Some(span) = self.kept() {
            span.update_name(name());
        }
    }

    /// It did not go well.
    pub fn fail(&mut self, why: &'static str) {
        if let Some(span) = self.kept() {
            span.set_status(Status::error(why));
        }
    }

    fn kept(&mut self) -> Option<&mut BoxedSpan> {
        self.0.as_mut().filter(|span| span.is_recording())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No test of this process installs anything.
    #[test]
    fn nothing_is_made_while_nobody_collects() {
        let caller = Trace::parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
        let mut first = Span::first("request", Kind::Server, caller);
        let part = Span::part("part", Kind::Internal, caller);
        assert!(!is_on() && first.trace().is_none() && part.trace().is_none() && Since::now().0.is_none());
        first.rename(|| unreachable!("nobody reads the name"));
        first.number("n", 1_u64);
    }
}
