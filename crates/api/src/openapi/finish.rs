//! What every operation of the document gets beside its handler's own annotation: refusals, keys, headers, examples.
//!
//! Done once, on the document as JSON, from the table of routes: a new route needs an annotation with its success
//! answers and a step in `examples.json`, and nothing else to be whole.

use std::collections::{BTreeMap, BTreeSet};

#[cfg(test)]
use reeve_protocol::Code;
use reeve_protocol::Problem;
use reeve_protocol::headers::{
    IDEMPOTENCY_KEY, IDEMPOTENCY_KEY_BYTES_MAX, IDEMPOTENT_REPLAY, PROBLEM_JSON, REQUEST_ID, RETRY_AFTER,
};
use serde_json::{Map, Value, json};

use super::facts::{Call, Refusal, method, operation};
use super::{bounds, examples, problems};
use crate::roles::Access;
use crate::routes::table;

/// Completes the document.
pub(crate) fn finish(document: &mut Value) {
    bounds::write(document);
    let mut answers = Map::new();
    for endpoint in &table() {
        let present = operation(document, endpoint).clone();
        if present.is_null() {
            // A route without an operation: a test says so.
            continue;
        }
        let call = Call { endpoint, operation: &present };
        let mut finished = present.clone();
        finished["operationId"] = json!(operation_id(&call));
        words(&mut finished);
        keys(&call, &mut finished);
        bytes(&mut finished);
        if call.has_optional_body() {
            finished["requestBody"]["required"] = json!(false);
        }
        parameters(&call, &mut finished);
        successes(&call, &mut finished);
        refusals(&call, &mut finished, &mut answers);
        examples::write(&call, &mut finished);
        document["paths"][endpoint.path][method(&endpoint.method)] = finished;
    }
    let components = &mut document["components"];
    components["responses"] = Value::Object(answers);
    components["headers"] = headers();
    components["parameters"] = json!({ "IdempotencyKey": idempotency_key() });
    always_there(document);
}

/// A name for generated clients: handlers of different files have the same ones.
fn operation_id(call: &Call<'_>) -> String {
    let path = call.endpoint.path.trim_start_matches("/v1");
    let words = path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.fold(method(&call.endpoint.method), |name, word| format!("{name}_{word}"))
}

/// The first sentence is the summary, all of it is the description.
fn words(operation: &mut Value) {
    let part = |name: &str| operation[name].as_str().unwrap_or_default().replace('\n', " ");
    let (summary, rest) = (part("summary"), operation["description"].as_str().unwrap_or_default());
    let whole = if rest.is_empty() { summary.clone() } else { format!("{summary}\n\n{rest}") };
    let first = summary.find(". ").map_or(summary.as_str(), |end| &summary[..end]);
    operation["summary"] = json!(first.trim_end_matches('.'));
    operation["description"] = json!(whole);
}

/// Which roles may call it.
fn keys(call: &Call<'_>, operation: &mut Value) {
    match call.roles() {
        None => operation["security"] = json!([]),
        Some(roles) => {
            let names: Vec<&str> = roles.iter().map(|role| role.as_str()).collect();
            operation["x-roles"] = json!(names);
            if matches!(call.endpoint.access, Access::Link | Access::Metrics) {
                // A signed link, or the server's settings, may stand in for a key.
                operation["security"] = json!([{}, { super::BEARER: [] }]);
            }
        }
    }
}

/// Bodies that are neither JSON nor text are bytes, and so are those of any type.
fn bytes(operation: &mut Value) {
    let is_bytes = |kind: &str| kind == "*/*" || kind == "application/octet-stream";
    let responses = operation["responses"].as_object().cloned().unwrap_or_default();
    let mut places: Vec<String> =
        responses.keys().map(|status| format!("/responses/{status}/content")).collect();
    places.push("/requestBody/content".to_owned());
    for place in places {
        let Some(content) = operation.pointer_mut(&place).and_then(Value::as_object_mut) else { continue };
        for (_, media) in content.iter_mut().filter(|(kind, _)| is_bytes(kind)) {
            media["schema"] = json!({"type": "string", "format": "binary"});
        }
    }
}

fn parameters(call: &Call<'_>, operation: &mut Value) {
    let mut all = operation["parameters"].as_array().cloned().unwrap_or_default();
    for parameter in &mut all {
        let name = parameter["name"].as_str().unwrap_or_default().to_owned();
        if let Some(schema) = bounds::parameter(call.endpoint.path, &name) {
            parameter["schema"] = schema;
        }
        never_null(&mut parameter["schema"]);
    }
    if call.is_idempotent_by_key() {
        all.push(json!({"$ref": "#/components/parameters/IdempotencyKey"}));
    }
    if !all.is_empty() {
        operation["parameters"] = Value::Array(all);
    }
}

/// A parameter is there or not; none is null.
fn never_null(schema: &mut Value) {
    let is_null = |kind: &Value| kind == "null";
    if let Some(kinds) = schema.get_mut("type").and_then(Value::as_array_mut) {
        kinds.retain(|kind| !is_null(kind));
        if let [one] = kinds.as_slice() {
            schema["type"] = one.clone();
        }
    }
    for several in ["oneOf", "anyOf"] {
        let Some(choices) = schema.get_mut(several).and_then(Value::as_array_mut) else { continue };
        choices.retain(|choice| !is_null(&choice["type"]));
        if let [one] = choices.as_slice() {
            *schema = one.clone();
            return;
        }
    }
}

