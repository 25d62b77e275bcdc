//! The text format of Prometheus, version 0.0.4: a page that is written line by line.

use std::fmt::{Display, Write as _};

/// A page of the format under way.
#[derive(Default)]
pub(super) struct Text(String);

impl Text {
    /// What was written.
    pub(super) fn into_page(self) -> String {
        self.0
    }

    /// Begins a figure; its lines follow.
    pub(super) fn head(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    /// One series of the figure that was begun last.
    pub(super) fn line(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        self.0.push_str(name);
        for (n, (label, of)) in labels.iter().enumerate() {
            let open = if n == 0 { '{' } else { ',' };
            let _ = write!(self.0, "{open}{label}=\"{}\"", escaped(of));
        }
        let close = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.0, "{close} {value}");
    }

    /// A figure of one series.
    pub(super) fn one(&mut self, name: &str, kind: &str, help: &str, value: impl Display) {
        self.head(name, kind, help);
        self.line(name, &[], value);
    }
}

/// A label's value as the format wants it.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped_and_lines_end() {
        let mut text = Text::default();
        text.one("reeve_x_jobs", "gauge", "What it is", 3);
        text.line("reeve_y_seconds", &[("pool", "a\"b\\c\nd"), ("tier", "t")], 0.25);
        let expected = "# HELP reeve_x_jobs What it is\n# TYPE reeve_x_jobs gauge\nreeve_x_jobs 3\n\
                        reeve_y_seconds{pool=\"a\\\"b\\\\c\\nd\",tier=\"t\"} 0.25\n";
        assert_eq!(text.0, expected);
    }
}
