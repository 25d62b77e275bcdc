//! What a new workspace is granted: the sources that apply to its plan, term and owner.
//!
//! Used when a workspace is created, and only then: `once` sources are judged nowhere else (X14). The orders carry
//! the keys under which the store makes sure that nobody gets the same grant twice.

use std::fmt;

use chrono_tz::Tz;
use reeve_types::{CatalogName, Credits, Millis, PlanName, SourceName, WorkspaceId, did_you_mean, limits};

use crate::calendar::{self, Period};
use crate::catalog::{
    AllotmentRefusal, Amount, Catalog, Every, Interval, PerCount, PeriodInYear, Plan, ScopeName, Source,
    Subject, Until,
};
use crate::lot::LotClass;

/// What is known of a workspace when it is created.
#[derive(Debug, Clone, Copy)]
pub struct OpeningFacts<'a> {
    /// The plan that it is opened on.
    pub plan: &'a PlanName,
    /// As asked; the plan's smallest when left out.
    pub allotment: Option<Credits>,
    /// How often it pays.
    pub interval: Interval,
    /// Seats that are bought, at least 1.
    pub seats: u32,
    /// The owner's identity, as the platform verified it.
    pub identity: Option<&'a str>,
    /// The zone of its local dates.
    pub timezone: Tz,
    /// Its id.
    pub workspace: &'a WorkspaceId,
    /// The owner's user, as the platform names it.
    pub owner_user: Option<&'a str>,
    /// The instant of creation: where the periods start.
    pub anchor: Millis,
}

/// One grant to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantOrder {
    /// The source that grants.
    pub source: SourceName,
    /// What kind of credits they are.
    pub class: LotClass,
    /// Above zero.
    pub amount: Credits,
    /// First instant at which they are usable.
    pub effective_at: Millis,
    /// First instant at which they are not any more; `None` never expires.
    pub expires_at: Option<Millis>,
    /// What they may pay for; `None` pays for all.
    pub scope: Option<ScopeName>,
    /// Lower is used first.
    pub priority: i32,
    /// What the grant must be the only one of.
    pub key: GrantKey,
    /// The boundary at which the source grants again, if any.
    pub every: Option<Every>,
    /// The key can also be another workspace's: it must be claimed store-wide, and the grant left out when taken.
    pub once: bool,
}

/// `catalog:source:subject:period`: at most one grant each in the whole store (X14, L6).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct GrantKey(String);

impl GrantKey {
    /// The key of a grant. `period` has no colon, and neither have catalog and source, so that no subject can make
    /// two keys alike.
    pub fn new(catalog: &CatalogName, source: &SourceName, subject: &GrantSubject<'_>, period: &str) -> Self {
        Self(format!("{catalog}:{source}:{subject}:{period}"))
    }

    /// The text, as stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for GrantKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Whom a grant is keyed by. The kind is part of the text: a user may be called like another's workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantSubject<'a> {
    /// A workspace.
    Workspace(&'a WorkspaceId),
    /// A user, as the platform names it.
    User(&'a str),
    /// A user who was referred.
    Friend(&'a str),
}

impl fmt::Display for GrantSubject<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Workspace(id) => write!(f, "workspace={id}"),
            Self::User(user) => write!(f, "user={user}"),
            Self::Friend(friend) => write!(f, "friend={friend}"),
        }
    }
}

/// Why a workspace cannot be opened as asked (422).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpeningRefusal {
    /// The catalog has no such plan.
    #[error("catalog `{catalog}` has no plan `{plan}`; it has {}{}", names(.known), meant(.plan, .known))]
    UnknownPlan {
        /// The catalog.
        catalog: CatalogName,
        /// What was asked for.
        plan: PlanName,
        /// The plans that it has.
        known: Vec<PlanName>,
    },
    /// The allotment cannot be had on the plan.
    #[error(transparent)]
    Allotment(#[from] AllotmentRefusal),
    /// The plan is not sold for that term.
    #[error("plan `{plan}` is not sold by the {interval}")]
    IntervalNotOffered {
        /// The plan.
        plan: PlanName,
        /// The term that was asked for.
        interval: Interval,
    },
    /// No seat, or more than [`SEATS_MAX`].
    #[error("`{seats}` seats; a workspace has 1 to {SEATS_MAX}")]
    Seats {
        /// What was asked for.
        seats: u32,
    },
    /// A grant beyond what one command may grant.
    #[error("source `{source_name}` would grant more than {} credits", limits::CREDITS_MAX)]
    TooLarge {
        /// The source that would grant it.
        source_name: SourceName,
    },
}

