//! Firs in layers of mist, with shafts of light between them.

use super::profile::{MARGIN, Profile};
use super::sky::Sky;
use super::{Frame, Moment, Scene, Setting, coverage};
use crate::color::{Ramp, Rgb};
use crate::noise::{Dice, fbm, floor, gradient, lerp, smoothstep};

struct Forest {
    sky: Sky,
    rows: Vec<Row>,
    land: Ramp,
    frame: Frame,
    seed: u32,
}

/// One row of trees on rolling ground, all at about the same distance.
struct Row {
    /// 0 is the farthest, 1 the nearest.
    near: f32,
    ground: Profile,
    /// One tree per slot, from the left margin on.
    trees: Vec<Fir>,
    left: f32,
    slot: f32,
    seed: u32,
}

#[derive(Clone, Copy)]
struct Fir {
    x: f32,
    foot: f32,
    tall: f32,
    spread: f32,
    whorls: f32,
}

/// Makes the scene.
pub fn make(setting: &mut Setting) -> Box<dyn Scene> {
    const ROWS: usize = 7;
    let sky = Sky::new(setting, setting.frame.y_at(0.8));
    let Setting { frame, palette, dice, .. } = setting;
    let rows = (0..ROWS).map(|i| Row::new(frame, dice, i as f32 / (ROWS - 1) as f32)).collect();
    Box::new(Forest { sky, rows, land: Ramp::new(&palette.land), frame: *frame, seed: dice.seed() })
}

impl Row {
    fn new(frame: &Frame, dice: &mut Dice, near: f32) -> Self {
        let (seed, shift) = (dice.seed(), dice.range(-40.0, 40.0));
        let level = frame.y_at(lerp(0.54, 1.03, near.powf(1.25)));
        let roll = lerp(0.3, 0.07, near);
        let ground = Profile::new(frame, |x| level - roll * fbm(x * 1.1 + shift, near * 5.0, 3, seed));
        let slot = lerp(0.013, 0.11, near * near);
        let left = -frame.half_x - MARGIN;
        let count = (2.0 * (frame.half_x + MARGIN) / slot) as usize + 1;
        let trees = (0..count).map(|i| {
            let x = left + (i as f32 + dice.range(0.1, 0.9)) * slot;
            // The nearest trees stand at the sides, as a frame to look through.
            let side = smoothstep(0.2, 0.75, (x / frame.half_x).abs());
            let open = lerp(1.0, 0.12 + 0.88 * side, smoothstep(0.6, 1.0, near));
            let tall = lerp(0.05, 0.5, near.powf(1.6)) * dice.range(0.5, 1.15) * open;
            let tall = if dice.flip(0.12) { tall * 0.4 } else { tall };
            Fir {
                x,
                foot: ground.at(x) + 0.01,
                tall,
                spread: tall * dice.range(0.15, 0.24),
                whorls: lerp(7.0, 15.0, near) * dice.range(0.85, 1.2),
            }
        });
        let trees = trees.collect();
        Self { near, ground, trees, left, slot, seed }
    }

    /// How much of the pixel is ground or tree, and how deep below the treetops it lies.
    fn cover(&self, x: f32, y: f32, pixel: f32) -> (f32, f32) {
        let depth = y - self.ground.at(x);
        let mut covered = coverage(depth, pixel);
        if covered >= 1.0 {
            return (covered, depth);
        }
        let here = floor((x - self.left) / self.slot);
        let reach = if self.near > 0.5 { 2 } else { 3 };
        let first = here.saturating_sub(reach).max(0) as usize;
        let end = (here.saturating_add(reach + 1).max(0) as usize).min(self.trees.len());
        for fir in self.trees.get(first..end).unwrap_or(&[]) {
            covered = covered.max(fir.cover(x, y, pixel, self.seed));
        }
        (covered, depth)
    }
}

impl Fir {
    /// Branches stand in whorls: wide below, narrow above, their tips hanging, no two sides alike.
    fn cover(&self, x: f32, y: f32, pixel: f32, seed: u32) -> f32 {
        let dx = x - self.x;
        let off = dx.abs();
        let up = (self.foot - y) / self.tall;
        if off > self.spread * 1.3 || !(-0.02..=1.02).contains(&up) {
            return 0.0;
        }
        let hanging = up + off / self.spread * 0.05 * (1.0 - up);
        let step = hanging * self.whorls * (0.6 + 0.7 * hanging) + if dx > 0.0 { 0.37 } else { 0.0 };
        let whorl = floor(step);
        let tooth = 1.0 - (step - whorl as f32);
        let vary =
            0.8 + 0.45 * crate::noise::chance(whorl, (self.x * 4000.0) as i32 + i32::from(dx > 0.0), seed);
        let cone = (1.0 - up).max(0.0).powf(0.85);
        let needles = 1.0 + 0.18 * gradient(x * 240.0, y * 150.0, seed);
        let half = self.spread * cone * (0.42 + 0.58 * tooth) * vary * needles;
        let trunk = self.spread * 0.05 * (1.2 - up).max(0.2);
        coverage(half.max(trunk) - off, pixel * 1.2)
    }
}

impl Forest {
    fn shafts(&self, x: f32, y: f32, moment: &Moment) -> f32 {
        let (sun_x, sun_y, _) = self.sky.sun;
        let (dx, dy) = (x - sun_x, (y - sun_y).abs() + 0.02);
        let beam = fbm(dx / dy * 4.0 + moment.sin * 0.3, 2.0 + moment.cos * 0.3, 3, self.seed);
        let reach = (dx * dx + dy * dy).sqrt();
        smoothstep(0.0, 0.6, beam) * (-reach * 1.7).exp() * smoothstep(0.02, 0.2, y - sun_y)
    }

    /// The colour of wood and ground at a distance, with the mist before it.
    fn wood(&self, near: f32, x: f32, y: f32, depth: f32, glow: f32, moment: &Moment) -> Rgb {
        let wisp = 0.65 + 0.7 * gradient(x * 1.7 + near * 9.0 + moment.sin * 0.2, y * 5.0, self.seed ^ 5);
        let mist = smoothstep(-0.1, 0.3, depth) * (0.85 - 0.85 * near) * wisp;
        let far = (1.0 - near).powf(1.5) * 0.82;
        let bark = self.land.at(near * 0.95 + 0.05);
        let lit = bark + self.sky.light.tint(bark) * (glow * 1.4);
        let air = self.sky.haze() + self.sky.light * (glow * 0.2);
        lit.mix(air, (far + mist).clamp(0.0, 0.96))
    }
}

impl Scene for Forest {
    fn color(&self, x: f32, y: f32, moment: &Moment) -> Rgb {
        let glow = self.sky.glow(x, y);
        let (mut color, mut left) = (Rgb::BLACK, 1.0);
        for row in self.rows.iter().rev() {
            let (covered, depth) = row.cover(x + moment.sin * MARGIN * 0.6 * row.near, y, self.frame.pixel);
            let covered = covered * left;
            if covered > 0.0 {
                color = color + self.wood(row.near, x, y, depth, glow, moment) * covered;
                left -= covered;
            }
            if left <= 0.002 {
                break;
            }
        }
        if left > 0.002 {
            color = color + self.sky.color(x, y, moment) * left;
        }
        color + self.sky.light * (self.shafts(x, y, moment) * 0.25)
    }
}
