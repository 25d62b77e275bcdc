//! The real workspace and the reference side by side: equal after every command.

use std::collections::BTreeMap;

use reeve_workspace::{Command, Create, RefundKind, Refusal, WorkspaceStatus};

use crate::life::Life;
use crate::reference::{Figures, Reference};
use crate::script::{Kinds, Step, create, jump_ms};
use crate::setting::{Setting, T0};

/// What a refusal is called.
pub fn code(refusal: &Refusal) -> String {
    let value = serde_json::to_value(refusal).unwrap_or_default();
    value.get("refusal").and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
}

/// True for steps that the reference models.
fn is_modelled(step: &Step) -> bool {
    !matches!(
        step.kind,
        Kinds::Upload
            | Kinds::WinDispute
            | Kinds::RefundSubscription
            | Kinds::Renew
            | Kinds::Limit
            | Kinds::Reconfigure
    )
}

/// Leaves out of a command what the reference does not model.
fn simplified(command: Command, life: &Life<'_>) -> Option<Command> {
    Some(match command {
        Command::RefundPurchase(mut refund) => {
            refund.kind = RefundKind::Chargeback;
            refund.credits = None;
            Command::RefundPurchase(refund)
        }
        Command::Adjust(mut adjust) => {
            adjust.job = None;
            if adjust.amount.is_negative() {
                adjust.scope = None;
            }
            Command::Adjust(adjust)
        }
        // A job is asked for twice by the caller's idempotency, which is not the workspace's.
        Command::MoveCatalog(to) if to.version > 2 => return None,
        Command::MoveCatalog(_) if life.state().profile.catalog_version == 2 => return None,
        other => other,
    })
}

fn figures(life: &Life<'_>) -> Figures {
    let state = life.state();
    let mut lots: BTreeMap<(String, i64), [i64; 7]> = BTreeMap::new();
    for lot in life.store.lots() {
        let sums = lots.entry((lot.source.to_string(), lot.effective_at.value())).or_default();
        let terms = lot.terms;
        let own = [
            lot.granted,
            terms.available,
            terms.held,
            terms.consumed,
            terms.expired,
            terms.forfeited,
            terms.clawed_back,
        ];
        sums.iter_mut().zip(own).for_each(|(sum, term)| *sum += term.micros());
    }
    let running = state.jobs.values().filter(|live| live.job.is_running()).count();
    Figures {
        available: state.available(life.now()).micros(),
        held: state.held().micros(),
        debt: state.debt.micros(),
        plan: state.profile.subscribed.plan.to_string(),
        status: match state.profile.status() {
            WorkspaceStatus::Active => "active",
            WorkspaceStatus::Canceling => "canceling",
            WorkspaceStatus::PastDue => "past_due",
            WorkspaceStatus::Closed => "closed",
        },
        period: (state.profile.period_start.value(), state.profile.period_end.value()),
        running,
        queued: state.jobs.len() - running,
        lots,
    }
}

/// Runs a script through both; the number of commands.
///
/// # Errors
/// The first command after which they differ, with both sides and the commands so far.
pub fn compare(setting: &Setting, seed: u64, steps: &[Step]) -> Result<usize, String> {
    let mut life = Life::empty(setting);
    side_by_side(&mut life, seed, steps).map_err(|differs| {
        let mut story = String::new();
        for (at, command) in &life.log {
            story += &format!("{at:?} {command:?}\n");
        }
        story + &differs
    })?;
    Ok(life.log.len())
}

fn side_by_side(life: &mut Life<'_>, seed: u64, steps: &[Step]) -> Result<(), String> {
    let setting = life.setting;
    life.strict = false;
    // Whose daily lots are depends on who looks first: see `split.rs`.
    let owner = create(setting, seed).owner.filter(|_| setting.catalog_name().as_str() != "kira");
    let create = Create { owner, ..create(setting, seed) };
    life.run(&Command::Create(Box::new(create.clone())))?.map_err(|refusal| code(&refusal))?;
    let mut reference = Reference::open(setting, &create, T0.value());
    agree(life, &reference, "create")?;
    for step in steps.iter().filter(|step| is_modelled(step)) {
        // Lots of one instant pay in the order of their ids, which are not modelled: each command has its own.
        life.clock = life.clock.max(life.now()).plus_ms(jump_ms(step.time).max(1));
        let Some(command) = life.command(step) else { continue };
        let Some(command) = simplified(command, life) else { continue };
        let real = life.run(&command)?;
        let naive = reference.run(life.clock.value(), &command);
        let said = format!("{command:?}\nat {:?}", life.clock);
        let real = real.as_ref().map(|_| ()).map_err(code);
        if real != naive.map_err(str::to_owned) {
            return Err(format!("{said}\nreally {real:?}, by the reference {naive:?}"));
        }
        agree(life, &reference, &said)?;
    }
    Ok(())
}

fn agree(life: &Life<'_>, reference: &Reference<'_>, said: &str) -> Result<(), String> {
    let (real, naive) = (figures(life), reference.figures());
    if real == naive {
        return Ok(());
    }
    let mut differs = String::new();
    for (key, terms) in &real.lots {
        if naive.lots.get(key) != Some(terms) {
            differs +=
                &format!("\n  lot {key:?}: really {terms:?}, by the reference {:?}", naive.lots.get(key));
        }
    }
    for (key, terms) in naive.lots.iter().filter(|(key, _)| !real.lots.contains_key(key)) {
        differs += &format!("\n  lot {key:?}: by the reference only, {terms:?}");
    }
    let brief = |figures: &Figures| format!("{:?}", Figures { lots: BTreeMap::new(), ..figures.clone() });
    Err(format!(
        "after {said}{differs}\n  really          {}\n  by the reference {}",
        brief(&real),
        brief(&naive)
    ))
}
