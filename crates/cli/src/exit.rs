//! How a command can end, and the exit code of each end. Scripts rely on the codes.

use std::process::ExitCode;

use reeve_client::ClientError;
use reeve_protocol::{Cheapest, Code, Problem, Remedy};

/// Every exit code and what it means, as `docs/cli.md` has them. The last one is a server's alone.
pub const CODES: [(u8, &str); 5] = [
    (0, "done"),
    (1, "the answer is no: a refusal, or a check that does not hold"),
    (2, "asked wrongly: an argument, a setting or a key"),
    (3, "the environment failed: a server that is away or overloaded, a file, the disk in a commit"),
    (4, "`reeve serve` only: another process took the database over; started again, this one stands by"),
];

/// The table as `--help` and the manual page show it.
pub fn explained() -> String {
    let rows = CODES.map(|(code, meaning)| format!("  {code}  {meaning}"));
    format!("Exit codes:\n{}", rows.join("\n"))
}

/// Why a command did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// It was done, and the answer is no: exit code 1.
    #[error("{0}")]
    No(String),
    /// It cannot be done as asked: exit code 2.
    #[error("{0}")]
    Usage(String),
    /// It could not be done here and now: exit code 3.
    #[error("{0}")]
    Environment(String),
}

impl Failure {
    /// The answer is no.
    pub fn no(reason: impl Into<String>) -> Self {
        Self::No(reason.into())
    }

    /// Asked wrongly.
    pub fn usage(reason: impl Into<String>) -> Self {
        Self::Usage(reason.into())
    }

    /// Something around us failed: `what` could not be done, for a reason.
    pub fn environment(what: &str, reason: impl std::fmt::Display) -> Self {
        Self::Environment(format!("{what}: {reason}"))
    }

    const fn code(&self) -> u8 {
        match self {
            Self::No(_) => 1,
            Self::Usage(_) => 2,
            Self::Environment(_) => 3,
        }
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        match &error {
            ClientError::Refused(problem) => refused(problem),
            ClientError::Invalid(_) => Self::Usage(error.to_string()),
            ClientError::Unreachable(_) | ClientError::Unexpected { .. } => {
                Self::Environment(explain(&error))
            }
        }
    }
}

/// The library's own words end at "error sending request"; the cause below them says what happened.
fn explain(error: &ClientError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error).and_then(std::error::Error::source);
    while let Some(below) = cause {
        text = format!("{text}: {below}");
        cause = below.source();
    }
    text
}

fn refused(problem: &Problem) -> Failure {
    let text = describe(problem);
    match problem.code {
        Code::InvalidRequest | Code::Unauthorized | Code::PayloadTooLarge => Failure::Usage(text),
        code if code.is_retryable() || code == Code::Internal => Failure::Environment(text),
        _ => Failure::No(text),
    }
}

/// A refusal with its ways out.
fn describe(problem: &Problem) -> String {
    let mut text = problem.to_string();
    if let (Some(at), Some(amount)) = (problem.next_credit_at, problem.next_credit_amount) {
        text = format!("{text}; {amount} more come at {at}");
    }
    if let Some(way) = problem.cheapest.as_ref().and_then(way_out) {
        text = format!("{text}; {way}");
    }
    if let Some(seconds) = problem.retry_after_seconds {
        text = format!("{text}; try again in {seconds} s");
    }
    if problem.code == Code::Unauthorized {
        text = format!("{text}; give the key with --key or REEVE_KEY");
    }
    text
}

/// The cheapest way out, in words; `None` for a kind that lacks its figures.
fn way_out(cheapest: &Cheapest) -> Option<String> {
    let Cheapest { kind, outputs, credits, until, pack, plan } = cheapest;
    Some(match kind {
        Remedy::FewerOutputs => format!("{} outputs can be paid now", (*outputs)?),
        Remedy::Wait => format!("enough is there at {}", (*until)?),
        Remedy::Purchase => match pack {
            Some(pack) => format!("the pack `{pack}` is enough to go on"),
            None => format!("a purchase of {} is enough", (*credits)?),
        },
        Remedy::Upgrade => format!("the next plan with credits is `{}`", plan.as_ref()?),
    })
}

/// The process's exit code.
pub fn code_of(result: &Result<(), Failure>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => ExitCode::from(failure.code()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(code: Code) -> u8 {
        Failure::from(ClientError::Refused(Box::new(Problem::new(code, "d")))).code()
    }

    #[test]
    fn a_lack_of_credits_ends_in_the_cheapest_way_out() {
        let mut problem = Problem::new(Code::InsufficientCredits, "1 is missing");
        problem.cheapest = Some(Cheapest { outputs: Some(3), ..Cheapest::by(Remedy::FewerOutputs) });
        assert!(describe(&problem).ends_with("; 3 outputs can be paid now"));
        problem.cheapest = Some(Cheapest::by(Remedy::Wait));
        assert!(describe(&problem).ends_with("1 is missing"), "nothing is said without its figure");
    }

    #[test]
    fn every_way_to_end_is_in_the_table() {
        let ends = [Failure::no("n"), Failure::usage("u"), Failure::environment("e", "r")];
        assert_eq!(ends.map(|end| end.code()), [CODES[1].0, CODES[2].0, CODES[3].0]);
        assert_eq!([CODES[0].0, CODES[4].0], [0, 4]);
    }

    #[test]
    fn a_refusal_a_mistake_and_an_outage_have_codes_of_their_own() {
        assert_eq!(code(Code::InsufficientCredits), 1);
        assert_eq!(code(Code::NotFound), 1);
        assert_eq!(code(Code::InvalidRequest), 2);
        assert_eq!(code(Code::Unauthorized), 2);
        assert_eq!(code(Code::Overloaded), 3);
        assert_eq!(code(Code::Internal), 3);
        assert_eq!(Failure::from(ClientError::Invalid(String::new())).code(), 2);
    }
}
