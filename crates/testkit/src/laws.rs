//! Single laws as short stories, each answering with what is broken: what random lives meet too rarely.

use reeve_types::{Credits, JobId, Millis, PlanName, PurchaseId};
use reeve_workspace::{
    Adjust, Cancel, Command, Create, Kind, Owner, Purchase, RefundKind, RefundPurchase, Submit, Subscribe,
};

use crate::life::Life;
use crate::plain;
use crate::setting::{Setting, T0, seats_removed_now, shipped};

/// A law and its story.
pub type Law = (&'static str, fn() -> Result<(), String>);

/// All of them.
pub const LAWS: [Law; 7] = [
    ("X1 a lot ends at its instant", expiry_is_exact),
    ("KV-18 the limit is on what is carried", carry_before_grant),
    ("X5 a release passes the boundary's allowance", release_passes_the_boundary),
    ("X14 a once-only grant comes once", once_is_once),
    ("X13 what a clawback misses is debt", a_missed_clawback_is_debt),
    ("X23 a seat is granted for once in a period", seats_are_granted_once),
    ("KF-04 an alert is armed again", alerts_rearm),
];

const DAY_MS: i64 = 86_400_000;

fn setting(name: &str) -> Result<Setting, String> {
    shipped().into_iter().find(|setting| setting.name == name).ok_or(format!("no catalog {name}"))
}

/// Opens a workspace on a plan, with an owner whom a search engine vouches for.
///
/// # Errors
/// A broken promise, or a refusal.
pub fn open<'a>(setting: &'a Setting, plan: &str, seats: u32) -> Result<Life<'a>, String> {
    let mut life = Life::empty(setting);
    done(&mut life, &opening(setting, plan, seats))?;
    Ok(life)
}

fn opening(setting: &Setting, plan: &str, seats: u32) -> Command {
    let owner = Some(Owner { user: "u1".into(), identity: Some("google".into()) });
    let create = plain::create(setting.catalog_name().as_str(), plan);
    Command::Create(Box::new(Create { seats, owner, ..create }))
}

fn done(life: &mut Life<'_>, command: &Command) -> Result<(), String> {
    life.run(command)?.map(|_| ()).map_err(|refusal| format!("{command:?} is refused: {refusal}"))
}

fn wake(life: &mut Life<'_>, at: Millis) -> Result<(), String> {
    life.clock = at;
    done(life, &Command::Wake)
}

fn available(life: &Life<'_>, expected: i64) -> Result<(), String> {
    let available = life.state().available(life.now());
    match Credits::whole(expected) == Some(available) {
        true => Ok(()),
        false => Err(format!("{available} are available, not {expected}")),
    }
}

fn adjust(credits: i64, expires_at: Option<Millis>) -> Command {
    Command::Adjust(Adjust {
        amount: Credits::whole(credits).unwrap_or_default(),
        reason: "t".into(),
        expires_at,
        job: None,
        scope: None,
    })
}

fn subscribe(plan: &str, seats: Option<u32>) -> Result<Command, String> {
    let plan = PlanName::new(plan).map_err(|error| error.to_string())?;
    Ok(Command::Subscribe(Subscribe { plan, allotment: None, interval: None, seats }))
}

fn job(life: &Life<'_>, action: &str, outputs: u32, quality: &str) -> Submit {
    let id = JobId::from_parts(life.clock, life.log.len() as u128);
    plain::submit(id, action, serde_json::json!({ "outputs": outputs, "quality": quality }))
}

fn expiry_is_exact() -> Result<(), String> {
    let setting = setting("kaiber")?;
    let mut life = open(&setting, "free", 1)?;
    let ends_at = T0.plus_ms(5_000);
    done(&mut life, &adjust(7, Some(ends_at)))?;
    wake(&mut life, ends_at.plus_ms(-1))?;
    available(&life, 107)?;
    wake(&mut life, ends_at.plus_ms(10))?;
    available(&life, 100)?;
    let row = life.store.ledger.iter().find(|row| row.kind == Kind::Expire);
    match row.is_some_and(|row| row.at == ends_at) {
        true => Ok(()),
        false => Err(format!("it was to end at {ends_at:?}: {row:?}")),
    }
}

