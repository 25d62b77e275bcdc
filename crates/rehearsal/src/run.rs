//! Runs examples against a catalog, and says which step came out otherwise.

use crate::act::{Answer, Outcome, Rehearsal};
use crate::compare::{compare, whose};
use crate::draft::Draft;
use crate::format::{Example, Examples, Expect, Step};

/// What became of one example.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExampleResult {
    pub rule: String,
    pub title: String,
    /// How it came out otherwise, and at which step; `None` when it did not.
    pub difference: Option<String>,
}

/// Runs all examples of a catalog, in their order; each has a world of its own.
pub fn run_examples(draft: &Draft, examples: &Examples) -> Vec<ExampleResult> {
    let catalog = &draft.catalog().name;
    let run = |example: &Example| ExampleResult {
        rule: example.rule.clone(),
        title: example.title.clone(),
        difference: if examples.catalog == *catalog {
            judge(draft, example).err()
        } else {
            Some(format!("is for catalog `{}`, not `{catalog}`", examples.catalog))
        },
    };
    examples.example.iter().map(run).collect()
}

fn judge(draft: &Draft, example: &Example) -> Result<(), String> {
    if example.when.is_empty() {
        return Err("`when` has no step".to_owned());
    }
    if example.then.is_none()
        && example.when.iter().all(|step| step.expect.is_none() && step.refused.is_none())
    {
        return Err("nothing is expected: say `then`, or `expect` in a step".to_owned());
    }
    let mut rehearsal = Rehearsal::open(draft, &example.given, &example.when)?;
    let last = example.when.len() - 1;
    for (n, step) in example.when.iter().enumerate() {
        let then = example.then.as_deref().filter(|_| n == last);
        let answer = rehearsal.perform(step);
        let judged = answer.and_then(|answer| expected(&rehearsal, (step, then), &answer));
        judged.map_err(|difference| format!("{}: {difference}", label(&rehearsal, n, step)))?;
    }
    Ok(())
}

/// Where a difference is: the step's number from 1, what it does, and the instant.
fn label(rehearsal: &Rehearsal, n: usize, step: &Step) -> String {
    let word = step.action.as_ref().map_or("expect", |action| action.word());
    let whose = step.workspace.as_ref().map(|id| whose(rehearsal, id)).unwrap_or_default();
    format!("step {} ({word}{whose} at {})", n + 1, rehearsal.world().clock())
}

/// Judges a step by all that is said of it: its own words, and `then` for the last one.
pub(crate) fn expected(
    rehearsal: &Rehearsal,
    (step, then): (&Step, Option<&Expect>),
    answer: &Answer,
) -> Result<(), String> {
    if let Outcome::Refused(refused) = &answer.outcome {
        let told =
            [step.expect.as_deref(), then].into_iter().flatten().any(|expect| expect.refused.is_some());
        if step.refused.is_none() && !told {
            return Err(format!("was refused: {} ({})", refused.code, refused.detail));
        }
    }
    if let Some(code) = &step.refused {
        let refused = Expect { refused: Some(code.clone()), ..Expect::default() };
        compare(rehearsal, answer, &refused)?;
    }
    if let Some(expect) = &step.expect {
        compare(rehearsal, answer, expect)?;
    }
    then.map_or(Ok(()), |then| compare(rehearsal, answer, then))
}
