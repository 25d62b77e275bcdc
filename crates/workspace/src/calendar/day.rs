//! The daily boundary: one lot per local date, and per user where the catalog says so (KR-03, KR-04, KR-07).
//!
//! A source whose subject is the user grants to one of the user's workspaces: the one that holds the claim
//! `daily`. A workspace that leaves the plan gives it up; another one takes it at its next date. The grant of a
//! date is claimed too where ownership changes, so that no date is granted twice by two zones or two owners.

use chrono::NaiveDate;
use reeve_credits::calendar;
use reeve_credits::catalog::{Catalog, Every, Source, Subject};
use reeve_credits::lot::Retired;
use reeve_credits::opening::{GrantKey, GrantSubject};
use reeve_types::{Millis, SourceName};

use super::grants::{Mint, expires_at, period_amount};
use super::{
    Step,
    transition::{self, grants_daily},
};
use crate::claim::Claim;
use crate::decide::Ctx;
use crate::event::Event;
use crate::profile::{Day, Profile};
use crate::state::State;

/// The day that a new workspace starts with; `None` where the catalog grants nothing by the day.
pub(crate) fn opening_day(catalog: &Catalog, at: Millis, timezone: chrono_tz::Tz) -> Option<Day> {
    let daily = catalog.sources.values().any(|source| source.every == Some(Every::Day));
    let date = calendar::local_date(at, timezone);
    let next_at = calendar::next_date(date, timezone)?.1;
    daily.then_some(Day { date, next_at, granted: None })
}

/// Another zone: the next date not granted yet starts by its wall.
pub(crate) fn rezone(profile: &mut Profile, timezone: chrono_tz::Tz) {
    profile.timezone = timezone;
    if let Some(day) = &mut profile.cycle.day
        && let Some((_, next_at)) = calendar::next_date(day.date, timezone)
    {
        day.next_at = next_at;
    }
}

/// The boundary of a local date at `at`.
pub(super) fn boundary(state: &State, at: Millis, ctx: &Ctx<'_>) -> Step {
    let mut next = state.profile.clone();
    let mut step = Step::default();
    let silent = !ctx.catalog.sources.values().any(|source| grants_daily(ctx.catalog, source, &next));
    let Some(day) = next_day(&next, at, silent, ctx) else { return step };
    next.cycle.day = Some(day);
    let mut mint = Mint::new(state, ctx.catalog);
    let grants = grant_date(&mut step, (state, &mut next, &mut mint), at, ctx);
    step.events.push(Event::Reprofiled { profile: Box::new(next), told: false });
    step.events.extend(grants);
    step
}

