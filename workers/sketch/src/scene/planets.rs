//! A planet before a nebula: bands or continents, an atmosphere at the rim, rings, moons.

use super::sky::starfield;
use super::{Frame, Moment, Scene, Setting, coverage};
use crate::color::{Ramp, Rgb};
use crate::noise::{Dice, fbm, lerp, ridged, smoothstep};

struct Planets {
    frame: Frame,
    globes: Vec<Globe>,
    ring: Option<Ring>,
    space: Ramp,
    glow: [Rgb; 2],
    /// Where the light comes from; unit length.
    sun: [f32; 3],
    tilt: (f32, f32),
    seed: u32,
}

struct Globe {
    x: f32,
    y: f32,
    radius: f32,
    ramp: Ramp,
    air: Rgb,
    banded: bool,
    /// Moons circle a little in a video; the planet itself only turns.
    moon: bool,
    seed: u32,
}

struct Ring {
    inner: f32,
    outer: f32,
    flat: f32,
    ramp: Ramp,
}

/// Makes the scene.
pub fn make(setting: &mut Setting) -> Box<dyn Scene> {
    let ringed = setting.says(&["ring", "saturn"]) || setting.dice.flip(0.55);
    let Setting { frame, palette, dice, .. } = setting;
    let small = frame.half_x.min(frame.half_y);
    let side = if dice.flip(0.5) { 1.0 } else { -1.0 };
    let turn = dice.range(0.5, 1.1);
    let lift = dice.range(-0.6, 0.1);
    let sun = unit([-side * turn.sin(), lift, turn.cos() * 0.75]);
    let ground = [palette.land[2], palette.land[1], palette.accents[0], palette.sky[3], palette.light];
    let bands = [
        palette.accents[2],
        palette.sky[2],
        palette.sky[3],
        palette.accents[0],
        palette.light,
        palette.accents[1],
    ];
    let banded = ringed || dice.flip(0.5);
    let main = Globe {
        x: side * frame.half_x * dice.range(0.05, 0.3),
        y: frame.half_y * dice.range(-0.15, 0.25),
        radius: small * if ringed { dice.range(0.4, 0.5) } else { dice.range(0.5, 0.72) },
        ramp: Ramp::new(if banded { &bands } else { &ground }),
        air: palette.accents[1].mix(palette.light, 0.3),
        banded,
        moon: false,
        seed: dice.seed(),
    };
    let ring = ringed.then(|| Ring {
        inner: main.radius * 1.3,
        outer: main.radius * dice.range(1.9, 2.3),
        flat: dice.range(0.16, 0.38),
        ramp: Ramp::new(&[
            palette.accents[0],
            palette.light,
            palette.sky[2],
            palette.light,
            palette.accents[1],
        ]),
    });
    let mut globes = vec![main];
    for i in 0..=dice.below(2) {
        globes.push(moon(frame, dice, -side, i, &palette.land, palette.light));
    }
    let slope = dice.range(-0.5, 0.5);
    let dim = |color: Rgb| color * 0.35;
    Box::new(Planets {
        frame: *frame,
        globes,
        ring,
        space: Ramp::new(&[
            Rgb::hex(0x020208),
            dim(palette.sky[0]),
            dim(palette.sky[1]),
            palette.sky[2] * 0.6,
        ]),
        glow: [palette.accents[2], palette.accents[1]],
        sun,
        tilt: slope.sin_cos(),
        seed: dice.seed(),
    })
}

fn moon(frame: &Frame, dice: &mut Dice, side: f32, index: usize, land: &[Rgb; 3], light: Rgb) -> Globe {
    let small = frame.half_x.min(frame.half_y);
    Globe {
        x: side * frame.half_x * dice.range(0.4, 0.8),
        y: frame.half_y * if index == 0 { dice.range(-0.75, -0.35) } else { dice.range(0.4, 0.75) },
        radius: small * dice.range(0.06, 0.13),
        ramp: Ramp::new(&[land[2], land[1], land[0], light]),
        air: land[0],
        banded: false,
        moon: true,
        seed: dice.seed(),
    }
}

