//! The reference ledger: the credit rules once more, as plainly as they can be written.
//!
//! A list of lots, a list of jobs with their parts, a loop over instants. Nothing is cached, nothing is shared
//! with the real one but the catalog, its prices and the commands; random histories must agree after every
//! command. Amounts are millionths, instants are milliseconds.
//!
//! Left out, and covered by the promises alone: members' limits, changes of zone, refunds that are not
//! chargebacks, won disputes, reports of payments, imports.

mod jobs;
mod money;
mod subscription;
mod time;

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use reeve_credits::catalog::{AddonName, Catalog, Interval};
use reeve_credits::lot::LotClass;
use reeve_credits::price::Quote;
use reeve_types::{ActionName, JobId, PlanName, PurchaseId};
use reeve_workspace::{Command, Create};

use crate::setting::Setting;

/// How a command ends: `Err` is the code of a refusal.
pub type Outcome = Result<(), &'static str>;

#[derive(Clone, Debug)]
struct Lot {
    source: String,
    class: u8,
    priority: i32,
    effective: i64,
    expires: Option<i64>,
    scope: Option<reeve_credits::ScopeName>,
    payment: Option<String>,
    granted: i64,
    available: i64,
    held: i64,
    consumed: i64,
    expired: i64,
    forfeited: i64,
    clawed_back: i64,
}

#[derive(Clone, Debug, PartialEq)]
enum Phase {
    Queued { not_before: i64 },
    Running,
    Cancelling,
}

#[derive(Clone, Debug)]
struct Job {
    id: JobId,
    quote: Quote,
    /// Lots by their place, in the order of use.
    parts: Vec<(usize, i64)>,
    attempts_max: u16,
    phase: Phase,
    attempt: u32,
    lost: u16,
    lapses: u16,
    admitted: i64,
    queue_deadline: i64,
    unknown_until: Option<i64>,
}

#[derive(Clone, Debug, PartialEq)]
enum Paid {
    Pending,
    Done,
    Failed,
    ChargedBack,
}

#[derive(Clone, Debug)]
struct Bought {
    id: PurchaseId,
    payment: String,
    source: String,
    credits: i64,
    created: i64,
    status: Paid,
}

#[derive(Clone, Debug, PartialEq)]
struct Sub {
    plan: PlanName,
    allotment: Option<i64>,
    interval: Interval,
    seats: u32,
}

#[derive(Clone, Debug, PartialEq)]
enum Change {
    To(Sub),
    Cancel,
}

#[derive(Clone, Debug)]
struct Crossing {
    at: i64,
    sources: Vec<String>,
    allowance: i64,
}

#[derive(Clone, Debug)]
struct Units {
    units: u32,
    next: Option<u32>,
    granted: u32,
}

/// The naive workspace.
#[derive(Clone, Debug)]
pub struct Reference<'a> {
    setting: &'a Setting,
    now: i64,
    sub: Sub,
    timezone: chrono_tz::Tz,
    identity: Option<String>,
    user: Option<String>,
    anchor: i64,
    months: u32,
    term_from: u32,
    scheduled: Option<(i64, Change)>,
    addons: BTreeMap<AddonName, Units>,
    acting: Option<(PlanName, i64)>,
    seats_granted: u32,
    paid_ever: bool,
    keys: BTreeSet<String>,
    date: NaiveDate,
    date_granted: Option<NaiveDate>,
    lots: Vec<Lot>,
    jobs: Vec<Job>,
    bought: Vec<Bought>,
    crossings: Vec<Crossing>,
    debt: i64,
}

/// What both must agree on.
#[derive(Clone, Debug, PartialEq)]
pub struct Figures {
    pub available: i64,
    pub held: i64,
    pub debt: i64,
    pub plan: String,
    pub status: &'static str,
    pub period: (i64, i64),
    pub running: usize,
    pub queued: usize,
    /// By source and start: granted, available, held, consumed, expired, forfeited, clawed back.
    pub lots: BTreeMap<(String, i64), [i64; 7]>,
}

