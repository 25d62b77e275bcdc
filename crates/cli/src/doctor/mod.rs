//! What `reeve doctor` looks at: all that keeps a server from starting or from working well, found out before it does.
//!
//! One file per thing that is looked at; each answers with findings and none of them fails. Guarantees: nothing that a
//! server owns is changed, no lock is kept, and no secret is told.

mod catalogs;
mod certificate;
mod clock;
mod database;
mod folder;
mod port;
mod server;
mod settings;

use std::path::PathBuf;

use reeve_types::Clock as _;
use serde::Serialize;

use crate::args::Remote;
use crate::config::Settings;
use crate::exit::Failure;
use crate::system::SystemClock;

/// What to look at.
pub struct Plan {
    /// A configuration file of one's own.
    pub config: Option<PathBuf>,
    /// What the command line says over the configuration, as `serve` takes it.
    pub data: Option<PathBuf>,
    pub database: Option<String>,
    pub listen: Option<String>,
    /// A server to ask, and the key for it.
    pub url: Option<String>,
    pub key: Option<String>,
    pub ca: Option<PathBuf>,
    /// How long ago a worker may have been heard of, in minutes.
    pub worker_minutes: u32,
}

/// How good a finding is, from good to bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Good,
    /// Not looked at, for want of something.
    Unasked,
    /// It works, and should not stay so.
    Warning,
    /// A server would not start, or not do its work.
    Bad,
}

impl State {
    /// The sign in front of its line.
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Good => "✓",
            Self::Unasked => "–",
            Self::Warning => "!",
            Self::Bad => "✗",
        }
    }
}

/// One line of the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub check: &'static str,
    pub state: State,
    pub found: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub way_out: Option<String>,
    /// Which exit code a bad one is.
    #[serde(skip)]
    pub exit_code: u8,
}

impl Finding {
    fn new(check: &'static str, state: State, found: impl Into<String>) -> Self {
        Self { check, state, found: found.into(), way_out: None, exit_code: 0 }
    }

    fn good(check: &'static str, found: impl Into<String>) -> Self {
        Self::new(check, State::Good, found)
    }

    fn unasked(check: &'static str, found: impl Into<String>) -> Self {
        Self::new(check, State::Unasked, found)
    }

    fn warning(check: &'static str, found: impl Into<String>, way_out: impl Into<String>) -> Self {
        Self { way_out: Some(way_out.into()), ..Self::new(check, State::Warning, found) }
    }

    /// Something is set or asked wrongly: exit code 2.
    fn wrong(check: &'static str, found: impl Into<String>, way_out: impl Into<String>) -> Self {
        Self { way_out: Some(way_out.into()), exit_code: 2, ..Self::new(check, State::Bad, found) }
    }

    /// The environment is to blame: exit code 3.
    fn failed(check: &'static str, found: impl Into<String>, way_out: impl Into<String>) -> Self {
        Self { exit_code: 3, ..Self::wrong(check, found, way_out) }
    }
}

/// Looks at everything, in the order in which a server would come upon it.
pub async fn examine(plan: &Plan) -> Vec<Finding> {
    let (settings, mut findings) = settings::check(plan);
    let Some(settings) = settings else {
        findings.push(Finding::unasked("the rest", "needs settings that can be read"));
        return findings;
    };
    findings.extend(folder::check(settings.data_dir()));
    let (database, seen) = database::check(&settings).await;
    findings.extend(database);
    findings.extend(clock::check(&seen).await);
    findings.extend(catalogs::check(&settings));
    findings.push(certificate::check(&settings.server.tls, SystemClock.now()));
    let is_held = seen.holder.is_some();
    let (port, is_served) = port::check(&settings, is_held).await;
    findings.push(port);
    let target = target(plan, &settings, is_served);
    findings.extend(server::check(target.as_ref(), plan.worker_minutes).await);
    findings
}

/// Whom to ask: the server that was named, or the one that runs here.
fn target(plan: &Plan, settings: &Settings, is_served: bool) -> Option<Remote> {
    let here = || is_served.then(|| port::url_here(settings));
    let url = plan.url.clone().or_else(here)?;
    Some(Remote { url, key: plan.key.clone(), ca: plan.ca.clone() })
}

/// Whether all is well: warnings are no failure unless `strict`.
///
/// # Errors
/// The worst of what is bad, with its exit code.
pub fn judge(findings: &[Finding], strict: bool) -> Result<(), Failure> {
    let bad = findings.iter().filter(|finding| finding.state == State::Bad).count();
    let warnings = findings.iter().filter(|finding| finding.state == State::Warning).count();
    let counted = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    let text = match (bad, warnings) {
        (0, warnings) if strict && warnings > 0 => {
            return Err(Failure::no(counted(warnings, "warning")));
        }
        (0, _) => return Ok(()),
        (bad, 0) => counted(bad, "problem"),
        (bad, warnings) => format!("{} and {}", counted(bad, "problem"), counted(warnings, "warning")),
    };
    match findings.iter().map(|finding| finding.exit_code).max() {
        Some(3) => Err(Failure::Environment(text)),
        Some(2) => Err(Failure::Usage(text)),
        _ => Err(Failure::No(text)),
    }
}

/// A size as people read it.
fn size(bytes: u64) -> String {
    const STEPS: [(u64, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match STEPS.iter().find(|(step, _)| bytes >= *step) {
        Some((step, unit)) => format!("{:.1} {unit}", bytes as f64 / *step as f64),
        None => format!("{bytes} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_is_that_of_the_worst() {
        let good = Finding::good("a", "x");
        let warning = Finding::warning("b", "x", "y");
        let (wrong, failed) = (Finding::wrong("c", "x", "y"), Finding::failed("d", "x", "y"));
        let code = |findings: &[&Finding], strict: bool| {
            let findings: Vec<Finding> = findings.iter().map(|finding| (*finding).clone()).collect();
            judge(&findings, strict).map_or_else(|failure| failure.code(), |()| 0)
        };
        assert_eq!(code(&[&good, &warning], false), 0);
        assert_eq!(code(&[&good, &warning], true), 1);
        assert_eq!(code(&[&wrong, &good], false), 2);
        assert_eq!(code(&[&wrong, &failed, &warning], false), 3);
    }

    #[test]
    fn sizes_are_read_at_a_glance() {
        assert_eq!([512, 2_048, 3 << 20, 5 << 30].map(size), ["512 bytes", "2.0 KiB", "3.0 MiB", "5.0 GiB"]);
    }
}
