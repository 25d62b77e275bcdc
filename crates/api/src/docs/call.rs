//! One call on the page: what it takes, what it answers, examples of both.

use std::fmt::Write as _;

use serde_json::Value;

use super::html::{escape, inline, prose, sample};
use super::schema::{kind, table};
use crate::openapi::examples::{self, Step};

/// Where a call stands on the page.
pub(super) fn anchor(method: &str, path: &str) -> String {
    let words: String = path.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    format!("{method}{}", words.replace("--", "-").trim_end_matches('-'))
}

/// Writes a call.
pub(super) fn render(page: &mut String, document: &Value, (method, path): (&str, &str)) {
    let operation = &document["paths"][path][method];
    let name = format!("{} {path}", method.to_uppercase());
    let _ = write!(
        page,
        "<details class=\"call entry\" id=\"{}\"><summary><b class=\"{method}\">{}</b> <code>{}</code> <span>{}</span></summary>",
        anchor(method, path),
        method.to_uppercase(),
        escape(path),
        inline(operation["summary"].as_str().unwrap_or_default())
    );
    let (summary, whole) = (&operation["summary"], operation["description"].as_str().unwrap_or_default());
    if summary.as_str() != Some(whole.trim_end_matches('.')) {
        page.push_str(&prose(whole));
    }
    roles(page, operation);
    parameters(page, document, operation);
    request(page, document, operation);
    commands(page, &name);
    answers(page, document, operation);
    page.push_str("</details>");
}

fn roles(page: &mut String, operation: &Value) {
    let roles: Vec<String> = operation["x-roles"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(|role| format!("<code>{}</code>", escape(role)))
        .collect();
    let keys =
        if roles.is_empty() { "No key is needed.".to_owned() } else { format!("Keys: {}", roles.join(" ")) };
    let _ = write!(page, "<p class=\"note\">{keys}</p>");
}

/// What a reference of the document stands for.
fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let pointer = value["$ref"].as_str().and_then(|text| text.strip_prefix('#'));
    pointer.and_then(|pointer| document.pointer(pointer)).unwrap_or(value)
}

fn parameters(page: &mut String, document: &Value, operation: &Value) {
    let Some(all) = operation["parameters"].as_array() else { return };
    page.push_str("<h4>Parameters</h4><div class=\"wide\"><table class=\"fields\">");
    for parameter in all.iter().map(|parameter| resolved(document, parameter)) {
        let mark = if parameter["required"] == true { " <em title=\"required\">*</em>" } else { "" };
        let _ = write!(
            page,
            "<tr><td><code>{}</code>{mark}<td>{}<td>{}<td>{}</tr>",
            escape(parameter["name"].as_str().unwrap_or_default()),
            escape(parameter["in"].as_str().unwrap_or_default()),
            kind(&parameter["schema"]),
            inline(parameter["description"].as_str().unwrap_or_default())
        );
    }
    page.push_str("</table></div>");
}

fn request(page: &mut String, document: &Value, operation: &Value) {
    let Some(content) = operation["requestBody"]["content"].as_object() else { return };
    page.push_str("<h4>Body</h4>");
    for (media, body) in content {
        let _ = write!(page, "<p><code>{}</code>: {}</p>", escape(media), kind(&body["schema"]));
        let schema = resolved(document, &body["schema"]);
        if schema["properties"].is_object() {
            table(page, schema);
        }
        samples(page, body);
    }
}

fn samples(page: &mut String, media: &Value) {
    for (_, example) in media["examples"].as_object().into_iter().flatten() {
        let _ = write!(
            page,
            "<details class=\"example\"><summary>{}</summary>",
            inline(example["summary"].as_str().unwrap_or("Example"))
        );
        page.push_str(&sample(&example["value"]));
        page.push_str("</details>");
    }
}

/// The first step of the story as a command for a shell.
fn commands(page: &mut String, name: &str) {
    let Some(step) = examples::of(name).next() else { return };
    let _ = write!(
        page,
        "<details class=\"example\"><summary>With curl</summary><pre>{}</pre></details>",
        escape(&curl(step))
    );
}

fn curl(step: &Step) -> String {
    let (method, path) = step.call.split_once(' ').unwrap_or_default();
    let path = step
        .path
        .iter()
        .fold(path.to_owned(), |path, (name, value)| path.replace(&format!("{{{name}}}"), value));
    let query: Vec<String> = step.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
    let mut command = format!("curl -sS -X {method} \"$REEVE_URL{path}{query}\"");
    if step.role.as_deref() != Some("nobody") {
        command.push_str(" \\\n  -H \"Authorization: Bearer $REEVE_KEY\"");
    }
    for (name, value) in &step.headers {
        let _ = write!(command, " \\\n  -H '{name}: {value}'");
    }
    if let Some((kind, _)) = &step.text {
        let _ = write!(command, " \\\n  -H 'Content-Type: {kind}' --data-binary @FILE");
    } else if let Some(body) = &step.body {
        let _ = write!(
            command,
            " \\\n  -H 'Content-Type: application/json' \\\n  -d '{}'",
            body.to_string().replace('\'', "'\\''")
        );
    }
    command
}

fn answers(page: &mut String, document: &Value, operation: &Value) {
    page.push_str("<h4>Answers</h4>");
    let all = operation["responses"].as_object().into_iter().flatten();
    let (fine, refused): (Vec<_>, Vec<_>) = all.partition(|(status, _)| status.starts_with(['2', '3']));
    for (status, answer) in fine {
        let answer = resolved(document, answer);
        let _ = write!(
            page,
            "<p><b class=\"status\">{status}</b> {}",
            inline(answer["description"].as_str().unwrap_or_default())
        );
        for (media, body) in answer["content"].as_object().into_iter().flatten() {
            let _ = write!(page, " <code>{}</code> {}", escape(media), kind(&body["schema"]));
        }
        page.push_str("</p>");
        for (_, body) in answer["content"].as_object().into_iter().flatten() {
            if body["schema"]["properties"].is_object() {
                table(page, &body["schema"]);
            }
            samples(page, body);
        }
    }
    page.push_str("<p class=\"refusals\">");
    for (status, answer) in refused {
        let _ = write!(page, "<span><b class=\"status\">{status}</b>");
        let media =
            resolved(document, answer)["content"].as_object().and_then(|content| content.values().next());
        for code in
            media.and_then(|media| media["examples"].as_object()).into_iter().flat_map(|shown| shown.keys())
        {
            let _ = write!(page, " <a href=\"#code-{0}\"><code>{0}</code></a>", escape(code));
        }
        page.push_str("</span> ");
    }
    page.push_str("</p>");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anchors_differ_where_paths_do() {
        assert_eq!(anchor("get", "/v1/jobs/{id}/outputs/{n}"), "get-v1-jobs-id-outputs-n");
        assert_ne!(anchor("get", "/v1/jobs/{id}"), anchor("get", "/v1/jobs"));
    }

    #[test]
    fn a_command_has_what_the_story_sends() {
        let step = examples::of("POST /v1/workspaces").next().unwrap();
        let command = curl(step);
        assert!(command.starts_with("curl -sS -X POST \"$REEVE_URL/v1/workspaces\""), "{command}");
        assert!(command.contains("-d '{") && command.contains("Authorization: Bearer"), "{command}");
    }
}
