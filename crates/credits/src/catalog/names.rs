//! Names that live inside one catalog: scopes, packs, add-ons, priced parameters, stages.
//!
//! The same short slugs as the names in `types`, kept here because nobody outside a catalog coins one.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use reeve_types::NameError;

/// Longest such name, in characters.
const LEN_MAX: usize = 64;

fn checked(kind: &'static str, text: &str) -> Result<Arc<str>, NameError> {
    if text.is_empty() || text.len() > LEN_MAX {
        return Err(NameError::Length { kind, len_max: LEN_MAX });
    }
    if !text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-') {
        return Err(NameError::Character { kind, allowed: "`A-Za-z0-9_-`" });
    }
    Ok(text.into())
}

macro_rules! slug {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// A checked name.
            pub fn new(text: &str) -> Result<Self, NameError> {
                checked($kind, text).map(Self)
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

slug!(
    /// What a lot may pay for, when not everything (KR-08).
    ScopeName, "scope name"
);
slug!(
    /// A pack of credits that is sold as a whole.
    PackName, "pack name"
);
slug!(
    /// A recurring add-on, bought in units.
    AddonName, "add-on name"
);
slug!(
    /// A parameter whose value changes the price.
    ParamName, "parameter name"
);
slug!(
    /// A part of an output that is priced and delivered on its own, such as an upscale.
    StageName, "stage name"
);

impl StageName {
    /// The stage that every output has.
    pub const BASE: &str = "base";

    /// The stage that every output has.
    pub fn base() -> Self {
        Self(Self::BASE.into())
    }

    /// True for that stage.
    pub fn is_base(&self) -> bool {
        self.as_str() == Self::BASE
    }
}
