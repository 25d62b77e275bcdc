//! Bounds of free texts and of maps that are passed through.

use std::sync::Arc;

use reeve_protocol::Metadata;

use crate::error::ApiError;

/// Longest name or reference, in characters.
pub(crate) const NAME_CHARS_MAX: usize = 256;
/// Longest reason or message, in characters.
pub(crate) const REASON_CHARS_MAX: usize = 2_000;
/// Longest address, in characters.
pub(crate) const URL_CHARS_MAX: usize = 2_048;
/// Largest metadata, as JSON text, in bytes.
pub(crate) const METADATA_BYTES_MAX: usize = 16 << 10;

/// A text with something in it, within its bound, without control characters.
pub(crate) fn line(pointer: &str, text: &str, chars_max: usize) -> Result<Arc<str>, ApiError> {
    if text.is_empty() || text.chars().count() > chars_max {
        return Err(ApiError::field(pointer, format!("must have 1 to {chars_max} characters")));
    }
    if text.chars().any(char::is_control) {
        return Err(ApiError::field(pointer, "must not have control characters"));
    }
    Ok(text.into())
}

/// As [`line`], where there is one.
pub(crate) fn optional(
    pointer: &str,
    text: Option<&str>,
    chars_max: usize,
) -> Result<Option<Arc<str>>, ApiError> {
    text.map(|text| line(pointer, text, chars_max)).transpose()
}

/// A worker's words about its own work: cut and cleaned, never refused, since refusing would cost the attempt.
pub(crate) fn report(text: &str) -> Arc<str> {
    text.chars()
        .take(REASON_CHARS_MAX)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect::<String>()
        .into()
}

/// An absolute web address.
pub(crate) fn web_url(pointer: &str, text: &str) -> Result<Arc<str>, ApiError> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let fine = rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
        && text.chars().count() <= URL_CHARS_MAX
        && text.bytes().all(|b| b.is_ascii_graphic());
    if fine {
        return Ok(text.into());
    }
    let detail = format!("must be an http or https address of at most {URL_CHARS_MAX} ASCII characters");
    Err(ApiError::field(pointer, detail))
}

/// Metadata as JSON text.
pub(crate) fn metadata(metadata: Option<&Metadata>) -> Result<Option<Arc<str>>, ApiError> {
    let Some(metadata) = metadata else { return Ok(None) };
    let text = serde_json::to_string(metadata).map_err(ApiError::internal)?;
    if text.len() > METADATA_BYTES_MAX {
        return Err(ApiError::field(
            "/metadata",
            format!("must be at most {METADATA_BYTES_MAX} bytes as JSON"),
        ));
    }
    Ok(Some(text.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_no_control_characters_and_a_bound() {
        assert!(line("/name", "Ärger & Söhne", 20).is_ok());
        for bad in ["", "a\0b", "a\nb", "123456"] {
            assert!(line("/name", bad, 5).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_address_is_http_or_https() {
        assert!(web_url("/url", "https://cdn.example.com/a.png").is_ok());
        for bad in
            ["", "ftp://a", "https://", "https:///a", "javascript:alert(1)", "https://a b", "https://a\n"]
        {
            assert!(web_url("/url", bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_report_is_cleaned_not_refused() {
        assert_eq!(&*report("a\0b\nc"), "a b c");
        assert_eq!(report(&"x".repeat(5_000)).len(), REASON_CHARS_MAX);
    }
}
