//! A place in a trace: which trace, which span, and whether it is kept.

use std::fmt;

use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};

/// Characters of `traceparent` in the version that is written here.
const LEN: usize = 55;
/// The version that no header may have.
const VERSION_NEVER: u8 = 0xff;

/// Where work belongs: a span of a trace, here or in the program that called.
///
/// What other vendors add in `tracestate` is not passed on: it would have to be kept with every job that waits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Trace {
    trace: [u8; 16],
    span: [u8; 8],
    is_sampled: bool,
}

impl Trace {
    /// Reads a `traceparent` header (W3C Trace Context, level 1); `None` for one that does not hold, as the standard asks.
    pub fn parse(header: &str) -> Option<Self> {
        let (head, rest) = header.split_at_checked(LEN)?;
        let mut parts = head.split('-');
        let [version, trace, span, flags] = [parts.next()?, parts.next()?, parts.next()?, parts.next()?];
        let [version] = bytes(version)?;
        let [flags] = bytes(flags)?;
        // A later version may say more after these four, and then after a dash.
        let is_whole = if version == 0 { rest.is_empty() } else { rest.is_empty() || rest.starts_with('-') };
        let found = Self { trace: bytes(trace)?, span: bytes(span)?, is_sampled: flags & 1 == 1 };
        let is_none = found.trace == [0; 16] || found.span == [0; 8];
        (parts.next().is_none() && version != VERSION_NEVER && is_whole && !is_none).then_some(found)
    }

    /// Whether spans of it are kept: who made the trace decided that for everybody after.
    pub const fn is_sampled(&self) -> bool {
        self.is_sampled
    }

    /// The trace's id: 32 hexadecimal digits.
    pub fn trace_id(&self) -> String {
        TraceId::from_bytes(self.trace).to_string()
    }

    pub(crate) fn of(context: &SpanContext) -> Option<Self> {
        let (trace, span) = (context.trace_id().to_bytes(), context.span_id().to_bytes());
        context.is_valid().then(|| Self { trace, span, is_sampled: context.is_sampled() })
    }

    pub(crate) fn context(&self, is_remote: bool) -> SpanContext {
        let flags = if self.is_sampled { TraceFlags::SAMPLED } else { TraceFlags::default() };
        let (trace, span) = (TraceId::from_bytes(self.trace), SpanId::from_bytes(self.span));
        SpanContext::new(trace, span, flags, is_remote, TraceState::default())
    }
}

/// As the header `traceparent`.
impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (trace, span) = (TraceId::from_bytes(self.trace), SpanId::from_bytes(self.span));
        write!(f, "00-{trace}-{span}-{:02x}", u8::from(self.is_sampled))
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Exactly so many bytes in lower-case hexadecimal digits: capitals are an error in this header.
fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut found = [0; N];
    if text.len() != 2 * N || !text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    for (n, byte) in found.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * n..2 * n + 2)?, 16).ok()?;
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_header_is_read_and_written_as_it_came() {
        let trace = Trace::parse(GOOD).unwrap();
        assert_eq!((trace.to_string().as_str(), trace.is_sampled()), (GOOD, true));
        assert_eq!(trace.trace_id(), "0af7651916cd43dd8448eb211c80319c");
        let unsampled = GOOD.replace("-01", "-00");
        assert_eq!(Trace::parse(&unsampled).map(|trace| trace.to_string()), Some(unsampled));
        assert_eq!(Trace::of(&trace.context(true)), Some(trace));
    }

    #[test]
    fn a_later_version_may_say_more_and_unknown_flags_are_passed_over() {
        let later = GOOD.replacen("00", "cc", 1);
        for header in [later.clone(), format!("{later}-what-the-future-says"), GOOD.replace("-01", "-fb")] {
            assert_eq!(Trace::parse(&header), Trace::parse(GOOD), "{header}");
        }
    }

    #[test]
    fn what_does_not_hold_is_no_place_in_a_trace() {
        let zeros = |part: &str| GOOD.replace(part, &"0".repeat(part.len()));
        let bad = [
            String::new(),
            GOOD.to_uppercase(),
            GOOD[..54].to_owned(),
            format!("{GOOD}0"),
            format!("{GOOD}-more"),
            GOOD.replacen("00", "ff", 1),
            GOOD.replacen("00", "cc", 1) + "x",
            GOOD.replace('-', "_"),
            GOOD.replace("0af7", "0ag7"),
            zeros("0af7651916cd43dd8448eb211c80319c"),
            zeros("b7ad6b7169203331"),
            "00-0af7651916cd43dd8448eb211c80319-cb7ad6b7169203331-01".to_owned(),
            "ä".repeat(40),
        ];
        for header in bad {
            assert_eq!(Trace::parse(&header), None, "{header}");
        }
    }
}
