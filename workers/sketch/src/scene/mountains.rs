//! Ranges behind ranges, fading into haze, sometimes with a lake that mirrors them.

use super::profile::{MARGIN, Profile};
use super::sky::Sky;
use super::{Frame, Moment, Scene, Setting};
use crate::color::{Ramp, Rgb};
use crate::noise::{Dice, fbm, gradient, lerp, ridged, smoothstep};

/// The land of a mountain scene, without its sky: the aurora uses it as well.
pub struct Ranges {
    layers: Vec<Layer>,
    frame: Frame,
    land: Ramp,
    haze: Rgb,
    snow: Option<Rgb>,
    relief: bool,
    seed: u32,
}

struct Layer {
    ridge: Profile,
    /// 0 is the farthest, 1 the nearest.
    near: f32,
}

/// The light that falls on the land.
pub struct Daylight {
    /// 1 from the right, -1 from the left: one for the whole scene, or its faces would flip under the sun.
    pub side: f32,
    pub light: Rgb,
    pub strength: f32,
    /// How bright snow is in it.
    pub bright: f32,
}

impl Ranges {
    /// Ranges that rise from `base` (a share of the height) to the bottom of the frame.
    pub fn new(setting: &mut Setting, base: f32, haze: Rgb, count: usize) -> Self {
        let snowy = setting.says(&["snow", "winter", "ice", "alp", "alpine", "glacier", "frozen"]);
        let Setting { frame, palette, dice, .. } = setting;
        let seed = dice.seed();
        let layers = (0..count).map(|i| {
            let near = i as f32 / (count - 1).max(1) as f32;
            Layer { ridge: ridge(frame, dice, base, near), near }
        });
        let layers = layers.collect();
        let snow = (snowy || dice.flip(0.15)).then(|| palette.light.mix(Rgb::WHITE, 0.6) * 0.95);
        Self { layers, frame: *frame, land: Ramp::new(&palette.land), haze, snow, relief: true, seed }
    }

    /// The same ranges as outlines in haze: for nights whose light is too faint to show their faces.
    pub fn bare(self) -> Self {
        Self { snow: None, relief: false, ..self }
    }

    /// The land over whatever stands behind it.
    pub fn over(&self, x: f32, y: f32, moment: &Moment, day: &Daylight, behind: impl FnOnce() -> Rgb) -> Rgb {
        let (mut color, mut left) = (Rgb::BLACK, 1.0);
        for layer in self.layers.iter().rev() {
            let x = x + moment.sin * MARGIN * 0.6 * layer.near;
            let depth = y - layer.ridge.at(x);
            let covered = layer.ridge.cover(x, y, self.frame.pixel) * left;
            if covered > 0.0 {
                color = color + self.rock(layer, x, y, depth.max(0.0), day) * covered;
                left -= covered;
            }
            if left <= 0.002 {
                return color;
            }
        }
        color + behind() * left
    }

    /// How lit a place on a face is, 0..1, and how far it stands out.
    fn relief(&self, layer: &Layer, x: f32, depth: f32, day: &Daylight) -> (f32, f32) {
        let near = layer.near;
        // Spurs run down from the ridge: folded noise, looked at twice along the light for its slope.
        let scale = 4.5 + 3.0 * near;
        let (px, py) = (x * scale + near * 31.0, depth * scale * 0.75 + layer.ridge.at(x) * 1.5);
        let spur = ridged(px, py, 4, self.seed);
        let toward = ridged(px + 0.13 * day.side, py - 0.06, 4, self.seed) - spur;
        let lean = layer.ridge.slope(x + 0.25 * depth * day.side) * day.side;
        let lit = smoothstep(-0.32, 0.32, lean * 0.16 - toward * (1.5 - 0.6 * near));
        (lit, spur * 2.0 - 0.9)
    }

    fn rock(&self, layer: &Layer, x: f32, y: f32, depth: f32, day: &Daylight) -> Rgb {
        let near = layer.near;
        let (lit, crag) = if self.relief { self.relief(layer, x, depth, day) } else { (0.5, 0.0) };
        let ground = self.land.at(near);
        let mut color = ground * (0.5 + 0.6 * lit);
        color = color + day.light.tint(self.land.at(near * 0.6)) * (lit * day.strength * (1.0 - 0.7 * near));
        if let Some(snow) = self.snow {
            let line = 0.1 + 0.075 * crag - 0.3 * layer.ridge.at(x).clamp(-0.4, 0.4) - 0.12 * near;
            let cap = smoothstep(line + 0.01, line - 0.01, depth) * (1.0 - smoothstep(0.55, 0.8, near));
            let shaded = snow.tint(self.land.at(0.15)).mix(self.land.at(0.2), 0.4);
            color = color.mix(shaded.mix(snow * day.bright, lit), cap * 0.95);
        }
        // Distance, and the mist that gathers at the foot of each range.
        let far = (1.0 - near) * (1.0 - near);
        let wisp = 0.75 + 0.5 * gradient(x * 2.3, y * 7.0, self.seed ^ 7);
        let mist = smoothstep(0.02, 0.3, depth) * (0.55 - 0.42 * near) * wisp;
        color.mix(self.haze, (0.5 * far + mist).clamp(0.0, 0.96))
    }
}

