//! Quantiles of the latest values: exact over a bounded ring, so that an old rush does not colour today.

/// Values kept.
const LEN_MAX: usize = 512;

/// The latest values of one kind, and how many there ever were.
#[derive(Clone, Debug, Default)]
pub(super) struct Recent {
    values: Vec<u32>,
    next: usize,
    pub count: u64,
    pub sum: u64,
}

impl Recent {
    /// Adds a value; one beyond `u32::MAX` counts as that.
    pub(super) fn add(&mut self, value: u64) {
        let kept = u32::try_from(value).unwrap_or(u32::MAX);
        match self.values.get_mut(self.next) {
            Some(place) => *place = kept,
            None => self.values.push(kept),
        }
        self.next = (self.next + 1) % LEN_MAX;
        self.count += 1;
        self.sum = self.sum.saturating_add(value);
    }

    /// The quantiles asked for, in parts per thousand; `None` before the first value.
    pub(super) fn at<const N: usize>(&self, permille: [usize; N]) -> Option<[u64; N]> {
        let mut sorted = self.values.clone();
        sorted.sort_unstable();
        let last = sorted.len().checked_sub(1)?;
        // The nearest rank: a value that was really seen.
        Some(permille.map(|part| {
            let rank = (sorted.len() * part.min(1_000)).div_ceil(1_000).saturating_sub(1);
            sorted.get(rank.min(last)).copied().unwrap_or_default().into()
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_were_seen_lately() {
        let mut recent = Recent::default();
        assert_eq!(recent.at([500]), None);
        (1..=100).for_each(|value| recent.add(value));
        assert_eq!(recent.at([0, 500, 990, 1_000]), Some([1, 50, 99, 100]));
        (0..LEN_MAX as u64).for_each(|_| recent.add(7));
        assert_eq!(recent.at([0, 1_000]), Some([7, 7]), "the old ones are gone");
        assert_eq!(recent.count, 100 + LEN_MAX as u64);
    }
}
