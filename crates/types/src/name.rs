//! Names that people choose: workspaces, members, catalogs, plans, actions, pools, tiers, workers.
//!
//! Each is a short checked text behind a shared pointer: cheap to clone, impossible to confuse.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Why a text cannot be such a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    #[error("a {kind} must have 1 to {len_max} characters")]
    Length { kind: &'static str, len_max: usize },
    #[error("a {kind} may only have the characters {allowed}")]
    Character { kind: &'static str, allowed: &'static str },
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $len_max:literal, $allowed:literal, $ok:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Longest text, in characters.
            pub const LEN_MAX: usize = $len_max;

            /// A checked name.
            pub fn new(text: &str) -> Result<Self, NameError> {
                if text.is_empty() || text.chars().count() > $len_max {
                    return Err(NameError::Length { kind: $kind, len_max: $len_max });
                }
                let ok: fn(char) -> bool = $ok;
                if !text.chars().all(ok) {
                    return Err(NameError::Character { kind: $kind, allowed: $allowed });
                }
                Ok(Self(text.into()))
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl FromStr for $name {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::new(text)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(&self.0)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'_, str>>::deserialize(d)?;
                Self::new(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}

fn is_slug(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

fn is_dotted_slug(c: char) -> bool {
    is_slug(c) || c == '.'
}

name!(
    /// A workspace: the owner of credits and jobs. The caller may choose it.
    WorkspaceId, "workspace id", 64, "`A-Za-z0-9_-`", is_slug
);
name!(
    /// A person inside a workspace, as the platform names them.
    MemberId, "member", 128, "other than control characters", |c| !c.is_control()
);
name!(
    /// A catalog: one product's credit policy.
    CatalogName, "catalog name", 64, "`A-Za-z0-9_-`", is_slug
);
name!(
    /// A plan of a catalog.
    PlanName, "plan name", 64, "`A-Za-z0-9_-`", is_slug
);
name!(
    /// A source of credits in a catalog.
    SourceName, "source name", 64, "`A-Za-z0-9_-`", is_slug
);
name!(
    /// An action that a job performs, such as `image.generate`.
    ActionName, "action name", 64, "`A-Za-z0-9_-.`", is_dotted_slug
);
name!(
    /// A capability class of workers.
    PoolName, "pool name", 64, "`A-Za-z0-9_-.`", is_dotted_slug
);
name!(
    /// A tier of the queue.
    TierName, "tier name", 64, "`A-Za-z0-9_-`", is_slug
);
name!(
    /// A worker, as it calls itself.
    WorkerName, "worker name", 128, "other than control characters", |c| !c.is_control()
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workspace_id_is_a_short_slug() {
        assert!(WorkspaceId::new("acme-1_B").is_ok());
        for bad in ["", "a b", "a/b", "ä", "a\0b", "..", &"x".repeat(65)] {
            assert!(WorkspaceId::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_member_has_no_control_characters() {
        assert!(MemberId::new("anna@example.com").is_ok());
        assert!(MemberId::new("a\0").is_err());
    }
}