/// Most seats of one workspace: beyond it the input is a mistake.
pub const SEATS_MAX: u32 = 1_000_000;

fn meant(plan: &PlanName, known: &[PlanName]) -> String {
    did_you_mean(plan.as_str(), known.iter().map(PlanName::as_str))
}

fn names(plans: &[PlanName]) -> String {
    plans.iter().map(|plan| format!("`{plan}`")).collect::<Vec<_>>().join(", ")
}

/// A subscription as it results from what was asked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Subscription<'c> {
    /// The plan.
    pub plan: &'c Plan,
    /// `None` on a plan without one.
    pub allotment: Option<Credits>,
    /// How often it is paid.
    pub interval: Interval,
    /// Seats, 1 to [`SEATS_MAX`].
    pub seats: u32,
}

impl Catalog {
    /// Checks what a subscription asks for, and fills in what it leaves out.
    ///
    /// # Errors
    /// A plan, allotment, term or number of seats that is not sold.
    pub fn subscription(
        &self,
        plan: &PlanName,
        allotment: Option<Credits>,
        interval: Interval,
        seats: u32,
    ) -> Result<Subscription<'_>, OpeningRefusal> {
        let Some(plan) = self.plan(plan) else {
            let known = self.plans.iter().map(|plan| plan.name.clone()).collect();
            return Err(OpeningRefusal::UnknownPlan {
                catalog: self.name.clone(),
                plan: plan.clone(),
                known,
            });
        };
        if !plan.intervals.contains(&interval) {
            return Err(OpeningRefusal::IntervalNotOffered { plan: plan.name.clone(), interval });
        }
        if !(1..=SEATS_MAX).contains(&seats) {
            return Err(OpeningRefusal::Seats { seats });
        }
        Ok(Subscription { plan, allotment: plan.allotment(allotment)?, interval, seats })
    }

    /// The billing period of a workspace: what `period_start` and `period_end` are the ends of.
    pub fn billing_period(&self, interval: Interval) -> Period {
        match (interval, self.billing.period_in_year) {
            (Interval::Year, PeriodInYear::Year) => Period::Year,
            _ => Period::Month,
        }
    }
}

impl Interval {
    /// The paid term: what `term_end` is the end of.
    pub const fn term(self) -> Period {
        match self {
            Self::Month => Period::Month,
            Self::Year => Period::Year,
        }
    }
}

/// What a new workspace is granted, in the order of the sources' names.
///
/// # Errors
/// A subscription that is not sold, or amounts beyond what one grant can be.
pub fn opening_grants(
    catalog: &Catalog,
    facts: &OpeningFacts<'_>,
) -> Result<Vec<GrantOrder>, OpeningRefusal> {
    let subscription = catalog.subscription(facts.plan, facts.allotment, facts.interval, facts.seats)?;
    let mut orders = Vec::new();
    for (name, source) in &catalog.sources {
        if !applies(source, &subscription, facts) {
            continue;
        }
        let too_large = || OpeningRefusal::TooLarge { source_name: name.clone() };
        let amount = subscription.amount(source).ok_or_else(too_large)?;
        if amount.is_positive() {
            orders.push(order(catalog, name, source, facts, amount));
        }
    }
    Ok(orders)
}

/// A source grants at creation when the calendar or `once` makes it, and nothing else has to happen first.
fn applies(source: &Source, subscription: &Subscription<'_>, facts: &OpeningFacts<'_>) -> bool {
    let by_itself = source.every.is_some() || (source.once.is_some() && source.on.is_empty());
    by_itself && source.condition.holds(subscription.plan, subscription.interval, facts.identity)
}

