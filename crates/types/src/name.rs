//! Names that people choose: workspaces, members, catalogs, plans, actions, pools, tiers, workers.
//!
//! Each is a short checked text behind a shared pointer: cheap to clone, impossible to confuse.

/// Why a text cannot be such a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Empty, or longer than names of that kind may be.
    #[error("a {kind} must have 1 to {len_max} characters")]
    Length {
        /// What it should name, such as `plan`.
        kind: &'static str,
        /// Most characters of such a name.
        len_max: usize,
    },
    /// It has a character that such names may not have.
    #[error("a {kind} may only have the characters {allowed}")]
    Character {
        /// What it should name.
        kind: &'static str,
        /// The characters that are allowed, in words.
        allowed: &'static str,
    },
}

/// A kind of name: a short checked text behind a shared pointer. For names that a crate coins itself, too.
///
/// Takes the documentation, the name of the type, what it names, the most characters, the allowed ones in words, and
/// which those are; without the last three it is a slug of up to 64 characters.
#[macro_export]
macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $crate::name_type!(
            $(#[$doc])* $name, $kind, 64, "`A-Za-z0-9_-`",
            |c| c.is_ascii_alphanumeric() || c == '_' || c == '-'
        );
    };
    ($(#[$doc:meta])* $name:ident, $kind:literal, $len_max:literal, $allowed:literal, $ok:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(::std::sync::Arc<str>);

        impl $name {
            /// Longest text, in characters.
            pub const LEN_MAX: usize = $len_max;

            /// A checked name.
            ///
            /// # Errors
            /// A text that is empty, too long, or has a character that such names may not have.
            pub fn new(text: &str) -> Result<Self, $crate::NameError> {
                if text.is_empty() || text.chars().count() > $len_max {
                    return Err($crate::NameError::Length { kind: $kind, len_max: $len_max });
                }
                let ok: fn(char) -> bool = $ok;
                if !text.chars().all(ok) {
                    return Err($crate::NameError::Character { kind: $kind, allowed: $allowed });
                }
                Ok(Self(text.into()))
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.pad(&self.0)
            }
        }

        impl ::std::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                ::std::fmt::Debug::fmt(&self.0, f)
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = $crate::NameError;
            fn from_str(text: &str) -> Result<Self, $crate::NameError> {
                Self::new(text)
            }
        }

        impl ::std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(&self.0)
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = <::std::borrow::Cow<'_, str>>::deserialize(d)?;
                Self::new(&text).map_err(::serde::de::Error::custom)
            }
        }
    };
}

fn is_dotted_slug(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')
}

name_type!(
    /// A workspace: the owner of credits and jobs. The caller may choose it.
    WorkspaceId, "workspace id"
);
name_type!(
    /// A person inside a workspace, as the platform names them.
    MemberId, "member", 128, "other than control characters", |c| !c.is_control()
);
name_type!(
    /// A catalog: one product's credit policy.
    CatalogName, "catalog name"
);
name_type!(
    /// A plan of a catalog.
    PlanName, "plan name"
);
name_type!(
    /// A source of credits in a catalog.
    SourceName, "source name"
);
name_type!(
    /// An action that a job performs, such as `image.generate`.
    ActionName, "action name", 64, "`A-Za-z0-9_-.`", is_dotted_slug
);
name_type!(
    /// A capability class of workers.
    PoolName, "pool name", 64, "`A-Za-z0-9_-.`", is_dotted_slug
);
name_type!(
    /// A tier of the queue.
    TierName, "tier name"
);
name_type!(
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
