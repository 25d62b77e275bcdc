//! What time does: expiries, months, dates, deadlines (X2, X15, X18, KR-03, KR-04).

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use reeve_credits::catalog::{
    Amount, CapOn, CarryAt, Every, Interval, Keep, PerCount, PeriodInYear, Plan, Source, Until,
};
use reeve_types::PlanName;

use super::{Change, Crossing, Lot, Phase, Reference, Sub, class_rank};

fn utc(at: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(at).unwrap_or_default()
}

/// The n-th month after an anchor: the same day, or the month's last (X18).
pub(super) fn nth_month(anchor: i64, n: u32) -> i64 {
    let start = utc(anchor);
    let months = start.year() * 12 + start.month0() as i32 + n as i32;
    let (year, month) = (months.div_euclid(12), months.rem_euclid(12) as u32 + 1);
    let mut day = start.day();
    while day > 1 && NaiveDate::from_ymd_opt(year, month, day).is_none() {
        day -= 1;
    }
    let date = NaiveDate::from_ymd_opt(year, month, day);
    date.map_or(i64::MAX, |date| date.and_time(start.time()).and_utc().timestamp_millis())
}

/// What the wall shows there.
pub(super) fn local_date(at: i64, tz: chrono_tz::Tz) -> NaiveDate {
    utc(at).with_timezone(&tz).date_naive()
}

/// The first instant after `date`, by looking every quarter of an hour.
pub(super) fn after_date(date: NaiveDate, tz: chrono_tz::Tz) -> i64 {
    const QUARTER_MS: i64 = 900_000;
    let mut at = date.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_millis() + 6 * 4 * QUARTER_MS;
    while local_date(at, tz) <= date {
        at += QUARTER_MS;
    }
    at
}