impl Subscription<'_> {
    /// What a source gives to such a subscription, before any unit or purchase; `None` beyond what a grant can be.
    pub fn amount(&self, source: &Source) -> Option<Credits> {
        // Units are bought later, never with the workspace.
        self.amount_with(source, 0)
            .filter(|amount| Credits::whole(limits::CREDITS_MAX).is_some_and(|max| *amount <= max))
    }

    /// What a source gives, with so many units of its add-ons; `None` on overflow.
    pub fn amount_with(&self, source: &Source, units: u32) -> Option<Credits> {
        let count = match source.per {
            None => 1,
            Some(PerCount::Seat) if self.plan.per_seat => i64::from(self.seats),
            Some(PerCount::Seat) => 1,
            Some(PerCount::Unit) => i64::from(units),
        };
        self.one(source)?.checked_mul(count)
    }

    /// What a source gives for one seat or unit, or at all where it counts neither; `None` on overflow.
    pub fn one(&self, source: &Source) -> Option<Credits> {
        Some(match &source.amount {
            Amount::Fixed(amount) => *amount,
            Amount::Allotment => {
                let times =
                    source.times_year.filter(|_| self.interval == Interval::Year).unwrap_or(source.times);
                self.allotment.unwrap_or(Credits::ZERO).checked_mul(i64::from(times))?
            }
            Amount::ByPlan(amounts) => amounts.get(&self.plan.name).copied().unwrap_or(Credits::ZERO),
            Amount::Purchased => Credits::ZERO,
        })
    }
}

fn order(
    catalog: &Catalog,
    name: &SourceName,
    source: &Source,
    facts: &OpeningFacts<'_>,
    amount: Credits,
) -> GrantOrder {
    let subject = subject(source, facts);
    GrantOrder {
        source: name.clone(),
        class: source.class,
        amount,
        effective_at: facts.anchor,
        expires_at: expires_at(catalog, source, facts),
        scope: source.scope.clone(),
        priority: source.priority,
        key: GrantKey::new(&catalog.name, name, &subject, &period_id(source, facts)),
        every: source.every,
        once: matches!(subject, GrantSubject::User(_)),
    }
}

/// `owner.user` for what is once per user, else the workspace (X14).
fn subject<'a>(source: &Source, facts: &OpeningFacts<'a>) -> GrantSubject<'a> {
    match (source.once.unwrap_or(source.subject), facts.owner_user) {
        (Subject::User, Some(user)) => GrantSubject::User(user),
        _ => GrantSubject::Workspace(facts.workspace),
    }
}

fn period_id(source: &Source, facts: &OpeningFacts<'_>) -> String {
    let start = facts.anchor.value();
    match source.every {
        None => "once".to_owned(),
        Some(Every::Day) => calendar::local_date(facts.anchor, facts.timezone).to_string(),
        // By the start of the period, not its number: an upgrade moves the anchor and counts from 0 again.
        Some(every) => match period_of(every, facts.interval) {
            Period::Month => format!("month-{start}"),
            Period::Year => format!("year-{start}"),
        },
    }
}

/// The period of a source that repeats by month, year or term.
const fn period_of(every: Every, interval: Interval) -> Period {
    match every {
        Every::Day | Every::Month => Period::Month,
        Every::Year => Period::Year,
        Every::Interval => interval.term(),
    }
}

fn expires_at(catalog: &Catalog, source: &Source, facts: &OpeningFacts<'_>) -> Option<Millis> {
    let first_end = |period| calendar::boundary(facts.anchor, period, 1);
    match source.until {
        Until::Never => None,
        Until::PeriodEnd => Some(first_end(match source.every {
            Some(every) => period_of(every, facts.interval),
            None => catalog.billing_period(facts.interval),
        })),
        Until::TermEnd => Some(first_end(facts.interval.term())),
        Until::DayEnd => calendar::next_day_boundary(facts.anchor, facts.timezone).map(|(_, start)| start),
        Until::After { ms } => Some(facts.anchor.plus_ms(ms)),
    }
}
