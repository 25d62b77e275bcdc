//! Examples of every call: one story of a platform, told request by request.
//!
//! `examples.json` is the story, in order. The end-to-end tests replay it against the real binary and hold every answer
//! against the one that stands there; `REEVE_BLESS=1` writes the answers down. What the document and its page show is
//! therefore what a server did. Ids are small numbers in the file, and real ones while it is replayed.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::facts::Call;

/// One request of the story with its answer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    /// `POST /v1/workspaces/{ws}/jobs`.
    pub call: String,
    /// What it shows, in a few words.
    pub note: String,
    /// Values of the path's parameters.
    #[serde(default)]
    pub path: BTreeMap<String, String>,
    #[serde(default)]
    pub query: BTreeMap<String, String>,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Whose key: `admin` when absent, `worker`, or `nobody`.
    #[serde(default, rename = "as")]
    pub role: Option<String>,
    #[serde(default)]
    pub body: Option<Value>,
    /// The body as text where it is not JSON, with its type.
    #[serde(default)]
    pub text: Option<(String, String)>,
    pub status: u16,
    /// Statuses that are as good, where timing decides.
    #[serde(default)]
    #[cfg_attr(not(test), expect(dead_code, reason = "for the replay, which reads the file itself"))]
    pub may: Vec<u16>,
    /// Asked again until the answer has this status.
    #[serde(default, rename = "until")]
    #[expect(dead_code, reason = "for the replay, which reads the file itself")]
    pub waits: bool,
    /// Members of the answer that may have any value.
    #[serde(default)]
    #[expect(dead_code, reason = "for the replay, which reads the file itself")]
    pub loose: Vec<String>,
    /// Show only so many entries of a list.
    #[serde(default, rename = "first")]
    #[expect(dead_code, reason = "for the replay, which reads the file itself")]
    pub entries: Option<usize>,
    /// Absent until the first replay.
    #[serde(default)]
    pub answer: Option<Value>,
}

/// The whole story.
pub(crate) fn all() -> &'static [Step] {
    static STEPS: OnceLock<Vec<Step>> = OnceLock::new();
    STEPS.get_or_init(|| match serde_json::from_str(include_str!("examples.json")) {
        Ok(steps) => steps,
        Err(error) => {
            // A test reads the same file, so nobody ships this; without examples the document is still true.
            tracing::error!(%error, "the examples of the API document cannot be read");
            Vec::new()
        }
    })
}

/// The steps of one call, in order; one that is told again in the same words is told once.
pub(crate) fn of<'a>(call: &'a str) -> impl Iterator<Item = &'static Step> + 'a {
    let told =
        |n: usize, step: &Step| all().iter().take(n).any(|s| s.call == step.call && s.note == step.note);
    let steps = all().iter().enumerate().filter(move |(_, step)| step.call == call);
    steps.filter(move |(n, step)| !told(*n, step)).map(|(_, step)| step)
}

/// Writes the examples of a call into its operation.
pub(crate) fn write(call: &Call<'_>, operation: &mut Value) {
    let name = call.name();
    for (n, step) in of(&name).enumerate() {
        let key = format!("{}", n + 1);
        if let Some((kind, text)) = &step.text {
            example(operation.get_mut("requestBody"), kind, (&key, &step.note, &json!(text)));
        } else if let Some(body) = &step.body {
            example(operation.get_mut("requestBody"), "application/json", (&key, &step.note, body));
        }
        if let Some(answer) = &step.answer {
            let kind = if answer.is_string() { "" } else { "application/json" };
            let response = operation["responses"].get_mut(step.status.to_string());
            example(response, kind, (&key, &step.note, answer));
        }
        parameters(operation, step);
    }
}

/// Adds an example to the media type of that name, or to the last one, which is the one that is not JSON.
fn example(owner: Option<&mut Value>, kind: &str, (key, note, value): (&str, &str, &Value)) {
    let content = owner.and_then(|owner| owner.get_mut("content")).and_then(Value::as_object_mut);
    let Some(content) = content else { return };
    let kind =
        if content.contains_key(kind) { Some(kind.to_owned()) } else { content.keys().next_back().cloned() };
    let Some(media) = kind.and_then(|kind| content.get_mut(&kind)).and_then(Value::as_object_mut) else {
        return;
    };
    let examples = media.entry("examples").or_insert_with(|| Value::Object(Map::new()));
    examples[key] = json!({"summary": note, "value": value});
}

/// The first value that the story gives a parameter is its example.
fn parameters(operation: &mut Value, step: &Step) {
    let Some(parameters) = operation.get_mut("parameters").and_then(Value::as_array_mut) else { return };
    for parameter in parameters.iter_mut().filter(|parameter| parameter.get("example").is_none()) {
        let name = parameter["name"].as_str().unwrap_or_default();
        let values = match parameter["in"].as_str() {
            Some("path") => &step.path,
            Some("query") => &step.query,
            _ => &step.headers,
        };
        if let Some(value) = values.get(name) {
            let number = value.parse::<u64>().ok().filter(|_| is_number(parameter));
            parameter["example"] = number.map_or_else(|| json!(value), |number| json!(number));
        }
    }
}

fn is_number(parameter: &Value) -> bool {
    parameter["schema"]["type"] == "integer"
}
