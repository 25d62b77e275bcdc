//! Random commands: a step is four small numbers, and means something only against a workspace.
//!
//! So a script can be shrunk by leaving steps out, printed in one line, and replayed from its seed. Steps pick
//! among what exists (the n-th live job, the n-th purchase) and, now and then, what does not: `look` says what there
//! is, `meaning` what a step is about.

mod look;
mod meaning;

use reeve_workspace::{Create, Owner};

use crate::Seeded;
use crate::setting::Setting;

pub use look::Look;

/// One step of a life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    pub kind: Kinds,
    pub a: u32,
    pub b: u32,
    /// How far the clock goes before it: see [`jump_ms`].
    pub time: u32,
}

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kinds {
    Submit,
    Lease,
    Upload,
    Complete,
    Fail,
    Lapse,
    Cancel,
    Purchase,
    Confirm,
    FailPurchase,
    Refund,
    WinDispute,
    Subscribe,
    CancelSubscription,
    Resume,
    RefundSubscription,
    Renew,
    Trial,
    Addon,
    CancelAddon,
    Refer,
    Adjust,
    Limit,
    Reconfigure,
    Move,
    Again,
    Create,
    Wake,
}

/// How often each kind comes, in a hundred or so.
const WEIGHTS: [(Kinds, u64); 28] = [
    (Kinds::Submit, 22),
    (Kinds::Lease, 12),
    (Kinds::Upload, 2),
    (Kinds::Complete, 10),
    (Kinds::Fail, 3),
    (Kinds::Lapse, 2),
    (Kinds::Cancel, 3),
    (Kinds::Purchase, 6),
    (Kinds::Confirm, 3),
    (Kinds::FailPurchase, 1),
    (Kinds::Refund, 4),
    (Kinds::WinDispute, 1),
    (Kinds::Subscribe, 7),
    (Kinds::CancelSubscription, 2),
    (Kinds::Resume, 1),
    (Kinds::RefundSubscription, 1),
    (Kinds::Renew, 3),
    (Kinds::Trial, 1),
    (Kinds::Addon, 3),
    (Kinds::CancelAddon, 1),
    (Kinds::Refer, 2),
    (Kinds::Adjust, 4),
    (Kinds::Limit, 2),
    (Kinds::Reconfigure, 2),
    (Kinds::Move, 1),
    (Kinds::Again, 2),
    (Kinds::Create, 1),
    (Kinds::Wake, 6),
];

/// So many steps of a seed.
pub fn steps(seed: u64, count: usize) -> Vec<Step> {
    let random = Seeded::new(seed);
    (0..count)
        .map(|_| {
            let small = || random.next_u64() as u32;
            Step { kind: kind(random.next_u64()), a: small(), b: small(), time: small() }
        })
        .collect()
}

/// The kind that a random number stands for.
pub fn kind(number: u64) -> Kinds {
    let total: u64 = WEIGHTS.iter().map(|(_, weight)| weight).sum();
    let mut left = number % total;
    for (kind, weight) in WEIGHTS {
        if left < weight {
            return kind;
        }
        left -= weight;
    }
    Kinds::Wake
}

/// How far a clock jumps: mostly not at all or a little, at times by days and months, at times back.
pub fn jump_ms(time: u32) -> i64 {
    const HOUR: i64 = 3_600_000;
    let within = i64::from(time / 32);
    match time % 32 {
        0..=7 => 0,
        8..=11 => 1 + within % 3,
        12..=17 => within % 90_000,
        18..=21 => within % (12 * HOUR),
        22..=24 => HOUR + within % (30 * HOUR),
        25..=26 => 24 * HOUR * (1 + within % 12),
        27 => 24 * HOUR * (27 + within % 6),
        28 if within % 4 == 0 => 24 * HOUR * (60 + within % 360),
        29..=30 => -(within % (3 * HOUR)),
        _ => 1 + within % 5,
    }
}

/// Opens the life's workspace: the plan, interval, seats and zone that the seed says.
pub fn create(setting: &Setting, seed: u64) -> Create {
    let random = Seeded::new(seed ^ 0x6372_6561_7465);
    let plans = &setting.catalog.plans;
    let plan = &plans[random.below(plans.len() as u64) as usize];
    let interval = plan.intervals[random.below(plan.intervals.len() as u64) as usize];
    let identity = ["google", "password", "google_workspace"][random.below(3) as usize];
    let owner = Owner { user: "u1".into(), identity: Some(identity.into()) };
    Create {
        name: None,
        catalog: setting.catalog_name().clone(),
        plan: Some(plan.name.clone()),
        allotment: None,
        interval,
        seats: if plan.per_seat { 1 + random.below(3) as u32 } else { 1 },
        timezone: zone(random.below(8) as u32),
        owner: (random.below(4) > 0).then_some(owner),
        metadata: None,
    }
}

fn zone(n: u32) -> chrono_tz::Tz {
    use chrono_tz::{America, Asia, Australia, Europe, Pacific};
    let zones = [
        chrono_tz::UTC,
        Europe::Berlin,
        America::New_York,
        Asia::Beirut,
        Pacific::Apia,
        Australia::Lord_Howe,
        America::Santiago,
        Asia::Kathmandu,
    ];
    zones[n as usize % zones.len()]
}
