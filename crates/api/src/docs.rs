//! The API document as a page: what `/openapi.json` says, for people.
//!
//! Rendered once from the document, without a library and without the network: one file with its style and a few lines of
//! script for the filter. Everything but the filter works without the script, and the policy that goes with the page
//! lets nothing else run or load.

mod call;
mod html;
mod schema;

use std::fmt::Write as _;
use std::sync::OnceLock;

use actix_web::HttpResponse;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reeve_protocol::Code;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::openapi;
use html::{escape, prose};

const STYLE: &str = include_str!("docs/page.css");
const SCRIPT: &str = include_str!("docs/filter.js");

/// Groups in the order in which somebody meets them; others follow by name.
const GROUPS: &[(&str, &str)] = &[
    ("workspaces", "Workspaces, their balance and ledger"),
    ("jobs", "Jobs: quoted, submitted, read, cancelled"),
    ("events", "Streams of events"),
    ("assets", "Inputs for edits and upscales"),
    ("credits", "Purchases, refunds, adjustments, referrals"),
    ("subscriptions", "Plans, renewals, trials, add-ons"),
    ("catalogs", "Catalogs and promotions"),
    ("workers", "What workers call"),
    ("webhooks", "Webhooks: who is told, and what became of it"),
    ("integrations", "Payment providers"),
    ("operating", "Queues, workers, the clock, verification"),
    ("keys", "API keys"),
    ("health", "Health, metrics, this document"),
];

/// The page as it is served.
#[utoipa::path(get, path = "/docs", tag = "health", security(()),
    responses((status = 200, description = "The API document as a page", body = String, content_type = "text/html")))]
pub(crate) async fn serve() -> HttpResponse {
    static PAGE: OnceLock<(String, String)> = OnceLock::new();
    let (page, policy) = PAGE.get_or_init(|| (page(&openapi::document()), policy()));
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((CONTENT_SECURITY_POLICY, policy.as_str()))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((REFERRER_POLICY, "no-referrer"))
        .insert_header((CACHE_CONTROL, "no-cache"))
        .body(page.as_str())
}

/// Only this very style and this very script, and nothing from anywhere.
fn policy() -> String {
    let digest = |text: &str| STANDARD.encode(Sha256::digest(text.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'",
        digest(STYLE),
        digest(SCRIPT)
    )
}

/// The page of a document.
fn page(document: &Value) -> String {
    let title = escape(document["info"]["title"].as_str().unwrap_or_default());
    let version = escape(document["info"]["version"].as_str().unwrap_or_default());
    let groups = groups(document);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title} API</title>\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><style>{STYLE}</style></head><body>\
         <header><h1>{title} <small>API {version}</small></h1>\
         <input id=\"filter\" type=\"search\" placeholder=\"Filter calls, fields, codes\" aria-label=\"Filter\">\
         <a href=\"openapi.json\">openapi.json</a></header><div class=\"columns\">"
    );
    navigation(&mut page, &groups);
    page.push_str("<main><section id=\"introduction\">");
    page.push_str(&prose(document["info"]["description"].as_str().unwrap_or_default()));
    page.push_str("</section>");
    for (name, title, calls) in &groups {
        let _ = write!(page, "<section class=\"group\" id=\"{name}\"><h2>{}</h2>", escape(title));
        for (method, path) in calls {
            call::render(&mut page, document, (method, path));
        }
        page.push_str("</section>");
    }
    codes(&mut page);
    shapes(&mut page, document);
    let _ = writeln!(page, "</main></div><script>{SCRIPT}</script></body></html>");
    page
}

/// A group with its title and its calls, each by method and path.
type Group = (String, String, Vec<(String, String)>);

