//! How many lanes have which length, as a Fenwick tree: the position of a job without a scan.

/// Lengths of the lanes of one tier in one pool.
///
/// Lanes of length 0 are not in it. Every operation is logarithmic in the longest length seen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lengths {
    /// One-based; its length is a power of two plus one, or zero.
    bins: Vec<Bin>,
    total: Bin,
}

#[derive(Debug, Clone, Copy, Default)]
struct Bin {
    lanes: u64,
    jobs: u64,
}

impl Lengths {
    /// A lane of that length appears.
    pub(crate) fn add(&mut self, len: u32) {
        if len == 0 {
            return;
        }
        self.grow(len);
        self.walk(len, |bin| {
            bin.lanes += 1;
            bin.jobs += u64::from(len);
        });
    }

    /// A lane of that length, added before, goes.
    pub(crate) fn remove(&mut self, len: u32) {
        if len == 0 {
            return;
        }
        self.walk(len, |bin| {
            bin.lanes -= 1;
            bin.jobs -= u64::from(len);
        });
    }

    /// The sum over all lanes of the lesser of length and `k`.
    pub(crate) fn sum_min(&self, k: u64) -> u64 {
        let top = self.bins.len().saturating_sub(1);
        let mut at = usize::try_from(k).unwrap_or(top).min(top);
        let mut short = Bin::default();
        while at > 0 {
            crate::work::tick();
            short.lanes += self.bins[at].lanes;
            short.jobs += self.bins[at].jobs;
            at &= at - 1;
        }
        short.jobs + k.saturating_mul(self.total.lanes - short.lanes)
    }

    fn walk(&mut self, len: u32, change: impl Fn(&mut Bin)) {
        change(&mut self.total);
        let mut at = len as usize;
        while at < self.bins.len() {
            crate::work::tick();
            change(&mut self.bins[at]);
            at += at & at.wrapping_neg();
        }
    }

    /// Doubles until `len` has a bin. A new top bin covers all below it, so it starts as the total.
    fn grow(&mut self, len: u32) {
        if self.bins.is_empty() {
            self.bins = vec![Bin::default(); 2];
        }
        while self.bins.len() <= len as usize {
            let top = (self.bins.len() - 1) * 2;
            self.bins.resize(top + 1, Bin::default());
            self.bins[top] = self.total;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn sums_equal_a_plain_scan(
            lens in prop::collection::vec(0_u32..70, 0..40),
            gone in prop::collection::vec(any::<bool>(), 40),
            k in 0_u64..90,
        ) {
            let mut lengths = Lengths::default();
            lens.iter().for_each(|len| lengths.add(*len));
            let mut kept = Vec::new();
            for (len, gone) in lens.iter().zip(gone) {
                if gone { lengths.remove(*len) } else { kept.push(u64::from(*len)) }
            }
            prop_assert_eq!(lengths.sum_min(k), kept.iter().map(|len| (*len).min(k)).sum::<u64>());
        }
    }
}
