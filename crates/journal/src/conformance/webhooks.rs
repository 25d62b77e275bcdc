//! Endpoints, deliveries and the cursor over the outbox.

use reeve_types::{Millis, WebhookId};

use super::desk::{Desk, T0, all, ws};
use crate::{
    Attempt, CommitOutcome, DeliveryFilter, DeliveryRow, DeliveryState, Disabled, EndpointHealth,
    EndpointRow, EndpointSecret, OutboxEvent, Page, PlatformChange, Prune, WebhookChange, WebhookStep,
};

fn id(n: u128) -> WebhookId {
    WebhookId::from_parts(T0, n)
}

fn endpoint(n: u128) -> EndpointRow {
    EndpointRow {
        id: id(n),
        url: format!("https://hooks.example/{n}?a='\"b"),
        events: vec!["job.succeeded".to_owned()],
        workspace: Some(ws("acme")),
        of_jobs: false,
        secrets: vec![
            EndpointSecret { bytes: [n as u8; 32], until: None },
            EndpointSecret { bytes: [255; 32], until: Some(T0.plus_ms(9)) },
        ],
        created_at: T0,
        heard_from: 0,
        failing_since: None,
        disabled: None,
    }
}

async fn change(desk: &Desk, change: WebhookChange) {
    let outcome = desk.subject.journal.submit_platform(PlatformChange::Webhook(change)).unwrap();
    assert_eq!(outcome.await.unwrap(), CommitOutcome::Durable);
}

async fn step(desk: &Desk, step: WebhookStep) {
    // Twice: after an unknown outcome it is sent again.
    for _ in 0..2 {
        change(desk, WebhookChange::Step(Box::new(step.clone()))).await;
    }
}

async fn told(desk: &Desk, count: u32) -> Vec<OutboxEvent> {
    for n in 0..count {
        let at = T0.plus_ms(i64::from(n));
        let tell = WebhookChange::Tell {
            kind: "webhook.test".to_owned(),
            workspace: None,
            at,
            body: format!("{{\"n\":{n}}}"),
        };
        change(desk, tell).await;
    }
    desk.subject.reader.outbox(0, false, 1_000).await.unwrap()
}

pub(super) async fn endpoints_read_back_and_are_deleted(desk: Desk) {
    let reader = desk.subject.reader.clone();
    told(&desk, 3).await;
    let newest = reader.outbox_state().await.unwrap().newest;
    let of_jobs = EndpointRow { of_jobs: true, url: String::new(), ..endpoint(3) };
    let step_of_jobs = WebhookStep { endpoints: vec![of_jobs.clone()], ..WebhookStep::default() };
    for row in [endpoint(2), endpoint(1)] {
        change(&desk, WebhookChange::Put(row)).await;
    }
    step(&desk, step_of_jobs).await;
    let heard = |row: EndpointRow| EndpointRow { heard_from: newest, ..row };
    assert_eq!(reader.endpoints().await.unwrap(), [heard(endpoint(1)), heard(endpoint(2))]);
    assert_eq!(reader.endpoint(id(3)).await.unwrap(), Some(heard(of_jobs)));
    told(&desk, 1).await;
    let failing = EndpointRow { failing_since: Some(T0.plus_ms(7)), ..endpoint(1) };
    change(&desk, WebhookChange::Put(failing.clone())).await;
    assert_eq!(reader.endpoint(id(1)).await.unwrap(), Some(heard(failing)), "it hears from where it did");
    let disabled = Some(Disabled { at: T0.plus_ms(8), why: "it's gone".to_owned() });
    let health = EndpointHealth { id: id(1), failing_since: None, disabled: disabled.clone() };
    step(&desk, WebhookStep { health: vec![health], ..WebhookStep::default() }).await;
    let expected = EndpointRow { disabled, ..endpoint(1) };
    assert_eq!(reader.endpoint(id(1)).await.unwrap(), Some(heard(expected)));
    change(&desk, WebhookChange::Delete { id: id(1), count_max: 10 }).await;
    assert_eq!(reader.endpoints().await.unwrap(), [heard(endpoint(2))]);
}

