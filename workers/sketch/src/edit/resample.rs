//! Changing the size of a picture, by Lanczos' kernel.

use std::f32::consts::PI;

use super::Job;
use crate::canvas::{CHANNELS, Canvas, Stage};
use crate::encode::SIDE_MAX;
use crate::params::Size;
use crate::progress::{Halt, Progress};

/// `image.upscale`: `scale` times as large (1 to 4, default 2), but no side beyond 4096 pixels.
pub fn upscale(job: &Job, progress: &mut Progress) -> Result<Canvas, Halt> {
    let scale = job.params.number("scale", 1.0, 4.0)?.unwrap_or(2.0);
    resized(&job.source, scaled(job.source.size, scale), progress, &Stage::only("enlarging"))
}

/// A size times a factor, with its shape kept inside of the largest side.
pub fn scaled(size: Size, scale: f64) -> Size {
    let longest = f64::from(size.width.max(size.height).max(1));
    let scale = scale.min(f64::from(SIDE_MAX) / longest);
    let side = |pixels: u32| (f64::from(pixels) * scale).round().clamp(1.0, f64::from(SIDE_MAX)) as u32;
    Size { width: side(size.width), height: side(size.height) }
}

/// The picture at another size. Each row is filtered down, then across, so that no copy between the
/// two passes is held.
pub fn resized(source: &Canvas, size: Size, progress: &mut Progress, stage: &Stage) -> Result<Canvas, Halt> {
    let columns: Vec<Taps> = (0..size.width).map(|x| Taps::new(x, size.width, source.size.width)).collect();
    let row_len = source.size.width as usize * CHANNELS;
    let mut line = vec![0.0_f32; row_len];
    Canvas::paint_rows(size, progress, stage, |y, row| {
        line.fill(0.0);
        let taps = Taps::new(y, size.height, source.size.height);
        for (source_row, weight) in source.bytes.chunks_exact(row_len).skip(taps.first).zip(&taps.weights) {
            for (sum, byte) in line.iter_mut().zip(source_row) {
                *sum += f32::from(*byte) * weight;
            }
        }
        for (target, taps) in row.chunks_exact_mut(CHANNELS).zip(&columns) {
            let mut sum = [0.5_f32; CHANNELS];
            for (pixel, weight) in line.chunks_exact(CHANNELS).skip(taps.first).zip(&taps.weights) {
                for (sum, channel) in sum.iter_mut().zip(pixel) {
                    *sum += channel * weight;
                }
            }
            // The kernel rings past white and black; the cast to a byte saturates.
            target.copy_from_slice(&sum.map(|sum| sum as u8));
        }
    })
}

/// Which source lines make one target line, and how much each counts; the weights add up to 1.
struct Taps {
    first: usize,
    weights: Vec<f32>,
}

impl Taps {
    const LOBES: f32 = 3.0;

    fn new(at: u32, side: u32, source_side: u32) -> Self {
        let ratio = source_side as f32 / side as f32;
        // Shrinking widens the kernel over all the lines that fall together.
        let spread = ratio.max(1.0);
        let middle = (at as f32 + 0.5) * ratio - 0.5;
        let last = source_side.saturating_sub(1) as f32;
        let first = (middle - Self::LOBES * spread).ceil().clamp(0.0, last);
        let end = (middle + Self::LOBES * spread).floor().clamp(first, last);
        let weights = (first as usize..=end as usize).map(|i| lanczos((i as f32 - middle) / spread));
        let mut weights: Vec<f32> = weights.collect();
        let sum: f32 = weights.iter().sum();
        weights.iter_mut().for_each(|weight| *weight /= sum);
        Self { first: first as usize, weights }
    }
}

fn lanczos(x: f32) -> f32 {
    let sinc = |x: f32| if x.abs() < 1e-5 { 1.0 } else { (x * PI).sin() / (x * PI) };
    if x.abs() < Taps::LOBES { sinc(x) * sinc(x / Taps::LOBES) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::Faults;
    use std::ops::ControlFlow;

    fn resize(source: &Canvas, size: Size) -> Canvas {
        let mut on_step = |_: crate::Step| ControlFlow::Continue(());
        resized(source, size, &mut Progress::new(&mut on_step, Faults::default()), &Stage::only("test"))
            .unwrap()
    }

    #[test]
    fn an_even_picture_stays_even_at_any_size() {
        let source = Canvas { bytes: vec![137; 5 * 7 * 3], ..Canvas::new(Size { width: 5, height: 7 }) };
        for (width, height) in [(10, 14), (1, 1), (3, 40), (5, 7)] {
            let result = resize(&source, Size { width, height });
            assert!(result.bytes.iter().all(|byte| *byte == 137), "{width}x{height}");
        }
    }

    #[test]
    fn the_same_size_is_the_same_picture() {
        let mut source = Canvas::new(Size { width: 8, height: 6 });
        source.bytes.iter_mut().enumerate().for_each(|(i, byte)| *byte = (i * 37 % 256) as u8);
        assert_eq!(resize(&source, source.size), source);
    }

    #[test]
    fn scaling_keeps_the_shape_within_the_largest_side() {
        assert_eq!(scaled(Size { width: 3000, height: 1500 }, 4.0), Size { width: 4096, height: 2048 });
        assert_eq!(scaled(Size { width: 4096, height: 1 }, 4.0), Size { width: 4096, height: 1 });
    }
}
