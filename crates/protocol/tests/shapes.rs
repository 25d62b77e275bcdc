//! Laws that hold for all shapes: they read back, refuse what they do not know, and never panic.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use proptest::prelude::*;
use reeve_protocol::*;
use reeve_types::{ActionName, Credits, JobId, LeaseId, Millis, ObjectText, PoolName, TierName, WorkspaceId};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

fn job_view() -> JobView {
    let params =
        ObjectText::of(json!({"prompt": "a lighthouse", "seed": u64::MAX}).as_object().unwrap()).unwrap();
    JobView {
        id: JobId::from_parts(Millis::from_millis(5), 7),
        workspace: WorkspaceId::new("acme").unwrap(),
        member: None,
        action: ActionName::new("image.generate").unwrap(),
        params,
        pool: PoolName::new("image").unwrap(),
        tier: TierName::new("pro").unwrap(),
        status: JobStatus::Queued,
        attempt: 0,
        max_attempts: 3,
        credits: JobCredits {
            quoted: Amount(Credits::from_micros(32_000_001)),
            held: Amount(Credits::from_micros(32_000_001)),
            settled: Amount::ZERO,
            released: Amount::ZERO,
            lines: vec![QuoteLine {
                label: "4 images".into(),
                quantity: Quantity::whole(4).unwrap(),
                unit_price: Amount(Credits::from_micros(8_000_000)),
                credits: Amount(Credits::from_micros(32_000_001)),
            }],
        },
        progress: ProgressView::default(),
        outputs: vec![OutputView {
            index: 0,
            status: OutputStatus::Landed,
            content_type: Some("image/png".into()),
            size: Some(10),
            sha256: Some(Sha256([9; 32])),
            url: Some("/v1/jobs/x/outputs/0".into()),
            credits: Some(Amount::ZERO),
        }],
        queue: Some(QueueView {
            position: Some(1),
            eta_seconds: None,
            eta_p90_seconds: None,
            waiting_for: Some(WaitReason::WorkspaceLimit),
        }),
        error: None,
        metadata: None,
        retry_of: None,
        content_removed: false,
        outputs_removed: false,
        created_at: At(Millis::from_millis(1_700_000_000_123)),
        started_at: None,
        finished_at: None,
        deadline_at: None,
        urls: JobUrls { this: "/s".into(), events: "/e".into(), cancel: "/c".into() },
    }
}

