//! The catalogs that a start would publish, and whether the tiers that they name are there.

use reeve_types::did_you_mean;

use super::Finding;
use crate::catalogs;
use crate::config::Settings;

const CHECK: &str = "catalogs";

pub(super) fn check(settings: &Settings) -> Vec<Finding> {
    let dir = &settings.catalogs.dir;
    let found = match catalogs::load(dir) {
        Ok(found) => found,
        Err(failure) => {
            let way_out = "`reeve catalog check FILE` tells all that is wrong with a file";
            return vec![Finding::wrong(CHECK, failure.to_string(), way_out)];
        }
    };
    let tiers = || settings.tiers.keys().map(String::as_str);
    let mut wrong = Vec::new();
    for file in &found {
        let missing = |tier: &str| !settings.tiers.contains_key(tier);
        for plan in file.catalog.plans.iter().filter(|plan| missing(plan.tier.as_str())) {
            let tier = plan.tier.as_str();
            let near = did_you_mean(tier, tiers());
            let text = format!(
                "{}: plan `{}` is of tier `{tier}`, which is none{near}",
                file.catalog.name, plan.name
            );
            wrong.push(Finding::wrong(CHECK, text, format!("add [tiers.{tier}] to the configuration")));
        }
    }
    if !wrong.is_empty() {
        return wrong;
    }
    let names: Vec<String> =
        found.iter().map(|file| format!("{} {}", file.catalog.name, file.catalog.version)).collect();
    let whence = if dir.is_empty() { "built in".to_owned() } else { format!("in `{dir}`") };
    vec![Finding::good(CHECK, format!("{} {whence}: {}", names.len(), names.join(", ")))]
}
