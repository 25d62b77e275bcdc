//! Ribbons of silk or light that twist across the frame.

use super::{Frame, Moment, Scene, Setting, coverage};
use crate::color::{Ramp, Rgb};
use crate::noise::{gradient, smoothstep};

/// How far a ribbon's glow or shadow reaches, in scene units.
const REACH: f32 = 0.12;

struct Ribbons {
    frame: Frame,
    ground: Ramp,
    ribbons: Vec<Ribbon>,
    turn: (f32, f32),
    /// Light adds up on dark grounds; on paper it covers.
    glowing: bool,
    light: Rgb,
    seed: u32,
}

struct Ribbon {
    base: f32,
    wander: f32,
    width: f32,
    twist: f32,
    phase: f32,
    front: Ramp,
    back: Rgb,
    seed: u32,
}

/// Makes the scene.
pub fn make(setting: &mut Setting) -> Box<dyn Scene> {
    let paper = setting.says(&["ink", "paper", "zen", "minimal", "calligraphy", "sumi", "wind", "pastel"]);
    let Setting { frame, palette, dice, .. } = setting;
    let glowing = palette.night || (!paper && dice.flip(0.6));
    let ground = if glowing {
        Ramp::new(&[palette.land[2] * 0.35, palette.land[2], palette.sky[0] * 0.6])
    } else {
        Ramp::new(&[palette.light, palette.sky[3], palette.sky[2].mix(palette.light, 0.4)])
    };
    let count = 5 + dice.below(2);
    let colors =
        [palette.accents[0], palette.accents[1], palette.accents[2], palette.sky[1], palette.land[1]];
    let mut ribbons = Vec::new();
    for i in 0..count {
        let (a, b) = (colors[dice.below(5)], colors[i % 3]);
        ribbons.push(Ribbon {
            base: (i as f32 / (count - 1) as f32 - 0.5) * dice.range(0.35, 0.7),
            wander: dice.range(0.18, 0.34),
            width: dice.range(0.06, 0.2),
            twist: dice.range(1.2, 2.6),
            phase: dice.range(0.0, std::f32::consts::TAU),
            front: Ramp::new(&[b, a.mix(b, 0.5), palette.light.mix(a, 0.35), a]),
            back: b.mix(palette.land[2], 0.45),
            seed: dice.seed(),
        });
    }
    let turn = dice.range(-0.7, 0.7).sin_cos();
    Box::new(Ribbons {
        frame: *frame,
        ground,
        ribbons,
        turn,
        glowing,
        light: palette.light,
        seed: dice.seed(),
    })
}

impl Ribbons {
    fn ribbon(&self, ribbon: &Ribbon, u: f32, w: f32, moment: &Moment, behind: Rgb) -> Rgb {
        let (s, c) = (moment.sin * 0.22, moment.cos * 0.22);
        let middle = ribbon.base + ribbon.wander * gradient(u * 1.35 + s, ribbon.base + c, ribbon.seed);
        let off = w - middle;
        // Most points are far from most ribbons, and what follows is the costly part.
        if off.abs() > ribbon.width * 1.1 + REACH {
            return behind;
        }
        let roll = (u * ribbon.twist * 3.0
            + ribbon.phase
            + 1.6 * gradient(u * 1.3, c, ribbon.seed ^ 1)
            + 0.5 * moment.sin)
            .sin();
        let half = ribbon.width
            * (0.45 + 0.55 * roll * roll)
            * (0.6 + 0.5 * gradient(u * 0.9 + 5.0, s, ribbon.seed ^ 2)).max(0.15);
        // A soft shadow below each ribbon sets it off from the ones behind.
        let shadow = smoothstep(half + 0.07, half * 0.6, (off - 0.025).abs());
        let behind = if self.glowing { behind } else { behind * (1.0 - 0.22 * shadow) };
        let inside = coverage(half - off.abs(), self.frame.pixel);
        if inside <= 0.0 {
            return if self.glowing {
                behind + ribbon.back * (0.06 * (1.0 - (off.abs() - half) / REACH).max(0.0).powi(3))
            } else {
                behind
            };
        }
        let t = (off / half * 0.5 + 0.5).clamp(0.0, 1.0);
        let strands = 0.86 + 0.14 * gradient(t * 17.0 + ribbon.phase, u * 0.9, ribbon.seed ^ 3) * 1.6;
        let sheen = (-((t - 0.5 - 0.36 * roll) * 3.6).powi(2)).exp();
        let edge = (-(1.0 - (t * 2.0 - 1.0).abs()) * 14.0).exp();
        let body =
            ribbon.front.at(0.5 + (t - 0.5) * 0.8 * roll + 0.12 * roll).mix(ribbon.back, 0.25 - 0.25 * roll);
        let color = body * (0.55 + 0.6 * sheen) * strands + self.light * (0.16 * sheen * sheen + 0.22 * edge);
        if self.glowing {
            behind * (1.0 - 0.72 * inside) + color * (0.95 * inside)
        } else {
            behind.mix(color, 0.9 * inside)
        }
    }
}

impl Scene for Ribbons {
    fn color(&self, x: f32, y: f32, moment: &Moment) -> Rgb {
        let (sin, cos) = self.turn;
        let (u, w) = (x * cos + y * sin, y * cos - x * sin);
        let soft = 0.4 + 0.5 * gradient(x * 0.8, y * 0.8, self.seed) + 0.5 * w;
        let mut color = self.ground.at(soft);
        for ribbon in &self.ribbons {
            color = self.ribbon(ribbon, u, w, moment, color);
        }
        color
    }
}
