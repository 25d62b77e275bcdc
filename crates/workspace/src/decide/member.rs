//! A member's own ceiling. What the member settled before is read by the caller, and only good if nothing moved since.

use super::{Ctx, Decision};
use crate::command::LimitMember;
use crate::event::Event;
use crate::execute::Subject;
use crate::member::Member;
use crate::refusal::Refusal;
use crate::state::State;

/// Members with a limit, of one workspace: they live in memory.
const MEMBERS_MAX: usize = 100_000;

pub(super) fn decide(state: &State, wanted: &LimitMember, ctx: &Ctx<'_>) -> Result<Decision, Refusal> {
    let known = state.members.get(&wanted.member);
    if known.is_none() && state.members.len() >= MEMBERS_MAX {
        return Err(Refusal::Conflict { detail: format!("{MEMBERS_MAX} members have a limit already") });
    }
    if let Some(limit) = wanted.limit.filter(|limit| limit.amount.is_negative()) {
        let detail = format!("`{}` is negative; leave `limit` out to lift it", limit.amount);
        return Err(Refusal::invalid("/limit/amount", detail));
    }
    let window_start = wanted.limit.map_or(ctx.now, |limit| limit.window.start(ctx.now, &state.profile));
    let same_window = known.filter(|known| {
        known.limit.map(|limit| limit.window) == wanted.limit.map(|limit| limit.window)
            && known.limit.is_some()
    });
    let settled = match same_window {
        Some(known) => known.settled_at(ctx.now, &state.profile),
        None if wanted.limit.is_some() && wanted.as_of_seq != state.chain.seq => {
            return Err(Refusal::Moved { seq: state.chain.seq });
        }
        None => wanted.settled,
    };
    let counts = Box::new(Member {
        limit: wanted.limit,
        window_start,
        settled,
        seat: known.and_then(|known| known.seat),
    });
    let event = Event::Counted { member: wanted.member.clone(), counts };
    Ok(Decision::about(Subject::Workspace, ctx.now, vec![event]))
}
