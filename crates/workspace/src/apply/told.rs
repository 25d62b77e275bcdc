//! What others hear of an event: rows of the outbox, hints for the process.

use reeve_jobs::{Closing, Status, codes};
use reeve_types::{JobId, Millis};

use super::Applier;
use crate::effect::Effect;
use crate::event::Notice;
use crate::profile::Profile;
use crate::record::OutboxRow;
use crate::state::LiveJob;

impl Applier<'_> {
    pub(super) fn reprofiled(&mut self, at: Millis, profile: Profile, told: bool) {
        let before = std::mem::replace(&mut self.state.profile, profile);
        let now = &self.state.profile;
        self.gathered.profile_changed = true;
        let facts = |profile: &Profile| (profile.tier.clone(), profile.concurrency_max, profile.paused);
        if facts(&before) != facts(now) {
            self.gathered.effects.push(Effect::Facts);
        }
        if told {
            let body = serde_json::json!({
                "plan": now.subscribed.plan,
                "status": now.status(),
                "period_end": now.period_end.to_string(),
            });
            self.outbox("subscription.changed", at, body.to_string());
        }
    }

    pub(super) fn noticed(&mut self, at: Millis, notice: &Notice) {
        let (kind, body) = match notice {
            Notice::Low { threshold, available } => (
                "credits.low",
                serde_json::json!({ "threshold": threshold.to_string(), "available": available.to_string() }),
            ),
            Notice::Exhausted => ("credits.exhausted", serde_json::json!({ "available": "0" })),
            Notice::Expiring { lot, amount, at } => (
                "credits.expiring",
                serde_json::json!({ "lot": lot, "credits": amount.to_string(), "at": at.to_string() }),
            ),
            Notice::TrimAhead { amount, at } => (
                "credits.trim_ahead",
                serde_json::json!({ "credits": amount.to_string(), "at": at.to_string() }),
            ),
            Notice::Renewal { at } => ("subscription.renewing", serde_json::json!({ "at": at.to_string() })),
        };
        self.outbox(kind, at, body.to_string());
    }

    pub(super) fn tell_closed(&mut self, at: Millis, live: &LiveJob, closing: &Closing) {
        let (id, attempt) = (live.job.spec.id, live.job.attempt);
        let kind = match closing.status {
            Status::Succeeded => "job.succeeded",
            Status::Cancelled => "job.cancelled",
            Status::Expired => "job.expired",
            _ => "job.failed",
        };
        self.gathered.effects.push(Effect::Status { job: id, status: closing.status, attempt });
        let is_filtered = closing.error.as_ref().is_some_and(|error| &*error.code == codes::CONTENT_FILTERED);
        self.gathered.effects.push(Effect::Closed { status: closing.status, is_filtered });
        self.outbox_job(kind, at, id, attempt);
    }

    pub(super) fn outbox(&mut self, kind: &'static str, at: Millis, body: String) {
        self.gathered.outbox.push(OutboxRow { kind, at, job: None, body });
    }

    pub(super) fn outbox_job(&mut self, kind: &'static str, at: Millis, job: JobId, attempt: u32) {
        let body = format!("{{\"job\":\"{job}\",\"attempt\":{attempt}}}");
        self.gathered.outbox.push(OutboxRow { kind, at, job: Some(job), body });
    }
}
