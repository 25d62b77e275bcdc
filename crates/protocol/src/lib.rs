//! The shapes of the HTTP and worker API: the only place that says what goes over the wire.
//!
//! `api` turns requests into commands and answers into these shapes; `client` and `webhooks` read and
//! write the same ones. No rule lives here: a shape that parses may still be refused by the server.
//!
//! Conventions. Requests refuse unknown fields. Answers show an absent value as `null`, except where a
//! doc comment says that the field is left out. Credits are exact JSON numbers ([`Amount`]), times are
//! RFC 3339 in UTC with milliseconds ([`At`]). Nothing here is flattened or internally tagged: serde
//! buffers such shapes through floating point, which would round an amount.
#![deny(missing_docs)]

mod amount;
mod asset;
mod at;
mod balance;
mod catalog;
mod digest;
mod errors;
mod event;
mod import;
mod job;
mod ledger;
mod operate;
mod page;
mod patch;
mod problem;
mod promotion;
mod purchase;
mod quote;
mod receipt;
mod reconcile;
mod stripe;
mod subscription;
mod webhook;
mod worker;
mod workspace;

pub mod headers;
pub mod schema;

pub use amount::{Amount, Quantity};
pub use asset::AssetView;
pub use at::{At, AtError};
pub use balance::{BalanceQuery, BalanceSummary, BalanceView, LotClass, LotView, NextChange};
pub use catalog::{
    ActionView, AddonView, AxisView, CatalogMove, CatalogPublish, CatalogPublished, CatalogQuery,
    CatalogView, ExampleView, PackView, PlanView, PublishQuery, ScopeView, SourceView, StageView,
    VariantView, VersionView,
};
pub use digest::{DigestError, Sha256};
pub use errors::Advice;
pub use event::{
    CreditsEvent, EventError, EventId, EventIdError, JobEvent, LogEvent, LogLevel, OutputEvent,
    ProgressEvent, StatusEvent,
};
pub use import::{ImportAnswer, ImportLot, ImportResult, ImportRow, ImportStatus};
pub use job::{
    BulkCancel, BulkCancelled, JobCredits, JobErrorView, JobQuery, JobRetry, JobStatus, JobSubmit, JobUrls,
    JobView, JobsQuery, Metadata, OutputStatus, OutputView, Params, ProgressView, QueueView,
};
pub use ledger::{LedgerKind, LedgerQuery, LedgerRow, UsageQuery, UsageRow};
pub use operate::{
    ClockMode, ClockSet, ClockView, FinishedReport, Health, HealthCheck, KeyCreate, KeyCreated, KeyRole,
    KeyView, PoolReport, QueueReport, ReloadReport, SessionView, TierReport, VerifyCheck, VerifyQuery,
    VerifyReport, VerifyStatus, WorkerState, WorkerView,
};
pub use page::{ListQuery, Page};
pub use patch::Patch;
pub use problem::{Cheapest, Code, FieldError, Problem, Remedy};
pub use promotion::{PromotionPut, PromotionView};
pub use purchase::{
    AdjustmentCreate, AdjustmentView, PurchaseCreate, PurchaseStatus, PurchaseView, RefundKind, RefundRequest,
};
pub use quote::{QuoteLine, QuoteQueue, QuoteRequest, QuoteView, WaitReason};
pub use receipt::{AttemptOutcome, AttemptView, ReceiptLot, ReceiptQuote, ReceiptView};
pub use reconcile::{ReconciledDay, ReconciledSums, ReconciliationQuery, ReconciliationView};
pub use stripe::{
    StripeAnswer, StripeCharge, StripeCustomerPut, StripeCustomerView, StripeData, StripeDispute,
    StripeEvent, StripeInvoice, StripeItem, StripeLine, StripeList, StripeMetadata, StripeOutcome,
    StripeParent, StripePricing, StripeSession, StripeSubscription, StripeSubscriptionDetails,
};
pub use subscription::{
    AddonPut, MemberLimit, MemberPut, MemberView, MemberWindow, PaymentStatus, ReferralCreate, ReferralView,
    RefundProposalView, RenewalCreate, SubscriptionChange, SubscriptionRefund,
};
pub use webhook::{
    DeliveriesQuery, DeliveryStatus, DeliveryView, JOB_PROGRESS, JobEventCredits, JobEventData,
    JobEventProgress, WEBHOOK_EVENTS, WEBHOOK_TEST, WebhookCreate, WebhookCreated, WebhookPayload,
    WebhookRedeliver, WebhookRedelivered, WebhookRotate, WebhookView,
};
pub use worker::{
    CompleteRequest, CompletionEntry, CompletionResult, CompletionsAnswer, CompletionsRequest, FailRequest,
    Fate, HeartbeatAnswer, HeartbeatRequest, InputView, LeaseAnswer, LeaseRequest, LeaseView, OutputOutcome,
    OutputReport, ProgressAnswer, ProgressReport, StageReport, UploadAnswer,
};
pub use workspace::{
    AddonUnits, Interval, Owner, PastDueView, ScheduledChange, ScheduledKind, SubscriptionStatus, TrialView,
    WorkspaceCreate, WorkspacePatch, WorkspaceView,
};