fn ridge(frame: &Frame, dice: &mut Dice, base: f32, near: f32) -> Profile {
    let seed = dice.seed();
    let shift = dice.range(-50.0, 50.0);
    let foot = frame.y_at(lerp(base, 1.02, near.powf(1.15)));
    let tall = frame.half_y.min(frame.half_x * 1.3) * lerp(0.85, 0.42, near) * dice.range(0.8, 1.15);
    let fine = lerp(1.5, 1.15, near);
    // The nearest ridge carries firs: narrow teeth whose heights vary.
    let firs = if near > 0.95 { dice.range(0.012, 0.03) } else { 0.0 };
    Profile::new(frame, |x| {
        let jag = ridged(x * fine + shift, near * 9.0, 6, seed);
        let roll = 0.5 + 0.5 * fbm(x * fine * 0.8 + shift, 3.0, 4, seed ^ 0xf0);
        let shape = lerp(jag * 0.9, roll * 0.7, smoothstep(0.35, 0.9, near));
        let swell = 0.62 + 0.55 * gradient(x * 0.9 + shift, 77.0, seed ^ 9);
        foot - tall * shape * swell.max(0.1) - firs * teeth(x, seed)
    })
}

/// The outline of a row of firs, 0..1.
pub fn teeth(x: f32, seed: u32) -> f32 {
    let grove = smoothstep(-0.3, 0.4, gradient(x * 5.0, 0.5, seed ^ 0x7ee));
    let tooth = |width: f32, salt: u32| {
        let slot = crate::noise::floor(x / width);
        let tall = crate::noise::chance(slot, 1, seed ^ salt);
        let middle = 0.35 + 0.3 * crate::noise::chance(slot, 2, seed ^ salt);
        let off = ((x / width - slot as f32 - middle).abs() * 2.2).min(1.0);
        (1.0 - off) * (0.4 + 0.6 * tall)
    };
    grove * tooth(0.013, 11).max(tooth(0.019, 23))
}

struct Mountains {
    sky: Sky,
    ranges: Ranges,
    /// The water's edge, when there is a lake.
    shore: Option<f32>,
    frame: Frame,
    deep: Rgb,
    night: bool,
    seed: u32,
}

/// Makes the scene.
pub fn make(setting: &mut Setting) -> Box<dyn Scene> {
    let lake = setting.says(&["lake", "reflection", "water", "fjord"]) || setting.dice.flip(0.4);
    let base = setting.dice.range(0.56, 0.66);
    let horizon = setting.frame.y_at(base);
    let sky = Sky::new(setting, horizon);
    let count = if lake { 4 } else { 6 };
    let ranges = Ranges::new(setting, if lake { base - 0.02 } else { base }, sky.haze(), count);
    let shore = lake.then(|| setting.frame.y_at(base + setting.dice.range(0.08, 0.14)));
    let (frame, deep, night) = (setting.frame, setting.palette.land[2], setting.palette.night);
    Box::new(Mountains { sky, ranges, shore, frame, deep, night, seed: setting.dice.seed() })
}

impl Mountains {
    fn dry(&self, x: f32, y: f32, moment: &Moment) -> Rgb {
        let side = if self.sky.sun.0 > 0.0 { 1.0 } else { -1.0 };
        let bright = if self.night { 0.4 } else { 1.0 };
        let day = Daylight { side, light: self.sky.light, strength: 0.5 * bright, bright };
        let color = self.ranges.over(x, y, moment, &day, || self.sky.color(x, y, moment));
        color + self.sky.light * (self.sky.glow(x, y) * 0.1)
    }
}

impl Scene for Mountains {
    fn color(&self, x: f32, y: f32, moment: &Moment) -> Rgb {
        let Some(shore) = self.shore.filter(|shore| y > *shore) else {
            return self.dry(x, y, moment);
        };
        let below = y - shore;
        let ripple = gradient(x * 6.0, below * 70.0 / (0.3 + below) + moment.cos * 1.5, self.seed);
        let swell = gradient(x * 2.0 + moment.sin, below * 24.0, self.seed ^ 3);
        let mirror = self.dry(
            x + ripple * 0.012 * (0.2 + below * 2.0),
            (shore - below * 1.05 - (ripple * 0.6 + swell * 0.4) * 0.05 * below.min(0.5) - 0.002)
                .max(-self.frame.half_y),
            moment,
        );
        let sink = smoothstep(0.0, 0.6, below);
        let water = mirror.mix(self.deep, 0.12 + 0.45 * sink);
        let edge = (-below * 160.0).exp();
        water.mix(self.ranges.haze, edge * 0.35) + self.sky.light * (ripple.max(0.0).powi(4) * 0.12)
    }
}
