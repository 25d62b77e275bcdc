//! Who hears of what: from rows of the outbox to deliveries. Pure.

use std::collections::HashSet;

use reeve_journal::{DeliveryRow, EndpointRow, EndpointSecret, OutboxEvent, SECRET_BYTES};
use reeve_protocol::{JOB_PROGRESS, WEBHOOK_TEST};
use reeve_types::{Millis, WebhookId, WorkspaceId};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// What becomes due by some rows of the outbox.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Heard {
    pub deliveries: Vec<DeliveryRow>,
    /// Endpoints of job addresses that are needed for the first time, as far as the caller knows.
    pub endpoints: Vec<EndpointRow>,
    /// The last row that was looked at; `None` when there was none.
    pub upto: Option<i64>,
}

/// Does an endpoint hear of an event?
pub(crate) fn hears(endpoint: &EndpointRow, event: &OutboxEvent) -> bool {
    if event.kind == WEBHOOK_TEST {
        return tested(event).is_some_and(|id| id == endpoint.id.to_string());
    }
    let its_own = endpoint.workspace.is_none() || endpoint.workspace == event.workspace;
    event.id > endpoint.heard_from && its_own && wants(endpoint, &event.kind)
}

/// Does it want events of this kind? All kinds are not those that are frequent and may be lost.
pub(crate) fn wants(endpoint: &EndpointRow, kind: &str) -> bool {
    if endpoint.events.is_empty() {
        kind != JOB_PROGRESS
    } else {
        endpoint.events.iter().any(|own| own == kind)
    }
}

fn tested(event: &OutboxEvent) -> Option<String> {
    let body: serde_json::Value = serde_json::from_str(&event.body).ok()?;
    body.get("webhook")?.as_str().map(str::to_owned)
}

/// The endpoint that signs what goes to the addresses that jobs of a workspace name. Made of the workspace's name, so
/// that it is found without a look-up.
pub(crate) fn of_jobs(workspace: &WorkspaceId) -> WebhookId {
    let digest = Sha256::digest(format!("job webhooks of {workspace}").as_bytes());
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(digest.iter()).for_each(|(to, from)| *to = *from);
    WebhookId::from_uuid(Uuid::from_bytes(bytes))
}

/// Such an endpoint, with a secret.
pub(crate) fn endpoint_of_jobs(
    workspace: &WorkspaceId,
    bytes: [u8; SECRET_BYTES],
    now: Millis,
) -> EndpointRow {
    EndpointRow {
        id: of_jobs(workspace),
        url: String::new(),
        events: Vec::new(),
        workspace: Some(workspace.clone()),
        of_jobs: true,
        secrets: vec![EndpointSecret { bytes, until: None }],
        created_at: now,
        heard_from: 0,
        failing_since: None,
        disabled: None,
    }
}

/// Deliveries of one look, beyond which it ends with the row at hand: so much goes into one transaction.
const DELIVERIES_MAX: usize = 500;

/// What is due by `events`, from the first on. `known` holds endpoints of job addresses that were made before.
pub(crate) fn heard(
    events: &[OutboxEvent],
    endpoints: &[EndpointRow],
    known: &HashSet<WebhookId>,
    (now, mut secret): (Millis, impl FnMut() -> [u8; SECRET_BYTES]),
) -> Heard {
    let mut heard = Heard::default();
    let mut made = HashSet::new();
    for event in events {
        if heard.deliveries.len() >= DELIVERIES_MAX {
            break;
        }
        heard.upto = Some(event.id);
        let listening = endpoints.iter().filter(|endpoint| endpoint.disabled.is_none());
        let wanted = listening.filter(|endpoint| hears(endpoint, event));
        heard.deliveries.extend(wanted.map(|endpoint| DeliveryRow::new(endpoint.id, event, None, now)));
        if let (Some(url), Some(workspace)) = (&event.job_url, &event.workspace) {
            let id = of_jobs(workspace);
            if !known.contains(&id) && made.insert(id) {
                heard.endpoints.push(endpoint_of_jobs(workspace, secret(), now));
            }
            heard.deliveries.push(DeliveryRow::new(id, event, Some(url.clone()), now));
        }
    }
    heard
}

#[cfg(test)]
mod tests {
    use reeve_journal::Disabled;
    use reeve_types::JobId;

    use super::*;

    const T0: Millis = Millis::from_millis(1_772_000_000_000);

    fn ws(name: &str) -> WorkspaceId {
        name.parse().unwrap()
    }

    fn event(id: i64, workspace: &str, kind: &str) -> OutboxEvent {
        OutboxEvent {
            id,
            workspace: Some(ws(workspace)),
            at: T0,
            kind: kind.to_owned(),
            job: Some(JobId::from_parts(T0, 1)),
            body: "{}".to_owned(),
            job_url: None,
        }
    }