fn carry_before_grant() -> Result<(), String> {
    let setting = setting("kive")?;
    let mut life = open(&setting, "basic", 1)?;
    // The starter lot's 50 are beside the rule; 1,000 each month, of which 2,000 are carried.
    for (month, expected) in [1_050, 2_050, 3_050, 3_050].into_iter().enumerate() {
        wake(&mut life, T0.plus_ms((month as i64 * 31 - i64::from(month > 0)) * DAY_MS + 2 * DAY_MS))?;
        available(&life, expected)?;
    }
    Ok(())
}

fn release_passes_the_boundary() -> Result<(), String> {
    let setting = setting("kive")?;
    let mut life = open(&setting, "basic", 1)?;
    wake(&mut life, T0.plus_ms(63 * DAY_MS))?;
    available(&life, 3_050)?;
    // A last-minute job takes 256 of 3,000 plan credits: 2,744 are left, 2,000 carried, no allowance at all.
    let boundary = life.state().profile.period_end;
    life.clock = boundary.plus_ms(-1);
    let submit = job(&life, "image.generate", 16, "high");
    let id = submit.job;
    done(&mut life, &Command::Submit(Box::new(submit)))?;
    wake(&mut life, boundary)?;
    let before = life.state().available(life.now());
    done(&mut life, &Command::Cancel(Cancel { job: id }))?;
    // The starter credits, which were spent first, come back; the plan's do not.
    let back = life.state().available(life.now()).checked_sub(before).unwrap_or_default();
    let crossed = life.store.ledger.iter().any(|row| row.kind == Kind::Forfeit && row.job == Some(id));
    match crossed && back == Credits::whole(50).unwrap_or_default() {
        true => Ok(()),
        false => Err(format!("{back} came back")),
    }
}

fn once_is_once() -> Result<(), String> {
    let setting = setting("kive")?;
    let first = open(&setting, "free", 1)?;
    available(&first, 50)?;
    // The same person opens a second workspace of the same store.
    let mut second = Life::empty(&setting);
    second.store.claims = first.store.claims;
    done(&mut second, &opening(&setting, "free", 1))?;
    available(&second, 0)
}

fn a_missed_clawback_is_debt() -> Result<(), String> {
    let setting = setting("kreatorflow")?;
    let mut life = open(&setting, "free", 1)?;
    let id = PurchaseId::from_parts(T0, 1);
    let purchase =
        Purchase { id, pack: Some("starter".into()), credits: None, payment: "p1".into(), pending: false };
    done(&mut life, &Command::Purchase(Box::new(purchase)))?;
    done(&mut life, &adjust(-60, None))?;
    available(&life, 10)?;
    let kind = RefundKind::Chargeback;
    done(
        &mut life,
        &Command::RefundPurchase(RefundPurchase { purchase: id, kind, reason: None, credits: None }),
    )?;
    available(&life, -40)?;
    done(&mut life, &adjust(45, None))?;
    available(&life, 5)
}

fn seats_are_granted_once() -> Result<(), String> {
    // Shipped, seats go at the end of a term, where a new count starts; here they go at once.
    let setting = seats_removed_now();
    let mut life = open(&setting, "team", 2)?;
    available(&life, 300)?;
    for (seats, expected) in [(4, 600), (2, 600), (4, 600), (5, 750), (1, 750), (5, 750)] {
        done(&mut life, &subscribe("team", Some(seats))?)?;
        available(&life, expected)?;
    }
    let boundary = life.state().profile.cycle.term_end;
    wake(&mut life, boundary)?;
    available(&life, 750)
}

fn alerts_rearm() -> Result<(), String> {
    let setting = setting("kaiber")?;
    let mut life = open(&setting, "free", 1)?;
    for _ in 0..2 {
        let told = life.told;
        done(&mut life, &adjust(-100, None))?;
        if life.told != told + 1 {
            return Err("an empty balance was not told".into());
        }
        done(&mut life, &adjust(100, None))?;
    }
    Ok(())
}