pub(super) async fn a_job_tells_its_own_address_with_its_events(mut desk: Desk) {
    let acme = desk.open("acme").await;
    let reader = desk.subject.reader.clone();
    assert!(!reader.outbox_state().await.unwrap().job_urls);
    let (job, command) = desk.submit();
    let reeve_workspace::Command::Submit(mut own) = command else { panic!("not a submit") };
    own.webhook = Some("https://own.example/x".into());
    desk.run(&acme, reeve_workspace::Command::Submit(own)).await.reply.unwrap();
    desk.lease(&acme, job).await;
    desk.subject.journal.flush().await.unwrap();
    let state = reader.outbox_state().await.unwrap();
    assert!(state.job_urls && state.newest > 0 && state.cursor == 0, "{state:?}");
    let events = reader.outbox(0, true, 100).await.unwrap();
    let started = events.iter().find(|event| event.kind == "job.started").unwrap();
    assert_eq!(started.job, Some(job));
    assert_eq!(started.workspace.as_ref(), Some(&acme));
    assert_eq!(started.job_url.as_deref(), Some("https://own.example/x"));
    assert!(events.windows(2).all(|two| two[0].id < two[1].id));
    assert_eq!(events.last().map(|event| event.id), Some(state.newest));
    let rest = reader.outbox(started.id - 1, false, 1).await.unwrap();
    assert_eq!(rest, [OutboxEvent { job_url: None, ..started.clone() }]);
}

fn tried(row: &DeliveryRow, state: DeliveryState, due_at: Option<Millis>) -> DeliveryRow {
    let last = Attempt {
        at: T0.plus_ms(50),
        took_ms: 12,
        status: Some(503),
        error: Some("it said \"no\"".to_owned()),
        response: Some("<html>".to_owned()),
    };
    DeliveryRow { state, due_at, attempts: row.attempts + 1, last: Some(last), ..row.clone() }
}

