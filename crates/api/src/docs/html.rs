//! Text on its way into a page.

/// A text that is safe inside elements and inside quoted attributes.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// One line of prose: what stands between backticks is code.
pub(super) fn inline(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    let closed = parts.len() % 2 == 1;
    let mut html = String::new();
    for (n, part) in parts.iter().enumerate() {
        match n % 2 {
            1 if closed || n + 1 < parts.len() => html.push_str(&format!("<code>{}</code>", escape(part))),
            _ => html.push_str(&escape(part)),
        }
    }
    html
}

/// Paragraphs of prose.
pub(super) fn prose(text: &str) -> String {
    text.split("\n\n")
        .filter(|part| !part.trim().is_empty())
        .map(|part| format!("<p>{}</p>", inline(part.trim())))
        .collect()
}

/// An example as it is shown: JSON over several lines, other bodies as they are.
pub(super) fn sample(value: &serde_json::Value) -> String {
    let text = match value.as_str() {
        Some(text) => text.to_owned(),
        None => serde_json::to_string_pretty(value).unwrap_or_default(),
    };
    format!("<pre>{}</pre>", escape(&text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_leave_its_element_or_attribute() {
        assert_eq!(escape("<a href=\"x\">&"), "&lt;a href=&quot;x&quot;&gt;&amp;");
        assert_eq!(inline("a `<b>` c"), "a <code>&lt;b&gt;</code> c");
    }

    #[test]
    fn a_backtick_that_is_never_closed_hides_nothing() {
        assert_eq!(inline("a `b"), "a b");
    }
}
