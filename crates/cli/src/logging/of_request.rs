//! Lines that say for which request they were written: `request.id`, and `trace.id` where the request is traced.
//!
//! Whoever writes a line need not know: the thread does. Not done with spans of the log's own, which would cost every
//! request, also where nobody logs anything about it.

use std::fmt::{self, Write as _};

use reeve_telemetry::Origin;
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::FmtContext;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::registry::LookupSpan;

/// The name under which a line may say its request itself.
const REQUEST: &str = "request.id";
/// Where fields begin in a line of JSON.
const FIELDS: &str = "\"fields\":{";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Human,
    Json,
}

/// A format, and the request added to its lines.
pub(super) struct OfRequest<F> {
    inner: F,
    shape: Shape,
}

impl<F> OfRequest<F> {
    /// For people.
    pub(super) const fn human(inner: F) -> Self {
        Self { inner, shape: Shape::Human }
    }

    /// For programs.
    pub(super) const fn json(inner: F) -> Self {
        Self { inner, shape: Shape::Json }
    }
}

impl<S, N, F> FormatEvent<S, N> for OfRequest<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        // A line about another request than the one at work says so itself.
        let is_told = event.metadata().fields().field(REQUEST).is_some();
        let Origin { request, trace } = if is_told { Origin::none() } else { Origin::current() };
        let trace = trace.map(|trace| trace.trace_id());
        let added = [(REQUEST, request.as_deref()), ("trace.id", trace.as_deref())];
        let added: Vec<(&str, &str)> = added.into_iter().filter_map(some).collect();
        if added.is_empty() {
            return self.inner.format_event(context, writer, event);
        }
        let mut line = String::new();
        self.inner.format_event(context, Writer::new(&mut line), event)?;
        writer.write_str(&with(&line, self.shape, &added))
    }
}

fn some<'a>((name, value): (&'a str, Option<&'a str>)) -> Option<(&'a str, &'a str)> {
    Some((name, value?))
}

/// The line with these fields too.
fn with(line: &str, shape: Shape, added: &[(&str, &str)]) -> String {
    let mut text = String::with_capacity(line.len() + 96);
    match (shape, line.split_once(FIELDS)) {
        (Shape::Json, Some((head, rest))) => {
            text.push_str(head);
            text.push_str(FIELDS);
            for (n, (name, value)) in added.iter().enumerate() {
                let comma = if n + 1 < added.len() || !rest.starts_with('}') { "," } else { "" };
                // Writing to a string cannot fail.
                let _ = write!(text, "\"{name}\":{}{comma}", serde_json::Value::from(*value));
            }
            text.push_str(rest);
        }
        _ => {
            text.push_str(line.trim_end_matches('\n'));
            for (name, value) in added {
                let _ = write!(text, " {name}={value}");
            }
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn written(shape: Shape) -> Vec<String> {
        let page = Page::default();
        let writer = page.clone();
        let lines = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone());
        let said = || {
            tracing::info!(workspace.id = "acme", "before");
            let origin = Origin { request: Some("order-\"17\"".into()), trace: None };
            let _entered = origin.enter();
            tracing::info!(workspace.id = "acme", "for a request");
            tracing::info!(request.id = "another", "about another");
        };
        match shape {
            Shape::Human => {
                tracing::subscriber::with_default(lines.map_event_format(OfRequest::human).finish(), said);
            }
            Shape::Json => {
                tracing::subscriber::with_default(
                    lines.json().map_event_format(OfRequest::json).finish(),
                    said,
                );
            }
        }
        let bytes = page.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect()
    }

    #[test]
    fn lines_for_people_end_with_their_request() {
        let lines = written(Shape::Human);
        assert_eq!(lines.len(), 3);
        assert!(lines[0].ends_with("before workspace.id=\"acme\""), "{lines:?}");
        assert!(
            lines[1].ends_with("for a request workspace.id=\"acme\" request.id=order-\"17\""),
            "{lines:?}"
        );
        assert!(lines[2].ends_with("about another request.id=\"another\""), "{lines:?}");
    }

    #[test]
    fn lines_for_programs_have_it_among_their_fields() {
        let lines: Vec<serde_json::Value> =
            written(Shape::Json).iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        let ids: Vec<_> = lines.iter().map(|line| line["fields"].get("request.id")).collect();
        assert_eq!(ids[0], None);
        assert_eq!(ids[1].unwrap(), "order-\"17\"");
        assert_eq!(ids[2].unwrap(), "another");
        assert_eq!(
            (&lines[1]["fields"]["workspace.id"], &lines[1]["level"]),
            (&"acme".into(), &"INFO".into())
        );
    }

    #[test]
    fn a_line_without_fields_gets_some() {
        let added = [("request.id", "r"), ("trace.id", "t")];
        assert_eq!(
            with("{\"fields\":{},\"target\":\"x\"}\n", Shape::Json, &added),
            "{\"fields\":{\"request.id\":\"r\",\"trace.id\":\"t\"},\"target\":\"x\"}\n"
        );
    }
}
