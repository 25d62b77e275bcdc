//! What tests beside the code share. They may look inside; tests of what callers see are in `tests/engine`.

pub(crate) mod fixture;

mod full;
