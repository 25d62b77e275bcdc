//! Lots that periods grant: which sources, how much, until when.

use reeve_credits::calendar::{self, Period};
use reeve_credits::catalog::{Catalog, Every, Interval, Source, Until};
use reeve_credits::lot::{Lot, Terms};
use reeve_credits::opening::Subscription;
use reeve_types::{Credits, Millis, SourceName};

use crate::decide::lot_id;
use crate::event::Event;
use crate::profile::{Profile, Subscribed};
use crate::state::State;

/// Which periods start at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Starts {
    pub month: bool,
    pub year: bool,
    pub term: bool,
}

impl Starts {
    /// A new cycle: everything starts.
    pub(crate) const ALL: Self = Self { month: true, year: true, term: true };

    /// True when a source that repeats so grants now.
    pub(crate) const fn has(self, every: Every) -> bool {
        match every {
            Every::Day => false,
            Every::Month => self.month,
            Every::Year => self.year,
            Every::Interval => self.term,
        }
    }
}

/// Makes lots with ids of their own, in order.
pub(crate) struct Mint<'a> {
    state: &'a State,
    catalog: &'a Catalog,
    made: u64,
}

impl<'a> Mint<'a> {
    pub(crate) const fn new(state: &'a State, catalog: &'a Catalog) -> Self {
        Self { state, catalog, made: 0 }
    }

    /// The event of a lot that a source grants at `at`. Debt is paid by the first lots there are (X13).
    pub(crate) fn grant(
        &mut self,
        (name, source): (&SourceName, &Source),
        amount: Credits,
        (at, expires_at): (Millis, Option<Millis>),
        why: &str,
    ) -> Event {
        self.made += 1;
        let lot = Lot {
            id: lot_id(&self.state.id, at, self.state.lots_made + self.made),
            source: name.clone(),
            class: source.class,
            priority: source.priority,
            effective_at: at,
            expires_at,
            scope: source.scope.clone(),
            payment: None,
            catalog_version: self.catalog.version,
            granted: amount,
            terms: Terms { available: amount, ..Terms::default() },
        };
        Event::Granted { lot: Box::new(lot), reason: Some(why.into()), job: None }
    }
}

/// The subscription as its catalog sells it; `None` for a plan that is not there.
fn sold<'c>(catalog: &'c Catalog, subscribed: &Subscribed) -> Option<Subscription<'c>> {
    let Subscribed { plan, allotment, interval, seats } = subscribed;
    let plan = catalog.plan(plan)?;
    Some(Subscription { plan, allotment: *allotment, interval: *interval, seats: *seats })
}

/// What a source gives for one period to such a subscription; zero where it does not apply.
pub(crate) fn period_amount(
    catalog: &Catalog,
    source: &Source,
    subscribed: &Subscribed,
    (identity, units): (Option<&str>, u32),
) -> Credits {
    sold(catalog, subscribed)
        .filter(|sold| source.condition.holds(sold.plan, sold.interval, identity))
        .and_then(|sold| sold.amount_with(source, units))
        .unwrap_or(Credits::ZERO)
}

/// What a source gives for one seat or unit, or at all where it counts neither.
pub(crate) fn one(catalog: &Catalog, source: &Source, subscribed: &Subscribed) -> Credits {
    sold(catalog, subscribed).and_then(|sold| sold.one(source)).unwrap_or(Credits::ZERO)
}

/// Units of the add-ons that this source grants for.
pub(crate) fn units(catalog: &Catalog, profile: &Profile, name: &SourceName) -> u32 {
    let mine = profile
        .addons
        .iter()
        .filter(|(addon, _)| catalog.addons.get(*addon).is_some_and(|addon| addon.source == *name));
    mine.map(|(_, units)| units.units).fold(0, u32::saturating_add)
}

/// The grants of the periods that start at `at`, in the order of the sources' names.
pub(crate) fn period_grants(
    (mint, profile): (&mut Mint<'_>, &Profile),
    starts: Starts,
    at: Millis,
    why: &str,
) -> Vec<Event> {
    let catalog = mint.catalog;
    let mut events = Vec::new();
    for (name, source) in &catalog.sources {
        if !source.every.is_some_and(|every| starts.has(every)) {
            continue;
        }
        let units = units(catalog, profile, name);
        let amount = period_amount(catalog, source, &profile.subscribed, (profile.identity(), units));
        if amount.is_positive() {
            let until = expires_at(catalog, source, profile, at);
            events.push(mint.grant((name, source), amount, (at, until), why));
        }
    }
    events
}

/// When a lot that a source grants at `at` ends.
pub(crate) fn expires_at(
    catalog: &Catalog,
    source: &Source,
    profile: &Profile,
    at: Millis,
) -> Option<Millis> {
    let cycle = &profile.cycle;
    match source.until {
        Until::Never => None,
        Until::PeriodEnd => Some(match source.every {
            Some(Every::Month) => cycle.month_end,
            Some(Every::Interval) => cycle.term_end,
            Some(Every::Year) if profile.subscribed.interval == Interval::Year => cycle.term_end,
            Some(Every::Year) => {
                let year = cycle.months.saturating_sub(cycle.months % 12).saturating_add(12);
                calendar::boundary(profile.anchor_at, Period::Month, year)
            }
            Some(Every::Day) => return day_end(profile, at),
            None => match catalog.billing_period(profile.subscribed.interval) {
                Period::Month => cycle.month_end,
                Period::Year => cycle.term_end,
            },
        }),
        Until::TermEnd => Some(cycle.term_end),
        Until::DayEnd => day_end(profile, at),
        Until::After { ms } => Some(at.plus_ms(ms)),
    }
}

fn day_end(profile: &Profile, at: Millis) -> Option<Millis> {
    calendar::next_day_boundary(at, profile.timezone).map(|(_, start)| start)
}
