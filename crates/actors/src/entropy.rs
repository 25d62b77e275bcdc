//! Randomness, passed in by the composition root.

/// Random bits for ids and back-off.
pub trait Entropy: Send + Sync + 'static {
    /// 128 fresh random bits.
    fn bits(&self) -> u128;
}
