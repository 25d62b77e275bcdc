//! Ceilings: purchases per billing month, free jobs per day, a member's spending (KV-09, X25).

use reeve_credits::calendar;
use reeve_credits::catalog::{Limit, LimitWhat, PaymentState, Pool, Window};
use reeve_types::{Credits, MemberId, Millis, SourceName};

use super::Ctx;
use crate::calendar::allotment;
use crate::calendar::grants::one;
use crate::event::Event;
use crate::member::{Member, MemberWindow, SeatUse, Tallies};
use crate::purchase::PurchaseStatus;
use crate::refusal::Refusal;
use crate::state::State;

/// Refuses a purchase beyond a cap of its source; pending ones count, or two at once would both pass.
pub(super) fn purchase(
    state: &State,
    source: &SourceName,
    credits: Credits,
    ctx: &Ctx<'_>,
) -> Result<(), Refusal> {
    let mine = |limit: &&Limit| {
        limit.what == LimitWhat::Purchase && limit.source.as_ref().is_none_or(|name| name == source)
    };
    for limit in ctx.catalog.limits.iter().filter(mine) {
        let most = amount(state, limit, ctx);
        let from = window(limit.window).start(ctx.now, &state.profile);
        let sum = |status: PurchaseStatus, counted: PaymentState| {
            let rows = state
                .purchases
                .values()
                .filter(|row| row.status == status && row.created_at >= from && row.source == *source);
            let sum = Credits::checked_sum(rows.map(|row| row.credits)).unwrap_or(most);
            if limit.count.contains(&counted) { sum } else { Credits::ZERO }
        };
        let used = sum(PurchaseStatus::Paid, PaymentState::Confirmed);
        let pending = sum(PurchaseStatus::Pending, PaymentState::Pending);
        let after = Credits::checked_sum([used, pending, credits]);
        if after.is_none_or(|after| after > most) {
            return Err(Refusal::LimitReached {
                name: limit.name.clone(),
                limit: most,
                used,
                pending,
                held: Credits::ZERO,
                resets_at: window(limit.window).end(ctx.now, &state.profile),
            });
        }
    }
    Ok(())
}

/// What a limit allows.
fn amount(state: &State, limit: &Limit, ctx: &Ctx<'_>) -> Credits {
    let all = || allotment(ctx.catalog, &state.profile.subscribed);
    let times = limit.amount.allotments.and_then(|times| times.of(all()));
    limit.amount.credits.or(times).unwrap_or(Credits::ZERO)
}

const fn window(window: Window) -> MemberWindow {
    match window {
        Window::Day => MemberWindow::Day,
        Window::Month => MemberWindow::Month,
        Window::BillingMonth | Window::Now => MemberWindow::BillingMonth,
    }
}

/// Counts a job of price zero, or refuses it (X25).
pub(super) fn free_job(state: &State, ctx: &Ctx<'_>) -> Result<Option<Event>, Refusal> {
    let limits = ctx.catalog.limits.iter().filter(|limit| limit.what == LimitWhat::FreeJobs);
    let Some(most) = limits.filter_map(|limit| limit.amount.count).min() else { return Ok(None) };
    let date = calendar::local_date(ctx.now, state.profile.timezone);
    let tallies = &state.tallies;
    let count = if tallies.free_date == Some(date) { tallies.free_jobs } else { 0 };
    if count >= most {
        let whole = |n: u32| Credits::whole(i64::from(n)).unwrap_or(Credits::ZERO);
        return Err(Refusal::LimitReached {
            name: "free_jobs".to_owned(),
            limit: whole(most),
            used: whole(count),
            pending: Credits::ZERO,
            held: Credits::ZERO,
            resets_at: MemberWindow::Day.end(ctx.now, &state.profile),
        });
    }
    let counted = Tallies { free_date: Some(date), free_jobs: count.saturating_add(1), ..tallies.clone() };
    Ok(Some(Event::Tallied(Box::new(counted))))
}

