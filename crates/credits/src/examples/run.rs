//! Runs examples against a catalog, and says how an answer differs from what was expected.

use reeve_types::{Credits, WorkspaceId};
use serde_json::{Map, Value};

use super::{Example, Examples, Given, LotSaid, Settle, Step, Then};
use crate::catalog::Catalog;
use crate::opening::{GrantOrder, OpeningFacts, opening_grants};
use crate::price::{OutputResult, Quote, QuoteRefusal, StageOutcome, quote};

/// What became of one example.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExampleResult {
    pub rule: String,
    pub title: String,
    /// How the answer differs from what was expected; `None` when it does not.
    pub difference: Option<String>,
}

/// Runs all examples of a catalog, in their order.
pub fn run_examples(catalog: &Catalog, examples: &Examples) -> Vec<ExampleResult> {
    let run = |example: &Example| ExampleResult {
        rule: example.rule.clone(),
        title: example.title.clone(),
        difference: if examples.catalog == catalog.name {
            judge(catalog, example).err()
        } else {
            Some(format!("is for catalog `{}`, not `{}`", examples.catalog, catalog.name))
        },
    };
    examples.example.iter().map(run).collect()
}

/// What a step answers.
enum Answer {
    Opened(Vec<GrantOrder>),
    Quoted(Quote),
    Settled { settled: Credits, released: Credits },
    Refused(Refused),
}

/// A refusal as the API would show it.
struct Refused {
    code: &'static str,
    detail: String,
    pointers: Vec<String>,
    plans: Vec<reeve_types::PlanName>,
}

fn judge(catalog: &Catalog, example: &Example) -> Result<(), String> {
    if example.then == Then::default() {
        return Err("`then` says nothing".to_owned());
    }
    let mut answer = None;
    for step in &example.when {
        answer = Some(perform(catalog, &example.given, step)?);
    }
    let answer = answer.ok_or("`when` has no step")?;
    compare(&answer, &example.then)
}

fn perform(catalog: &Catalog, given: &Given, step: &Step) -> Result<Answer, String> {
    match step {
        Step::Create(_) => create(catalog, given),
        Step::Quote(request) => Ok(match ask(catalog, given, &request.action, &request.params) {
            Ok(quote) => Answer::Quoted(quote),
            Err(refusal) => Answer::Refused(refusal.into()),
        }),
        Step::Settle(settle) => match ask(catalog, given, &settle.action, &settle.params) {
            Ok(quote) => close(&quote, settle),
            Err(refusal) => Ok(Answer::Refused(refusal.into())),
        },
    }
}

fn create(catalog: &Catalog, given: &Given) -> Result<Answer, String> {
    let fallback = WorkspaceId::new("example").map_err(|e| e.to_string())?;
    let facts = OpeningFacts {
        plan: given.plan.as_ref().unwrap_or(&catalog.default_plan().name),
        allotment: given.allotment,
        interval: given.interval,
        seats: given.seats,
        identity: given.identity.as_deref(),
        timezone: given.timezone,
        workspace: given.workspace.as_ref().unwrap_or(&fallback),
        owner_user: given.user.as_deref(),
        anchor: given.at,
    };
    Ok(match opening_grants(catalog, &facts) {
        Ok(mut orders) => {
            orders.retain(|order| !given.claimed.iter().any(|key| key == order.key.as_str()));
            Answer::Opened(orders)
        }
        Err(refusal) => Answer::Refused(Refused {
            code: "invalid_request",
            detail: refusal.to_string(),
            pointers: Vec::new(),
            plans: Vec::new(),
        }),
    })
}

fn ask(
    catalog: &Catalog,
    given: &Given,
    action: &reeve_types::ActionName,
    params: &Map<String, Value>,
) -> Result<Quote, QuoteRefusal> {
    quote(catalog, given.plan.as_ref().unwrap_or(&catalog.default_plan().name), action, params)
}

fn close(quote: &Quote, settle: &Settle) -> Result<Answer, String> {
    if u32::try_from(settle.outputs.len()) != Ok(quote.outputs) {
        return Err(format!("{} outputs were quoted, {} end", quote.outputs, settle.outputs.len()));
    }
    let mut settled = Credits::ZERO;
    for ending in &settle.outputs {
        let stages = ending
            .stages
            .iter()
            .map(|(name, outcome)| StageOutcome { name: name.clone(), outcome: *outcome });
        let result =
            OutputResult { outcome: ending.outcome, delivered: ending.delivered, stages: stages.collect() };
        let credits = quote.per_output.settle(&result).map_err(|e| e.to_string())?;
        settled = settled.checked_add(credits).ok_or("the settled credits do not fit an amount")?;
    }
    let released = quote.credits.checked_sub(settled).ok_or("more is settled than fits an amount")?;
    Ok(Answer::Settled { settled, released })
}

