//! Edits that invent pixels: around a picture, behind it, or in a hole.

use super::Job;
use super::filters::{Plain, Region, blurred, region};
use crate::canvas::{CHANNELS, Canvas, Stage, View};
use crate::color::Rgb;
use crate::encode::SIDE_MAX;
use crate::noise::{fbm, hash_bytes, smoothstep};
use crate::params::Size;
use crate::progress::{Halt, Progress};
use crate::scene::Moment;

/// `image.expand`: a border of `margin` (0 to 1, default 0.25) of each side, mirrored from the picture
/// and blurred more the farther out it lies. No side grows beyond 4096 pixels.
pub fn expand(job: &Job, progress: &mut Progress) -> Result<Canvas, Halt> {
    let margin = job.params.number("margin", 0.0, 1.0)?.unwrap_or(0.25);
    let Size { width, height } = job.source.size;
    let grown = |side: u32| (f64::from(side) * margin) as u32;
    let (right, down) = (
        grown(width).min(SIDE_MAX.saturating_sub(width) / 2),
        grown(height).min(SIDE_MAX.saturating_sub(height) / 2),
    );
    let size = Size { width: width + 2 * right, height: height + 2 * down };
    let soft =
        blurred(&job.source, (width.max(height) / 40).max(1), progress, &Stage::of("softening", 0, 2))?;
    let reach = f64::from(right.max(down).max(1)) as f32;
    Canvas::paint(size, progress, &Stage::of("expanding", 1, 2), |x, y| {
        let (sx, sy) = (i64::from(x) - i64::from(right), i64::from(y) - i64::from(down));
        let (mx, my) = (mirrored(sx, width), mirrored(sy, height));
        let away = (sx - mx).abs().max((sy - my).abs());
        let outside =
            (0.max(-sx).max(sx - i64::from(width) + 1)).max(0.max(-sy).max(sy - i64::from(height) + 1));
        let sharp = job.source.at(mx, my);
        if away == 0 {
            sharp
        } else {
            mixed(sharp, soft.at(mx, my), smoothstep(0.0, 0.35, outside as f32 / reach))
        }
    })
}

/// A place outside of a side, folded back into it.
fn mirrored(at: i64, side: u32) -> i64 {
    let side = i64::from(side.max(1));
    let folded = at.rem_euclid(2 * side);
    if folded < side { folded } else { 2 * side - 1 - folded }
}

/// `image.background`: what is coloured like the picture's border gives way to the prompt's scene.
pub fn background(job: &Job, progress: &mut Progress) -> Result<Canvas, Halt> {
    let behind = View::of_task(job.task, job.source.size, true)?;
    let border = border_mean(&job.source).lab();
    Canvas::paint(job.source.size, progress, &Stage::only("replacing the background"), |x, y| {
        let own = job.source.at(x.into(), y.into());
        let lab = Rgb::from_bytes(own).lab();
        let apart =
            ((lab.l - border.l).powi(2) + (lab.a - border.a).powi(2) + (lab.b - border.b).powi(2)).sqrt();
        let kept = smoothstep(0.06, 0.16, apart);
        if kept >= 1.0 { own } else { mixed(behind.pixel(x, y, &Moment::STILL), own, kept) }
    })
}

fn border_mean(canvas: &Canvas) -> Rgb {
    let (right, bottom) = (i64::from(canvas.size.width) - 1, i64::from(canvas.size.height) - 1);
    let sides = (0..=right).flat_map(|x| [(x, 0), (x, bottom)]);
    let ends = (0..=bottom).flat_map(|y| [(0, y), (right, y)]);
    let (sum, count) = sides.chain(ends).fold((Rgb::BLACK, 0.0_f32), |(sum, count), (x, y)| {
        (sum + Rgb::from_bytes(canvas.at(x, y)), count + 1.0)
    });
    sum * (1.0 / count.max(1.0))
}

/// `image.inpaint`: the rectangle `mask` (shares; by default the middle) is filled from the colours at
/// its edges, with some noise for texture.
pub fn inpaint(job: &Job, progress: &mut Progress) -> Result<Canvas, Halt> {
    let hole = region(job, "mask")?.unwrap_or(Region { x: 0.3, y: 0.3, width: 0.4, height: 0.4 });
    let source = &job.source;
    let (full_w, full_h) = (f64::from(source.size.width), f64::from(source.size.height));
    let (left, top) = ((hole.x * full_w) as i64, (hole.y * full_h) as i64);
    let (wide, high) = (((hole.width * full_w) as i64).max(1), ((hole.height * full_h) as i64).max(1));
    let seed = job.params.seed(hash_bytes(job.params.prompt()?.as_bytes()))? as u32 ^ job.task.output;
    let tone = Plain::new();
    Canvas::paint(source.size, progress, &Stage::only("repainting"), |x, y| {
        let (x, y) = (i64::from(x), i64::from(y));
        let own = source.at(x, y);
        if !(left..left + wide).contains(&x) || !(top..top + high).contains(&y) {
            return own;
        }
        let (u, v) = ((x - left) as f32 / wide as f32, (y - top) as f32 / high as f32);
        // The four edges pull by their nearness; the noise moves where along the edge one looks.
        let shake = (fbm(u * 4.0, v * 4.0, 3, seed) * 0.12 * wide.min(high) as f32) as i64;
        let edge = |px: i64, py: i64| Rgb::from_bytes(source.at(px, py));
        let across = edge(left - 1, y + shake).mix(edge(left + wide, y + shake), u);
        let down = edge(x + shake, top - 1).mix(edge(x + shake, top + high), v);
        let (near_x, near_y) = (u.min(1.0 - u) + 1e-3, v.min(1.0 - v) + 1e-3);
        let filled = across.mix(down, near_x / (near_x + near_y));
        let grain = 1.0 + 0.1 * fbm(x as f32 * 0.09, y as f32 * 0.09, 3, seed ^ 1) * near_x.min(near_y) * 2.0;
        tone.bytes(filled * grain)
    })
}

fn mixed(a: [u8; CHANNELS], b: [u8; CHANNELS], t: f32) -> [u8; CHANNELS] {
    let mix = |a: u8, b: u8| (f32::from(a) + (f32::from(b) - f32::from(a)) * t + 0.5) as u8;
    [mix(a[0], b[0]), mix(a[1], b[1]), mix(a[2], b[2])]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirror_repeats_the_border_and_walks_back() {
        assert_eq!([-1, -2, 0, 3, 4, 5].map(|at| mirrored(at, 4)), [0, 1, 0, 3, 3, 2]);
        assert_eq!([-3, 0, 9].map(|at| mirrored(at, 1)), [0, 0, 0]);
    }
}
