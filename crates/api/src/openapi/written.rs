//! What is written to the repository from the document: the document itself, the table of errors, the list of calls.
//!
//! A change of the contract is seen in a review as a change of these files. `REEVE_BLESS=1` writes them anew.

use std::fmt::Write as _;
use std::path::PathBuf;

use reeve_protocol::Code;
use serde_json::Value;

use super::document;

fn held(name: &str, wanted: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name);
    if std::env::var_os("REEVE_BLESS").is_some() {
        std::fs::write(&path, wanted).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = written.lines().zip(wanted.lines()).position(|(a, b)| a != b);
    assert!(
        written == wanted,
        "docs/{name} is not what the code says (first difference after line {differs:?}); if the change of the \
         contract is meant, write it down: REEVE_BLESS=1 cargo test -p reeve-api openapi::written"
    );
}

#[test]
fn the_contract_is_the_one_that_is_written_down() {
    let mut contract = document();
    without_examples(&mut contract);
    held("openapi.json", &format!("{}\n", serde_json::to_string_pretty(&contract).unwrap()));
}

/// Examples promise nothing, and are written down where they are told.
fn without_examples(value: &mut Value) {
    match value {
        Value::Object(map) => {
            // A member of a shape may be called so; what has a schema beside it is an example.
            if map.contains_key("schema") {
                map.remove("example");
                map.remove("examples");
            }
            map.values_mut().for_each(without_examples);
        }
        Value::Array(items) => items.iter_mut().for_each(without_examples),
        _ => {}
    }
}

#[test]
fn the_table_of_errors_is_the_one_that_is_written_down() {
    held("errors.md", &errors());
}

#[test]
fn the_list_of_calls_is_the_one_that_is_written_down() {
    held("api-reference.md", &reference(&document()));
}

fn errors() -> String {
    let mut text = String::from(
        "<!-- Made from crates/protocol/src/{problem,errors}.rs: REEVE_BLESS=1 cargo test -p reeve-api openapi::written -->\n\n\
         # Errors\n\n\
         Whatever goes wrong is answered as `application/problem+json` (RFC 9457): `type`, `title`, `status`, `detail`, `instance`\n\
         and `code`. A program decides by `code`, which never changes its meaning; `title` and `detail` are for people and may\n\
         change. The members in the last column come with that code only, and may be missing where they do not apply.\n\n\
         | code | status | when | what to do | members |\n|---|---|---|---|---|\n",
    );
    for code in Code::ALL {
        let advice = code.advice();
        let statuses: Vec<String> =
            std::iter::once(&code.status()).chain(advice.other_statuses).map(ToString::to_string).collect();
        let members: Vec<String> = advice.members.iter().map(|name| format!("`{name}`")).collect();
        let line =
            [&format!("`{code}`"), &statuses.join(", "), advice.when, advice.remedy, &members.join(" ")];
        let _ = writeln!(text, "| {} |", line.join(" | "));
    }
    text.push_str(
        "\n## Retrying\n\n\
         429 and 503 bring `Retry-After` and `retry_after_seconds`: send the same request again then, with the same\n\
         `Idempotency-Key`. They are never remembered under the key. 2xx, 402, 403, 404, 409 and 422 are: the same key gets the\n\
         same answer, with `Idempotent-Replay: true`. A connection that broke off, a 500 and a 503 leave open whether the change\n\
         was made; the same request under the same key tells, and makes it at most once.\n\n\
         A thing that does not exist and a thing that the key may not know of are both `not_found`.\n",
    );
    text
}

fn reference(document: &Value) -> String {
    let mut text = String::from(
        "<!-- Made from the API document: REEVE_BLESS=1 cargo test -p reeve-api openapi::written -->\n\n\
         # Every call\n\n\
         The server shows all of this with shapes, bounds and examples at `/docs`, and as OpenAPI 3.1 at `/openapi.json`\n\
         ([without examples](openapi.json)). Codes are explained in [errors.md](errors.md).\n\n\
         - JSON over HTTP/1.1; `Authorization: Bearer <key>`. The column *keys* has the roles that may call: **a**dmin,\n\
         \x20 **w**orkspace (its own only), wor**k**er; `-` needs none.\n\
         - *i* marks calls that take `Idempotency-Key`.\n\
         - Credits are JSON numbers with at most six decimals; times are RFC 3339 in UTC with milliseconds.\n\
         - Lists take `limit` (50 when absent, 500 at most) and `cursor`, and answer `{\"data\": [...], \"next_cursor\": ...}`.\n\
         - Unknown members of a body are refused (422), unknown query parameters are passed over.\n\
         - Every call with a key may also answer 401, 403 `forbidden`, 429 `rate_limited`, 500 and 503, and every call that reads a\n\
         \x20 body 400 and 408 `invalid_request`, 413 and 415; they are left out below.\n",
    );
    for tag in tags(document) {
        let _ = write!(text, "\n## {tag}\n\n| call | keys | what it does | answers |\n|---|---|---|---|\n");
        for (method, path, operation) in
            calls(document).filter(|(_, _, operation)| operation["tags"][0] == *tag)
        {
            let _ = writeln!(
                text,
                "| `{} {path}`{} | {} | {} | {} |",
                method.to_uppercase(),
                if is_idempotent(operation) { " *i*" } else { "" },
                roles(operation),
                operation["summary"].as_str().unwrap_or_default().replace('|', "\\|"),
                statuses(document, operation)
            );
        }
    }
    text
}

fn calls(document: &Value) -> impl Iterator<Item = (&String, &String, &Value)> {
    let paths = document["paths"].as_object().into_iter().flatten();
    paths.flat_map(|(path, item)| {
        let methods = item.as_object().into_iter().flatten();
        methods.map(move |(method, operation)| (method, path, operation))
    })
}

fn tags(document: &Value) -> Vec<String> {
    let mut tags: Vec<String> = calls(document)
        .filter_map(|(_, _, operation)| operation["tags"][0].as_str())
        .map(str::to_owned)
        .collect();
    tags.sort();
    tags.dedup();
    tags
}

fn is_idempotent(operation: &Value) -> bool {
    operation["parameters"].to_string().contains("#/components/parameters/IdempotencyKey")
}

fn roles(operation: &Value) -> String {
    let letters: Vec<&str> = operation["x-roles"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(|role| match role {
            "admin" => "a",
            "workspace" => "w",
            "worker" => "k",
            other => other,
        })
        .collect();
    if letters.is_empty() { "-".to_owned() } else { letters.join(" ") }
}

/// Statuses that do not go without saying, those of refusals with their codes.
fn statuses(document: &Value, operation: &Value) -> String {
    let everywhere = ["400", "401", "408", "413", "415", "500", "503"];
    let mut words = Vec::new();
    for (status, answer) in operation["responses"].as_object().into_iter().flatten() {
        let Some(pointer) = answer["$ref"].as_str() else {
            words.push(format!("**{status}**"));
            continue;
        };
        let shown = &document.pointer(pointer.trim_start_matches('#')).unwrap()["content"]["application/problem+json"];
        let codes: Vec<String> = shown["examples"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(code, _)| code.clone())
            .filter(|code| !["rate_limited", "forbidden"].contains(&code.as_str()))
            .map(|code| format!("`{code}`"))
            .collect();
        let goes_without_saying = everywhere.contains(&status.as_str()) && codes.len() < 2;
        if !goes_without_saying && !codes.is_empty() {
            words.push(format!("{status} {}", codes.join(" ")));
        }
    }
    words.join(", ")
}
