//! Smooth randomness: lattice hashes, gradient noise, and sums of it.
//!
//! Everything is a pure function of position and seed, so a picture needs no state between pixels and
//! any row can be rendered alone.

/// A well mixed hash of a lattice point.
pub fn lattice(x: i32, y: i32, seed: u32) -> u32 {
    let mut h = seed ^ (x as u32).wrapping_mul(0x9e37_79b1) ^ (y as u32).wrapping_mul(0x85eb_ca77);
    h ^= h >> 15;
    h = h.wrapping_mul(0x2c1b_3c6d);
    h ^= h >> 12;
    h = h.wrapping_mul(0x297a_2d39);
    h ^ (h >> 15)
}

/// The hash of a lattice point as a number in 0..1.
pub fn chance(x: i32, y: i32, seed: u32) -> f32 {
    (lattice(x, y, seed) >> 8) as f32 / 16_777_216.0
}

/// The whole number at or below; `f32::floor` is a library call on the oldest processors we build for.
pub fn floor(x: f32) -> i32 {
    let cut = x as i32;
    if (cut as f32) > x { cut.wrapping_sub(1) } else { cut }
}

/// 0 below `from`, 1 above `to`, smooth between.
pub fn smoothstep(from: f32, to: f32, x: f32) -> f32 {
    let t = ((x - from) / (to - from)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// Gradient noise in about -1..1, zero on the lattice.
pub fn gradient(x: f32, y: f32, seed: u32) -> f32 {
    let (ix, iy) = (floor(x), floor(y));
    let (fx, fy) = (x - ix as f32, y - iy as f32);
    // One multiplication less than `lattice`: this is the innermost loop, and a slope forgives what a
    // visible per-cell choice would show.
    let (hx, hy) = ((ix as u32).wrapping_mul(0x9e37_79b1), (iy as u32).wrapping_mul(0x85eb_ca77));
    let corner = |dx: f32, dy: f32, x: u32, y: u32| {
        let mixed = x ^ y ^ seed;
        let mixed = (mixed ^ (mixed >> 15)).wrapping_mul(0x2c1b_3c6d);
        let h = mixed ^ (mixed >> 14);
        let gx = (h & 0xffff) as i32 as f32 * (2.0 / 65_535.0) - 1.0;
        let gy = (h >> 16) as i32 as f32 * (2.0 / 65_535.0) - 1.0;
        gx * (fx - dx) + gy * (fy - dy)
    };
    let (nx, ny) = (hx.wrapping_add(0x9e37_79b1), hy.wrapping_add(0x85eb_ca77));
    let (u, v) = (fade(fx), fade(fy));
    let top = lerp(corner(0.0, 0.0, hx, hy), corner(1.0, 0.0, nx, hy), u);
    let bottom = lerp(corner(0.0, 1.0, hx, ny), corner(1.0, 1.0, nx, ny), u);
    lerp(top, bottom, v) * 1.7
}

/// Octaves of noise, each twice as fine and half as strong, in about -1..1.
pub fn fbm(mut x: f32, mut y: f32, octaves: u32, seed: u32) -> f32 {
    let (mut sum, mut weight, mut total) = (0.0, 1.0, 0.0);
    for octave in 0..octaves {
        sum += gradient(x, y, seed.wrapping_add(octave)) * weight;
        total += weight;
        weight *= 0.5;
        // Turning each octave keeps the lattices from lining up, which shows as a grid.
        (x, y) = (1.6 * x - 1.2 * y + 17.3, 1.2 * x + 1.6 * y + 9.1);
    }
    sum / total
}

/// Octaves of folded noise in 0..1: sharp crests, round valleys.
pub fn ridged(mut x: f32, mut y: f32, octaves: u32, seed: u32) -> f32 {
    let (mut sum, mut weight, mut total, mut carry) = (0.0, 1.0, 0.0, 1.0);
    for octave in 0..octaves {
        let crest = 1.0 - gradient(x, y, seed.wrapping_add(octave)).abs().min(1.0);
        let crest = crest * crest * carry;
        sum += crest * weight;
        total += weight;
        weight *= 0.5;
        // Detail gathers on the crests, as it does on real ranges.
        carry = (crest * 1.6).clamp(0.25, 1.0);
        (x, y) = (1.6 * x - 1.2 * y + 5.7, 1.2 * x + 1.6 * y + 31.9);
    }
    sum / total
}

/// Mixes 64 bits so that near inputs give unrelated outputs.
pub fn scramble(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// FNV-1a over bytes: short, and the same for ever, which a picture's identity needs.
pub fn hash_bytes(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |h, byte| (h ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// A stream of numbers from a seed, for the choices made once per picture.
#[derive(Clone)]
pub struct Dice(u64);

impl Dice {
    /// The stream of one seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        scramble(self.0)
    }

    /// A seed for a noise function.
    pub fn seed(&mut self) -> u32 {
        (self.bits() >> 32) as u32
    }

    /// A number in `low..high`.
    pub fn range(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * ((self.bits() >> 40) as f32 / 16_777_216.0)
    }

    /// True with the given probability.
    pub fn flip(&mut self, probability: f32) -> bool {
        self.range(0.0, 1.0) < probability
    }

    /// A whole number below `bound`; 0 when the bound is.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.bits() >> 33) as usize % bound.max(1)
    }
}

fn fade(t: f32) -> f32 {
    t * t * t * (t * (t * 6.0 - 15.0) + 10.0)
}

/// The number a share `t` of the way from `a` to `b`.
pub fn lerp(a: f32, b: f32, t: f32) -> f32 {
    a + (b - a) * t
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_bounded_and_not_flat() {
        let values: Vec<f32> = (0..4000).map(|i| fbm(i as f32 * 0.137, i as f32 * -0.071, 4, 9)).collect();
        assert!(values.iter().all(|v| v.abs() <= 1.5));
        let mean = values.iter().sum::<f32>() / 4000.0;
        let spread = values.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / 4000.0;
        assert!(mean.abs() < 0.1 && spread > 0.01, "mean {mean}, variance {spread}");
    }

    #[test]
    fn noise_has_no_step_across_a_lattice_line() {
        for y in [0.3, 4.9, -7.2] {
            let (left, right) = (gradient(2.9999, y, 3), gradient(3.0001, y, 3));
            assert!((left - right).abs() < 0.01);
        }
    }

    #[test]
    fn floor_goes_down_for_negative_numbers() {
        assert_eq!([floor(-0.5), floor(-1.0), floor(1.9), floor(0.0)], [-1, -1, 1, 0]);
    }

    #[test]
    fn far_coordinates_do_not_overflow() {
        for x in [f32::MAX, f32::MIN, 3e9, -3e9] {
            let _ = (gradient(x, -x, 1), lattice(i32::MAX, i32::MIN, u32::MAX), floor(x));
        }
    }
}
