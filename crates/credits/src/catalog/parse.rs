//! From a file's text to a catalog: TOML, then shapes, then the checks of `validate`.

use std::collections::BTreeMap;
use std::fmt;

use reeve_types::{ActionName, CatalogName, PlanName, SourceName, did_you_mean_of};
use serde::Deserialize;
use serde_path_to_error::{Path, Segment};

use super::action::RawAction;
use super::plan::RawPlan;
use super::{
    Addon, AddonName, Alert, Billing, Carry, Catalog, Change, Charge, History, Limit, LotOrder, Pack,
    PackName, Refund, Renewal, Scope, ScopeName, Source, StageName, nesting, validate,
};
use crate::price::RawStage;

/// One thing that is wrong with a catalog file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What the caller called the text.
    pub file: String,
    /// Dotted path as TOML writes it, such as `action."image.generate".price.rate`; empty for the whole file.
    pub key: String,
    /// What is wrong, for people.
    pub reason: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.key.is_empty() {
            return write!(f, "{}: {}", self.file, self.reason);
        }
        write!(f, "{}: {}: {}", self.file, self.key, self.reason)
    }
}

/// A catalog that was refused, with all that is wrong with it. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogError {
    /// All that is wrong, in the order of the file.
    pub findings: Vec<Finding>,
}

impl fmt::Display for CatalogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, finding) in self.findings.iter().enumerate() {
            if n > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{finding}")?;
        }
        Ok(())
    }
}

impl std::error::Error for CatalogError {}

/// The file, as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCatalog {
    name: CatalogName,
    version: u32,
    title: Option<String>,
    #[serde(default)]
    renewal: Renewal,
    #[serde(default)]
    history: History,
    #[serde(default)]
    billing: Billing,
    /// The plan of the lowest rank when left out.
    default_plan: Option<PlanName>,
    plan: BTreeMap<PlanName, RawPlan>,
    action: BTreeMap<ActionName, RawAction>,
    /// Priced stages that actions add to their base.
    #[serde(default)]
    stage: BTreeMap<StageName, RawStage>,
    #[serde(default)]
    source: BTreeMap<SourceName, Source>,
    #[serde(default)]
    scope: BTreeMap<ScopeName, Scope>,
    #[serde(default)]
    pack: BTreeMap<PackName, Pack>,
    #[serde(default)]
    addon: BTreeMap<AddonName, Addon>,
    #[serde(default)]
    carry: Vec<Carry>,
    change: Change,
    #[serde(default)]
    limit: Vec<Limit>,
    #[serde(default)]
    order: LotOrder,
    charge: Charge,
    #[serde(default)]
    refund: Refund,
    #[serde(default)]
    alert: Vec<Alert>,
}

pub(super) fn parse(file: &str, text: &str) -> Result<Catalog, CatalogError> {
    let raw: RawCatalog = read(file, text)?;
    let default_plan = raw.default_plan.clone();
    let mut findings = validate::Findings::default();
    raw.check_stages(&mut findings);
    let mut catalog = raw.into_catalog();
    validate::check(&catalog, &mut findings);
    match default_plan.map(|name| catalog.plans.iter().position(|plan| plan.name == name).ok_or(name)) {
        Some(Ok(place)) => catalog.default_plan = place,
        Some(Err(name)) => findings.no_such("default_plan", "plan", name.as_str(), catalog.plan_names()),
        None => {}
    }
    match findings.into_error(file) {
        Some(error) => Err(error),
        None => Ok(catalog),
    }
}

/// Reads a TOML text into a shape, with the key of what does not fit. `file` only names the text in findings.
///
/// # Errors
/// The first thing that does not fit: what follows it cannot be judged.
pub fn read<T: serde::de::DeserializeOwned>(file: &str, text: &str) -> Result<T, CatalogError> {
    let refused = |key: String, reason: &str| CatalogError {
        findings: vec![Finding { file: file.to_owned(), key, reason: first_line(reason) }],
    };
    if let Some(line) = nesting::too_deep_at(text) {
        let reason =
            format!("line {line}: more than {} tables and arrays within each other", nesting::DEPTH_MAX);
        return Err(refused(String::new(), &reason));
    }
    let document =
        toml::Deserializer::parse(text).map_err(|error| refused(String::new(), &located(text, &error)))?;
    serde_path_to_error::deserialize(document).map_err(|error| {
        let key = dotted(error.path());
        let message = error.inner().message();
        refused(key, &format!("{}{}", first_line(message), did_you_mean_of(message)))
    })
}

/// A syntax error has no key; its line takes the place of one.
fn located(text: &str, error: &toml::de::Error) -> String {
    let line =
        error.span().and_then(|span| text.get(..span.start)).map(|before| before.matches('\n').count() + 1);
    match line {
        Some(line) => format!("line {line}: {}", error.message()),
        None => error.message().to_owned(),
    }
}

fn first_line(reason: &str) -> String {
    reason.lines().next().unwrap_or("not readable").to_owned()
}

/// The path with keys quoted as TOML would.
fn dotted(path: &Path) -> String {
    path.iter().fold(String::new(), |mut key, segment| {
        match segment {
            Segment::Seq { index } => key.push_str(&format!("[{index}]")),
            Segment::Map { key: name } | Segment::Enum { variant: name } => {
                if !key.is_empty() {
                    key.push('.');
                }
                key.push_str(&quoted(name));
            }
            Segment::Unknown => {}
        }
        key
    })
}

/// A key as TOML writes it: bare when it may be.
pub(super) fn quoted(name: &str) -> String {
    let bare = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    if bare { name.to_owned() } else { format!("\"{}\"", name.escape_default()) }
}

impl RawCatalog {
    /// A stage that is named but not defined, or named twice, is lost in the catalog itself: it is reported here.
    fn check_stages(&self, findings: &mut validate::Findings) {
        for (action, raw) in &self.action {
            let stages = &raw.price.stages;
            let key = format!("action.{}.price.stages", quoted(action.as_str()));
            for stage in stages.iter().filter(|stage| !self.stage.contains_key(*stage)) {
                findings.no_such(&key, "stage", stage.as_str(), self.stage.keys().map(StageName::as_str));
            }
            if let Some(stage) = validate::repeated(stages) {
                findings.add(&key, format_args!("names stage `{stage}` twice"));
            }
        }
        for stage in self.stage.keys() {
            let used = self.action.values().any(|action| action.price.stages.contains(stage));
            let key = format!("stage.{}", quoted(stage.as_str()));
            if stage.is_base() {
                findings.add(&key, "`base` is the name of the stage that every output has");
            } else if !used {
                findings.add(&key, "no action adds it");
            }
        }
    }

    fn into_catalog(self) -> Catalog {
        let mut plans: Vec<_> = self.plan.into_iter().map(|(name, raw)| raw.into_plan(name)).collect();
        plans.sort_by_key(|plan| plan.rank);
        let stages = self.stage;
        let action = |(name, raw): (ActionName, RawAction)| (name.clone(), raw.into_action(name, &stages));
        Catalog {
            title: self.title.unwrap_or_else(|| self.name.to_string()),
            name: self.name,
            version: self.version,
            renewal: self.renewal,
            history: self.history,
            billing: self.billing,
            plans,
            actions: self.action.into_iter().map(action).collect(),
            sources: self.source,
            scopes: self.scope,
            packs: self.pack,
            addons: self.addon,
            carry: self.carry,
            change: self.change,
            limits: self.limit,
            order: self.order,
            charge: self.charge,
            refund: self.refund,
            alerts: self.alert,
            default_plan: 0,
        }
    }
}