impl From<QuoteRefusal> for Refused {
    fn from(refusal: QuoteRefusal) -> Self {
        let detail = refusal.to_string();
        let (code, pointers, plans) = match refusal {
            QuoteRefusal::UnknownAction { .. } => ("invalid_request", vec!["/action".to_owned()], Vec::new()),
            QuoteRefusal::UnknownPlan { .. } | QuoteRefusal::TooLarge { .. } => {
                ("invalid_request", Vec::new(), Vec::new())
            }
            QuoteRefusal::Invalid(findings) => {
                let pointers = findings.into_iter().map(|finding| finding.pointer).collect();
                ("invalid_request", pointers, Vec::new())
            }
            QuoteRefusal::NotEntitled { plans, .. } => ("not_entitled", Vec::new(), plans),
        };
        Self { code, detail, pointers, plans }
    }
}

/// What an answer has under each name that `then` can say; `None` where this kind of answer has no such thing.
fn compare(answer: &Answer, then: &Then) -> Result<(), String> {
    let quoted = if let Answer::Quoted(quote) = answer { Some(quote) } else { None };
    let opened = if let Answer::Opened(orders) = answer { Some(orders) } else { None };
    let refused = if let Answer::Refused(refused) = answer { Some(refused) } else { None };
    if let (None, Some(refused)) = (&then.refused, refused) {
        return Err(format!("was refused: {} ({})", refused.code, refused.detail));
    }
    let (settled, released) = match answer {
        Answer::Settled { settled, released } => (Some(*settled), Some(*released)),
        _ => (None, None),
    };
    same("refused", then.refused.as_deref(), refused.map(|refused| refused.code))?;
    same("pointers", then.pointers.as_deref().map(sorted), refused.map(|refused| sorted(&refused.pointers)))?;
    same("plans", then.plans.as_ref(), refused.map(|refused| &refused.plans))?;
    same("credits", then.credits, quoted.map(|quote| quote.credits))?;
    same("outputs", then.outputs, quoted.map(|quote| quote.outputs))?;
    same(
        "lines",
        then.lines.clone(),
        quoted.map(|quote| quote.lines.iter().map(|line| line.credits).collect()),
    )?;
    same("settled", then.settled, settled)?;
    same("released", then.released, released)?;
    let available = opened.and_then(|orders| Credits::checked_sum(orders.iter().map(|order| order.amount)));
    same("available", then.available, available)?;
    match (&then.lots, opened) {
        (Some(said), Some(orders)) => compare_lots(said, orders),
        (Some(_), None) => Err("lots: the step makes none".to_owned()),
        (None, _) => Ok(()),
    }
}

fn same<T: PartialEq + std::fmt::Debug>(
    name: &str,
    expected: Option<T>,
    found: Option<T>,
) -> Result<(), String> {
    match (expected, found) {
        (None, _) => Ok(()),
        (Some(expected), Some(found)) if expected == found => Ok(()),
        (Some(expected), Some(found)) => Err(format!("{name}: expected {expected:?}, found {found:?}")),
        (Some(expected), None) => Err(format!("{name}: expected {expected:?}, the step answers none")),
    }
}

fn sorted(texts: &[String]) -> Vec<String> {
    let mut texts = texts.to_owned();
    texts.sort();
    texts
}

fn compare_lots(said: &[LotSaid], orders: &[GrantOrder]) -> Result<(), String> {
    let sources: Vec<_> = orders.iter().map(|order| &order.source).collect();
    same("lots", Some(said.iter().map(|lot| &lot.source).collect::<Vec<_>>()), Some(sources))?;
    for (said, order) in said.iter().zip(orders) {
        let name = |field: &str| format!("lots.{}.{field}", said.source);
        let until = order.expires_at.map_or_else(|| "never".to_owned(), |at| at.to_string());
        same(&name("amount"), said.amount, Some(order.amount))?;
        same(&name("class"), said.class, Some(order.class))?;
        same(&name("until"), said.until.clone(), Some(until))?;
        same(&name("scope"), said.scope.as_ref(), order.scope.as_ref())?;
        same(&name("key"), said.key.as_deref(), Some(order.key.as_str()))?;
    }
    Ok(())
}
