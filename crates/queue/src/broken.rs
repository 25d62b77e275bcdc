//! Deliberate defects, so that the laws' checkers can be shown to see them.
//!
//! Only a test build can switch one on; elsewhere every question is answered with a constant no.

use crate::FairQueue;

/// One thing left out of the algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Broken {
    /// Step 1 is skipped.
    NoFloors,
    /// Step 2 is skipped.
    NoExpress,
    /// A workspace at its cap stays eligible.
    CapIgnored,
    /// Every dispatch charges both tags, as if there were one.
    OneTag,
}

impl FairQueue {
    /// True in a test that switched this defect on.
    #[cfg(test)]
    pub(crate) fn is_broken(&self, what: Broken) -> bool {
        self.broken == Some(what)
    }

    /// Nothing is broken on purpose outside tests.
    #[cfg(not(test))]
    #[inline]
    pub(crate) const fn is_broken(&self, _what: Broken) -> bool {
        false
    }
}
