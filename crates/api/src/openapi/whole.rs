//! The document is whole: nothing of a call is left unsaid.

use std::collections::BTreeSet;

use reeve_protocol::Code;
use serde_json::Value;

use super::facts::operation;
use super::{document, examples, finish};
use crate::routes::table;

/// Method and path of every route, with its operation.
fn calls(document: &Value) -> Vec<(String, &Value)> {
    let name = |method: &str, path: &str| format!("{method} {path}");
    table()
        .iter()
        .map(|endpoint| (name(endpoint.method.as_str(), endpoint.path), operation(document, endpoint)))
        .collect()
}

#[test]
fn the_story_can_be_read_and_tells_of_routes_only() {
    let steps: Vec<examples::Step> = serde_json::from_str(include_str!("examples.json")).unwrap();
    let document = document();
    let known: BTreeSet<String> = calls(&document).into_iter().map(|(name, _)| name).collect();
    for step in &steps {
        assert!(known.contains(&step.call), "`{}` is a step of examples.json and no route", step.call);
        assert!(!step.note.is_empty() && step.note.len() <= 90, "{}: {}", step.call, step.note);
    }
}

/// Streams end with what they tell of, and a page is not an example of itself.
fn needs_no_example(call: &str) -> bool {
    ["GET /docs", "GET /openapi.json", "GET /metrics", "POST /v1/integrations/stripe"].contains(&call)
}

#[test]
fn every_success_of_every_call_has_an_example_that_a_server_gave() {
    let document = document();
    let mut missing = Vec::new();
    for (name, operation) in calls(&document) {
        if needs_no_example(&name) {
            continue;
        }
        for status in operation["responses"].as_object().unwrap().keys().filter(|s| s.starts_with(['2', '3']))
        {
            let told = |step: &examples::Step| {
                let empty = matches!(step.status, 204 | 304 | 307);
                let either = step.status.to_string() == *status && (empty || step.answer.is_some());
                either || step.may.iter().any(|other| other.to_string() == *status)
            };
            if !examples::of(&name).any(told) {
                missing.push(format!("{name} {status}"));
            }
        }
    }
    assert!(
        missing.is_empty(),
        "add steps to crates/api/src/openapi/examples.json and replay them: {missing:#?}"
    );
}

#[test]
fn every_body_has_an_example() {
    let document = document();
    for (name, operation) in calls(&document) {
        if operation.get("requestBody").is_some() {
            let shown = operation["requestBody"].to_string().contains("\"examples\"");
            assert!(shown, "no step of examples.json sends a body to `{name}`");
        }
    }
}

#[test]
fn every_call_says_what_it_is_for_what_it_answers_and_who_may_call() {
    let document = document();
    for (name, operation) in calls(&document) {
        assert!(operation["summary"].as_str().is_some_and(|text| text.len() > 3), "{name} has no summary");
        assert!(operation["tags"][0].is_string(), "{name} has no tag");
        let responses = operation["responses"].as_object().unwrap();
        assert!(responses.keys().any(|status| status.starts_with('2')), "{name} has no success answer");
        assert!(!responses.contains_key("default"), "{name} leaves statuses open");
        let open = operation["security"].as_array().is_some_and(Vec::is_empty);
        // The one call that checks a signature instead of a key has refusals of its own.
        for status in ["401", "403", "429", "500"].iter().filter(|_| name != "POST /v1/integrations/stripe") {
            assert_eq!(responses.contains_key(*status), !open, "{name} {status}");
        }
        assert_eq!(responses.contains_key("503"), name != "GET /healthz", "{name}");
        assert_eq!(operation.get("x-roles").is_none(), open, "{name}");
        for (status, answer) in responses {
            let answer = match answer["$ref"].as_str() {
                Some(pointer) => document.pointer(pointer.trim_start_matches('#')).unwrap(),
                None => answer,
            };
            assert!(!answer["description"].as_str().unwrap_or_default().is_empty(), "{name} {status}");
        }
    }
}

#[test]
fn every_code_is_documented_by_some_call() {
    let documented = finish::documented(&document());
    for code in Code::ALL.iter().filter(|code| !finish::OUTSIDE.contains(code)) {
        assert!(documented.contains(code.as_str()), "no call documents `{code}`");
    }
}

/// What other systems send: they add members when they like.
const OPEN: &[&str] = &["/StripeEvent"];

#[test]
fn every_shape_of_a_request_is_closed() {
    let document = document();
    for (name, operation) in calls(&document) {
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        let Some(shape) = schema["$ref"].as_str().or(schema["items"]["$ref"].as_str()) else { continue };
        if OPEN.iter().any(|open| shape.ends_with(open)) {
            continue;
        }
        let shape = document.pointer(shape.trim_start_matches('#')).unwrap();
        assert_eq!(shape["additionalProperties"], false, "{name} would take members that nobody knows");
    }
}

#[test]
fn parameters_are_never_null_and_those_of_paths_are_required() {
    let document = document();
    for (name, operation) in calls(&document) {
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            assert!(!parameter["schema"].to_string().contains("\"null\""), "{name}: {parameter}");
            if parameter["in"] == "path" {
                assert_eq!(parameter["required"], true, "{name}: {parameter}");
            }
        }
    }
}

#[test]
fn every_call_has_a_name_of_its_own() {
    let document = document();
    let calls = calls(&document);
    let names: BTreeSet<&str> =
        calls.iter().filter_map(|(_, operation)| operation["operationId"].as_str()).collect();
    assert_eq!(names.len(), calls.len());
}
