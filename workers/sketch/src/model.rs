//! `model.train`: learns a palette, and says no more of itself than that.
//!
//! The pixels of the input, or of the prompt's scene when there is none, are gathered into eight
//! colours by k-means in OKLab. The result is a small JSON document.

use serde_json::json;

use crate::canvas::{CHANNELS, Canvas, View};
use crate::color::{Lab, Rgb, Tone};
use crate::params::Size;
use crate::progress::{Halt, Progress};
use crate::scene::Moment;
use crate::{Artifact, RenderError, Task, encode};

const COLORS: usize = 8;
const ROUNDS: u32 = 20;
const SAMPLES_MAX: usize = 8192;

/// Trains the palette model.
pub fn train(task: &Task, progress: &mut Progress) -> Result<Artifact, Halt> {
    let samples = samples(task)?;
    let mut centers = spread(&samples);
    let mut errors = Vec::new();
    let mut shares = [0_usize; COLORS];
    for round in 0..ROUNDS {
        let error = improve(&samples, &mut centers, &mut shares);
        errors.push((error * 1e6).round() / 1e6);
        progress.step(round + 1, ROUNDS, "training")?;
    }
    let tone = Tone::exact();
    let colors = centers.iter().zip(shares).map(|(center, share)| {
        let [r, g, b] = tone.bytes(center.rgb(), 0.5);
        json!({ "hex": format!("#{r:02x}{g:02x}{b:02x}"), "share": share as f64 / samples.len().max(1) as f64 })
    });
    let document = json!({
        "kind": "palette model",
        "method": "k-means in OKLab",
        "samples": samples.len(),
        "colors": colors.collect::<Vec<_>>(),
        "mean_squared_error_by_round": errors,
    });
    Ok(Artifact { content_type: "application/json", bytes: document.to_string().into_bytes(), units: None })
}

fn samples(task: &Task) -> Result<Vec<Lab>, RenderError> {
    let canvas = match task.input {
        Some(input) => encode::decode(input)?,
        None => {
            let view = View::of_task(task, Size { width: 64, height: 64 }, false)?;
            thumbnail(&view)
        }
    };
    let pixels = canvas.bytes.len() / CHANNELS;
    let stride = pixels.div_ceil(SAMPLES_MAX).max(1);
    let picked = canvas.bytes.chunks_exact(CHANNELS).step_by(stride);
    Ok(picked.map(|pixel| Rgb::from_bytes([pixel[0], pixel[1], pixel[2]]).lab()).collect())
}

fn thumbnail(view: &View) -> Canvas {
    let mut canvas = Canvas::new(view.size);
    for (y, row) in (0..).zip(canvas.bytes.chunks_exact_mut(view.size.width as usize * CHANNELS)) {
        for (x, pixel) in (0..).zip(row.chunks_exact_mut(CHANNELS)) {
            pixel.copy_from_slice(&view.pixel(x, y, &Moment::STILL));
        }
    }
    canvas
}

/// The first centers: samples at even steps of lightness.
fn spread(samples: &[Lab]) -> Vec<Lab> {
    let mut sorted = samples.to_vec();
    sorted.sort_by(|a, b| a.l.total_cmp(&b.l));
    (0..COLORS)
        .map(|i| sorted.get(sorted.len() * (2 * i + 1) / (2 * COLORS)).copied().unwrap_or_default())
        .collect()
}

/// One round: every sample goes to its nearest center, every center to the middle of its samples.
fn improve(samples: &[Lab], centers: &mut [Lab], shares: &mut [usize; COLORS]) -> f64 {
    let mut sums = [(Lab::default(), 0_usize); COLORS];
    let mut error = 0.0;
    for sample in samples {
        let apart = |c: &Lab| (c.l - sample.l).powi(2) + (c.a - sample.a).powi(2) + (c.b - sample.b).powi(2);
        let nearest = centers.iter().map(apart).enumerate().min_by(|a, b| a.1.total_cmp(&b.1));
        let Some((index, distance)) = nearest else { continue };
        error += f64::from(distance);
        let (sum, count) = &mut sums[index];
        *sum = Lab { l: sum.l + sample.l, a: sum.a + sample.a, b: sum.b + sample.b };
        *count += 1;
    }
    for ((center, share), (sum, count)) in centers.iter_mut().zip(shares.iter_mut()).zip(sums) {
        *share = count;
        if count > 0 {
            let n = count as f32;
            *center = Lab { l: sum.l / n, a: sum.a / n, b: sum.b / n };
        }
    }
    error / samples.len().max(1) as f64
}
