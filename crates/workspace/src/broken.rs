//! Faults that tests switch on to see that tests notice: one law broken at a time.
//!
//! Exists as switches only with the feature `broken`, which nothing but a test may ask for; without it every
//! question is answered `false` at compile time and nothing of this is left in a binary.

/// One law to break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    /// A landed output is settled twice (X9).
    SettleTwice,
    /// A lot ends a millisecond after its time (X1).
    ExpireLate,
    /// What is carried is trimmed after the new grant came (KV-18).
    CarryAfterGrant,
    /// A release keeps what the boundary that its hold crossed does not let through (X5).
    ReleaseIgnoresAllowance,
    /// A once-only grant comes again although its key is taken (X14).
    OnceIgnoresClaim,
    /// What a clawback cannot recover is owed by nobody (X13).
    ClawbackIgnoresDebt,
    /// Seats that went down and up again are granted for again (X23).
    SeatOrdinalsIgnored,
    /// An alert that was told is never armed again (KF-04).
    AlertsNeverRearm,
}

#[cfg(feature = "broken")]
mod switched {
    use std::cell::Cell;
    use std::sync::OnceLock;

    use super::Switch;

    static EVERYWHERE: OnceLock<Switch> = OnceLock::new();

    thread_local! {
        static BROKEN: Cell<Option<Switch>> = const { Cell::new(None) };
    }

    impl Switch {
        /// Every switch there is.
        pub const ALL: [Self; 8] = [
            Self::SettleTwice,
            Self::ExpireLate,
            Self::CarryAfterGrant,
            Self::ReleaseIgnoresAllowance,
            Self::OnceIgnoresClaim,
            Self::ClawbackIgnoresDebt,
            Self::SeatOrdinalsIgnored,
            Self::AlertsNeverRearm,
        ];
    }

    /// Breaks that law on this thread for as long as `run` runs.
    pub fn with<T>(switch: Switch, run: impl FnOnce() -> T) -> T {
        BROKEN.set(Some(switch));
        let out = run();
        BROKEN.set(None);
        out
    }

    /// Breaks that law on every thread for as long as the process runs; the first one asked for stands.
    pub fn everywhere(switch: Switch) {
        EVERYWHERE.get_or_init(|| switch);
    }

    pub(crate) fn is(switch: Switch) -> bool {
        BROKEN.get() == Some(switch) || EVERYWHERE.get() == Some(&switch)
    }
}

#[cfg(feature = "broken")]
pub(crate) use switched::is;
#[cfg(feature = "broken")]
pub use switched::{everywhere, with};

/// Never, in anything that ships.
#[cfg(not(feature = "broken"))]
pub(crate) const fn is(_: Switch) -> bool {
    false
}
