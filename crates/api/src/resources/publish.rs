//! Publishing a catalog: judged, its examples run, then put in force as a new version.

use actix_web::HttpRequest;
use actix_web::web::{Bytes, Data, Payload};
use reeve_actors::PublishRefusal;
use reeve_credits::catalog::Finding;
use reeve_protocol::{
    CatalogPublish, CatalogPublished, Code, ExampleView, FieldError, Problem, PublishQuery,
};
use reeve_rehearsal::{Draft, Examples, run_examples};
use reeve_types::CatalogName;

use crate::error::{Answer, ApiError};
use crate::json::{essence, ok, parse, read_whole};
use crate::query::{path_id, query};
use crate::state::ApiState;
use crate::view::catalog::view;

/// Most findings that one answer lists.
const FINDINGS_MAX: usize = 200;

/// A new version of a catalog. What is wrong with it is listed by key (422), and so is every example that does not
/// come out. The same text again changes nothing. Lots and jobs keep the version they were made under.
#[utoipa::path(put, path = "/v1/catalogs/{name}", tag = "catalogs",
    params(("name" = String, Path, description = "Catalog name"), PublishQuery),
    request_body(content((CatalogPublish = "application/json"), (String = "application/toml"), (String = "text/plain"))),
    responses((status = 200, description = "Published, or tried", body = CatalogPublished)))]
pub(crate) async fn put(state: Data<ApiState>, req: HttpRequest, payload: Payload) -> Answer {
    let name: CatalogName = path_id(&req, "name", "catalog")?;
    let dry_run = query::<PublishQuery>(&req)?.dry_run.unwrap_or(false);
    let bytes = read_whole(&state, payload, state.settings.body_bytes_max).await?;
    let CatalogPublish { catalog: text, examples } = body(&req, &bytes)?;
    let draft = Draft::parse("catalog", &text).map_err(|error| invalid(&error.findings, ""))?;
    let catalog = draft.catalog().clone();
    if catalog.name != name {
        let detail = format!("is `{}`, and the path says `{name}`", catalog.name);
        return Err(ApiError::field("name", detail));
    }
    let shown = rehearse(draft, examples.as_deref()).await?;
    if dry_run {
        state.engine.try_catalog(&catalog, &text).await?.map_err(refused)?;
    } else {
        state.engine.publish_catalog(&text, examples).await?.map_err(refused)?;
    }
    let shelf = state.engine.shelf();
    let versions = shelf.get(&name).map(|book| book.versions()).unwrap_or_default();
    ok(&CatalogPublished { published: !dry_run, examples: shown, catalog: view(&catalog, versions) })
}

/// The body as JSON, or as the bare text.
fn body(req: &HttpRequest, bytes: &Bytes) -> Result<CatalogPublish, ApiError> {
    match essence(req).as_deref() {
        Some("application/toml" | "text/plain" | "text/toml" | "text/x-toml" | "application/x-toml") => {
            let text = std::str::from_utf8(bytes)
                .map_err(|e| Problem::malformed(format!("the body is not UTF-8 text: {e}")))?;
            Ok(CatalogPublish { catalog: text.to_owned(), examples: None })
        }
        None | Some("application/json") => parse(bytes),
        Some(_) => {
            let detail = "send TOML as `application/toml`, or JSON with `catalog` and `examples`";
            Err(ApiError::new(Code::UnsupportedMediaType, detail))
        }
    }
}

/// Runs the examples beside the threads that serve: a file of them takes a while.
async fn rehearse(draft: Draft, examples: Option<&str>) -> Result<Vec<ExampleView>, ApiError> {
    let Some(text) = examples else { return Ok(Vec::new()) };
    let examples =
        Examples::parse("examples", text).map_err(|error| invalid(&error.findings, "examples."))?;
    let results = actix_web::web::block(move || run_examples(&draft, &examples)).await;
    let results = results.map_err(ApiError::internal)?;
    let failed = results.iter().enumerate().filter_map(|(n, result)| {
        let difference = result.difference.as_ref()?;
        let detail = format!("{} {}: {difference}", result.rule, result.title);
        Some(FieldError::new(format!("examples.example[{n}]"), detail))
    });
    let failed: Vec<FieldError> = failed.collect();
    if !failed.is_empty() {
        let detail = format!("{} of {} examples do not come out", failed.len(), results.len());
        return Err(listed(detail, failed));
    }
    let shown = results.into_iter().map(|result| ExampleView { rule: result.rule, title: result.title });
    Ok(shown.collect())
}

fn refused(refusal: PublishRefusal) -> ApiError {
    match refusal {
        PublishRefusal::Invalid { findings } => invalid(&findings, ""),
        PublishRefusal::Published { .. } | PublishRefusal::Version { .. } => {
            ApiError::new(Code::Conflict, refusal.to_string())
        }
    }
}

/// What is wrong, each by its key in the text.
fn invalid(findings: &[Finding], prefix: &str) -> ApiError {
    let errors: Vec<FieldError> = findings
        .iter()
        .map(|finding| FieldError::new(format!("{prefix}{}", finding.key), &finding.reason))
        .collect();
    listed(format!("{} things are wrong with it", errors.len()), errors)
}

fn listed(detail: String, mut errors: Vec<FieldError>) -> ApiError {
    errors.truncate(FINDINGS_MAX);
    Problem::invalid(detail, errors).into()
}