/// A plan with daily credits was entered at `at`: the date's lot comes at once, unless it came before (X24, KR-07).
pub(super) fn entered(
    step: &mut Step,
    (state, next, mint): (&State, &mut Profile, &mut Mint<'_>),
    at: Millis,
    ctx: &Ctx<'_>,
) -> Vec<Event> {
    match next.cycle.day {
        Some(day) if day.granted != Some(day.date) => grant_date(step, (state, next, mint), at, ctx),
        _ => Vec::new(),
    }
}

/// The lots of the present date, for the sources that apply.
fn grant_date(
    step: &mut Step,
    (state, next, mint): (&State, &mut Profile, &mut Mint<'_>),
    at: Millis,
    ctx: &Ctx<'_>,
) -> Vec<Event> {
    let mut grants = Vec::new();
    let Some(day) = next.cycle.day else { return grants };
    for (name, source) in &ctx.catalog.sources {
        if !grants_daily(ctx.catalog, source, next)
            || !may_grant(step, state, next, (name, source, day.date), ctx)
        {
            continue;
        }
        // After a change of zone yesterday's lot may outlive its date: there is one live daily lot.
        let older = state.lots.iter().filter(|lot| lot.source == *name);
        older.for_each(|lot| transition::end(step, lot, at, (Retired::Expired, "next date")));
        let amount = period_amount(ctx.catalog, source, &next.subscribed, (next.identity(), 0));
        let until = expires_at(ctx.catalog, source, next, at);
        grants.push(mint.grant((name, source), amount, (at, until), "daily grant"));
        next.cycle.day = Some(Day { granted: Some(day.date), ..day });
    }
    grants
}

/// The day that starts at `at`. Where nothing is granted by the day, all days up to the month's end or to
/// now pass as one: a year of silence is not 365 steps.
fn next_day(profile: &Profile, at: Millis, silent: bool, ctx: &Ctx<'_>) -> Option<Day> {
    let day = profile.cycle.day?;
    let date = if silent {
        // The plan may change before the month's end: the dates after a grace are the next plan's (X15).
        let grace = profile
            .standing
            .past_due
            .as_ref()
            .map_or(Millis::from_millis(i64::MAX), |past_due| past_due.until);
        calendar::local_date(ctx.now.min(profile.cycle.month_end).min(grace).max(at), profile.timezone)
    } else {
        calendar::next_date(day.date, profile.timezone)?.0
    };
    let next_at = calendar::next_date(date, profile.timezone)?.1;
    Some(Day { date, next_at, granted: day.granted })
}

/// True when the date's lot is this workspace's to have.
fn may_grant(
    step: &mut Step,
    state: &State,
    next: &mut Profile,
    (name, source, date): (&SourceName, &Source, NaiveDate),
    ctx: &Ctx<'_>,
) -> bool {
    let by_user = source.subject == Subject::User && state.profile.user().is_some();
    if !by_user || next.daily.contains(name) {
        return true;
    }
    // Only the present date can be taken over: the dates before were another workspace's.
    if ctx.dry || date != calendar::local_date(ctx.now, next.timezone) {
        return false;
    }
    DayClaims::of(state, ctx).take(step, next, (name, date))
}

/// The claims that keep a daily source to one workspace of a user.
pub(crate) struct DayClaims<'a> {
    state: &'a State,
    ctx: &'a Ctx<'a>,
}

impl<'a> DayClaims<'a> {
    pub(crate) const fn of(state: &'a State, ctx: &'a Ctx<'a>) -> Self {
        Self { state, ctx }
    }

    fn owner(&self, source: &SourceName) -> Option<Claim> {
        let profile = &self.state.profile;
        Some(Claim::daily(profile.catalog.as_str(), source.as_str(), profile.user()?))
    }

    fn date(&self, source: &SourceName, date: NaiveDate) -> Option<Claim> {
        let profile = &self.state.profile;
        let subject = GrantSubject::User(profile.user()?);
        let key = GrantKey::new(&profile.catalog, source, &subject, &date.to_string());
        Some(Claim::grant(key.as_str()))
    }

    /// Claims the source, and the date; true when both are this workspace's now.
    pub(crate) fn take(
        &self,
        step: &mut Step,
        next: &mut Profile,
        (source, date): (&SourceName, NaiveDate),
    ) -> bool {
        let (Some(owner), Some(dated)) = (self.owner(source), self.date(source, date)) else { return true };
        if self.ctx.taken_by(&owner).is_some_and(|by| *by != self.state.id) {
            return false;
        }
        if self.ctx.taken_by(&owner).is_none() {
            step.claims.push(owner);
        }
        next.daily.insert(source.clone());
        // The one who had it before was granted this date: it is owned from the next one on.
        if self.ctx.taken_by(&dated).is_some() {
            return false;
        }
        step.claims.push(dated);
        true
    }

    /// Lets another workspace of the user have the source, from the next date on.
    pub(crate) fn give_up(&self, step: &mut Step, source: &SourceName) {
        step.unclaims.extend(self.owner(source));
        let Some(day) = self.state.profile.cycle.day else { return };
        // Another workspace may be in a zone where it is still yesterday.
        let dates = [Some(day.date), day.date.pred_opt()];
        let claims = dates.into_iter().flatten().filter_map(|date| self.date(source, date));
        step.claims.extend(claims.filter(|claim| self.ctx.taken_by(claim).is_none()));
    }
}