/// Refuses a job that would take a member beyond their limit; what they hold counts (bug 2).
pub(super) fn member(
    state: &State,
    member: Option<&MemberId>,
    credits: Credits,
    now: Millis,
) -> Result<(), Refusal> {
    let Some(name) = member.filter(|_| credits.is_positive()) else { return Ok(()) };
    let Some(counts) = state.members.get(name) else { return Ok(()) };
    let Some(limit) = counts.limit else { return Ok(()) };
    let used = counts.settled_at(now, &state.profile);
    let held = held(state, name);
    let after = Credits::checked_sum([used, held, credits]);
    if after.is_some_and(|after| after <= limit.amount) {
        return Ok(());
    }
    Err(Refusal::LimitReached {
        name: format!("member {name}"),
        limit: limit.amount,
        used,
        pending: Credits::ZERO,
        held,
        resets_at: limit.window.end(now, &state.profile),
    })
}

/// Refuses a job beyond its member's own seat, where seats are not pooled; takes a seat for a new member (AS-11).
pub(super) fn seat(
    state: &State,
    member: Option<&MemberId>,
    credits: Credits,
    ctx: &Ctx<'_>,
) -> Result<Option<Event>, Refusal> {
    let profile = &state.profile;
    let Some(limit) = seat_amount(state, ctx).filter(|_| credits.is_positive()) else { return Ok(None) };
    let Some(name) = member else {
        return Err(Refusal::invalid("/member", "credits are by the seat; say which member asks"));
    };
    let in_use = |member: &Member| member.seat.is_some_and(|seat| seat.period_start == profile.period_start);
    let known = state.members.get(name);
    let mine = known.filter(|member| in_use(member)).and_then(|member| member.seat);
    let held = held(state, name);
    if mine.is_none() && held.is_zero() {
        let taken = state.members.values().filter(|member| in_use(member)).count();
        if taken >= profile.subscribed.seats as usize {
            let detail = format!("all {} seats are taken in this period; add one", profile.subscribed.seats);
            return Err(Refusal::NotAllowed { detail });
        }
    }
    let used = mine.map_or(Credits::ZERO, |seat| seat.settled);
    if Credits::checked_sum([used, held, credits]).is_none_or(|after| after > limit) {
        let name = format!("seat of {name}");
        let resets_at = Some(profile.period_end);
        return Err(Refusal::LimitReached { name, limit, used, pending: Credits::ZERO, held, resets_at });
    }
    if mine.is_some() {
        return Ok(None);
    }
    let new = Member { limit: None, window_start: ctx.now, settled: Credits::ZERO, seat: None };
    let seat = Some(SeatUse { period_start: profile.period_start, settled: Credits::ZERO });
    let counts = Box::new(Member { seat, ..known.cloned().unwrap_or(new) });
    Ok(Some(Event::Counted { member: name.clone(), counts }))
}

/// One seat's credits of a billing period; `None` where all seats are one pool.
fn seat_amount(state: &State, ctx: &Ctx<'_>) -> Option<Credits> {
    let subscribed = &state.profile.subscribed;
    let plan = ctx.catalog.plan(&subscribed.plan).filter(|plan| plan.per_seat)?;
    let sources = ctx.catalog.sources.values().filter(|source| {
        source.pool == Pool::Seat
            && source.condition.holds(plan, subscribed.interval, state.profile.identity())
    });
    let amounts: Vec<Credits> = sources.map(|source| one(ctx.catalog, source, subscribed)).collect();
    (!amounts.is_empty()).then(|| Credits::checked_sum(amounts)).flatten()
}

/// What a member's open jobs hold.
fn held(state: &State, member: &MemberId) -> Credits {
    let mine = state.jobs.values().filter(|live| live.job.spec.member.as_ref() == Some(member));
    Credits::checked_sum(mine.map(|live| live.hold.total())).unwrap_or(Credits::ZERO)
}