impl Reference<'_> {
    pub(super) fn plan(&self) -> &Plan {
        self.plan_named(&self.sub.plan)
    }

    pub(super) fn plan_named(&self, name: &PlanName) -> &Plan {
        self.setting.catalog.plan(name).unwrap_or_else(|| self.setting.catalog.default_plan())
    }

    pub(super) fn month_end(&self) -> i64 {
        nth_month(self.anchor, self.months + 1)
    }

    pub(super) fn term_end(&self) -> i64 {
        let length = if self.sub.interval == Interval::Year { 12 } else { 1 };
        nth_month(self.anchor, self.term_from + length)
    }

    fn yearly_period(&self) -> bool {
        self.sub.interval == Interval::Year && self.catalog().billing.period_in_year == PeriodInYear::Year
    }

    pub(super) fn period(&self) -> (i64, i64) {
        match self.yearly_period() {
            true => (nth_month(self.anchor, self.term_from), self.term_end()),
            false => (nth_month(self.anchor, self.months), self.month_end()),
        }
    }

    /// Everything due up to now, instant by instant.
    pub(super) fn fold(&mut self, before: i64) {
        loop {
            let expiries = self.lots.iter().filter(|lot| lot.available > 0).filter_map(|lot| lot.expires);
            let deadlines = self.jobs.iter().filter_map(deadline);
            let date = self.has_daily().then(|| after_date(self.date, self.timezone));
            let all = expiries.chain(deadlines).chain([self.month_end()]).chain(date);
            let Some(at) = all.min().filter(|at| *at <= self.now) else { return };
            self.instant(at, at.max(before));
        }
    }

    fn instant(&mut self, at: i64, seen: i64) {
        for lot in self.lots.iter_mut().filter(|lot| lot.expires.is_some_and(|end| end <= at)) {
            lot.expired += std::mem::take(&mut lot.available);
        }
        if self.has_daily() && after_date(self.date, self.timezone) <= at {
            self.date = local_date(at, self.timezone);
            self.grant_date(at);
        }
        if self.month_end() <= at {
            self.boundary(at);
        }
        while let Some(place) = self.jobs.iter().position(|job| deadline(job).is_some_and(|end| end <= at)) {
            self.close(place, &[], seen);
        }
    }

    fn has_daily(&self) -> bool {
        self.catalog().sources.values().any(|source| source.every == Some(Every::Day))
    }

    /// The lot of the present date: one live one, once per date.
    pub(super) fn grant_date(&mut self, at: i64) {
        let catalog = self.catalog();
        for (name, source) in catalog.sources.iter().filter(|(_, source)| source.every == Some(Every::Day)) {
            let amount = self.amount(source, &self.sub, 1);
            if amount == 0 || self.date_granted == Some(self.date) {
                continue;
            }
            self.date_granted = Some(self.date);
            let end = after_date(self.date, self.timezone);
            self.grant(name.as_str(), source, amount, (at, Some(end)), None);
        }
    }

    /// What a source gives a subscription in one go; 0 when it does not apply.
    pub(super) fn amount(&self, source: &Source, sub: &Sub, units: i64) -> i64 {
        let plan = self.plan_named(&sub.plan);
        if !source.condition.holds(plan, sub.interval, self.identity.as_deref()) {
            return 0;
        }
        let count = match source.per {
            Some(PerCount::Seat) if plan.per_seat => i64::from(sub.seats),
            Some(PerCount::Unit) => units,
            _ => 1,
        };
        count
            * match &source.amount {
                Amount::Fixed(amount) => amount.micros(),
                Amount::Allotment => {
                    let yearly = source.times_year.filter(|_| sub.interval == Interval::Year);
                    sub.allotment.unwrap_or(0) * i64::from(yearly.unwrap_or(source.times))
                }
                Amount::ByPlan(amounts) => amounts.get(&sub.plan).map_or(0, |amount| amount.micros()),
                Amount::Purchased => 0,
            }
    }

    pub(super) fn end_of(&self, source: &Source, at: i64) -> Option<i64> {
        match source.until {
            Until::Never => None,
            Until::TermEnd => Some(self.term_end()),
            Until::PeriodEnd if matches!(source.every, Some(Every::Year | Every::Interval)) => {
                Some(self.term_end())
            }
            Until::PeriodEnd if source.every == Some(Every::Month) => Some(self.month_end()),
            Until::PeriodEnd => Some(self.period().1),
            Until::DayEnd => Some(after_date(local_date(at, self.timezone), self.timezone)),
            Until::After { ms } => Some(at + ms),
        }
    }

    /// A lot appears; debt is paid first (X13).
    pub(super) fn grant(
        &mut self,
        name: &str,
        source: &Source,
        amount: i64,
        (at, expires): (i64, Option<i64>),
        payment: Option<&str>,
    ) {
        let paid = self.debt.min(amount);
        self.debt -= paid;
        self.lots.push(Lot {
            source: name.to_owned(),
            class: class_rank(source.class),
            priority: source.priority,
            effective: at,
            expires,
            scope: source.scope.clone(),
            payment: payment.map(str::to_owned),
            granted: amount,
            available: amount - paid,
            held: 0,
            consumed: 0,
            expired: 0,
            forfeited: 0,
            clawed_back: paid,
        });
    }

    pub(super) fn units_of(&self, name: &str) -> i64 {
        let mine = self.addons.iter().filter(|(addon, _)| {
            self.setting.catalog.addons.get(*addon).is_some_and(|addon| addon.source.as_str() == name)
        });
        mine.map(|(_, units)| i64::from(units.units)).sum()
    }

    /// Grants of the sources whose period starts.
    pub(super) fn grant_periods(&mut self, at: i64, term: bool, only_units_again: bool) {
        let catalog = self.catalog();
        for (name, source) in &catalog.sources {
            let starts = match source.every {
                Some(Every::Month) => true,
                Some(Every::Interval) => term,
                Some(Every::Year) => term && self.sub.interval == Interval::Year,
                Some(Every::Day) | None => false,
            };
            if !starts || (source.per == Some(PerCount::Unit) && !only_units_again) {
                continue;
            }
            let amount = self.amount(source, &self.sub, self.units_of(name.as_str()));
            if amount > 0 {
                self.grant(name.as_str(), source, amount, (at, self.end_of(source, at)), None);
            }
        }
    }

    /// The end of a month: what is lost, what changes, what comes (KV-17 to KV-25, X24).
    fn boundary(&mut self, at: i64) {
        let term = at >= self.term_end();
        let change = self.scheduled.take_if(|(due, _)| *due <= at).map(|(_, change)| change);
        let term = term || change.is_some();
        let catalog = self.catalog();
        let downgrades = catalog.carry.iter().any(|rule| rule.at == CarryAt::Downgrade);
        let (to, kind) = match &change {
            None => (self.sub.clone(), CarryAt::Renewal),
            Some(Change::Cancel) => (self.free(), CarryAt::Cancel),
            Some(Change::To(to)) if downgrades => (to.clone(), CarryAt::Downgrade),
            Some(Change::To(to)) => (to.clone(), CarryAt::Renewal),
        };
        self.carry(at, kind, &to);
        self.months += 1;
        if change.is_some() {
            self.take(to, at);
            if kind == CarryAt::Cancel && catalog.change.addon.ends_with_plan {
                self.addons.clear();
            }
        }
        if term {
            self.term_from = self.months;
        }
        for units in self.addons.values_mut() {
            units.units = units.next.take().unwrap_or(units.units);
            units.granted = units.units;
        }
        self.addons.retain(|_, units| units.units > 0);
        if term || !self.yearly_period() {
            self.seats_granted = self.sub.seats;
        }
        self.grant_periods(at, term, true);
        if change.is_some() {
            self.grant_date(at);
        }
    }

    /// Carry rules: the unheld rest is cut to the cap, what is held passes later up to the allowance (X5).
    pub(super) fn carry(&mut self, at: i64, kind: CarryAt, to: &Sub) {
        let catalog = self.catalog();
        for rule in catalog.carry.iter().filter(|rule| rule.at == kind && rule.keep != Keep::All) {
            let grants: i64 = rule
                .sources
                .iter()
                .filter_map(|name| catalog.sources.get(name).map(|source| (name, source)))
                .filter(|(_, source)| source.every == Some(Every::Month))
                .map(|(name, source)| self.amount(source, to, self.units_of(name.as_str())))
                .sum();
            if kind == CarryAt::Renewal && grants == 0 {
                continue;
            }
            let seats = if self.plan_named(&to.plan).per_seat { i64::from(to.seats) } else { 1 };
            let most = match (rule.keep, rule.max) {
                (Keep::Max, Some(max)) => max.credits.map_or_else(
                    || {
                        let times = max.allotments.map_or(0, |times| times.micros());
                        (i128::from(to.allotment.unwrap_or(0) * seats) * i128::from(times) / 1_000_000) as i64
                    },
                    |credits| credits.micros(),
                ),
                _ => 0,
            };
            let cap = if rule.cap_on == CapOn::Balance { (most - grants).max(0) } else { most };
            let mut mine: Vec<usize> = (0..self.lots.len())
                .filter(|n| {
                    let lot = &self.lots[*n];
                    rule.sources.iter().any(|name| name.as_str() == lot.source)
                        && self.usable(lot, at)
                        && lot.effective < at
                })
                .collect();
            let by_use = self.in_order(&mine);
            mine = by_use;
            if let Some(trim) = &rule.trim {
                // A stable sort: inside a source the order of use.
                mine.sort_by_key(|n| trim.iter().position(|name| name.as_str() == self.lots[*n].source));
            }
            let unheld: i64 = mine.iter().map(|n| self.lots[*n].available).sum();
            let mut lost = (unheld - cap).max(0);
            let allowance = cap - (unheld - lost);
            for n in &mine {
                let lot = &mut self.lots[*n];
                let part = lost.min(lot.available);
                lot.available -= part;
                lot.forfeited += part;
                lost -= part;
            }
            let sources = rule.sources.iter().map(ToString::to_string).collect();
            self.crossings.push(Crossing { at, sources, allowance });
        }
    }
}

fn deadline(job: &super::Job) -> Option<i64> {
    match job.phase {
        Phase::Queued { .. } => Some(job.queue_deadline),
        _ => job.unknown_until,
    }
}