fn unit([x, y, z]: [f32; 3]) -> [f32; 3] {
    let length = (x * x + y * y + z * z).sqrt().max(1e-6);
    [x / length, y / length, z / length]
}

impl Planets {
    fn nebula(&self, x: f32, y: f32, moment: &Moment) -> Rgb {
        let (x, y) = (x + 0.03 * moment.sin, y + 0.03 * (moment.cos - 1.0));
        let bend = fbm(x * 1.4, y * 1.4, 3, self.seed ^ 1);
        let cloud = fbm(x * 1.8 + bend * 1.1, y * 1.8 - bend * 0.8, 5, self.seed);
        let density = smoothstep(-0.35, 0.75, cloud + 0.25 * bend);
        let mut color = self.space.at(density);
        let veins = ridged(x * 1.7 + bend * 0.7, y * 1.7 + cloud * 0.3, 4, self.seed ^ 2);
        let lit = smoothstep(0.35, 0.95, veins) * density;
        color = color + self.glow[0] * (lit * 0.32) + self.glow[1] * (lit * lit * density * 0.4);
        let dust = 1.0 - 0.5 * smoothstep(0.15, 0.6, fbm(x * 3.1 - bend, y * 3.1, 3, self.seed ^ 3));
        color * dust + starfield(x, y, self.frame.pixel, self.seed, moment)
    }

    fn globe(&self, globe: &Globe, x: f32, y: f32, moment: &Moment, behind: Rgb) -> Rgb {
        let sway = if globe.moon { 0.04 } else { 0.0 };
        let (u, v) = ((x - globe.x - sway * moment.sin) / globe.radius, (y - globe.y) / globe.radius);
        let off = (u * u + v * v).sqrt();
        if off > 1.6 {
            return behind;
        }
        // The air outside of the rim, brightest on the sunlit side.
        let toward = (u * self.sun[0] + v * self.sun[1]) / off.max(1e-3);
        let lit_rim = smoothstep(-0.6, 0.9, toward);
        let halo = if globe.moon { 0.0 } else { (-(off - 1.0).max(0.0) * 11.0).exp() * lit_rim * 0.5 };
        let behind = behind + globe.air * halo;
        let inside = coverage((1.0 - off) * globe.radius, self.frame.pixel);
        if inside <= 0.0 {
            return behind;
        }
        let w = (1.0 - (u * u + v * v)).max(0.0).sqrt();
        let surface = self.surface(globe, u, v, w, moment);
        let sunlight = u * self.sun[0] + v * self.sun[1] + w * self.sun[2];
        let day = smoothstep(-0.12, 0.9, sunlight);
        let mut color = surface * (0.012 + 1.15 * day);
        if !globe.moon {
            let rim = (1.0 - w).powi(3);
            color = color.mix(globe.air * (0.15 + day), rim * 0.75 * smoothstep(-0.25, 0.5, sunlight));
            color = color * (1.0 - 0.6 * self.ring_shadow(globe, u, v, w));
        }
        behind.mix(color, inside)
    }

    fn surface(&self, globe: &Globe, u: f32, v: f32, w: f32, moment: &Moment) -> Rgb {
        let (sin, cos) = self.tilt;
        let (a, b) = (u * cos + v * sin, v * cos - u * sin);
        // A turn that sways instead of completing keeps the loop seamless.
        let longitude = a.atan2(w.max(1e-3)) + 0.35 * moment.sin;
        if globe.banded {
            let swirl = fbm(longitude * 2.2, b * 5.0, 4, globe.seed);
            let fine = fbm(longitude * 1.3 + swirl, b * 17.0, 3, globe.seed ^ 1);
            let band = fbm(4.0, b * 3.6 + swirl * 0.28, 3, globe.seed ^ 2);
            return globe.ramp.at(0.5 + 0.75 * band + 0.13 * fine);
        }
        let scale = if globe.moon { 2.4 } else { 1.7 };
        let (px, py) = (longitude * scale, b * scale * 1.2);
        let bend = fbm(px, py, 3, globe.seed ^ 4);
        let ground = fbm(px + bend * 0.8, py + bend * 0.5, 6, globe.seed);
        let color = globe.ramp.at(0.42 + 0.75 * ground);
        if globe.moon {
            return color;
        }
        let cloud = fbm(px * 1.1 - bend * 1.2 + 0.3 * moment.sin, py * 2.2 + bend, 5, globe.seed ^ 6);
        color.mix(Rgb::WHITE * 0.9, smoothstep(0.05, 0.6, cloud) * 0.75)
    }

