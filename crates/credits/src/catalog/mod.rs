//! The catalog: one product's whole credit policy as an immutable, versioned value.
//!
//! Ten kinds of rules (source, carry, change, limit, order, price, charge, refund, alert, tier), each in a module of
//! its own. A `Catalog` exists only through [`Catalog::parse`], so whoever holds one may rely on what `validate`
//! promises: every plan, source and scope that is named exists, no price is negative, no amount is finer than a
//! millionth, the order of lots is total, every outcome has its row in the charge table.

mod action;
mod alert;
mod carry;
mod change;
mod charge;
mod decimal;
mod limit;
mod names;
mod nesting;
mod order;
mod parse;
mod plan;
mod product;
mod refund;
mod scope;
mod source;
mod validate;

use std::collections::BTreeMap;

use reeve_types::{ActionName, CatalogName, PlanName, SourceName, TierName};

pub use action::{Action, MediaKind, OutputsRule, SecondsRule};
pub use alert::{Alert, AlertKind};
pub use carry::{CapOn, Carry, CarryAt, Keep, KeepMax};
pub use change::{
    AddonChange, Anchor, Change, Existing, GrantOnChange, PlanChange, Prorate, SeatChange, When,
};
pub use charge::{Charge, Disposition, Late, OnRetry, Outcome, Overrun, SettleOn, Show};
pub use decimal::{
    Factor, credits as decimal, list_optional as decimal_list_optional, optional as decimal_optional,
};
pub use limit::{Limit, LimitAction, LimitAmount, LimitWhat, LimitWho, PaymentState, Window};
pub use names::{AddonName, PackName, ParamName, ScopeName, StageName};
pub use order::{LotOrder, OrderFacts, OrderKey, class_rank};
pub use parse::{CatalogError, Finding, read};
pub use plan::{Allotment, AllotmentRefusal, Interval, Plan};
pub use product::{Addon, Billing, History, Pack, PeriodInYear, Renewal};
pub use refund::{AdminRefund, Chargeback, Otherwise, Refund, UnusedScope};
pub use scope::{ActionPattern, Scope};
pub use source::{
    Amount, Condition, Every, OnConvert, OnPlanExit, PerCount, Pool, Source, Subject, Trigger, Until,
};

/// One product's credit policy at one version. Shared behind an `Arc`, never changed.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Catalog {
    /// How workspaces name it; the same in all its versions.
    pub name: CatalogName,
    /// Counts up from 1 with every published change; frozen on quotes and lots (X6).
    pub version: u32,
    /// For people.
    pub title: String,
    /// Whether a boundary counts as paid by itself (KV-26).
    pub renewal: Renewal,
    /// What a workspace's own key may see of the past (KV-29).
    pub history: History,
    /// How terms and periods relate.
    pub billing: Billing,
    /// By rank, lowest first. Never empty.
    pub plans: Vec<Plan>,
    /// What jobs can do.
    pub actions: BTreeMap<ActionName, Action>,
    /// How credits appear.
    pub sources: BTreeMap<SourceName, Source>,
    /// What lots may pay for, when not everything.
    pub scopes: BTreeMap<ScopeName, Scope>,
    /// Credits that are sold as a whole.
    pub packs: BTreeMap<PackName, Pack>,
    /// Recurring add-ons.
    pub addons: BTreeMap<AddonName, Addon>,
    /// What survives boundaries.
    pub carry: Vec<Carry>,
    /// What changes of plan, seats and add-ons do.
    pub change: Change,
    /// Ceilings.
    pub limits: Vec<Limit>,
    /// Which lot pays first (X19).
    pub order: LotOrder,
    /// When credits are taken, and what each outcome means for them.
    pub charge: Charge,
    /// When a purchase can be given back.
    pub refund: Refund,
    /// Notices, once per crossing (KF-04).
    pub alerts: Vec<Alert>,
    default_plan: usize,
}

impl Catalog {
    /// Reads and checks a catalog. `file` only names the text in findings.
    ///
    /// # Errors
    /// All that is wrong, each with its key. A text that is not TOML, or a value of the wrong shape, is reported
    /// alone: what follows it cannot be judged.
    pub fn parse(file: &str, text: &str) -> Result<Self, CatalogError> {
        parse::parse(file, text)
    }

    /// The plan of that name.
    pub fn plan(&self, name: &PlanName) -> Option<&Plan> {
        self.plans.iter().find(|plan| plan.name == *name)
    }

    /// The action of that name.
    pub fn action(&self, name: &ActionName) -> Option<&Action> {
        self.actions.get(name)
    }

    /// The source of that name.
    pub fn source(&self, name: &SourceName) -> Option<&Source> {
        self.sources.get(name)
    }

    /// The plan of a workspace that names none: also the one a cancelled workspace falls to (X24).
    pub fn default_plan(&self) -> &Plan {
        &self.plans[self.default_plan]
    }

    /// The queue tier of a plan; `None` for a plan that is not of this catalog.
    pub fn tier(&self, plan: &PlanName) -> Option<&TierName> {
        self.plan(plan).map(|plan| &plan.tier)
    }

    /// True when a lot of that scope may pay for the action. A lot without scope pays for anything.
    pub fn pays(&self, scope: Option<&ScopeName>, action: &ActionName) -> bool {
        match scope {
            None => true,
            Some(name) => self.scopes.get(name).is_some_and(|scope| scope.covers(action)),
        }
    }
}
