//! What changes rarely of a workspace: its subscription, its place in the calendar, what is scheduled.
//!
//! Changed only by `Event::Reprofiled`; stored as one JSON text with the workspace's row.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::NaiveDate;
use reeve_credits::catalog::{AddonName, Catalog, Interval};
use reeve_types::{CatalogName, Credits, Millis, PlanName, PurchaseId, SourceName, TierName};

use crate::billing::Billing;
use crate::purchase::Disputed;

/// The person behind a workspace, as the platform verified them.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Owner {
    /// The platform's id of the user; the subject of once-per-user grants (X14).
    pub user: Arc<str>,
    /// How the platform verified them, such as `google` (KV-03).
    pub identity: Option<Arc<str>>,
}

/// How the subscription stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkspaceStatus {
    /// Paid, or free.
    Active,
    /// Cancelled, running until the term's end (X24).
    Canceling,
    /// The term's payment is missing (KV-26).
    PastDue,
    /// For good.
    Closed,
}

/// What a workspace subscribes to.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Subscribed {
    /// The plan.
    pub plan: PlanName,
    /// `None` on a plan without one.
    pub allotment: Option<Credits>,
    /// How often it is paid.
    pub interval: Interval,
    /// Seats, at least 1.
    pub seats: u32,
}

/// What changes rarely.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Profile {
    /// For people.
    pub name: Option<Arc<str>>,
    /// The catalog that it lives by.
    pub catalog: CatalogName,
    /// The version of it.
    pub catalog_version: u32,
    /// What it subscribes to.
    #[serde(flatten)]
    pub subscribed: Subscribed,
    /// The zone of its local dates.
    pub timezone: chrono_tz::Tz,
    /// The person behind it; `None` once erased, or where nobody was named.
    pub owner: Option<Owner>,
    /// The queue tier of its jobs: the plan's, or a trial's (KV-24).
    pub tier: TierName,
    /// Replaces the tier's running cap: the operator's figure, else the plan's.
    pub concurrency_max: Option<u32>,
    /// The operator's own running cap; it outlives changes of plan.
    pub concurrency_override: Option<u32>,
    /// While true, none of its jobs starts.
    pub paused: bool,
    /// When it was opened.
    pub created_at: Millis,
    /// Where months are counted from (X18).
    pub anchor_at: Millis,
    /// The billing period: a month, or the year where the catalog says so.
    pub period_start: Millis,
    /// First instant of the next one.
    pub period_end: Millis,
    /// Where in the calendar it is.
    pub cycle: Cycle,
    /// What takes effect at a boundary; at most one thing, since a later request replaces an earlier one.
    pub scheduled: Option<Scheduled>,
    /// How payments stand.
    pub standing: Standing,
    /// Units of add-ons.
    pub addons: BTreeMap<AddonName, Units>,
    /// A trial that lends another plan's tier and entitlements (KV-24).
    pub acting: Option<Acting>,
    /// Carry boundaries that open holds have crossed, in order of time (X5).
    pub crossings: Vec<Crossing>,
    /// Daily sources by user that this workspace, of all of the user's, is granted (KR-03).
    pub daily: BTreeSet<SourceName>,
    /// JSON text as sent.
    pub metadata: Option<Arc<str>>,
    /// What a payment provider told last. Boxed, since many have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub billing: Option<Box<Billing>>,
    /// What payers' banks hold of purchases that were given back in part besides.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub disputes: BTreeMap<PurchaseId, Disputed>,
    /// Set once it is closed. Boxed, since hardly any is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<Box<Closed>>,
}

/// The end of a workspace, step by step; no step is ever taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Closed {
    /// When it was closed.
    pub at: Millis,
    /// Asked to be erased; its own name, owner and metadata went with it.
    pub erasing_at: Option<Millis>,
    /// Prompts, parameters, metadata and files are gone.
    pub erased_at: Option<Millis>,
}

/// How far the end of a workspace is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// It lives.
    Open,
    /// Nothing begins in it any more.
    Closed,
    /// What it says of people is being taken away.
    Erasing,
    /// All of that is gone.
    Erased,
}

impl Phase {
    /// The stored number; it counts up.
    pub const fn number(self) -> u8 {
        match self {
            Self::Open => 0,
            Self::Closed => 1,
            Self::Erasing => 2,
            Self::Erased => 3,
        }
    }

    /// The phase of a stored number.
    pub fn from_number(number: u8) -> Option<Self> {
        [Self::Open, Self::Closed, Self::Erasing, Self::Erased]
            .into_iter()
            .find(|phase| phase.number() == number)
    }
}

