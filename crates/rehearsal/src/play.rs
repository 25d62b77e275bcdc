//! A script played from start to end: what happened when, and the balance over time.

use reeve_types::{Credits, Millis, SourceName, WorkspaceId};
use reeve_workspace::{Kind, OutboxRow, Row};

use crate::act::{Answer, Outcome, Rehearsal};
use crate::compare::notice;
use crate::draft::Draft;
use crate::format::{Script, Step};
use crate::run::expected;

/// One line of what happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Happening {
    pub at: Millis,
    pub workspace: WorkspaceId,
    pub what: What,
    /// How the balance of the workspace's owner changed: what appeared, or went, in all lots; holds leave it alone.
    pub amount: Option<Credits>,
    pub available: Credits,
    pub held: Credits,
    pub note: String,
}

/// What kind of line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// Ledger rows of one kind and source at one instant.
    Moved { kind: Kind, source: SourceName },
    /// Something that was told.
    Told(String),
    /// A step that moved no credits.
    Did(&'static str),
    /// A step that was refused, with the code.
    Refused(&'static str),
    /// A step that came out otherwise than the script says.
    Differs,
}

/// A script's story.
#[derive(Debug, Clone)]
pub struct Story {
    pub title: String,
    pub happenings: Vec<Happening>,
    /// Steps that came out otherwise than the script says.
    pub differences: Vec<String>,
    pub from: Millis,
    pub to: Millis,
    /// The given workspace: the one that a picture shows.
    pub main: WorkspaceId,
}

/// Plays a script. An expectation that does not hold is told and the story goes on.
///
/// # Errors
/// A step that cannot be done as written.
pub fn play(draft: &Draft, script: &Script) -> Result<Story, String> {
    let mut rehearsal = Rehearsal::open(draft, &script.given, &script.when)?;
    let mut story = Story {
        title: script.title.clone(),
        happenings: Vec::new(),
        differences: Vec::new(),
        from: script.given.at.0,
        to: script.given.at.0,
        main: rehearsal.main().clone(),
    };
    opening(&rehearsal, &mut story);
    for (n, step) in script.when.iter().enumerate() {
        let others = seen(&rehearsal);
        let label = |difference| format!("step {}: {difference}", n + 1);
        let answer = rehearsal.perform(step).map_err(label)?;
        tell_others(&rehearsal, &others, &answer.workspace, &mut story);
        tell(&rehearsal, step, &answer, &mut story);
        if let Err(difference) = expected(&rehearsal, (step, None), &answer) {
            let difference = label(difference);
            story.happenings.push(line(&rehearsal, &answer.workspace, What::Differs, difference.clone()));
            story.differences.push(difference);
        }
    }
    story.to = rehearsal.world().clock();
    Ok(story)
}

fn opening(rehearsal: &Rehearsal, story: &mut Story) {
    if let Some(life) = rehearsal.world().life(rehearsal.main()) {
        moved(rehearsal.main(), &life.rows, story);
    }
}

/// How much each workspace had written before a step: time passes for all of them.
fn seen(rehearsal: &Rehearsal) -> Vec<(WorkspaceId, usize)> {
    rehearsal.world().lives().map(|(id, life)| (id.clone(), life.rows.len())).collect()
}

fn tell_others(rehearsal: &Rehearsal, seen: &[(WorkspaceId, usize)], own: &WorkspaceId, story: &mut Story) {
    for (id, rows) in seen.iter().filter(|(id, _)| id != own) {
        if let Some(life) = rehearsal.world().life(id) {
            moved(id, life.rows.get(*rows..).unwrap_or_default(), story);
        }
    }
}

fn tell(rehearsal: &Rehearsal, step: &Step, answer: &Answer, story: &mut Story) {
    let id = &answer.workspace;
    let first = story.happenings.len();
    moved(id, &answer.rows, story);
    told(id, &answer.outbox, story);
    // What time brought has instants of its own, before the step's.
    if let Some(new) = story.happenings.get_mut(first..) {
        new.sort_by_key(|happening| happening.at);
    }
    let Some(action) = &step.action else { return };
    match &answer.outcome {
        Outcome::Refused(refused) => {
            story.happenings.push(line(rehearsal, id, What::Refused(refused.code), refused.detail.clone()));
        }
        _ => {
            let now = rehearsal.world().clock();
            let moves = answer.rows.iter().any(|row| row.at == now);
            let tells =
                answer.outbox.iter().any(|row| row.at == now && row.kind.starts_with("subscription."));
            let silent = !moves && !tells && action.word() != "advance";
            if silent {
                story.happenings.push(line(rehearsal, id, What::Did(action.word()), String::new()));
            }
        }
    }
}

/// A line about now.
fn line(rehearsal: &Rehearsal, id: &WorkspaceId, what: What, note: String) -> Happening {
    let at = rehearsal.world().clock();
    let state = rehearsal.world().life(id).map(|life| &life.state);
    Happening {
        at,
        workspace: id.clone(),
        what,
        amount: None,
        available: state.map(|state| state.available(at)).unwrap_or_default(),
        held: state.map(|state| state.held()).unwrap_or_default(),
        note,
    }
}

/// Ledger rows, those of one kind, source and instant that follow each other as one line.
fn moved(id: &WorkspaceId, rows: &[Row], story: &mut Story) {
    let mut last: Option<&Row> = None;
    for row in rows {
        let note =
            row.reason.as_deref().or(row.action.as_ref().map(|action| action.as_str())).unwrap_or_default();
        let joins = last.is_some_and(|last| {
            (last.at, last.kind, &last.source, &last.reason, last.job)
                == (row.at, row.kind, &row.source, &row.reason, row.job)
        });
        last = Some(row);
        let amount = signed(row);
        if let Some(before) = story.happenings.last_mut().filter(|_| joins) {
            before.amount = before.amount.zip(amount).and_then(|(a, b)| a.checked_add(b));
            (before.available, before.held) = (row.available_after, row.held_after);
            continue;
        }
        story.happenings.push(Happening {
            at: row.at,
            workspace: id.clone(),
            what: What::Moved { kind: row.kind, source: row.source.clone() },
            amount,
            available: row.available_after,
            held: row.held_after,
            note: note.to_owned(),
        });
    }
}

/// The size of a row with the direction of what it does to available, or to held where it only settles.
fn signed(row: &Row) -> Option<Credits> {
    let (available, held) = row.kind.effect();
    row.amount.checked_mul(if available == 0 { held } else { available })
}

fn told(id: &WorkspaceId, outbox: &[OutboxRow], story: &mut Story) {
    for row in outbox {
        let name = match notice(row.kind) {
            Some(name) => format!("notice {name}"),
            None if row.kind == "subscription.changed" => "plan changed".to_owned(),
            None => continue,
        };
        let moves = story.happenings.iter().filter(|line| matches!(line.what, What::Moved { .. }));
        let before =
            moves.filter(|line| line.at <= row.at && line.workspace == *id).max_by_key(|line| line.at);
        let (available, held) = before.map(|line| (line.available, line.held)).unwrap_or_default();
        story.happenings.push(Happening {
            at: row.at,
            workspace: id.clone(),
            what: What::Told(name),
            amount: None,
            available,
            held,
            note: note_of(&row.body),
        });
    }
}

/// The body of a notice as words.
fn note_of(body: &str) -> String {
    let Ok(serde_json::Value::Object(fields)) = serde_json::from_str(body) else { return String::new() };
    let word = |(name, value): (&String, &serde_json::Value)| match value {
        serde_json::Value::String(text) => format!("{name} {text}"),
        other => format!("{name} {other}"),
    };
    fields.iter().filter(|(name, _)| *name != "lot").map(word).collect::<Vec<_>>().join(", ")
}
