//! Purchases, chargebacks, adjustments, referrals (KV-07 to KV-11, KV-27, KA-03, KA-04, X13, X14).

use reeve_credits::catalog::{Amount, Chargeback, LimitWhat, Source, Trigger};
use reeve_types::PurchaseId;
use reeve_workspace::{Adjust, Purchase};

use super::time::nth_month;
use super::{Bought, Lot, Outcome, Paid, Reference};

impl Reference<'_> {
    fn source_on(&self, trigger: Trigger) -> Option<(&str, &Source)> {
        let mut sources = self.setting.catalog.sources.iter();
        sources.find(|(_, source)| source.on.contains(&trigger)).map(|(name, source)| (name.as_str(), source))
    }

    fn applies(&self, source: &Source) -> bool {
        source.condition.holds(self.plan(), self.sub.interval, self.identity.as_deref())
    }

    pub(super) fn purchase(&mut self, purchase: &Purchase) -> Outcome {
        if self.bought.iter().any(|other| *other.payment == *purchase.payment) {
            return Err("payment_used");
        }
        if self.bought.iter().any(|other| other.id == purchase.id) {
            return Err("conflict");
        }
        let catalog = self.catalog();
        let (name, credits) = match &purchase.pack {
            Some(pack) => {
                let pack =
                    catalog.packs.iter().find(|(name, _)| name.as_str() == &**pack).ok_or("invalid")?.1;
                (pack.source.to_string(), pack.credits.micros())
            }
            None => {
                let (name, _) = self.source_on(Trigger::PaymentConfirmed).ok_or("not_allowed")?;
                if !catalog.packs.is_empty() {
                    return Err("invalid");
                }
                (name.to_owned(), purchase.credits.ok_or("invalid")?.micros())
            }
        };
        let source = catalog.sources.iter().find(|(other, _)| other.as_str() == name).ok_or("not_allowed")?.1;
        if !self.applies(source) {
            return Err("not_allowed");
        }
        if purchase.pack.is_none() && source.min.is_some_and(|min| credits < min.micros()) {
            return Err("invalid");
        }
        self.cap(&name, credits)?;
        self.bought.push(Bought {
            id: purchase.id,
            payment: purchase.payment.to_string(),
            source: name,
            credits,
            created: self.now,
            status: Paid::Pending,
        });
        match purchase.pending {
            true => Ok(()),
            false => self.confirm(purchase.id),
        }
    }

    /// KV-09: what was bought in this billing month, pending payments too, stays within the cap.
    fn cap(&self, source: &str, credits: i64) -> Outcome {
        let start = nth_month(self.anchor, self.months);
        for limit in self.setting.catalog.limits.iter().filter(|limit| limit.what == LimitWhat::Purchase) {
            let counts = |bought: &&Bought| {
                bought.created >= start
                    && bought.source == source
                    && matches!(bought.status, Paid::Pending | Paid::Done)
            };
            let used: i64 = self.bought.iter().filter(counts).map(|bought| bought.credits).sum();
            let times = limit.amount.allotments.map_or(0, |times| times.micros() / 1_000_000);
            if used + credits > self.sub.allotment.unwrap_or(0) * times {
                return Err("limit_reached");
            }
        }
        Ok(())
    }

    pub(super) fn confirm(&mut self, id: PurchaseId) -> Outcome {
        let place = self.bought.iter().position(|bought| bought.id == id).ok_or("no_such_purchase")?;
        match self.bought[place].status {
            // A payment that came after all is credited: it was taken.
            Paid::Pending | Paid::Failed => {}
            Paid::Done => return Ok(()),
            _ => return Err("conflict"),
        }
        self.bought[place].status = Paid::Done;
        self.paid_ever = true;
        let Bought { payment, source: name, credits, .. } = self.bought[place].clone();
        let catalog = self.catalog();
        let now = self.now;
        if let Some((_, source)) = catalog.sources.iter().find(|(other, _)| other.as_str() == name) {
            self.grant(&name, source, credits, (now, self.end_of(source, now)), Some(&payment));
        }
        // KV-27: inside a promotion an equal lot comes beside it.
        let book = self.setting.shelf.get(self.setting.catalog_name());
        let runs = book.into_iter().flat_map(|book| book.promotions());
        let runs: Vec<_> =
            runs.filter(|run| run.from.value() <= now && now < run.to.value()).cloned().collect();
        for run in runs {
            let extra =
                (i128::from(credits) * i128::from(run.factor.micros() - 1_000_000) / 1_000_000) as i64;
            if let Some(source) =
                catalog.sources.get(&run.source).filter(|source| source.amount == Amount::Purchased)
            {
                self.grant(
                    run.source.as_str(),
                    source,
                    extra,
                    (now, self.end_of(source, now)),
                    Some(&payment),
                );
            }
        }
        Ok(())
    }

    pub(super) fn fail_purchase(&mut self, id: PurchaseId) -> Outcome {
        let bought = self.bought.iter_mut().find(|bought| bought.id == id).ok_or("no_such_purchase")?;
        match bought.status {
            Paid::Pending => bought.status = Paid::Failed,
            Paid::Failed => {}
            _ => return Err("conflict"),
        }
        Ok(())
    }

    /// The bank takes a payment back: what is left of its lots goes, what was used is owed (X13).
    pub(super) fn chargeback(&mut self, id: PurchaseId) -> Outcome {
        let bought = self.bought.iter_mut().find(|bought| bought.id == id).ok_or("no_such_purchase")?;
        match bought.status {
            Paid::Done => bought.status = Paid::ChargedBack,
            Paid::ChargedBack => return Ok(()),
            _ => return Err("conflict"),
        }
        let payment = bought.payment.clone();
        let owes = self.setting.catalog.refund.chargeback == Chargeback::Debt;
        for lot in self.lots.iter_mut().filter(|lot| lot.payment.as_deref() == Some(&*payment)) {
            lot.clawed_back += std::mem::take(&mut lot.available);
            if owes {
                self.debt += lot.consumed + lot.held;
            }
        }
        Ok(())
    }

    pub(super) fn refer(&mut self, friend: &str) -> Outcome {
        if self.user.as_deref() == Some(friend) {
            return Err("not_allowed");
        }
        let key = format!("friend={friend}");
        let catalog = self.catalog();
        let found = catalog.sources.iter().find(|(_, source)| source.on.contains(&Trigger::FriendSignedUp));
        let (name, source) = found.ok_or("not_allowed")?;
        let amount = self.amount(source, &self.sub, 1);
        if !self.keys.insert(key) {
            return Err("conflict");
        }
        if amount == 0 {
            // On record as having happened while it earned nothing: not retroactive.
            return Ok(());
        }
        let now = self.now;
        self.grant(name.as_str(), source, amount, (now, self.end_of(source, now)), None);
        Ok(())
    }

    pub(super) fn adjust(&mut self, adjust: &Adjust) -> Outcome {
        let amount = adjust.amount.micros();
        let now = self.now;
        if amount > 0 {
            let paid = self.debt.min(amount);
            self.debt -= paid;
            self.lots.push(Lot {
                source: "adjustment".into(),
                class: 1,
                priority: 0,
                effective: now,
                expires: adjust.expires_at.map(|at| at.value()),
                scope: adjust.scope.clone(),
                payment: None,
                granted: amount,
                available: amount - paid,
                held: 0,
                consumed: 0,
                expired: 0,
                forfeited: 0,
                clawed_back: paid,
            });
            return Ok(());
        }
        let usable: Vec<usize> = (0..self.lots.len()).filter(|n| self.usable(&self.lots[*n], now)).collect();
        let mut due = -amount;
        if usable.iter().map(|n| self.lots[*n].available).sum::<i64>() < due {
            return Err("conflict");
        }
        for n in self.in_order(&usable) {
            let part = due.min(self.lots[n].available);
            self.lots[n].available -= part;
            self.lots[n].consumed += part;
            due -= part;
        }
        Ok(())
    }
}