    /// Where on the ring's plane a point lies: the radius, and whether it is before the planet.
    fn on_ring(&self, ring: &Ring, u: f32, v: f32) -> (f32, bool) {
        let (sin, cos) = self.tilt;
        let (a, b) = (u * cos + v * sin, (v * cos - u * sin) / ring.flat);
        ((a * a + b * b).sqrt(), b > 0.0)
    }

    fn ring(&self, x: f32, y: f32, front: bool, behind: Rgb) -> Rgb {
        let (Some(ring), Some(main)) = (&self.ring, self.globes.first()) else { return behind };
        let (u, v) = (x - main.x, y - main.y);
        let (radius, before) = self.on_ring(ring, u, v);
        if before != front || radius < ring.inner || radius > ring.outer {
            return behind;
        }
        let share = (radius - ring.inner) / (ring.outer - ring.inner);
        let grooves = fbm(share * 9.0, 0.5, 4, self.seed ^ 0x51);
        let edges = smoothstep(0.0, 0.04, share) * smoothstep(1.0, 0.93, share);
        let gap = 1.0 - 0.85 * smoothstep(0.035, 0.012, (share - 0.62).abs());
        let alpha = (0.6 + 0.55 * grooves).clamp(0.05, 0.95) * edges * gap;
        // The planet's shadow lies on the ring away from the sun.
        let across = u * self.sun[1] - v * self.sun[0];
        let along = u * self.sun[0] + v * self.sun[1];
        let shadow = if along < 0.0 && !front {
            smoothstep(main.radius * 1.05, main.radius * 0.9, across.abs())
        } else {
            0.0
        };
        let color = ring.ramp.at(share) * lerp(0.95, 0.12, shadow);
        behind.mix(color, alpha)
    }

    fn ring_shadow(&self, globe: &Globe, u: f32, v: f32, w: f32) -> f32 {
        let Some(ring) = &self.ring else { return 0.0 };
        let push = 0.28 * w;
        let shifted =
            ((u + push * self.sun[0]) * globe.radius, (v + push * self.sun[1] - 0.1) * globe.radius);
        let (radius, before) = self.on_ring(ring, shifted.0, shifted.1);
        let share = (radius - ring.inner) / (ring.outer - ring.inner);
        if before { smoothstep(-0.05, 0.1, share) * smoothstep(1.05, 0.9, share) } else { 0.0 }
    }
}

impl Scene for Planets {
    fn color(&self, x: f32, y: f32, moment: &Moment) -> Rgb {
        // The nebula is the costly part, and the planet hides much of it.
        let hides = |main: &Globe| {
            (x - main.x).powi(2) + (y - main.y).powi(2) < (main.radius - 2.0 * self.frame.pixel).powi(2)
        };
        let hidden = self.globes.first().is_some_and(hides);
        let mut color = if hidden { Rgb::BLACK } else { self.nebula(x, y, moment) };
        for globe in self.globes.iter().skip(1) {
            color = self.globe(globe, x, y, moment, color);
        }
        color = self.ring(x, y, false, color);
        if let Some(main) = self.globes.first() {
            color = self.globe(main, x, y, moment, color);
        }
        self.ring(x, y, true, color)
    }
}
