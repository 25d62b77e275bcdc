//! Counts elementary steps in test builds, so that the law about cost (P9) is about steps, not about time.

#[cfg(test)]
thread_local! {
    static STEPS: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// One slot looked at, one pair of keys compared, or one bin of a tree visited.
#[cfg(test)]
pub(crate) fn tick() {
    STEPS.with(|steps| steps.set(steps.get() + 1));
}

/// Nothing outside tests.
#[cfg(not(test))]
#[inline(always)]
pub(crate) const fn tick() {}

/// Steps of this thread so far.
#[cfg(test)]
pub(crate) fn steps() -> u64 {
    STEPS.with(std::cell::Cell::get)
}
