//! A check of values against the schemas of the document: the words of JSON Schema that the document uses.

use serde_json::Value;

/// A schema of the document by its name.
pub fn of<'a>(document: &'a Value, name: &str) -> &'a Value {
    &document["components"]["schemas"][name]
}

/// Fails the test when a value is not what the schema says.
#[track_caller]
pub fn holds(document: &Value, schema: &Value, value: &Value) {
    let wrong = violations(document, schema, value);
    assert!(wrong.is_empty(), "{wrong:#?}\n{value:#}");
}

/// What is wrong with a value; empty when it is as the schema says.
pub fn violations(document: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check(document, schema, (value, ""), &mut found);
    found
}

fn check(document: &Value, schema: &Value, (value, at): (&Value, &str), found: &mut Vec<String>) {
    if let Some(pointer) = schema["$ref"].as_str() {
        let target = document.pointer(pointer.trim_start_matches('#')).unwrap();
        check(document, target, (value, at), found);
    }
    for several in ["oneOf", "anyOf"] {
        let Some(choices) = schema[several].as_array() else { continue };
        let fits = choices.iter().filter(|choice| violations(document, choice, value).is_empty()).count();
        if fits == 0 || several == "oneOf" && fits > 1 {
            found.push(format!("{at} fits {fits} of {several}: {value}"));
        }
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        check(document, part, (value, at), found);
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    if !kinds.is_empty() && !kinds.iter().any(|kind| is_of(kind, value)) {
        found.push(format!("{at} is not of type {kinds:?}: {value}"));
        return;
    }
    if let Some(values) = schema["enum"].as_array().filter(|values| !values.contains(value)) {
        found.push(format!("{at} is none of {values:?}: {value}"));
    }
    bounds(schema, (value, at), found);
    inside(document, schema, (value, at), found);
}

fn is_of(kind: &str, value: &Value) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => false,
    }
}

fn bounds(schema: &Value, (value, at): (&Value, &str), found: &mut Vec<String>) {
    let size = match value {
        Value::String(text) => Some((text.chars().count() as f64, "minLength", "maxLength")),
        Value::Array(items) => Some((items.len() as f64, "minItems", "maxItems")),
        Value::Number(number) => number.as_f64().map(|number| (number, "minimum", "maximum")),
        _ => None,
    };
    let Some((size, least, most)) = size else { return };
    let below = schema[least].as_f64().is_some_and(|least| size < least);
    let above = schema[most].as_f64().is_some_and(|most| size > most);
    if below || above {
        found.push(format!("{at} is outside its bounds: {value}"));
    }
}

fn inside(document: &Value, schema: &Value, (value, at): (&Value, &str), found: &mut Vec<String>) {
    if let (Some(items), true) = (value.as_array(), schema.get("items").is_some()) {
        for (n, item) in items.iter().enumerate() {
            check(document, &schema["items"], (item, &format!("{at}/{n}")), found);
        }
    }
    let Some(members) = value.as_object() else { return };
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if !members.contains_key(name) {
            found.push(format!("{at}/{name} is missing"));
        }
    }
    for (name, member) in members {
        let place = format!("{at}/{name}");
        match (schema["properties"].get(name), &schema["additionalProperties"]) {
            (Some(known), _) => check(document, known, (member, &place), found),
            (None, Value::Bool(false)) => found.push(format!("{place} is not known")),
            (None, Value::Object(_)) => {
                check(document, &schema["additionalProperties"], (member, &place), found)
            }
            _ => {}
        }
    }
}

#[test]
fn violations_are_found_where_they_are() {
    use serde_json::json;
    let document = json!({"components": {"schemas": {"Inner": {"type": "integer", "minimum": 1}}}});
    let inner = json!({"$ref": "#/components/schemas/Inner"});
    let schema = json!({"type": "object", "required": ["a"], "additionalProperties": false, "properties": {
        "a": {"type": "array", "items": inner, "maxItems": 2}, "b": {"oneOf": [{"type": "null"}, inner]},
    }});
    let wrong = |value| violations(&document, &schema, &value).len();
    assert_eq!(wrong(json!({"a": [1, 2], "b": null})), 0);
    assert_eq!(wrong(json!({"a": [1, 2], "b": 3})), 0);
    assert_eq!(wrong(json!({"b": 0})), 2);
    assert_eq!(wrong(json!({"a": [0], "c": 1})), 2);
    assert_eq!(wrong(json!({"a": [1, 1, 1]})), 1);
}