pub(super) async fn deliveries_are_made_once_tried_and_asked_for_again(desk: Desk) {
    let reader = desk.subject.reader.clone();
    let events = told(&desk, 4).await;
    assert_eq!(events.len(), 4);
    assert!(events.iter().all(|event| event.workspace.is_none()));
    change(&desk, WebhookChange::Put(endpoint(1))).await;
    let of = |n: usize, due: i64| DeliveryRow::new(id(1), &events[n], None, T0.plus_ms(due));
    let other = DeliveryRow::new(id(2), &events[0], Some("https://own.example".to_owned()), T0.plus_ms(1));
    let rows = vec![of(0, 10), of(1, 5), of(2, 5), other.clone()];
    let cursor = Some(events[2].id);
    step(&desk, WebhookStep { deliveries: rows, cursor, ..WebhookStep::default() }).await;
    step(&desk, WebhookStep { cursor: Some(events[0].id), ..WebhookStep::default() }).await;
    assert_eq!(reader.outbox_state().await.unwrap().cursor, events[2].id, "it never moves back");
    assert_eq!(reader.waiting().await.unwrap(), [id(1), id(2)]);

    let due = reader.next_due(id(1), 2).await.unwrap();
    let order: Vec<_> = due.iter().map(|due| due.delivery.clone()).collect();
    assert_eq!(order, [of(1, 5), of(2, 5)], "by due time, then by event");
    assert_eq!(due[0].event.as_ref(), Some(&events[1]));
    assert_eq!(reader.next_due(id(2), 9).await.unwrap()[0].delivery, other);

    let failed = tried(&of(1, 5), DeliveryState::Failed, None);
    let later = tried(&of(2, 5), DeliveryState::Pending, Some(T0.plus_ms(999)));
    let gone = DeliveryRow { event: 77_777, ..failed.clone() };
    let attempts = vec![failed.clone(), later.clone(), gone];
    step(&desk, WebhookStep { attempts, ..WebhookStep::default() }).await;
    assert_eq!(reader.delivery(id(1), events[1].id).await.unwrap().unwrap().delivery, failed);
    assert!(reader.delivery(id(1), 77_777).await.unwrap().is_none());
    let backlog = reader.backlog().await.unwrap();
    assert_eq!((backlog.count, backlog.lowest_event), (3, Some(events[0].id)));
    assert_eq!(backlog.oldest_at, Some(events[0].at));

    let list = async |state, page: &Page| {
        let filter = DeliveryFilter { state, since: Some(T0) };
        reader.deliveries(id(1), &filter, page).await.unwrap()
    };
    assert_eq!(list(None, &all()).await, [later.clone(), failed.clone(), of(0, 10)], "newest first");
    assert_eq!(list(Some(DeliveryState::Failed), &all()).await, std::slice::from_ref(&failed));
    let after = Page { after: Some(events[2].id.to_string()), limit: 1 };
    assert_eq!(list(None, &after).await, std::slice::from_ref(&failed));

    let again = DeliveryRow { attempts: 0, due_at: Some(T0.plus_ms(60)), ..of(1, 5) };
    let missed = of(3, 60);
    let step_again = WebhookStep { again: vec![again.clone(), missed.clone()], ..WebhookStep::default() };
    step(&desk, step_again).await;
    let anew = reader.delivery(id(1), events[1].id).await.unwrap().unwrap().delivery;
    // Asked for in a step that was written twice.
    let expected = DeliveryRow { last: failed.last.clone(), asked: 2, ..again };
    assert_eq!(anew, expected, "its last try stays to be seen");
    let now = reader.delivery(id(1), events[3].id).await.unwrap().unwrap().delivery;
    assert_eq!(now, DeliveryRow { asked: 1, ..missed });
    let late = tried(&of(1, 5), DeliveryState::Delivered, None);
    step(&desk, WebhookStep { attempts: vec![late], ..WebhookStep::default() }).await;
    let still = reader.delivery(id(1), events[1].id).await.unwrap().unwrap().delivery;
    assert_eq!(still, expected, "a try that began before it was asked for again says nothing");
    let done = tried(&expected, DeliveryState::Delivered, None);
    step(&desk, WebhookStep { attempts: vec![done.clone()], ..WebhookStep::default() }).await;
    assert_eq!(reader.delivery(id(1), events[1].id).await.unwrap().unwrap().delivery, done);

    change(&desk, WebhookChange::Delete { id: id(1), count_max: 3 }).await;
    assert_eq!(list(None, &all()).await.len(), 1, "so many at a time");
    change(&desk, WebhookChange::Delete { id: id(1), count_max: 3 }).await;
    assert_eq!(list(None, &all()).await, []);
    assert_eq!(reader.waiting().await.unwrap(), [id(2)]);
}

pub(super) async fn what_is_old_is_pruned_a_few_rows_at_a_time(desk: Desk) {
    let reader = desk.subject.reader.clone();
    assert_eq!(reader.oldest().await.unwrap(), crate::Oldest::default());
    let events = told(&desk, 6).await;
    let deliveries = events.iter().map(|event| DeliveryRow::new(id(1), event, None, T0)).collect();
    step(&desk, WebhookStep { deliveries, ..WebhookStep::default() }).await;
    let prune = Prune {
        outbox_upto: events[4].id,
        outbox_before: events[3].at,
        deliveries_before: events[2].at,
        count_max: 2,
    };
    let prune = WebhookStep { prune: Some(prune), ..WebhookStep::default() };
    change(&desk, WebhookChange::Step(Box::new(prune.clone()))).await;
    let left = async || {
        let outbox = reader.outbox(0, false, 100).await.unwrap().len();
        (outbox, reader.backlog().await.unwrap().count)
    };
    assert_eq!(left().await, (4, 4), "two of each");
    let oldest = reader.oldest().await.unwrap();
    assert_eq!((oldest.outbox_id, oldest.outbox_at), (Some(events[2].id), Some(events[2].at)));
    assert_eq!(oldest.delivery_at, Some(events[2].at));
    step(&desk, prune).await;
    assert_eq!(left().await, (3, 4), "what is young stays");
    let due = reader.next_due(id(1), 9).await.unwrap();
    assert!(due[0].event.is_none() && due[1].event.is_some(), "a delivery outlives its event");
    let state = reader.outbox_state().await.unwrap();
    assert_eq!(state.newest, events[5].id);
}
