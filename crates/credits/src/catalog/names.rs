//! Names that live inside one catalog: scopes, packs, add-ons, priced parameters, stages.
//!
//! The same short slugs as the names in `types`, kept here because nobody outside a catalog coins one.

use reeve_types::name_type;

name_type!(
    /// What a lot may pay for, when not everything (KR-08).
    ScopeName, "scope name"
);
name_type!(
    /// A pack of credits that is sold as a whole.
    PackName, "pack name"
);
name_type!(
    /// A recurring add-on, bought in units.
    AddonName, "add-on name"
);
name_type!(
    /// A parameter whose value changes the price.
    ParamName, "parameter name"
);
name_type!(
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
