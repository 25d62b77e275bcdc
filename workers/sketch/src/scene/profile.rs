//! A skyline of heights along x, computed once and looked up for every pixel below it.

use super::{Frame, coverage};

/// Heights over the frame's width and a margin for the camera to sway into.
pub struct Profile {
    left: f32,
    per_unit: f32,
    heights: Vec<f32>,
}

/// How far a camera may sway without leaving a profile, in scene units.
pub const MARGIN: f32 = 0.2;

impl Profile {
    const SAMPLES_MAX: usize = 8192;

    /// Samples `height` about once per pixel.
    pub fn new(frame: &Frame, height: impl Fn(f32) -> f32) -> Self {
        let left = -frame.half_x - MARGIN;
        let width = 2.0 * (frame.half_x + MARGIN);
        let samples = ((width / frame.pixel) as usize).clamp(64, Self::SAMPLES_MAX);
        let step = width / samples as f32;
        let heights = (0..=samples).map(|i| height(left + i as f32 * step)).collect();
        Self { left, per_unit: 1.0 / step, heights }
    }

    /// The height at x; beyond the ends it is the end's.
    pub fn at(&self, x: f32) -> f32 {
        let at = ((x - self.left) * self.per_unit).clamp(0.0, (self.heights.len() - 2) as f32);
        let low = at as usize;
        let (a, b) = (self.heights[low], self.heights[low + 1]);
        a + (b - a) * (at - low as f32)
    }

    /// How much of a pixel at x, y lies below the skyline; steep flanks are as smooth as flat ones.
    pub fn cover(&self, x: f32, y: f32, pixel: f32) -> f32 {
        let depth = y - self.at(x);
        if depth.abs() > 40.0 * pixel {
            return if depth > 0.0 { 1.0 } else { 0.0 };
        }
        let rise = (self.at(x + pixel) - self.at(x - pixel)) / (2.0 * pixel);
        coverage(depth / (1.0 + rise * rise).sqrt(), pixel)
    }

    /// Rise over run, around x.
    pub fn slope(&self, x: f32) -> f32 {
        let reach = 0.012;
        (self.at(x + reach) - self.at(x - reach)) / (2.0 * reach)
    }
}
