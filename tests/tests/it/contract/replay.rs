//! The story of the document's examples, told to a real server.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};

use super::alike::differences;
use super::names::Names;
use super::schema::violations;
use crate::fixture::{Server, pause_ms, within};

/// How long an event stream is listened to: its first frames are all that the story shows.
const LISTEN_MS: u64 = 400;

/// Longest wait for a step that is about the end of something.
const ENDS_SECONDS_MAX: u64 = 30;

/// The members of a step in the order in which they are written.
const MEMBERS: &[&str] = &[
    "call", "note", "as", "path", "query", "headers", "body", "text", "status", "may", "until", "first",
    "loose", "answer",
];

fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../crates/api/src/openapi/examples.json")
}

/// One server with the document that it serves.
struct Story<'a> {
    server: &'a Server,
    http: Client,
    document: Value,
    names: Names,
    wrong: Vec<String>,
}

/// An answer as the document would show it.
struct Given {
    status: u16,
    kind: String,
    body: Value,
}

/// Replays every step; with `REEVE_BLESS=1` writes the answers down instead of comparing them.
pub async fn all(server: &Server) {
    let bless = std::env::var_os("REEVE_BLESS").is_some();
    let mut steps: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(file()).unwrap()).unwrap();
    let document = server.admin().get("/openapi.json").await.ok(200);
    let http = Client::builder().no_proxy().redirect(Policy::none());
    let http = http.tls_certs_only(None::<Certificate>).build().unwrap();
    let mut story = Story { server, http, document, names: Names::default(), wrong: Vec::new() };
    for step in &mut steps {
        let given = story.told(step).await;
        story.judge(step, &given);
        if bless && step["status"] == given.status {
            step["answer"] = given.body;
        } else if !bless {
            story.compare(step, &given);
        }
    }
    if bless {
        std::fs::write(file(), written(&steps)).unwrap();
    }
    assert!(story.wrong.is_empty(), "REEVE_BLESS=1 writes down what is meant:\n{}", story.wrong.join("\n"));
}

