//! Northern lights over dark ranges, mirrored in still water.

use super::mountains::{Daylight, Ranges};
use super::sky::starfield;
use super::{Frame, Moment, Scene, Setting};
use crate::color::{Ramp, Rgb};
use crate::noise::{fbm, gradient, smoothstep};

struct Aurora {
    frame: Frame,
    ranges: Ranges,
    night: Ramp,
    glow: Ramp,
    curtains: Vec<Curtain>,
    shore: f32,
    seed: u32,
}

struct Curtain {
    foot: f32,
    bend: f32,
    tall: f32,
    strength: f32,
    seed: u32,
}

/// Makes the scene.
pub fn make(setting: &mut Setting) -> Box<dyn Scene> {
    let base = setting.dice.range(0.58, 0.66);
    let Setting { frame, palette, dice, .. } = setting;
    // Whatever the palette, this is a night: its sky is only used darkly.
    let night = Ramp::new(&[
        Rgb::hex(0x03060f),
        palette.sky[0] * 0.25 + Rgb::hex(0x040a18),
        palette.sky[1] * 0.4,
        palette.sky[2] * 0.4 + palette.accents[0] * 0.12,
    ]);
    let vivid = |color: Rgb, with: u32| color.mix(Rgb::hex(with), 0.62);
    let glow = Ramp::new(&[
        vivid(palette.accents[0], 0x7dffb2),
        vivid(palette.accents[0], 0x2fe6a0),
        vivid(palette.accents[1], 0x2aa8ff),
        vivid(palette.accents[2], 0x9a4dff),
    ]);
    let curtains = (0..3).map(|i| Curtain {
        foot: frame.y_at(base - 0.04 - 0.09 * i as f32 - dice.range(0.0, 0.06)),
        bend: dice.range(0.1, 0.22),
        tall: dice.range(0.16, 0.34),
        strength: [1.0, 0.7, 0.45][i],
        seed: dice.seed(),
    });
    let curtains = curtains.collect();
    let (frame, seed) = (*frame, dice.seed());
    let haze = palette.sky[2] * 0.12 + glow.at(0.1) * 0.1;
    let mut dim = setting.palette.clone();
    for land in &mut dim.land {
        *land = *land * 0.22;
    }
    let mut dusk = Setting { frame, palette: &dim, words: setting.words, dice: setting.dice.clone() };
    let ranges = Ranges::new(&mut dusk, base + 0.06, haze, 3).bare();
    Box::new(Aurora { frame, ranges, night, glow, curtains, shore: frame.y_at(base + 0.12), seed })
}

impl Aurora {
    fn sky(&self, x: f32, y: f32, moment: &Moment) -> Rgb {
        let share = (y + self.frame.half_y) / (self.shore + self.frame.half_y);
        let mut color = self.night.at(share) + starfield(x, y, self.frame.pixel, self.seed, moment) * 0.9;
        for curtain in &self.curtains {
            color = color + self.curtain(curtain, x, y, moment);
        }
        color
    }

    fn curtain(&self, curtain: &Curtain, x: f32, y: f32, moment: &Moment) -> Rgb {
        let (s, c) = (moment.sin * 0.25, moment.cos * 0.25);
        let fold = fbm(x * 1.5 + s, curtain.foot + c, 2, curtain.seed);
        let foot = curtain.foot + curtain.bend * fold;
        let up = foot - y;
        if up < -0.05 {
            return Rgb::BLACK;
        }
        let lean = x + up * 0.12 + fold * 0.35;
        let rays = 0.55 + 0.75 * fbm(lean * 13.0, s * 2.0 + up * 0.4, 3, curtain.seed ^ 1);
        let broad =
            smoothstep(-0.55, 0.45, gradient(x * 1.1 + c * 2.0, s * 2.0 + curtain.foot, curtain.seed ^ 2));
        let tall = curtain.tall * (0.6 + 0.8 * rays.clamp(0.0, 1.0));
        let rise = smoothstep(-0.05, 0.03, up);
        let fall = (-up.max(0.0) / tall * 1.7).exp();
        let light = rise * fall * rays.max(0.05) * broad * curtain.strength;
        self.glow.at(up / (curtain.tall * 1.9)) * (light * 1.05)
    }

    fn dry(&self, x: f32, y: f32, moment: &Moment) -> Rgb {
        let shine = self.glow.at(0.2);
        let day = Daylight { side: 1.0, light: shine, strength: 0.12, bright: 0.3 };
        self.ranges.over(x, y, moment, &day, || self.sky(x, y, moment))
    }
}

impl Scene for Aurora {
    fn color(&self, x: f32, y: f32, moment: &Moment) -> Rgb {
        let below = y - self.shore;
        if below <= 0.0 {
            return self.dry(x, y, moment);
        }
        let ripple = gradient(x * 5.0, below * 60.0 / (0.3 + below) + moment.cos * 1.5, self.seed);
        let up = below * 1.3 + ripple * 0.05 * below;
        let mirror =
            self.dry(x + ripple * 0.012 * (0.2 + below), (self.shore - up).max(-self.frame.half_y), moment);
        mirror * (0.8 - 0.45 * smoothstep(0.0, 0.5, below))
            + self.glow.at(0.1) * (0.02 * (-below * 40.0).exp())
    }
}
