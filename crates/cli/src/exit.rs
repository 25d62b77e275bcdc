//! How a command can end, and the exit code of each end. Scripts rely on the codes.

use std::ffi::OsStr;
use std::process::ExitCode;

use reeve_client::ClientError;
use reeve_protocol::{Cheapest, Code, Problem, Remedy};
use serde::Serialize;

/// Every exit code and what it means, as `docs/cli.md` has them. The last one is a server's alone.
pub const CODES: [(u8, &str); 5] = [
    (0, "done"),
    (1, "the answer is no: a refusal, or a check that does not hold"),
    (2, "asked wrongly: an argument, a setting or a key"),
    (3, "the environment failed: a server that is away or overloaded, a file, the disk in a commit"),
    (4, "`reeve serve` only: another process took the database over; started again, this one stands by"),
];

/// Longest line of the table in the help: the parser would break longer ones without indenting what follows.
const HELP_COLUMNS: usize = 72;

/// The table as `--help` and the manual page show it.
pub fn explained() -> String {
    let rows = CODES.map(|(code, meaning)| format!("  {code}  {}", hung(meaning, "     ")));
    format!("Exit codes:\n{}", rows.join("\n"))
}

/// A text in lines that any terminal takes; those after the first begin with `indent`.
fn hung(text: &str, indent: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.len() + word.len() < HELP_COLUMNS => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.join(&format!("\n{indent}"))
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
    /// No server answered, or something that is none: exit code 3.
    #[error("{0}")]
    Unreachable(String),
    /// The server refused; what code that is, the problem's code says.
    #[error("{text}")]
    Refused { text: String, problem: Box<Problem> },
}

/// A failure as programs read it, in one line on stderr.
#[derive(Debug, Serialize)]
struct Told<'a> {
    /// The problem's code where a server refused, else what kind of end this is.
    code: &'a str,
    message: &'a str,
    exit_code: u8,
    /// What the server said, word by word.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<&'a Problem>,
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

    /// The exit code.
    pub fn code(&self) -> u8 {
        match self {
            Self::No(_) => 1,
            Self::Usage(_) => 2,
            Self::Environment(_) | Self::Unreachable(_) => 3,
            Self::Refused { problem, .. } => match problem.code {
                Code::InvalidRequest | Code::Unauthorized | Code::PayloadTooLarge => 2,
                code if code.is_retryable() || code == Code::Internal => 3,
                _ => 1,
            },
        }
    }

    /// The word that programs go by.
    fn word(&self) -> &'static str {
        match self {
            Self::No(_) => "no",
            Self::Usage(_) => "usage",
            Self::Environment(_) => "environment",
            Self::Unreachable(_) => "unreachable",
            Self::Refused { problem, .. } => problem.code.as_str(),
        }
    }

    /// Says on stderr why it ended: to a person, or to a program.
    pub fn tell(&self, json: bool) {
        if !json {
            eprintln!("{} {self}", console::style("error:").red().bold().for_stderr());
            return;
        }
        let problem = match self {
            Self::Refused { problem, .. } => Some(&**problem),
            _ => None,
        };
        let message = self.to_string();
        let told = Told { code: self.word(), message: &message, exit_code: self.code(), problem };
        match serde_json::to_string(&told) {
            Ok(line) => eprintln!("{line}"),
            Err(_) => eprintln!("error: {message}"),
        }
    }
}

/// True when a command line asks for JSON: then the failure is told as JSON too, also of a line that is wrong.
pub fn wants_json<'a>(args: impl Iterator<Item = &'a OsStr>) -> bool {
    let wants = |arg: &OsStr| arg.to_str().is_some_and(|arg| arg == "--json" || arg.starts_with("--json="));
    let mut args = args.take_while(|arg| *arg != "--");
    args.any(wants)
}