fn groups(document: &Value) -> Vec<Group> {
    let place = |name: &str| GROUPS.iter().position(|(known, _)| *known == name).unwrap_or(GROUPS.len());
    let mut groups: Vec<Group> = Vec::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for method in ["get", "post", "put", "patch", "delete"] {
            let Some(tag) =
                item.get(method).map(|operation| operation["tags"][0].as_str().unwrap_or("other"))
            else {
                continue;
            };
            let call = (method.to_owned(), path.clone());
            match groups.iter_mut().find(|(name, ..)| name == tag) {
                Some((_, _, calls)) => calls.push(call),
                None => groups.push((tag.to_owned(), title_of(tag).to_owned(), vec![call])),
            }
        }
    }
    groups.sort_by_key(|(name, ..)| (place(name), name.clone()));
    groups
}

fn title_of(name: &str) -> &str {
    GROUPS.iter().find(|(known, _)| *known == name).map_or(name, |(_, title)| *title)
}

fn navigation(page: &mut String, groups: &[Group]) {
    page.push_str("<nav><a href=\"#introduction\">Introduction</a>");
    for (name, _, calls) in groups {
        let _ = write!(page, "<details><summary>{name}</summary>");
        for (method, path) in calls {
            let _ = write!(
                page,
                "<a href=\"#{}\"><b class=\"{method}\">{}</b> {}</a>",
                call::anchor(method, path),
                method.to_uppercase(),
                escape(path.trim_start_matches("/v1"))
            );
        }
        page.push_str("</details>");
    }
    page.push_str("<a href=\"#codes\">Error codes</a><a href=\"#shapes\">Shapes</a></nav>");
}

/// The table of error codes.
fn codes(page: &mut String) {
    page.push_str(
        "<section id=\"codes\"><h2>Error codes</h2><div class=\"wide\"><table><tr><th>Code<th>Status<th>When<th>What to do<th>Members</tr>",
    );
    for code in Code::ALL {
        let advice = code.advice();
        let statuses: Vec<String> =
            std::iter::once(&code.status()).chain(advice.other_statuses).map(ToString::to_string).collect();
        let members: Vec<String> = advice.members.iter().map(|name| format!("<code>{name}</code>")).collect();
        let _ = write!(
            page,
            "<tr id=\"code-{code}\"><td><code>{code}</code><td>{}<td>{}<td>{}<td>{}</tr>",
            statuses.join(", "),
            html::inline(advice.when),
            html::inline(advice.remedy),
            members.join(" ")
        );
    }
    page.push_str("</table></div></section>");
}

fn shapes(page: &mut String, document: &Value) {
    page.push_str("<section class=\"group\" id=\"shapes\"><h2>Shapes</h2>");
    for (name, shape) in document["components"]["schemas"].as_object().into_iter().flatten() {
        let _ = write!(
            page,
            "<details class=\"shape entry\" id=\"shape-{0}\"><summary>{0}</summary>",
            escape(name)
        );
        page.push_str(&prose(shape["description"].as_str().unwrap_or_default()));
        schema::table(page, shape);
        page.push_str("</details>");
    }
    page.push_str("</section>");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_every_shape_and_every_code_is_on_the_page() {
        let document = openapi::document();
        let page = page(&document);
        for (path, item) in document["paths"].as_object().unwrap() {
            for method in item.as_object().unwrap().keys() {
                let anchor = format!("id=\"{}\"", call::anchor(method, path));
                assert_eq!(page.matches(&anchor).count(), 1, "{anchor}");
            }
        }
        for name in document["components"]["schemas"].as_object().unwrap().keys() {
            assert!(page.contains(&format!("id=\"shape-{name}\"")), "{name}");
        }
        for code in Code::ALL {
            assert!(page.contains(&format!("id=\"code-{code}\"")), "{code}");
        }
    }

    #[test]
    fn every_link_of_the_page_leads_somewhere_on_it() {
        let page = page(&openapi::document());
        for part in page.split("href=\"#").skip(1) {
            let target = part.split('"').next().unwrap();
            assert!(page.contains(&format!("id=\"{target}\"")), "{target}");
        }
    }

    #[test]
    fn nothing_on_the_page_is_loaded_from_anywhere() {
        let page = page(&openapi::document());
        for word in ["src=", "<link", "@import", "url(", "<iframe", "style=", "onclick="] {
            assert!(!page.contains(word), "{word}");
        }
    }
}
