//! Open water under a sky: waves in perspective, the sun's path on them, a headland far out.

use super::profile::Profile;
use super::sky::Sky;
use super::{Frame, Moment, Scene, Setting, coverage};
use crate::color::Rgb;
use crate::noise::{fbm, smoothstep};

struct Ocean {
    sky: Sky,
    frame: Frame,
    horizon: f32,
    deep: Rgb,
    shallow: Rgb,
    headlands: Vec<(Profile, Rgb)>,
    sail: Option<Sail>,
    chop: f32,
    seed: u32,
}

struct Sail {
    x: f32,
    size: f32,
    color: Rgb,
}

/// Makes the scene.
pub fn make(setting: &mut Setting) -> Box<dyn Scene> {
    let horizon = setting.frame.y_at(setting.dice.range(0.42, 0.58));
    let boat = setting.says(&["boat", "ship", "sail", "yacht"]) || setting.dice.flip(0.35);
    let sky = Sky::new(setting, horizon);
    let Setting { frame, palette, dice, .. } = setting;
    let headlands = (0..dice.below(3)).map(|i| {
        let (seed, shift) = (dice.seed(), dice.range(-9.0, 9.0));
        let from_left = dice.flip(0.5);
        let tall = dice.range(0.08, 0.2) / (1.0 + i as f32);
        let outline = Profile::new(frame, |x| {
            let share = x / frame.half_x * if from_left { -1.0 } else { 1.0 };
            let rise = smoothstep(0.05 + 0.2 * i as f32, 1.0, share);
            horizon - tall * rise * (0.75 + 0.6 * fbm(x * 3.0 + shift, 1.0, 5, seed))
        });
        (outline, palette.land[0].mix(sky.haze(), 0.25 + 0.25 * i as f32).mix(palette.land[1], 0.35))
    });
    let headlands: Vec<_> = headlands.collect();
    let side = if sky.sun.0 > 0.0 { -1.0 } else { 1.0 };
    let sail = boat.then(|| Sail {
        x: side * frame.half_x * dice.range(0.15, 0.6),
        size: dice.range(0.035, 0.07),
        color: if palette.night { palette.land[2] } else { palette.light.mix(palette.accents[0], 0.15) },
    });
    Box::new(Ocean {
        frame: *frame,
        horizon,
        deep: palette.land[2].mix(palette.land[1], 0.25),
        shallow: palette.land[1].mix(palette.accents[0], 0.25),
        headlands,
        sail,
        chop: dice.range(0.7, 1.3),
        seed: dice.seed(),
        sky,
    })
}

impl Ocean {
    fn above(&self, x: f32, y: f32, moment: &Moment) -> Rgb {
        let mut color = self.sky.color(x, y, moment);
        for (outline, tint) in &self.headlands {
            let depth = y - outline.at(x);
            let misty = tint.mix(self.sky.haze(), smoothstep(0.0, 0.2, depth) * 0.6);
            color = color.mix(misty, coverage(depth, self.frame.pixel));
        }
        color
    }

    /// Slopes of the water across and along the view, at a depth into the picture.
    fn slopes(&self, x: f32, below: f32, moment: &Moment) -> (f32, f32) {
        let away = 1.0 / (below + 0.035);
        let (wx, wz) = (x * away * 1.1, away * 3.1);
        let calm = 1.0 / (1.0 + 0.035 * away * away * self.frame.pixel * 512.0);
        let (s, c) = (moment.sin * 0.45, moment.cos * 0.45);
        let long = fbm(wx * 0.7 + s, wz * 0.9 + c, 2, self.seed);
        let short = fbm(wx * 2.6 + long * 0.8 + c, wz * 2.9 - s, 3, self.seed ^ 0xb0);
        let along = (long * 0.6 + short * 0.7) * calm * self.chop;
        let across = (short * 0.8 - long * 0.3) * calm * self.chop;
        (across, along)
    }

    fn water(&self, x: f32, y: f32, moment: &Moment) -> Rgb {
        let below = y - self.horizon;
        let share = below / (self.frame.half_y - self.horizon);
        let (across, along) = self.slopes(x, below, moment);
        // Water mirrors low sky far away and high sky near by; a facing slope looks further up.
        let height = (self.horizon + self.frame.half_y)
            * (0.05 + 0.55 * share + 0.55 * along.max(-0.4)).clamp(0.0, 1.0);
        let mirrored = self.sky.gradient_at(self.horizon - height);
        let fresnel = (0.85 - 0.6 * share.sqrt() - 0.35 * along).clamp(0.08, 0.95);
        let body = self.deep.mix(self.shallow, (0.35 + 0.8 * along).clamp(0.0, 1.0) * (0.4 + 0.5 * share));
        let mut color = body.mix(mirrored, fresnel);
        let off = x + across * (0.05 + 0.35 * below) - self.sky.sun.0;
        let width = self.sky.sun.2 * 0.8 + 0.32 * below;
        let path = (-(off / width).powi(2)).exp();
        let sparkle = smoothstep(-0.05, 0.45, along + 0.25 * (1.0 - share)) * (1.0 - 0.5 * share);
        color = color + self.sky.light * (path * (0.12 + 1.1 * sparkle * sparkle));
        let crest = smoothstep(0.42, 0.62, along + 0.12 * across) * smoothstep(0.05, 0.5, share);
        color = color.mix(self.sky.light * 0.85, crest * 0.55);
        color.mix(self.sky.haze(), (-below * 30.0).exp() * 0.6)
    }

    /// A small boat on the horizon: hull and two sails, as distances to straight edges.
    fn boat(&self, x: f32, y: f32, moment: &Moment, behind: Rgb) -> Rgb {
        let Some(sail) = &self.sail else { return behind };
        let (u, v) =
            ((x - sail.x - moment.sin * 0.01) / sail.size, (self.horizon + sail.size * 0.22 - y) / sail.size);
        if u.abs() > 1.2 || !(-0.3..=2.2).contains(&v) {
            return behind;
        }
        let pixel = self.frame.pixel / sail.size;
        let main = (u - 0.05).min(v - 0.24).min((2.05 - v) * 0.36 - (u - 0.05));
        let jib = (-0.03 - u).min(v - 0.3).min((1.75 - v) * 0.42 + u - 0.02);
        let hull = (0.17 - v).min(v + 0.02).min(0.62 - 0.5 * (0.17 - v).abs() - u.abs());
        let canvas = coverage(main, pixel).max(coverage(jib, pixel) * 0.92);
        behind.mix(sail.color, canvas).mix(self.deep, coverage(hull, pixel))
    }
}

impl Scene for Ocean {
    fn color(&self, x: f32, y: f32, moment: &Moment) -> Rgb {
        let edge = coverage(y - self.horizon, self.frame.pixel);
        let color =
            if edge >= 1.0 { self.water(x, y, moment) } else { self.above(x, y.min(self.horizon), moment) };
        self.boat(x, y, moment, color)
    }
}
