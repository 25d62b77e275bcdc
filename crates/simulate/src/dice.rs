//! Seeded draws. Who asks for the same draw of the same seed gets the same number, on every machine:
//! integers and `libm`, since the logarithm of one system's C library differs from another's in its last bit.

/// A generator with a full period of 2^64.
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

impl Dice {
    /// The stream of one subject (a workspace, a job, a worker) for one purpose. Streams of their own make
    /// runs comparable: what one policy does to a job changes no draw of another job.
    pub(crate) fn of(seed: u64, purpose: u64, subject: u64) -> Self {
        let mut dice = Self(seed);
        let salt = dice.next();
        let mut dice = Self(salt ^ purpose.wrapping_mul(0xd134_2543_de82_ef95));
        let salt = dice.next();
        Self(salt ^ subject.wrapping_mul(0xaf25_1af3_b0f0_25b5))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        let x = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    /// A number in `0..bound`; 0 for a bound of 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    /// A number in (0, 1].
    pub(crate) fn unit(&mut self) -> f64 {
        ((self.next() >> 11) + 1) as f64 / (1_u64 << 53) as f64
    }

    /// True so many times in a thousand.
    pub(crate) fn is(&mut self, permille: u32) -> bool {
        self.below(1_000) < u64::from(permille)
    }

    /// Exponential with that mean.
    pub(crate) fn exponential(&mut self, mean: f64) -> f64 {
        -libm::log(self.unit()) * mean
    }

    /// Standard normal.
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = libm::sqrt(-2.0 * libm::log(self.unit()));
        radius * libm::cos(std::f64::consts::TAU * self.unit())
    }

    /// The place of one of these weights, chosen in proportion; 0 when there is no weight at all.
    pub(crate) fn weighted(&mut self, weights: impl Iterator<Item = u32> + Clone) -> usize {
        let mut left = self.below(weights.clone().map(u64::from).sum());
        for (at, weight) in weights.enumerate() {
            match left.checked_sub(u64::from(weight)) {
                Some(rest) => left = rest,
                None => return at,
            }
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_the_same_each_time_and_differs_from_its_neighbours() {
        let draw = |subject| {
            let mut dice = Dice::of(7, 1, subject);
            (0..4).map(|_| dice.below(1_000_000)).collect::<Vec<_>>()
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }

    #[test]
    fn means_are_what_they_should_be() {
        let mut dice = Dice::of(1, 2, 3);
        let n = 40_000;
        let mean = |values: Vec<f64>| values.iter().sum::<f64>() / f64::from(n);
        let exponential = mean((0..n).map(|_| dice.exponential(5.0)).collect());
        assert!((4.9..5.1).contains(&exponential), "{exponential}");
        let squares = mean((0..n).map(|_| dice.normal()).map(|x| x * x).collect());
        assert!((0.97..1.03).contains(&squares), "{squares}");
    }

    #[test]
    fn a_choice_follows_its_weights() {
        let mut dice = Dice::of(1, 2, 4);
        let mut counts = [0; 3];
        (0..4_000).for_each(|_| counts[dice.weighted([1, 0, 3].into_iter())] += 1);
        assert_eq!(counts[1], 0);
        assert!((900..1_100).contains(&counts[0]), "{counts:?}");
    }
}