/// Where in the calendar a workspace is: the last boundaries that are folded, and the next ones.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Cycle {
    /// Monthly boundaries since the anchor.
    pub months: u32,
    /// The value of `months` at which the paid term began.
    pub term_from: u32,
    /// The billing month: the window of purchase caps (KV-10).
    pub month_start: Millis,
    /// First instant of the next billing month.
    pub month_end: Millis,
    /// First instant of the next paid term.
    pub term_end: Millis,
    /// Highest seat that was granted for in this billing period (X23).
    pub seats_granted: u32,
    /// `None` while the catalog grants nothing by the day.
    pub day: Option<Day>,
}

/// The last local date that daily sources were judged for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Day {
    /// The date, in the workspace's zone.
    pub date: NaiveDate,
    /// The first instant of the next date.
    pub next_at: Millis,
    /// The last date that a lot was granted for: a plan that is entered again on it gives none (KR-07).
    pub granted: Option<NaiveDate>,
}

/// A change that waits for its boundary.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Scheduled {
    /// The boundary.
    pub at: Millis,
    /// What happens there.
    pub change: ScheduledChange,
}

/// What will change.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScheduledChange {
    /// Another subscription: a lower plan, or fewer seats.
    To(Subscribed),
    /// The catalog's default plan (X24).
    Cancel,
}

/// How payments stand (KV-26).
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Standing {
    /// A plan or credits were paid for at some time: no trial any more (KV-24).
    pub paid_ever: bool,
    /// What was reported of the next term's payment, before its boundary.
    pub reported: Option<Reported>,
    /// Set while a term is not paid.
    pub past_due: Option<PastDue>,
}

/// A payment report that waits for its boundary.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reported {
    /// The payment arrived.
    Paid {
        /// The platform's reference of it.
        payment: Arc<str>,
    },
    /// The payment failed.
    Failed {
        /// The platform's reference of it.
        payment: Arc<str>,
    },
}

/// A term that is not paid.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PastDue {
    /// The boundary whose payment is missing.
    pub since: Millis,
    /// When it becomes a cancel.
    pub until: Millis,
}

/// Units of an add-on.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Units {
    /// How many there are now.
    pub units: u32,
    /// How many there are from the next month on; 0 = cancelled.
    pub next: Option<u32>,
    /// Highest unit that was granted for in this month (X23).
    pub granted: u32,
}

/// A trial's borrowed plan.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Acting {
    /// The plan whose tier and entitlements are lent.
    pub plan: PlanName,
    /// First instant at which they are not any more.
    pub until: Millis,
}

/// A carry boundary, and what releases of holds from before it may still keep (X5).
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Crossing {
    /// The boundary.
    pub at: Millis,
    /// The sources that it trimmed.
    pub sources: Vec<SourceName>,
    /// Credits that releases may still keep.
    pub allowance: Credits,
}

impl Profile {
    /// How the subscription stands.
    pub fn status(&self) -> WorkspaceStatus {
        if self.closed.is_some() {
            return WorkspaceStatus::Closed;
        }
        match (&self.standing.past_due, &self.scheduled) {
            (Some(_), _) => WorkspaceStatus::PastDue,
            (None, Some(Scheduled { change: ScheduledChange::Cancel, .. })) => WorkspaceStatus::Canceling,
            _ => WorkspaceStatus::Active,
        }
    }

    /// How far its end is.
    pub fn phase(&self) -> Phase {
        match self.closed.as_deref() {
            None => Phase::Open,
            Some(Closed { erasing_at: None, .. }) => Phase::Closed,
            Some(Closed { erased_at: None, .. }) => Phase::Erasing,
            Some(_) => Phase::Erased,
        }
    }

    /// The plan whose entitlements hold at `now`: its own, or a higher one that a trial lends.
    pub fn effective_plan<'a>(&'a self, catalog: &Catalog, now: Millis) -> &'a PlanName {
        let rank = |plan: &PlanName| catalog.plan(plan).map_or(0, |plan| plan.rank);
        match &self.acting {
            Some(acting) if acting.until > now && rank(&acting.plan) > rank(&self.subscribed.plan) => {
                &acting.plan
            }
            _ => &self.subscribed.plan,
        }
    }

    /// The owner's identity, as the platform verified it.
    pub fn identity(&self) -> Option<&str> {
        self.owner.as_ref().and_then(|owner| owner.identity.as_deref())
    }

    /// The owner's user, as the platform names it.
    pub fn user(&self) -> Option<&str> {
        self.owner.as_ref().map(|owner| &*owner.user)
    }
}
