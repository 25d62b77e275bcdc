//! Plans, seats, trials, add-ons (X22 to X24, KV-20 to KV-24, KR-07, KR-16, AS-07 to AS-12).

use reeve_credits::catalog::{
    AddonName, Allotment, Anchor, Existing, GrantOnChange, Interval, OnPlanExit, PerCount, Prorate, Trigger,
    When,
};
use reeve_types::PlanName;
use reeve_workspace::Subscribe;

use super::{Change, Outcome, Reference, Sub, Units};

const DAY_MS: i64 = 86_400_000;

impl Reference<'_> {
    /// A plan's smallest allotment.
    pub(super) fn allotment_of(&self, plan: &PlanName) -> Option<i64> {
        match &self.plan_named(plan).allotment {
            Allotment::None => None,
            Allotment::Choice(offered) => offered.first().map(|amount| amount.micros()),
            Allotment::Custom { default, .. } => Some(default.micros()),
        }
    }

    pub(super) fn free(&self) -> Sub {
        let plan = self.setting.catalog.default_plan().name.clone();
        let allotment = self.allotment_of(&plan);
        Sub { plan, allotment, interval: Interval::Month, seats: 1 }
    }

    /// Sources that are for once, and the first period (X14).
    pub(super) fn opening(&mut self) {
        let (now, catalog) = (self.now, self.catalog());
        for (name, source) in
            catalog.sources.iter().filter(|(_, source)| source.once.is_some() && source.on.is_empty())
        {
            let amount = self.amount(source, &self.sub, 1);
            if amount > 0 {
                self.grant(name.as_str(), source, amount, (now, self.end_of(source, now)), None);
            }
        }
        self.grant_periods(now, true, true);
        self.grant_date(now);
    }

    fn rank(&self, sub: &Sub) -> (u32, i64, Interval, u32) {
        (self.plan_named(&sub.plan).rank, sub.allotment.unwrap_or(0), sub.interval, sub.seats)
    }

    pub(super) fn subscribe(&mut self, wanted: &Subscribe) -> Outcome {
        let plan = self.setting.catalog.plan(&wanted.plan).ok_or("invalid")?;
        let same = wanted.plan == self.sub.plan;
        let kept = plan.intervals.contains(&self.sub.interval).then_some(self.sub.interval);
        let interval = wanted.interval.or(kept).or(plan.intervals.first().copied()).ok_or("invalid")?;
        let seats = wanted.seats.unwrap_or(self.sub.seats);
        if !plan.intervals.contains(&interval) {
            return Err("invalid");
        }
        let allotment = if same { self.sub.allotment } else { self.allotment_of(&wanted.plan) };
        let to = Sub { plan: wanted.plan.clone(), allotment, interval, seats };
        let change = &self.setting.catalog.change;
        let seats_only = Sub { seats: self.sub.seats, ..to.clone() } == self.sub;
        match self.rank(&to).cmp(&self.rank(&self.sub)) {
            std::cmp::Ordering::Equal => self.scheduled = None,
            std::cmp::Ordering::Less if !same && to.plan == self.free().plan => {
                return self.cancel_subscription();
            }
            std::cmp::Ordering::Less if seats_only && change.seats.removed == When::Now => {
                self.scheduled = None;
                self.sub = to;
            }
            std::cmp::Ordering::Less => self.scheduled = Some((self.term_end(), Change::To(to))),
            std::cmp::Ordering::Greater if seats_only => self.add_seats(to),
            std::cmp::Ordering::Greater => self.upgrade(to),
        }
        Ok(())
    }

    fn add_seats(&mut self, to: Sub) {
        self.scheduled = None;
        let highest = self.seats_granted.max(self.sub.seats);
        let added = i64::from(to.seats.saturating_sub(highest));
        self.seats_granted = highest.max(to.seats);
        self.sub = to;
        let (now, catalog) = (self.now, self.catalog());
        for (name, source) in catalog.sources.iter().filter(|(_, source)| source.per == Some(PerCount::Seat))
        {
            let one = self.amount(source, &Sub { seats: 1, ..self.sub.clone() }, 1);
            let mut amount = one * added;
            if catalog.change.seats.prorate == Prorate::Days {
                let (start, end) = self.period();
                let days = |ms: i64| (ms + DAY_MS - 1) / DAY_MS;
                amount =
                    (i128::from(amount) * i128::from(days(end - now)) / i128::from(days(end - start))) as i64;
            }
            if amount > 0 {
                self.grant(name.as_str(), source, amount, (now, self.end_of(source, now)), None);
            }
        }
    }

    /// Enters a subscription: what comes with the plan that is left goes with it (KR-07).
    pub(super) fn take(&mut self, to: Sub, at: i64) {
        let catalog = self.catalog();
        for (name, source) in
            catalog.sources.iter().filter(|(_, source)| source.on_plan_exit == OnPlanExit::Forfeit)
        {
            let stays =
                source.condition.holds(self.plan_named(&to.plan), to.interval, self.identity.as_deref());
            for lot in self.lots.iter_mut().filter(|lot| !stays && lot.source == name.as_str()) {
                if lot.expires.is_none_or(|end| at < end) {
                    lot.forfeited += std::mem::take(&mut lot.available);
                    lot.expires = Some(at);
                }
            }
        }
        self.sub = to;
        self.paid_ever |= self.plan().paid;
        let plan = self.sub.plan.clone();
        self.addons
            .retain(|name, _| catalog.addons.get(name).is_some_and(|addon| addon.plans.contains(&plan)));
    }

    fn upgrade(&mut self, to: Sub) {
        let (now, catalog) = (self.now, self.catalog());
        let how = &catalog.change.upgrade;
        let before = self.sub.clone();
        self.scheduled = None;
        if how.existing == Existing::Expire {
            let base = |name: &str| {
                catalog.sources.iter().any(|(other, source)| {
                    other.as_str() == name
                        && source.every.is_some_and(|every| every != reeve_credits::catalog::Every::Day)
                })
            };
            for lot in self.lots.iter_mut().filter(|lot| base(&lot.source)) {
                if lot.expires.is_none_or(|end| now < end) {
                    lot.expired += std::mem::take(&mut lot.available);
                    lot.expires = Some(now);
                }
            }
        }
        self.take(to, now);
        match how.anchor {
            Anchor::Reset => {
                (self.anchor, self.months, self.term_from) = (now, 0, 0);
                self.seats_granted = 0;
            }
            Anchor::Keep if before.interval != self.sub.interval => self.term_from = self.months,
            Anchor::Keep => {}
        }
        self.seats_granted = self.seats_granted.max(self.sub.seats);
        match how.grant {
            GrantOnChange::Full => self.grant_periods(now, true, how.regrant_units),
            _ => {
                for (name, source) in &catalog.sources {
                    if source.every.is_none_or(|every| every == reeve_credits::catalog::Every::Day) {
                        continue;
                    }
                    let more = self.amount(source, &self.sub, 0) - self.amount(source, &before, 0);
                    if more > 0 {
                        self.grant(name.as_str(), source, more, (now, self.end_of(source, now)), None);
                    }
                }
            }
        }
        self.grant_date(now);
    }

    pub(super) fn cancel_subscription(&mut self) -> Outcome {
        if !self.plan().paid {
            return Err("conflict");
        }
        self.scheduled = Some((self.term_end(), Change::Cancel));
        Ok(())
    }

    pub(super) fn resume(&mut self) -> Outcome {
        self.scheduled = None;
        Ok(())
    }

    /// KV-24: once per user, never after a payment.
    pub(super) fn trial(&mut self) -> Outcome {
        let (now, catalog) = (self.now, self.catalog());
        let found = catalog.sources.iter().find(|(_, source)| source.on.contains(&Trigger::TrialStarted));
        let (name, source) = found.ok_or("not_allowed")?;
        let amount = self.amount(source, &self.sub, 1);
        if amount == 0 || (source.condition.never_paid && self.paid_ever) {
            return Err("not_allowed");
        }
        if !self.keys.insert("trial".into()) {
            return Err("conflict");
        }
        let end = self.end_of(source, now);
        self.grant(name.as_str(), source, amount, (now, end), None);
        if let (Some(plan), Some(until)) = (&source.acts_as, end) {
            self.acting = Some((plan.clone(), until));
        }
        Ok(())
    }

    pub(super) fn set_addon(&mut self, name: &AddonName, wanted: u32) -> Outcome {
        let catalog = self.catalog();
        let addon = catalog.addons.get(name).ok_or("no_such_addon")?;
        if !addon.plans.contains(&self.sub.plan) {
            return Err("not_entitled");
        }
        if matches!(self.scheduled, Some((_, Change::Cancel))) {
            return Err("not_allowed");
        }
        let now = self.now;
        let units = self.addons.entry(name.clone()).or_insert(Units { units: 0, next: None, granted: 0 });
        if wanted < units.units {
            units.next = Some(wanted);
            return Ok(());
        }
        units.next = None;
        units.units = wanted;
        let added = i64::from(wanted.saturating_sub(units.granted));
        units.granted = units.granted.max(wanted);
        let source = catalog.sources.get(&addon.source).ok_or("no_such_addon")?;
        let amount = self.amount(source, &self.sub, added);
        if amount > 0 {
            self.grant(addon.source.as_str(), source, amount, (now, self.end_of(source, now)), None);
        }
        Ok(())
    }

    pub(super) fn cancel_addon(&mut self, name: &AddonName) -> Outcome {
        self.setting.catalog.addons.get(name).ok_or("no_such_addon")?;
        match self.addons.get_mut(name) {
            Some(units) => units.next = Some(0),
            None => return Err("conflict"),
        }
        Ok(())
    }
}
