//! Scopes: what a lot may pay for, when not everything (KR-08).

use std::fmt;

use reeve_types::ActionName;
use serde::Deserialize;

/// The actions that lots of a scope may pay for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// Never empty.
    pub actions: Vec<ActionPattern>,
}

impl Scope {
    /// True when lots of this scope may pay for the action.
    pub fn covers(&self, action: &ActionName) -> bool {
        self.actions.iter().any(|pattern| pattern.matches(action))
    }
}

/// One action, or all below a prefix: `image.edit`, `image.*`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum ActionPattern {
    /// This action alone.
    One(ActionName),
    /// The prefix with its dot.
    Below(String),
}

impl ActionPattern {
    /// True when the action is the one named, or lies below the prefix.
    pub fn matches(&self, action: &ActionName) -> bool {
        match self {
            Self::One(name) => name == action,
            Self::Below(prefix) => action.as_str().starts_with(prefix.as_str()),
        }
    }
}

impl TryFrom<String> for ActionPattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let named = |text: &str| ActionName::new(text).map_err(|e| format!("`{text}`: {e}"));
        match text.strip_suffix(".*") {
            Some(prefix) => named(prefix).map(|prefix| Self::Below(format!("{prefix}."))),
            None => named(&text).map(Self::One),
        }
    }
}

impl fmt::Display for ActionPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(name) => write!(f, "{name}"),
            Self::Below(prefix) => write!(f, "{prefix}*"),
        }
    }
}