/// The success answers have the headers that all have.
fn successes(call: &Call<'_>, operation: &mut Value) {
    let Some(responses) = operation["responses"].as_object_mut() else { return };
    responses.remove("default");
    responses.retain(|status, _| status.starts_with(['2', '3']));
    for response in responses.values_mut() {
        response["headers"][REQUEST_ID] = header_ref("RequestId");
        if call.is_idempotent_by_key() {
            response["headers"][IDEMPOTENT_REPLAY] = header_ref("IdempotentReplay");
        }
    }
}

fn header_ref(name: &str) -> Value {
    json!({ "$ref": format!("#/components/headers/{name}") })
}

/// The refusals of a call, each status with the codes that it may come with. Equal answers are written down once.
fn refusals(call: &Call<'_>, operation: &mut Value, answers: &mut Map<String, Value>) {
    let mut by_status: BTreeMap<u16, Vec<Refusal>> = BTreeMap::new();
    for refusal in call.refusals() {
        by_status.entry(refusal.0).or_default().push(refusal);
    }
    for (status, refusals) in by_status {
        let words: Vec<&str> = refusals.iter().map(|(_, code)| code.as_str()).collect();
        let name = format!("{status}-{}", words.join("-"));
        operation["responses"][status.to_string()] =
            json!({ "$ref": format!("#/components/responses/{name}") });
        answers.entry(name).or_insert_with(|| answer(&refusals));
    }
}

fn answer(refusals: &[Refusal]) -> Value {
    let told: Vec<String> =
        refusals.iter().map(|(_, code)| format!("`{code}`: {}", code.advice().when)).collect();
    let mut shown = Map::new();
    for refusal in refusals {
        let problem: Problem = problems::example(*refusal);
        shown.insert(refusal.1.as_str().to_owned(), json!({"summary": refusal.1.title(), "value": problem}));
    }
    let mut headers = json!({ REQUEST_ID: header_ref("RequestId") });
    if refusals.iter().any(|(_, code)| code.is_retryable()) {
        headers[RETRY_AFTER] = header_ref("RetryAfter");
    }
    json!({
        "description": told.join("\n\n"),
        "headers": headers,
        "content": { PROBLEM_JSON: { "schema": {"$ref": "#/components/schemas/Problem"}, "examples": shown } },
    })
}

fn headers() -> Value {
    json!({
        "RequestId": {
            "description": "Names this request in ledger rows and in the server's log: the caller's, or one made here.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 128},
        },
        "IdempotentReplay": {
            "description": "On the first answer to an `Idempotency-Key`, given again.",
            "schema": {"type": "string", "enum": ["true"]},
        },
        "RetryAfter": {
            "description": "Seconds to wait before the same request is sent again.",
            "schema": {"type": "integer", "minimum": 0},
        },
    })
}

fn idempotency_key() -> Value {
    json!({
        "name": IDEMPOTENCY_KEY, "in": "header", "required": false,
        "description": "Makes the request safe to repeat: the same key with the same request gets the first answer, \
                        with `Idempotent-Replay: true`; with another request it is refused. Kept a day or longer, \
                        in the scope of the API key.",
        "schema": {
            "type": "string", "minLength": 1, "maxLength": IDEMPOTENCY_KEY_BYTES_MAX, "pattern": "^[!-~]+$",
        },
    })
}

/// Shapes that leave members out instead of showing them as null; all others of answers have every member.
const WITH_GAPS: &[&str] = &["Problem", "Cheapest", "ImportResult"];

/// In answers an absent value is `null`, so every member is required there. Shapes that requests have too keep what
/// their annotation says.
fn always_there(document: &mut Value) {
    let sent = reachable(document);
    let Some(schemas) = document["components"]["schemas"].as_object_mut() else { return };
    for (name, schema) in schemas {
        if sent.contains(name) || WITH_GAPS.contains(&name.as_str()) {
            continue;
        }
        if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
            let names: Vec<&String> = properties.keys().collect();
            schema["required"] = json!(names);
        }
    }
}

/// Names of the schemas that request bodies use, directly or by way of others.
fn reachable(document: &Value) -> BTreeSet<String> {
    let paths = document["paths"].as_object().into_iter().flatten();
    let operations = paths.flat_map(|(_, item)| item.as_object().into_iter().flatten());
    let mut found = BTreeSet::new();
    let mut waiting: Vec<String> = Vec::new();
    operations.for_each(|(_, operation)| referred(&operation["requestBody"], &mut waiting));
    while let Some(name) = waiting.pop() {
        if found.insert(name.clone()) {
            referred(&document["components"]["schemas"][&name], &mut waiting);
        }
    }
    found
}

fn referred(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            let name = map.get("$ref").and_then(Value::as_str);
            into.extend(
                name.and_then(|text| text.strip_prefix("#/components/schemas/")).map(ToOwned::to_owned),
            );
            map.values().for_each(|value| referred(value, into));
        }
        Value::Array(items) => items.iter().for_each(|item| referred(item, into)),
        _ => {}
    }
}

/// Every code that some call documents; the others come before any call is found.
#[cfg(test)]
pub(crate) fn documented(document: &Value) -> BTreeSet<String> {
    let names = document["components"]["responses"].as_object().into_iter().flatten();
    names
        .flat_map(|(_, answer)| answer["content"][PROBLEM_JSON]["examples"].as_object().into_iter().flatten())
        .map(|(code, _)| code.clone())
        .collect()
}

/// Codes that belong to no call: of paths and methods that are not in the document.
#[cfg(test)]
pub(crate) const OUTSIDE: &[Code] = &[Code::MethodNotAllowed];
