//! Schemas on the page: fields of a shape, and the words for what a value may be.

use std::fmt::Write as _;

use serde_json::Value;

use super::html::{escape, inline};

/// The fields of a shape, or what its value may be.
pub(super) fn table(page: &mut String, shape: &Value) {
    let Some(fields) = shape["properties"].as_object().filter(|fields| !fields.is_empty()) else {
        let _ = write!(page, "<p>{}</p>", kind(shape));
        return;
    };
    let required: Vec<&str> =
        shape["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    page.push_str("<div class=\"wide\"><table class=\"fields\"><tr><th>Member<th>Value<th></tr>");
    for (name, field) in fields {
        let mark = if required.contains(&name.as_str()) { " <em title=\"required\">*</em>" } else { "" };
        let _ = write!(
            page,
            "<tr><td><code>{}</code>{mark}<td>{}<td>{}</tr>",
            escape(name),
            kind(field),
            inline(description(field))
        );
    }
    page.push_str("</table></div>");
    if shape["additionalProperties"] == false {
        page.push_str("<p class=\"note\">Other members are refused.</p>");
    }
}

/// The description of a field; of one that may be null it stands with the other choice.
fn description(field: &Value) -> &str {
    let choices = field["oneOf"].as_array().into_iter().flatten();
    let mut all = std::iter::once(field).chain(choices).filter_map(|schema| schema["description"].as_str());
    all.next().unwrap_or_default()
}

/// What a value may be, with its bounds.
pub(super) fn kind(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|text| text.rsplit('/').next()) {
        return format!("<a href=\"#shape-{0}\">{0}</a>", escape(name));
    }
    for several in ["oneOf", "anyOf", "allOf"] {
        if let Some(choices) = schema[several].as_array() {
            let mut words: Vec<String> = choices.iter().map(kind).collect();
            // "or null" reads better at the end.
            words.sort_by_key(|word| word == "null");
            return words.join(" or ");
        }
    }
    if let Some(values) = schema["enum"].as_array() {
        let words: Vec<String> =
            values.iter().map(|value| format!("<code>{}</code>", escape(&plain(value)))).collect();
        return words.join(" ");
    }
    let kinds: Vec<String> = match &schema["type"] {
        Value::String(one) => vec![one.clone()],
        Value::Array(several) => several.iter().map(plain).collect(),
        _ => vec!["any value".to_owned()],
    };
    let words: Vec<String> = kinds.iter().map(|kind| word(kind, schema)).collect();
    let bounds = bounds(schema);
    if bounds.is_empty() {
        words.join(" or ")
    } else {
        format!("{} <small>{}</small>", words.join(" or "), bounds.join("; "))
    }
}

fn word(kind: &str, schema: &Value) -> String {
    match kind {
        "array" => format!("list of {}", self::kind(&schema["items"])),
        "object" if schema["additionalProperties"].is_object() => {
            format!("map of {}", self::kind(&schema["additionalProperties"]))
        }
        "string" if schema["format"] == "date-time" => "time".to_owned(),
        other => escape(other),
    }
}

fn bounds(schema: &Value) -> Vec<String> {
    let number = |name: &str| schema.get(name).filter(|bound| bound.is_number()).map(ToString::to_string);
    let between = |least: Option<String>, most: Option<String>, what: &str| match (least, most) {
        (Some(least), Some(most)) if least == most => Some(format!("{most}{what}")),
        (Some(least), Some(most)) => Some(format!("{least} to {most}{what}")),
        (Some(least), None) => Some(format!("at least {least}{what}")),
        (None, Some(most)) => Some(format!("at most {most}{what}")),
        (None, None) => None,
    };
    let pattern = schema["pattern"].as_str().map(|pattern| format!("<code>{}</code>", escape(pattern)));
    let shipped = schema.get("default").map(|value| format!("{} when absent", escape(&plain(value))));
    [
        between(number("minimum"), number("maximum"), ""),
        between(number("minLength"), number("maxLength"), " characters"),
        between(number("minItems"), number("maxItems"), " items"),
        pattern,
        shipped,
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A value as text, without quotes around a string.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn kinds_are_said_in_words() {
        assert_eq!(kind(&json!({"$ref": "#/components/schemas/At"})), "<a href=\"#shape-At\">At</a>");
        assert_eq!(kind(&json!({"type": ["string", "null"]})), "string or null");
        assert_eq!(
            kind(&json!({"type": "array", "items": {"type": "integer"}, "maxItems": 3})),
            "list of integer <small>at most 3 items</small>"
        );
        assert_eq!(kind(&json!({"oneOf": [{"type": "null"}, {"type": "boolean"}]})), "boolean or null");
        assert_eq!(
            kind(&json!({"type": "integer", "minimum": 1, "maximum": 16})),
            "integer <small>1 to 16</small>"
        );
    }
}