    fn endpoint(n: u128, events: &[&str], workspace: Option<&str>) -> EndpointRow {
        EndpointRow {
            id: WebhookId::from_parts(T0, n),
            url: "https://hooks.example".to_owned(),
            events: events.iter().map(|kind| (*kind).to_owned()).collect(),
            workspace: workspace.map(ws),
            of_jobs: false,
            ..endpoint_of_jobs(&ws("x"), [0; 32], T0)
        }
    }

    fn pairs(events: &[OutboxEvent], endpoints: &[EndpointRow]) -> Vec<(WebhookId, i64)> {
        let heard = heard(events, endpoints, &HashSet::new(), (T0, || [1; 32]));
        heard.deliveries.iter().map(|row| (row.webhook, row.event)).collect()
    }

    #[test]
    fn an_endpoint_hears_its_workspace_and_its_kinds_only() {
        let events = [
            event(1, "acme", "job.succeeded"),
            event(2, "acme", "credits.low"),
            event(3, "other", "job.succeeded"),
        ];
        let all = endpoint(1, &[], None);
        let acme = endpoint(2, &[], Some("acme"));
        let done = endpoint(3, &["job.succeeded"], Some("acme"));
        let both = [all.clone(), acme.clone(), done.clone()];
        let expected = [(all.id, 1), (acme.id, 1), (done.id, 1), (all.id, 2), (acme.id, 2), (all.id, 3)];
        assert_eq!(pairs(&events, &both), expected);
    }

    #[test]
    fn a_look_ends_when_it_has_enough_for_one_transaction() {
        let events: Vec<OutboxEvent> = (1..=1_000).map(|n| event(n, "acme", "credits.low")).collect();
        let three = [endpoint(1, &[], None), endpoint(2, &[], None), endpoint(3, &[], None)];
        let look = heard(&events, &three, &HashSet::new(), (T0, || [1; 32]));
        assert_eq!((look.upto, look.deliveries.len()), (Some(167), 501), "whole rows");
        let nobody = heard(&events, &[], &HashSet::new(), (T0, || [1; 32]));
        assert_eq!((nobody.upto, nobody.deliveries.len()), (Some(1_000), 0));
    }

    #[test]
    fn what_was_told_before_it_was_made_or_while_it_is_disabled_is_not_heard() {
        let late = EndpointRow { heard_from: 1, ..endpoint(1, &[], None) };
        let disabled = Some(Disabled { at: T0, why: String::new() });
        let silent = EndpointRow { disabled, ..endpoint(2, &[], None) };
        let events = [event(1, "acme", "job.failed"), event(2, "acme", "job.failed")];
        assert_eq!(pairs(&events, &[late.clone(), silent]), [(late.id, 2)]);
    }

    #[test]
    fn a_test_is_heard_by_the_one_it_is_for_whatever_it_listens_to() {
        let (one, two) = (endpoint(1, &["credits.low"], Some("acme")), endpoint(2, &[], None));
        let test = OutboxEvent {
            workspace: None,
            body: format!("{{\"webhook\":\"{}\"}}", one.id),
            ..event(9, "acme", WEBHOOK_TEST)
        };
        assert_eq!(pairs(&[test], &[one.clone(), two]), [(one.id, 9)]);
    }

    #[test]
    fn progress_is_heard_only_by_name() {
        assert!(!wants(&endpoint(1, &[], None), JOB_PROGRESS));
        assert!(wants(&endpoint(1, &[JOB_PROGRESS], None), JOB_PROGRESS));
    }

    #[test]
    fn a_jobs_own_address_hears_through_one_endpoint_for_each_workspace() {
        let own = |id, workspace| OutboxEvent {
            job_url: Some(format!("https://own.example/{id}")),
            ..event(id, workspace, "job.started")
        };
        let events = [own(1, "a"), own(2, "a"), own(3, "b")];
        let heard = heard(&events, &[], &HashSet::from([of_jobs(&ws("b"))]), (T0, || [1; 32]));
        let made: Vec<WebhookId> = heard.endpoints.iter().map(|row| row.id).collect();
        assert_eq!(made, [of_jobs(&ws("a"))], "that of `b` is known");
        let urls: Vec<_> = heard.deliveries.iter().map(|row| row.url.clone().unwrap()).collect();
        assert_eq!(urls, ["https://own.example/1", "https://own.example/2", "https://own.example/3"]);
        assert_ne!(of_jobs(&ws("a")), of_jobs(&ws("b")));
    }
}