impl<'a> Reference<'a> {
    /// Opens the workspace.
    pub fn open(setting: &'a Setting, create: &Create, now: i64) -> Self {
        let catalog = &setting.catalog;
        let name = create.plan.clone().unwrap_or_else(|| catalog.default_plan().name.clone());
        let mut sub = Sub { plan: name, allotment: None, interval: create.interval, seats: create.seats };
        let mut reference = Self {
            setting,
            now,
            sub: sub.clone(),
            timezone: create.timezone,
            identity: create.owner.as_ref().and_then(|owner| owner.identity.as_deref().map(str::to_owned)),
            user: create.owner.as_ref().map(|owner| owner.user.to_string()),
            anchor: now,
            months: 0,
            term_from: 0,
            scheduled: None,
            addons: BTreeMap::new(),
            acting: None,
            seats_granted: create.seats,
            paid_ever: false,
            keys: BTreeSet::new(),
            date: time::local_date(now, create.timezone),
            date_granted: None,
            lots: Vec::new(),
            jobs: Vec::new(),
            bought: Vec::new(),
            crossings: Vec::new(),
            debt: 0,
        };
        sub.allotment = reference.allotment_of(&sub.plan);
        reference.sub = sub;
        reference.paid_ever = reference.plan().paid;
        reference.opening();
        reference
    }

    fn catalog(&self) -> &'a Catalog {
        &self.setting.catalog
    }

    /// Runs a command at `clock`.
    pub fn run(&mut self, clock: i64, command: &Command) -> Outcome {
        let before = self.now;
        self.now = self.now.max(clock);
        self.fold(before);
        match command {
            Command::Wake | Command::MoveCatalog(_) => Ok(()),
            Command::Create(_) => Err("workspace_exists"),
            Command::Submit(submit) => self.submit(submit),
            Command::Lease(lease) => self.lease(lease.job),
            Command::Complete(complete) => self.complete(complete),
            Command::Fail(fail) => self.fail(fail),
            Command::Lapse(lapse) => self.lapse(lapse),
            Command::Cancel(cancel) => self.cancel(cancel.job),
            Command::Purchase(purchase) => self.purchase(purchase),
            Command::ConfirmPurchase { purchase } => self.confirm(*purchase),
            Command::FailPurchase { purchase } => self.fail_purchase(*purchase),
            Command::RefundPurchase(refund) => self.chargeback(refund.purchase),
            Command::Refer(refer) => self.refer(&refer.friend),
            Command::Adjust(adjust) => self.adjust(adjust),
            Command::Subscribe(subscribe) => self.subscribe(subscribe),
            Command::CancelSubscription => self.cancel_subscription(),
            Command::ResumeSubscription => self.resume(),
            Command::StartTrial => self.trial(),
            Command::SetAddon(set) => self.set_addon(&set.addon, set.units),
            Command::CancelAddon { addon } => self.cancel_addon(addon),
            other => unreachable!("not modelled: {other:?}"),
        }
    }

    fn usable(&self, lot: &Lot, at: i64) -> bool {
        lot.effective <= at && lot.expires.is_none_or(|end| at < end)
    }

    fn available(&self) -> i64 {
        let usable = self.lots.iter().filter(|lot| self.usable(lot, self.now));
        usable.map(|lot| lot.available).sum::<i64>() - self.debt
    }

    /// What is compared.
    pub fn figures(&self) -> Figures {
        let mut lots: BTreeMap<(String, i64), [i64; 7]> = BTreeMap::new();
        for lot in &self.lots {
            let terms = lots.entry((lot.source.clone(), lot.effective)).or_default();
            let own = [
                lot.granted,
                lot.available,
                lot.held,
                lot.consumed,
                lot.expired,
                lot.forfeited,
                lot.clawed_back,
            ];
            terms.iter_mut().zip(own).for_each(|(sum, term)| *sum += term);
        }
        let canceling = matches!(&self.scheduled, Some((_, Change::Cancel)));
        let queued = self.jobs.iter().filter(|job| matches!(job.phase, Phase::Queued { .. })).count();
        Figures {
            available: self.available(),
            held: self.lots.iter().map(|lot| lot.held).sum(),
            debt: self.debt,
            plan: self.sub.plan.to_string(),
            status: if canceling { "canceling" } else { "active" },
            period: self.period(),
            running: self.jobs.len() - queued,
            queued,
            lots,
        }
    }
}

fn class_rank(class: LotClass) -> u8 {
    match class {
        LotClass::Promo => 0,
        LotClass::Plan => 2,
        LotClass::Addon => 3,
        LotClass::Pack => 4,
        _ => 1,
    }
}

fn job_pays(catalog: &Catalog, lot: &Lot, action: &ActionName) -> bool {
    let Some(scope) = &lot.scope else { return true };
    catalog.scopes.get(scope).is_some_and(|scope| scope.covers(action))
}
