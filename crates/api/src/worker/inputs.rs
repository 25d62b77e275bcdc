//! Inputs of a leased job: links that a worker can follow without a key.
//!
//! Only what belongs to the job's own workspace is signed. A foreign or unknown address is left as the customer
//! wrote it, in the parameters, and opens nothing.

use reeve_artifacts::AssetKey;
use reeve_protocol::InputView;
use reeve_types::{AssetId, JobId, Millis, WorkspaceId};
use reeve_workspace::JobIntro;
use serde_json::Value;

use crate::error::ApiError;
use crate::resources::assets;
use crate::state::ApiState;
use crate::view::job::output_path;

/// The parameter that names an input.
const PARAM: &str = "input";

/// How long a link holds beyond the attempt's run deadline, in milliseconds.
const LINGER_MS: i64 = 60_000;

/// What an address of ours names.
#[derive(Debug, PartialEq, Eq)]
enum Source {
    Output { job: JobId, index: u32 },
    Asset(AssetKey),
}

/// Signed links to the inputs of a job.
pub(crate) async fn of(
    state: &ApiState,
    intro: &JobIntro,
    run_deadline_at: Millis,
) -> Result<Vec<InputView>, ApiError> {
    // Most jobs have none, and a name without escapes is in the text as it is.
    if !intro.params.as_str().contains(PARAM) {
        return Ok(Vec::new());
    }
    // What cannot be read names none: a worker that cannot read it either says so of this job, and the others are leased.
    let params = intro.params.read().unwrap_or_default();
    let Some(source) = params.get(PARAM).and_then(Value::as_str).and_then(|text| source(state, text)) else {
        return Ok(Vec::new());
    };
    let path = match source {
        Source::Asset(key) if key.workspace == intro.workspace => assets::path(&key),
        Source::Output { job, index } if owner(state, job).await?.as_ref() == Some(&intro.workspace) => {
            output_path(job, index)
        }
        Source::Asset(_) | Source::Output { .. } => return Ok(Vec::new()),
    };
    let link = state.links().sign(&path, run_deadline_at.plus_ms(LINGER_MS));
    Ok(vec![InputView { param: PARAM.to_owned(), url: state.url(&link) }])
}

async fn owner(state: &ApiState, job: JobId) -> Result<Option<WorkspaceId>, ApiError> {
    Ok(state.engine.workspace_of_job(job).await?)
}

fn source(state: &ApiState, text: &str) -> Option<Source> {
    let public = state.settings.public_url.as_deref().map(|base| base.trim_end_matches('/'));
    parse(public.and_then(|base| text.strip_prefix(base)).unwrap_or(text))
}

/// A path of ours; a query, such as an old signature, does not matter.
fn parse(path: &str) -> Option<Source> {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let mut parts = path.strip_prefix("/v1/")?.split('/');
    let parts = [parts.next(), parts.next(), parts.next(), parts.next(), parts.next()];
    match parts {
        [Some("jobs"), Some(job), Some("outputs"), Some(index), None] => {
            Some(Source::Output { job: job.parse().ok()?, index: index.parse().ok()? })
        }
        [Some("workspaces"), Some(workspace), Some("assets"), Some(asset), None] => {
            let (workspace, asset) = (WorkspaceId::new(workspace).ok()?, asset.parse::<AssetId>().ok()?);
            Some(Source::Asset(AssetKey { workspace, asset }))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_outputs_and_assets_are_inputs() {
        let job = JobId::from_parts(Millis::from_millis(1), 1);
        let asset = AssetId::from_parts(Millis::from_millis(1), 1);
        assert_eq!(parse(&format!("/v1/jobs/{job}/outputs/2?x=1")), Some(Source::Output { job, index: 2 }));
        assert!(matches!(parse(&format!("/v1/workspaces/w/assets/{asset}")), Some(Source::Asset(_))));
        let hostile = [
            String::new(),
            "https://example.com/a.png".to_owned(),
            format!("/v1/jobs/{job}/outputs/-1"),
            format!("/v1/jobs/{job}/outputs/1/x"),
            format!("/v1/jobs/{job}/../outputs/1"),
            format!("/v1/workspaces/../assets/{asset}"),
            "/v1/keys".to_owned(),
            format!("//v1/jobs/{job}/outputs/1"),
        ];
        for text in hostile {
            assert_eq!(parse(&text), None, "{text}");
        }
    }
}
