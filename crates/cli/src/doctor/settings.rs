//! Which files and variables were read, and what in them is wrong.

use super::{Finding, Plan};
use crate::config::{self, Settings, Survey};
use crate::server::Secrets;

const CHECK: &str = "settings";
/// Variables that carry secrets: that they are set is told, never to what.
const SECRETS: [&str; 3] = ["REEVE_ADMIN_KEY", "REEVE_WORKER_KEY", "REEVE_STRIPE_SECRET"];

/// The settings, if there are any, and what was found about them.
pub(super) fn check(plan: &Plan) -> (Option<Settings>, Vec<Finding>) {
    let survey = config::survey(plan.config.as_deref());
    let mut findings = vec![read(plan, &survey)];
    let strays =
        survey.strays.iter().map(|stray| Finding::wrong(CHECK, stray.to_string(), "correct or remove it"));
    findings.extend(strays);
    findings.extend(survey.unread.iter().map(|(name, near)| unread(name, near.as_deref())));
    if let Err(failure) = Secrets::from_environment() {
        findings.push(Finding::wrong(CHECK, failure.to_string(), "set another one, or unset it"));
    }
    match survey.settings {
        Ok(settings) => (Some(overlaid(settings, plan)), findings),
        Err(error) => {
            // Already told as a stray, unless it is something else.
            if survey.strays.is_empty() {
                findings.push(Finding::wrong(CHECK, error.to_string(), "correct it and ask again"));
            }
            (None, findings)
        }
    }
}

fn read(plan: &Plan, survey: &Survey) -> Finding {
    let mut sources = vec!["the shipped ones".to_owned()];
    sources.extend(plan.config.as_ref().map(|file| format!("`{}`", file.display())));
    if !survey.variables.is_empty() {
        sources.push(survey.variables.join(", "));
    }
    let set = |name: &&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let secrets: Vec<&str> = SECRETS.into_iter().filter(set).collect();
    let secrets =
        if secrets.is_empty() { String::new() } else { format!("; secrets: {}", secrets.join(", ")) };
    Finding::good(CHECK, format!("read from {}{secrets}", sources.join(", then ")))
}

fn unread(name: &str, near: Option<&str>) -> Finding {
    let way_out = match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => "a setting's variable is REEVE__SECTION__KEY".to_owned(),
    };
    Finding::warning(CHECK, format!("nothing reads the variable `{name}`"), way_out)
}

/// The configuration with the command line on top, as `serve` has it.
fn overlaid(mut settings: Settings, plan: &Plan) -> Settings {
    if let Some(listen) = &plan.listen {
        settings.server.listen.clone_from(listen);
    }
    if let Some(dir) = &plan.data {
        settings.data.dir.clone_from(dir);
    }
    if let Some(url) = &plan.database {
        settings.database.url.clone_from(url);
    }
    settings
}