impl Story<'_> {
    /// The answer to a step; one that is about the end of something is asked for until it comes.
    async fn told(&mut self, step: &Value) -> Given {
        if step["until"] != true {
            return self.send(step).await;
        }
        within("the answer that a step waits for", ENDS_SECONDS_MAX, async {
            loop {
                let given = self.send(step).await;
                if step["status"] == given.status {
                    return given;
                }
                pause_ms(50).await;
            }
        })
        .await
    }

    async fn send(&mut self, step: &Value) -> Given {
        let response = self.request(step).send().await.unwrap();
        let status = response.status().as_u16();
        let kind = response.headers().get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
        let kind = kind.unwrap_or_default().split(';').next().unwrap_or_default().to_owned();
        let text = if kind == "text/event-stream" { opening(response).await } else { whole(response).await };
        let shown = self.names.shown(&text);
        let mut body = match kind.as_str() {
            "application/json" | "application/problem+json" => serde_json::from_str(&shown).unwrap(),
            _ if shown.is_empty() => Value::Null,
            _ => json!(shown),
        };
        without_secrets(&mut body);
        let data = body.get_mut("data").and_then(Value::as_array_mut);
        if let (Some(first), Some(data)) = (step["first"].as_u64(), data) {
            data.truncate(usize::try_from(first).unwrap());
        }
        Given { status, kind, body }
    }

    fn request(&self, step: &Value) -> RequestBuilder {
        let (method, path) = step["call"].as_str().unwrap().split_once(' ').unwrap();
        let pairs = |of: &str| -> Vec<(String, String)> {
            let all = step[of].as_object().into_iter().flatten();
            all.map(|(name, value)| (name.clone(), self.names.real(value.as_str().unwrap()))).collect()
        };
        let path = pairs("path")
            .iter()
            .fold(path.to_owned(), |path, (name, value)| path.replace(&format!("{{{name}}}"), value));
        let query: Vec<String> = pairs("query")
            .iter()
            .map(|(name, value)| format!("{name}={}", value.replace(':', "%3A")))
            .collect();
        let mark = if query.is_empty() { "" } else { "?" };
        let api = match step["as"].as_str() {
            Some("worker") => self.server.worker_api(),
            Some("nobody") => self.server.admin().with_key(None),
            _ => self.server.admin(),
        };
        let url = format!("{}{path}{mark}{}", self.server.url, query.join("&"));
        let keyed = api.request(Method::from_bytes(method.as_bytes()).unwrap(), "/").build().unwrap();
        let mut request = self.http.request(keyed.method().clone(), url).timeout(Duration::from_secs(90));
        if let Some(key) = keyed.headers().get("authorization") {
            request = request.header("authorization", key);
        }
        for (name, value) in pairs("headers") {
            request = request.header(name, value);
        }
        if let (Some(kind), Some(text)) = (step["text"][0].as_str(), step["text"][1].as_str()) {
            request = request.header("content-type", kind).body(self.names.real(text));
        } else if let Some(body) = step.get("body") {
            let body = self.names.real(&body.to_string());
            request = request.header("content-type", "application/json").body(body);
        }
        request
    }

    /// The document must know the status, the type and the shape of the answer, and the shape of the request.
    fn judge(&mut self, step: &Value, given: &Given) {
        let name = format!("{} ({})", step["call"].as_str().unwrap(), step["note"].as_str().unwrap());
        let expected = step["status"] == given.status
            || step["may"].as_array().is_some_and(|may| may.contains(&json!(given.status)));
        if !expected {
            self.wrong
                .push(format!("{name}: {} instead of {}: {}", given.status, step["status"], given.body));
            return;
        }
        let (method, path) = step["call"].as_str().unwrap().split_once(' ').unwrap();
        let operation = &self.document["paths"][path][method.to_ascii_lowercase()];
        let sent = &operation["requestBody"]["content"]["application/json"]["schema"];
        let mut wrong = match step.get("body").filter(|_| !sent.is_null()) {
            Some(body) => violations(&self.document, sent, body),
            None => Vec::new(),
        };
        let answer = &operation["responses"][given.status.to_string()];
        let shared = answer["$ref"].as_str().and_then(|text| text.strip_prefix('#'));
        let answer = shared.and_then(|pointer| self.document.pointer(pointer)).unwrap_or(answer);
        let content = answer["content"].as_object();
        let media = content.and_then(|content| content.get(&given.kind).or_else(|| content.get("*/*")));
        match (answer.is_null(), media) {
            (true, _) => wrong.push(format!("the document knows no {}", given.status)),
            (_, None) if !given.kind.is_empty() => {
                wrong.push(format!("the document knows no `{}`", given.kind))
            }
            (_, Some(media)) if given.kind == "application/json" => {
                wrong.extend(violations(&self.document, &media["schema"], &given.body));
            }
            _ => {}
        }
        self.wrong.extend(wrong.into_iter().map(|wrong| format!("{name}: {wrong}")));
    }

    fn compare(&mut self, step: &Value, given: &Given) {
        if step["status"] != given.status || given.kind == "text/event-stream" || given.kind == "text/csv" {
            return;
        }
        let written = step.get("answer").unwrap_or(&Value::Null);
        let name = step["call"].as_str().unwrap();
        let loose: Vec<&str> =
            step["loose"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        self.wrong.extend(
            differences(written, &given.body, &loose).into_iter().map(|wrong| format!("{name}: {wrong}")),
        );
    }
}

/// A secret that is written down looks like one that leaked, even of a server that is long gone.
fn without_secrets(body: &mut Value) {
    for (member, instead) in [("key", "reeve_worker_SHOWN-THIS-ONCE"), ("secret", "whsec_SHOWN-THIS-ONCE")] {
        if let Some(secret) = body.get_mut(member).filter(|secret| secret.is_string()) {
            *secret = json!(instead);
        }
    }
}

async fn whole(response: Response) -> String {
    String::from_utf8_lossy(&response.bytes().await.unwrap()).into_owned()
}

/// What a stream says at once: some never end.
async fn opening(mut response: Response) -> String {
    let mut text = Vec::new();
    while let Ok(Ok(Some(chunk))) =
        tokio::time::timeout(Duration::from_millis(LISTEN_MS), response.chunk()).await
    {
        text.extend_from_slice(&chunk);
    }
    String::from_utf8(text).unwrap()
}

/// The steps as text, their members in a fixed order.
fn written(steps: &[Value]) -> String {
    let step = |step: &Value| {
        let member = |name: &&str| {
            let value = step.get(*name).filter(|value| !value.is_null())?;
            let text = serde_json::to_string_pretty(value).unwrap().replace('\n', "\n    ");
            Some(format!("    \"{name}\": {text}"))
        };
        let members: Vec<String> = MEMBERS.iter().filter_map(member).collect();
        format!("  {{\n{}\n  }}", members.join(",\n"))
    };
    let steps: Vec<String> = steps.iter().map(step).collect();
    format!("[\n{}\n]\n", steps.join(",\n"))
}
