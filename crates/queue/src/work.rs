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

/// Reads a value that is needed soon and far away, so that several of them are under way at once. The processor does
/// that by itself only as far as it sees, which in a chain of look-ups is not far.
pub(crate) fn approach<T: Copy>(value: &T) {
    std::hint::black_box(*value);
}
