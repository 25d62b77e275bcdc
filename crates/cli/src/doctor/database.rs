//! The database: whether it can be reached, what its schema is like, who has it, and whether its commits last.

use reeve_store::{ClockReading, Inspection, inspect};
use reeve_types::Millis;

use super::{Finding, size};
use crate::config::Settings;
use crate::system::SystemClock;

const CHECK: &str = "database";

/// What other checks want to know of it.
#[derive(Default)]
pub(super) struct Seen {
    /// Who has it; `None`: nobody.
    pub(super) holder: Option<String>,
    /// Its own clock, where it has one.
    pub(super) clock: Option<ClockReading>,
    /// The newest instant that is stored.
    pub(super) newest_at: Option<Millis>,
}

pub(super) async fn check(settings: &Settings) -> (Vec<Finding>, Seen) {
    let shown = settings.database_shown();
    let target = match settings.store() {
        Ok(target) => target,
        Err(error) => {
            return (
                vec![Finding::wrong(CHECK, error.to_string(), "correct `database.url`")],
                Seen::default(),
            );
        }
    };
    let inspection = match inspect(&target, &SystemClock).await {
        Ok(Some(inspection)) => inspection,
        Ok(None) => {
            let found = format!("there is none yet; the first start makes `{shown}`");
            return (vec![Finding::good(CHECK, found)], Seen::default());
        }
        Err(error) => {
            let way_out = "see docs/operating.md, or name another one with --database or `database.url`";
            return (vec![Finding::failed(CHECK, error.to_string(), way_out)], Seen::default());
        }
    };
    let findings = findings(&inspection, &shown);
    let Inspection { holder, clock, newest_at, .. } = inspection;
    (findings, Seen { holder, clock, newest_at })
}

fn findings(inspection: &Inspection, shown: &str) -> Vec<Finding> {
    let Inspection { program, schema, holder, settings, unsafe_settings, bytes, .. } = inspection;
    let said: Vec<String> = settings.iter().map(|(name, value)| format!("{name} {value}")).collect();
    let held = holder.as_ref().map_or_else(|| "nobody has it open".to_owned(), |by| format!("held by {by}"));
    let found = format!("{program}, `{shown}`, {}, {}; {held}", size(*bytes), said.join(", "));
    let mut findings = vec![Finding::good(CHECK, found)];
    findings.push(match (schema.applied, schema.pending.len()) {
        (applied, 0) => Finding::good("schema", format!("up to date, {applied} steps")),
        (0, _) => Finding::good("schema", "there are no tables yet; the first start makes them"),
        (applied, missing) => Finding::warning(
            "schema",
            format!("older than this program: {missing} steps are missing beside {applied}"),
            "the next start applies them; take a backup before",
        ),
    });
    let unsafe_setting = |what: &String| Finding::warning(CHECK, what.clone(), "see docs/operating.md");
    findings.extend(unsafe_settings.iter().map(unsafe_setting));
    findings
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[test]
    fn an_older_schema_and_an_unsafe_setting_are_warnings() {
        let mut inspection = Inspection { program: "SQLite 3".to_owned(), ..Inspection::default() };
        inspection.schema.applied = 3;
        let states = |inspection: &Inspection| -> Vec<State> {
            findings(inspection, "d").iter().map(|finding| finding.state).collect()
        };
        assert_eq!(states(&inspection), [State::Good, State::Good]);
        inspection.schema.pending = vec!["m1".to_owned()];
        inspection.unsafe_settings = vec!["`fsync` is off".to_owned()];
        assert_eq!(states(&inspection), [State::Good, State::Warning, State::Warning]);
    }
}