#[test]
fn a_job_reads_back_and_has_exactly_the_fields_of_the_contract() {
    let view = job_view();
    let text = serde_json::to_string(&view).unwrap();
    assert_eq!(serde_json::from_str::<JobView>(&text).unwrap(), view);

    let value: Value = serde_json::from_str(&text).unwrap();
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
    assert_eq!(
        keys(&value),
        "action attempt content_removed created_at credits deadline_at error finished_at id max_attempts member metadata \
         outputs outputs_removed params pool progress queue retry_of started_at status tier urls workspace"
    );
    assert_eq!(keys(&value["credits"]), "held lines quoted released settled");
    assert_eq!(keys(&value["progress"]), "at fraction message stage");
    assert_eq!(keys(&value["outputs"][0]), "content_type credits index sha256 size status url");
    assert_eq!(keys(&value["queue"]), "eta_p90_seconds eta_seconds position waiting_for");
    assert_eq!(keys(&value["urls"]), "cancel events self");
    assert_eq!(value["queue"]["waiting_for"], "workspace_limit");
    assert!(text.contains(r#""quoted":32.000001"#), "{text}");
}

#[test]
fn done_carries_the_job_itself() {
    let event = JobEvent::Done(Box::new(job_view()));
    let data: Value = serde_json::from_str(&event.data().unwrap()).unwrap();
    assert_eq!(data["status"], "queued");
    assert_eq!(JobEvent::parse("done", &event.data().unwrap()).unwrap(), event);
}

#[test]
fn a_lease_reads_back() {
    let job = JobId::from_parts(Millis::from_millis(5), 7);
    let lease = LeaseView {
        lease: LeaseId { job, attempt: 2 },
        job,
        workspace: WorkspaceId::new("acme").unwrap(),
        attempt: 2,
        action: ActionName::new("video.upscale").unwrap(),
        params: ObjectText::default(),
        outputs: 1,
        pool: PoolName::new("video").unwrap(),
        expires_at: At(Millis::from_millis(30_000)),
        heartbeat_seconds: Quantity::seconds_from_ms(2_500),
        run_deadline_at: None,
        inputs: vec![InputView { param: "input".into(), url: "/signed".into() }],
        request_id: Some("order-17".into()),
        traceparent: None,
    };
    let text = serde_json::to_string(&LeaseAnswer { leases: vec![lease.clone()], drain: false }).unwrap();
    assert!(text.contains(r#""heartbeat_seconds":2.5"#), "{text}");
    assert_eq!(serde_json::from_str::<LeaseAnswer>(&text).unwrap().leases, [lease]);
}

#[test]
fn a_completion_result_reads_back_with_its_amounts() {
    let result = CompletionResult {
        lease: LeaseId { job: JobId::from_parts(Millis::from_millis(5), 7), attempt: 1 },
        status: 409,
        job: Some(job_view()),
        problem: Some(Problem {
            credits: Some(Amount(Credits::from_micros(1))),
            ..Problem::new(Code::StaleLease, "gone")
        }),
    };
    let text = serde_json::to_string(&result).unwrap();
    assert_eq!(serde_json::from_str::<CompletionResult>(&text).unwrap(), result);
}

/// Reads a request body; the value itself does not matter here.
type Reader = fn(&str) -> Result<(), serde_json::Error>;

fn reader<T: DeserializeOwned>() -> Reader {
    |text| serde_json::from_str::<T>(text).map(drop)
}

/// Every request body of the API with a body that it accepts.
fn requests() -> Vec<(&'static str, Reader, Value)> {
    let job = JobId::from_parts(Millis::from_millis(5), 7);
    let lease = LeaseId { job, attempt: 1 }.to_string();
    vec![
        (
            "WorkspaceCreate",
            reader::<WorkspaceCreate>(),
            json!({"catalog": "kive", "seats": 2, "interval": "year"}),
        ),
        ("WorkspacePatch", reader::<WorkspacePatch>(), json!({"timezone": "UTC", "name": null})),
        ("Owner", reader::<Owner>(), json!({"user": "u", "identity": "google"})),
        ("SubscriptionChange", reader::<SubscriptionChange>(), json!({"plan": "pro", "allotment": 2000})),
        ("RenewalCreate", reader::<RenewalCreate>(), json!({"payment": "p", "status": "failed"})),
        ("AddonPut", reader::<AddonPut>(), json!({"units": 1})),
        ("ReferralCreate", reader::<ReferralCreate>(), json!({"friend": "f"})),
        ("MemberPut", reader::<MemberPut>(), json!({"limit": {"amount": 5, "window": "billing_month"}})),
        ("PurchaseCreate", reader::<PurchaseCreate>(), json!({"credits": 500.5, "payment": "p"})),
        ("RefundRequest", reader::<RefundRequest>(), json!({"kind": "chargeback", "reason": "r"})),
        ("AdjustmentCreate", reader::<AdjustmentCreate>(), json!({"amount": -3, "reason": "r", "job": job})),
        ("QuoteRequest", reader::<QuoteRequest>(), json!({"action": "image.generate"})),
        (
            "JobSubmit",
            reader::<JobSubmit>(),
            json!({"action": "image.generate", "params": {}, "max_credits": 8}),
        ),
        ("BulkCancel", reader::<BulkCancel>(), json!({"status": "queued"})),
        (
            "LeaseRequest",
            reader::<LeaseRequest>(),
            json!({"worker": "w", "session": "s", "pools": ["image"], "slots": 1}),
        ),
        (
            "HeartbeatRequest",
            reader::<HeartbeatRequest>(),
            json!({"worker": "w", "session": "s", "leases": [lease]}),
        ),
        ("ProgressReport", reader::<ProgressReport>(), json!({"fraction": 0.5})),
        (
            "CompleteRequest",
            reader::<CompleteRequest>(),
            json!({"outputs": [{"index": 0, "outcome": "landed", "units": 7.2}]}),
        ),
        (
            "FailRequest",
            reader::<FailRequest>(),
            json!({"reason": "r", "retryable": true, "fate": "unknown"}),
        ),
        (
            "CompletionsRequest",
            reader::<CompletionsRequest>(),
            json!({"entries": [{"lease": lease, "complete": {"outputs": []}}]}),
        ),
        ("KeyCreate", reader::<KeyCreate>(), json!({"role": "workspace", "workspace": "acme"})),
        ("ClockSet", reader::<ClockSet>(), json!({"advance_seconds": -1.5})),
        (
            "SubscriptionRefund",
            reader::<SubscriptionRefund>(),
            json!({"payment": "p", "reason": "moved away"}),
        ),
        (
            "PromotionPut",
            reader::<PromotionPut>(),
            json!({"catalog": "kive", "source": "promo", "from": "2026-01-01T00:00:00Z",
                "to": "2026-02-01T00:00:00Z", "factor": 2}),
        ),
        ("CatalogPublish", reader::<CatalogPublish>(), json!({"catalog": "name = 'x'", "examples": ""})),
        ("CatalogMove", reader::<CatalogMove>(), json!({"name": "kive", "version": 2})),
        (
            "ImportRow",
            reader::<ImportRow>(),
            json!({"id": "w", "catalog": "kive", "lots": [{"source": "plan", "amount": 5}]}),
        ),
    ]
}

#[test]
fn requests_refuse_unknown_fields_and_other_types() {
    for (name, read, body) in requests() {
        assert!(read(&body.to_string()).is_ok(), "{name}");
        let mut wider = body.clone();
        wider.as_object_mut().unwrap().insert("surprise".into(), json!(1));
        let error = read(&wider.to_string()).unwrap_err().to_string();
        assert!(error.contains("surprise"), "{name}: {error}");
        for other in ["[{}]", "null", "\"x\"", "1", "{", "{\"a\":", ""] {
            assert!(read(other).is_err(), "{name}: {other}");
        }
    }
}

#[test]
fn a_refused_amount_says_why_inside_a_request() {
    let error = serde_json::from_str::<AdjustmentCreate>(r#"{"amount":0.1234567,"reason":"r"}"#).unwrap_err();
    assert!(error.to_string().contains("more than 6 decimals"), "{error}");
}

#[test]
fn a_wrong_field_deep_inside_is_found_by_its_path() {
    let body = r#"{"outputs":[{"index":0,"outcome":"landed"},{"index":1,"outcome":"landed","units":"7"}]}"#;
    let error =
        serde_path_to_error::deserialize::<_, CompleteRequest>(&mut serde_json::Deserializer::from_str(body));
    assert_eq!(error.unwrap_err().path().to_string(), "outputs[1].units");
}

#[test]
fn amounts_are_numbers_in_the_api_document() {
    let mut schemas = Vec::new();
    <JobView as utoipa::ToSchema>::schemas(&mut schemas);
    let all: std::collections::BTreeMap<_, _> =
        schemas.into_iter().map(|(name, schema)| (name, serde_json::to_value(schema).unwrap())).collect();
    assert_eq!(all["Amount"]["type"], "number");
    assert_eq!(all["At"]["format"], "date-time");
    assert_eq!(all["JobCredits"]["properties"]["held"]["$ref"], "#/components/schemas/Amount");
    let view = serde_json::to_value(<JobView as utoipa::PartialSchema>::schema()).unwrap();
    assert_eq!(view["properties"]["id"]["$ref"], "#/components/schemas/JobId");
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        Just(json!("a\u{0}b")),
        Just(json!(1e300)),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z_]{0,8}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn a_hostile_field_never_panics(which in 0_usize..27, field in 0_usize..4, hostile in any_json()) {
        let (_, read, mut body) = requests().swap_remove(which);
        let fields = body.as_object_mut().unwrap();
        let name = fields.keys().nth(field % fields.len()).unwrap().clone();
        fields.insert(name, hostile);
        let _ = read(&body.to_string());
    }

    #[test]
    fn hostile_text_never_panics(which in 0_usize..27, text in "\\PC{0,64}") {
        let (_, read, _) = requests().swap_remove(which);
        let _ = read(&text);
    }
}

#[test]
fn the_tables_above_have_every_request() {
    assert_eq!(requests().len(), 27, "the properties above choose among 27 requests");
}
