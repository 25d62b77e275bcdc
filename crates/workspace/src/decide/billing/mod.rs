//! What a payment provider told, turned into the changes that the same news by hand would make.
//!
//! One message is one change, all or nothing: it may take several of the decisions beside this module, each on what the
//! one before leaves. The memory that makes repeats and late messages harmless is written in the same change.

mod payment;
mod subscription;

use reeve_types::Millis;

use super::{Ctx, Decision};
use crate::apply::{Applier, Gathered};
use crate::billing::{Billing, BillingEvent, CUSTOMERS_MAX, Told};
use crate::claim::Claim;
use crate::command::Meta;
use crate::event::Event;
use crate::execute::Subject;
use crate::profile::Profile;
use crate::refusal::Refusal;
use crate::state::State;

pub(super) fn decide(state: &State, told: &BillingEvent, ctx: &Ctx<'_>) -> Result<Decision, Refusal> {
    let own = &state.profile.catalog;
    if let Some(catalog) = told.catalog.as_ref().filter(|catalog| *catalog != own) {
        let detail = format!("it is a price of catalog `{catalog}`, and the workspace is on `{own}`");
        return Err(Refusal::Conflict { detail });
    }
    let mut story = Story::of(state, ctx.now);
    customer(&mut story, told, ctx)?;
    match &told.what {
        Told::Customer { .. } | Told::Released => {}
        Told::Subscription(about) => subscription::told(&mut story, (told, about), ctx)?,
        Told::Invoice(about) => payment::invoice(&mut story, about, ctx)?,
        Told::Bought(purchase) => payment::bought(&mut story, purchase, ctx)?,
        Told::BuyFailed { payment } => payment::failed(&mut story, payment, ctx)?,
        Told::Refunded { payment, given_back, of } => {
            payment::refunded(&mut story, (told, payment), (*given_back, *of), ctx)?;
        }
        Told::Disputed { payment } => payment::disputed(&mut story, (told, payment), ctx)?,
        Told::DisputeWon { payment } => payment::dispute_won(&mut story, (told, payment), ctx)?,
    }
    Ok(story.done(ctx.now))
}

/// Decisions one after the other, each on the state that those before it leave.
struct Story {
    state: State,
    memory: Billing,
    decision: Decision,
}

impl Story {
    fn of(state: &State, now: Millis) -> Self {
        let memory = state.profile.billing.as_deref().cloned().unwrap_or_default();
        Self { state: state.clone(), memory, decision: Decision::about(Subject::Workspace, now, Vec::new()) }
    }

    fn add(&mut self, decision: Decision) {
        let Decision { events, claims, unclaims, subject: _ } = decision;
        let (mut scratch, meta) = (Gathered::default(), Meta::default());
        let mut applier = Applier { state: &mut self.state, gathered: &mut scratch, meta: &meta };
        // An event that does not fit is a bug of ours: it is reported when it is applied in earnest.
        let _ = events.iter().cloned().try_for_each(|dated| applier.apply(dated));
        self.decision.events.extend(events);
        self.decision.claims.extend(claims);
        self.decision.unclaims.extend(unclaims);
    }

    fn add_events(&mut self, now: Millis, events: Vec<Event>) {
        self.add(Decision::about(Subject::Workspace, now, events));
    }

    fn done(mut self, now: Millis) -> Decision {
        let billing = (self.memory != Billing::default()).then(|| Box::new(self.memory.clone()));
        if billing != self.state.profile.billing {
            let next = Profile { billing, ..self.state.profile.clone() };
            self.add_events(now, vec![Event::Reprofiled { profile: Box::new(next), told: false }]);
        }
        self.decision
    }
}

/// Whose the customer is: claimed in the whole store, so that it leads to one workspace.
fn customer(story: &mut Story, told: &BillingEvent, ctx: &Ctx<'_>) -> Result<(), Refusal> {
    let Some(customer) = &told.customer else { return Ok(()) };
    let claim = Claim::customer(customer);
    if told.what == Told::Released {
        if story.memory.customers.remove(customer) {
            story.decision.unclaims.push(claim);
        }
        return Ok(());
    }
    if story.memory.customers.contains(customer) {
        return Ok(());
    }
    // An event that names its workspace needs no customer to be found by: what cannot be learned is left.
    let firmly = told.what == Told::Customer { firmly: true };
    let refuse = |detail: String| if firmly { Err(Refusal::Conflict { detail }) } else { Ok(()) };
    if ctx.taken_by(&claim).is_some_and(|by| *by != story.state.id) {
        return refuse(format!("customer `{customer}` is another workspace's; release it there first"));
    }
    if story.memory.customers.len() >= CUSTOMERS_MAX {
        return refuse(format!("a workspace has at most {CUSTOMERS_MAX} customers; release one first"));
    }
    story.memory.customers.insert(customer.clone());
    if ctx.taken_by(&claim).is_none() {
        story.decision.claims.push(claim);
    }
    Ok(())
}
