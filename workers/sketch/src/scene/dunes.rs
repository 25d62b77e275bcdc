//! Dunes: smooth ridges with a lit and a shaded face, and the wind's ripples near by.

use super::profile::{MARGIN, Profile};
use super::sky::Sky;
use super::{Frame, Moment, Scene, Setting};
use crate::color::{Ramp, Rgb};
use crate::noise::{fbm, gradient, lerp, smoothstep};

struct Dunes {
    sky: Sky,
    frame: Frame,
    layers: Vec<Dune>,
    land: Ramp,
    /// 1 when the sun is on the right, -1 on the left.
    side: f32,
    seed: u32,
}

struct Dune {
    ridge: Profile,
    near: f32,
    seed: u32,
}

/// Makes the scene.
pub fn make(setting: &mut Setting) -> Box<dyn Scene> {
    const LAYERS: usize = 5;
    let base = setting.dice.range(0.46, 0.56);
    let sky = Sky::new(setting, setting.frame.y_at(base + 0.04));
    let Setting { frame, palette, dice, .. } = setting;
    let mut layers = Vec::new();
    for i in 0..LAYERS {
        let near = i as f32 / (LAYERS - 1) as f32;
        let (seed, shift) = (dice.seed(), dice.range(-30.0, 30.0));
        let foot = frame.y_at(lerp(base, 0.92, near.powf(1.2)));
        let (tall, wide) = (lerp(0.1, 0.26, near), lerp(2.2, 1.0, near));
        let ridge = Profile::new(frame, |x| {
            let swell =
                gradient(x * wide + shift, 0.4, seed) + 0.3 * gradient(x * wide * 2.3 + shift, 8.0, seed);
            // Folding makes crests sharper than troughs, which is how sand lies.
            foot - tall * (1.0 - (swell * 1.3).abs().min(1.0).powf(1.2)) + tall * 0.5
        });
        layers.push(Dune { ridge, near, seed });
    }
    let side = if sky.sun.0 > 0.0 { 1.0 } else { -1.0 };
    Box::new(Dunes { side, frame: *frame, layers, land: Ramp::new(&palette.land), seed: dice.seed(), sky })
}

impl Dunes {
    fn sand(&self, dune: &Dune, x: f32, y: f32, depth: f32, moment: &Moment) -> Rgb {
        let near = dune.near;
        let bend = fbm(x * 1.6, depth * 2.2 + near * 7.0, 2, dune.seed);
        // The crest wanders down the dune from the ridge; one side of it is in shadow.
        let wander = 1.5 * depth * self.side + bend * 0.55 * smoothstep(0.0, 0.25, depth);
        let slope = dune.ridge.slope(x + wander) * self.side;
        let soft = 0.05 + 0.8 * depth;
        let lit = smoothstep(-soft, soft, slope - 0.04 + depth * 0.3);
        let grain = gradient(x * 5.0, depth * 16.0, self.seed) * 5.0;
        let ripple = ((depth * lerp(420.0, 130.0, near) + grain + bend * 9.0).sin()) * 0.05 * near * near;
        let glow = self.sky.glow(x, y);
        let lighter = self.land.at(near * 0.45);
        let darker = self.land.at((near * 0.4 + 0.55).min(1.0));
        let sunlit = lighter + self.sky.light.tint(lighter) * (0.12 + glow * 0.7);
        let color = darker.mix(sunlit, lit) * (1.0 + ripple - 0.25 * depth * near);
        let haze = ((1.0 - near) * 0.42 + smoothstep(0.0, 0.3, depth) * 0.25 * (1.0 - near)).min(0.9);
        let blown = smoothstep(0.02, 0.0, depth)
            * (0.3 + 0.3 * gradient(x * 7.0 + moment.sin, moment.cos, dune.seed));
        color.mix(self.sky.haze(), haze).mix(self.sky.light, (blown * near * 0.4).clamp(0.0, 1.0))
    }
}

impl Scene for Dunes {
    fn color(&self, x: f32, y: f32, moment: &Moment) -> Rgb {
        let (mut color, mut left) = (Rgb::BLACK, 1.0);
        for dune in self.layers.iter().rev() {
            let x = x + moment.sin * MARGIN * 0.6 * dune.near;
            let depth = y - dune.ridge.at(x);
            let covered = dune.ridge.cover(x, y, self.frame.pixel) * left;
            if covered > 0.0 {
                color = color + self.sand(dune, x, y, depth.max(0.0), moment) * covered;
                left -= covered;
            }
            if left <= 0.002 {
                return color;
            }
        }
        color + self.sky.color(x, y, moment) * left
    }
}
