//! One step: what is done, where and when, and what it must answer.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use reeve_credits::Interval;
use reeve_credits::catalog::{Factor, Outcome, StageName, decimal_optional};
use reeve_types::{ActionName, CatalogName, Credits, MemberId, PlanName, SourceName, WorkspaceId};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::money::{
    AddonRef, Adjust, PaymentRef, Purchase, Refer, Refund, RefundPlan, Renew, SetAddon, Subscribe,
};
use super::{Expect, Instant, Moment, Overlay, Span};

/// One step. Says at least one of: what is done, the instant, what is expected.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "RawStep")]
pub struct Step {
    /// The clock goes there first; never backward.
    pub at: Option<Instant>,
    /// Which workspace; the given one when left out.
    pub workspace: Option<WorkspaceId>,
    pub action: Option<Action>,
    /// The code of the refusal, as the API names it. A step that says none must not be refused.
    pub refused: Option<String>,
    pub expect: Option<Box<Expect>>,
}

macro_rules! actions {
    ($($(#[$doc:meta])* $key:ident: $variant:ident($payload:ty)),+ $(,)?) => {
        /// What a step does.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Action {
            $($(#[$doc])* $variant($payload),)+
        }

        impl Action {
            /// The key that the file writes it under.
            pub const fn word(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => stringify!($key),)+
                }
            }
        }

        /// A step as it is written: one key per action, so that a mistake inside one is reported at its place.
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct RawStep {
            at: Option<Instant>,
            #[serde(rename = "in")]
            workspace: Option<WorkspaceId>,
            refused: Option<String>,
            expect: Option<Box<Expect>>,
            $($key: Option<$payload>,)+
        }

        impl TryFrom<RawStep> for Step {
            type Error = String;

            fn try_from(raw: RawStep) -> Result<Self, String> {
                let mut actions: Vec<Action> = Vec::new();
                $(actions.extend(raw.$key.map(Action::$variant));)+
                if let [first, second, ..] = actions.as_slice() {
                    return Err(format!("a step does one thing, not `{}` and `{}`", first.word(), second.word()));
                }
                let action = actions.pop();
                if action.is_none() && raw.at.is_none() && raw.expect.is_none() {
                    return Err("the step says nothing to do or to expect".to_owned());
                }
                Ok(Self {
                    at: raw.at,
                    workspace: raw.workspace,
                    action,
                    refused: raw.refused,
                    expect: raw.expect,
                })
            }
        }
    };
}

actions! {
    /// A workspace is opened: the given one, or another that differs in what is said.
    create: Create(Create),
    /// Time passes, and what it brings is folded.
    advance: Advance(Advance),
    /// A price is asked.
    quote: Quote(Request),
    /// A job is submitted, runs and closes, all at once.
    settle: Settle(Settle),
    submit: Submit(Submit),
    /// A worker takes the job.
    lease: Lease(JobRef),
    complete: Complete(Complete),
    fail: Fail(Fail),
    cancel: Cancel(JobRef),
    /// A worker was not heard of.
    lapse: Lapse(Lapse),
    purchase: Purchase(Purchase),
    confirm: Confirm(PaymentRef),
    fail_purchase: FailPurchase(PaymentRef),
    refund: Refund(Refund),
    dispute_won: DisputeWon(PaymentRef),
    subscribe: Subscribe(Subscribe),
    /// The plan is cancelled.
    cancel_plan: CancelPlan(Nothing),
    /// A scheduled change or cancel is taken back.
    resume: Resume(Nothing),
    refund_plan: RefundPlan(RefundPlan),
    renew: Renew(Renew),
    trial: Trial(Nothing),
    addon: Addon(SetAddon),
    cancel_addon: CancelAddon(AddonRef),
    refer: Refer(Refer),
    adjust: Adjust(Adjust),
    limit_member: LimitMember(LimitMember),
    /// Settings of the workspace.
    patch: Patch(Patch),
    promotion: Promotion(Promotion),
    /// The next version of the catalog, which differs in what is said.
    publish: Publish(Overlay),
    move_catalog: MoveCatalog(MoveCatalog),
}

/// No more is known than the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// What a new workspace has otherwise than the given one.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Create {
    pub plan: Option<PlanName>,
    #[serde(deserialize_with = "decimal_optional")]
    pub allotment: Option<Credits>,
    pub interval: Option<Interval>,
    pub seats: Option<u32>,
    pub user: Option<String>,
    pub identity: Option<String>,
    pub timezone: Option<Tz>,
}

/// Time passes: to an instant, or by a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Advance {
    To(Moment),
    By(Span),
}

/// What a client asks for.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    pub action: ActionName,
    #[serde(default)]
    pub params: Map<String, Value>,
}

/// A request, and how each of its outputs ends.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settle {
    pub action: ActionName,
    #[serde(default)]
    pub params: Map<String, Value>,
    pub member: Option<MemberId>,
    /// One for each output quoted; all land when left out.
    pub outputs: Option<Vec<Ending>>,
}

/// A job, named so that later steps can speak of it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Submit {
    /// Its name in this example; `job` when left out.
    #[serde(rename = "as")]
    pub name: Option<String>,
    pub action: ActionName,
    #[serde(default)]
    pub params: Map<String, Value>,
    pub member: Option<MemberId>,
    #[serde(default, deserialize_with = "decimal_optional")]
    pub max_credits: Option<Credits>,
    pub queue_timeout: Option<Span>,
}

/// A job of an earlier step; the latest submitted one when left out.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct JobRef {
    pub job: Option<String>,
}

/// A worker's report. A job that still waits is taken by a worker first.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Complete {
    pub job: Option<String>,
    /// The live attempt when left out.
    pub attempt: Option<u32>,
    /// One for each output; all land when left out.
    pub outputs: Option<Vec<Ending>>,
    /// So many land and the rest fails: a short form of `outputs`.
    pub landed: Option<u32>,
}

/// A worker gives up.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Fail {
    pub job: Option<String>,
    pub attempt: Option<u32>,
    pub retryable: bool,
    /// The provider's answer never came (X11).
    pub fate_unknown: bool,
}

/// A lease ends without a word of its worker.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lapse {
    pub job: Option<String>,
    pub cause: reeve_jobs::LapseCause,
}

/// How one output ends.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ending {
    /// `success`, `filtered` or `failed`: what a worker can report of an output.
    pub outcome: Outcome,
    /// Seconds delivered, where they differ from those quoted.
    pub delivered: Option<f64>,
    /// Stages that end otherwise.
    #[serde(default)]
    pub stages: BTreeMap<StageName, Outcome>,
}

/// A member's ceiling; without an amount it is lifted.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitMember {
    pub member: MemberId,
    #[serde(default, deserialize_with = "decimal_optional")]
    pub amount: Option<Credits>,
    pub window: Option<reeve_workspace::MemberWindow>,
}

/// Settings of the workspace; what is left out stays.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Patch {
    pub timezone: Option<Tz>,
    #[serde(deserialize_with = "decimal_optional")]
    pub allotment: Option<Credits>,
    pub catalog_version: Option<u32>,
    pub max_concurrent: Option<u32>,
}

/// Purchases confirmed in `[from, to)` get more.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Promotion {
    pub id: String,
    pub source: SourceName,
    pub from: Instant,
    pub to: Instant,
    pub factor: Factor,
}

/// Another version, of this catalog unless one is named.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MoveCatalog {
    pub name: Option<CatalogName>,
    pub version: u32,
}