/// What the command line says of itself: help and version, or why it is wrong.
pub fn told_by_parser(error: &clap::Error, json: bool) -> ExitCode {
    if json && error.use_stderr() {
        let text = error.to_string();
        let failure = Failure::usage(text.strip_prefix("error: ").unwrap_or(&text).trim_end());
        failure.tell(true);
        return ExitCode::from(failure.code());
    }
    // A reader that went away, such as `head`, is no failure.
    let _ = error.print();
    if error.use_stderr() { ExitCode::from(Failure::usage("").code()) } else { ExitCode::SUCCESS }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        match &error {
            ClientError::Refused(problem) => refused(problem),
            ClientError::Invalid(_) => Self::Usage(error.to_string()),
            ClientError::Unreachable(_) | ClientError::Unexpected { .. } => {
                Self::Unreachable(explain(&error))
            }
        }
    }
}

/// The library's own words end at "error sending request"; the last cause below them says what happened.
fn explain(error: &ClientError) -> String {
    let ClientError::Unreachable(cause) = error else { return error.to_string() };
    let mut last: &dyn std::error::Error = cause;
    while let Some(below) = last.source() {
        last = below;
    }
    let at =
        cause.url().map(|url| format!(" at `{}`", url.origin().ascii_serialization())).unwrap_or_default();
    let why = last.to_string();
    let way_out = if why.contains("InvalidContentType") {
        "; it does not speak https: write http:// if that is meant"
    } else if why.contains("certificate") {
        "; --ca or REEVE_CA names the authorities to believe"
    } else if cause.is_connect() {
        "; is one running there? --url or REEVE_URL names another"
    } else {
        ""
    };
    format!("no answer from the server{at}: {why}{way_out}")
}

fn refused(problem: &Problem) -> Failure {
    Failure::Refused { text: describe(problem), problem: Box::new(problem.clone()) }
}

/// What is wrong, field by field where the server says so: its detail then says the same again, or nothing.
fn said(problem: &Problem) -> String {
    let field = |error: &reeve_protocol::FieldError| match error.pointer.as_str() {
        "" => error.detail.clone(),
        pointer => format!("`{pointer}` {}", error.detail),
    };
    match problem.errors.as_deref() {
        None | Some([]) => problem.detail.clone(),
        Some(errors) => errors.iter().map(field).collect::<Vec<_>>().join("; "),
    }
}

/// A refusal with its ways out.
fn describe(problem: &Problem) -> String {
    let mut text = format!("{} ({}): {}", problem.code, problem.status, said(problem));
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
    fn the_table_in_the_help_fits_a_terminal_and_loses_no_word() {
        let text = explained();
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        for (_, meaning) in CODES {
            assert!(
                words(&text).windows(words(meaning).len()).any(|some| *some == words(meaning)),
                "{meaning}"
            );
        }
    }

    #[test]
    fn a_wrong_field_is_told_once() {
        let errors = vec![reeve_protocol::FieldError::new("/plan", "`prp` is none; did you mean `pro`?")];
        let problem = Problem::invalid("`/plan`: `prp` is none; did you mean `pro`?", errors);
        assert_eq!(describe(&problem), "invalid_request (422): `/plan` `prp` is none; did you mean `pro`?");
    }

    #[test]
    fn a_program_is_told_by_json_when_it_asked_for_json() {
        let wants = |args: &[&str]| wants_json(args.iter().map(OsStr::new));
        assert!(wants(&["jobs", "--json"]) && wants(&["simulate", "--json=f", "l"]));
        assert!(!wants(&["jobs"]) && !wants(&["submit", "a", "b", "--", "--json"]));
        let failure = Failure::from(ClientError::Refused(Box::new(Problem::new(Code::NotFound, "d"))));
        assert_eq!((failure.word(), failure.code()), ("not_found", 1));
        let problem = Some(Problem::new(Code::NotFound, "d"));
        let told = Told { code: "not_found", message: "m", exit_code: 1, problem: problem.as_ref() };
        let line = serde_json::to_value(&told).unwrap();
        assert_eq!((&line["exit_code"], &line["problem"]["status"]), (&1.into(), &404.into()));
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
