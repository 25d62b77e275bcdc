//! A skyline at the water: towers with lit windows in layers of haze, mirrored below.

use super::profile::MARGIN;
use super::sky::Sky;
use super::{Frame, Moment, Scene, Setting, coverage};
use crate::color::{Ramp, Rgb};
use crate::noise::{chance, floor, gradient, lattice, lerp, smoothstep};

struct City {
    sky: Sky,
    frame: Frame,
    shore: f32,
    land: Ramp,
    lamps: [Rgb; 4],
    deep: Rgb,
    layers: [Layer; 4],
    lit: f32,
    night: bool,
    seed: u32,
}

#[derive(Clone, Copy)]
struct Layer {
    near: f32,
    width: f32,
    tall: f32,
    seed: u32,
}

/// One building, in scene units; `top` and its kin are heights above the shore.
struct Tower {
    left: f32,
    right: f32,
    top: f32,
    crown: f32,
    inset: f32,
    spire: f32,
    id: u32,
}

/// Makes the scene.
pub fn make(setting: &mut Setting) -> Box<dyn Scene> {
    let shore = setting.frame.y_at(setting.dice.range(0.7, 0.78));
    let sky = Sky::new(setting, shore);
    let Setting { frame, palette, dice, .. } = setting;
    let reach = (shore + frame.half_y).min(0.9);
    let layers = [0.0_f32, 0.33, 0.66, 1.0].map(|near| Layer {
        near,
        width: lerp(0.05, 0.085, near) * dice.range(0.85, 1.15),
        tall: reach * lerp(0.72, 0.42, near) * dice.range(0.85, 1.15),
        seed: dice.seed(),
    });
    let warm = palette.light.mix(Rgb::hex(0xffd08a), 0.5);
    let lamps = [warm, palette.light, palette.accents[0].mix(warm, 0.3), palette.accents[1].mix(warm, 0.2)];
    Box::new(City {
        frame: *frame,
        shore,
        land: Ramp::new(&palette.land),
        lamps,
        deep: palette.land[2],
        layers,
        lit: if palette.night { 0.62 } else { 0.3 },
        night: palette.night,
        seed: dice.seed(),
        sky,
    })
}

impl City {
    fn tower(&self, layer: &Layer, slot: i32) -> Tower {
        let roll = |salt: i32| chance(slot, salt, layer.seed);
        let middle = (slot as f32 + 0.5) * layer.width;
        // Downtown stands off centre and falls away to both sides.
        let downtown = (-((middle - self.frame.half_x * 0.25 * gradient(layer.near, 0.3, self.seed)) * 2.2)
            .powi(2))
        .exp();
        let swell = 0.35 + 0.75 * downtown + 0.25 * gradient(middle * 4.0, layer.near, layer.seed);
        let top = layer.tall * (swell * lerp(0.45, 1.0, roll(1) * roll(1).sqrt())).max(0.1);
        let crown = if roll(4) < 0.55 { top * (1.04 + 0.14 * roll(5)) } else { top };
        Tower {
            left: (slot as f32 + 0.08 * roll(2)) * layer.width,
            right: (slot as f32 + 1.0 - 0.14 * roll(3)) * layer.width,
            top,
            crown,
            inset: layer.width * lerp(0.12, 0.36, roll(6)),
            spire: if roll(7) < 0.3 { crown + layer.width * lerp(0.4, 1.5, roll(8)) } else { 0.0 },
            id: lattice(slot, 9, layer.seed),
        }
    }

    fn cover(&self, tower: &Tower, x: f32, up: f32) -> f32 {
        let pixel = self.frame.pixel;
        let middle = (tower.left + tower.right) / 2.0;
        let body = (x - tower.left).min(tower.right - x).min(tower.top - up);
        let crown = (x - tower.left - tower.inset).min(tower.right - tower.inset - x).min(tower.crown - up);
        let spire = (0.0016 - (x - middle).abs()).min(tower.spire - up);
        coverage(body, pixel).max(coverage(crown, pixel)).max(coverage(spire, pixel))
    }

    /// Light from the windows at a point of a wall.
    fn windows(&self, tower: &Tower, layer: &Layer, x: f32, up: f32, moment: &Moment) -> Rgb {
        let (cell_x, cell_y) = (lerp(0.0085, 0.0125, layer.near), lerp(0.011, 0.017, layer.near));
        let (u, v) = ((x - tower.left) / cell_x, up / cell_y);
        let (column, floor_no) = (floor(u), floor(v));
        let seed = tower.id;
        if (x - tower.left).min(tower.right - x) < cell_x * 0.35 || up > tower.top - cell_y * 0.6 {
            return Rgb::BLACK;
        }
        // Whole floors are lit or dark together more often than chance would have it.
        let busy = chance(0, floor_no, seed) * 0.5 + chance(column, floor_no, seed ^ 1) * 0.5;
        let shift = 0.02 * (moment.phase * 4.0 + chance(column, floor_no, seed ^ 8)).sin();
        if busy > self.lit * (0.55 + 0.5 * chance(1, 1, seed)) + shift {
            return Rgb::BLACK;
        }
        let (fu, fv) = (u - column as f32 - 0.5, v - floor_no as f32 - 0.5);
        let pane = coverage(0.33 - fu.abs(), self.frame.pixel / cell_x)
            * coverage(0.26 - fv.abs(), self.frame.pixel / cell_y);
        // Mostly warm; a tower of one colour now and then.
        let pick = if seed.is_multiple_of(5) {
            2 + (seed / 5 % 2) as usize
        } else {
            (lattice(column, floor_no, seed) % 2) as usize
        };
        let bright = 0.35 + 0.9 * chance(column, floor_no, seed ^ 2).powi(2);
        self.lamps[pick.min(3)] * (pane * bright)
    }

    fn skyline(&self, x: f32, y: f32, moment: &Moment) -> Rgb {
        let up = self.shore - y;
        let glow = self.sky.glow(x, y);
        let haze = self.sky.haze();
        let (mut color, mut left) = (Rgb::BLACK, 1.0);
        for layer in self.layers.iter().rev() {
            let x = x + moment.sin * MARGIN * 0.35 * (layer.near + 0.2);
            let tower = self.tower(layer, floor(x / layer.width));
            let covered = self.cover(&tower, x, up) * left;
            if covered > 0.0 {
                let face = 0.8 + 0.35 * chance(tower.id as i32, 3, self.seed);
                let side = smoothstep(tower.left, tower.right, x) - 0.5;
                let turned = if self.sky.sun.0 > x { side } else { -side };
                let wall = self.land.at(0.25 + 0.75 * layer.near)
                    * (face + 0.35 * turned)
                    * if self.night { 0.6 } else { 1.0 };
                let wall = wall + self.sky.light.tint(wall) * glow;
                let far = (1.0 - layer.near) * if self.night { 0.34 } else { 0.55 };
                let low = (-up * 9.0).exp() * (0.5 - 0.35 * layer.near) * if self.night { 0.7 } else { 1.0 };
                let hazed = wall.mix(haze, (far + low).min(0.9));
                let lamps = self.windows(&tower, layer, x, up, moment);
                color = color + (hazed + lamps * (0.35 + 0.65 * layer.near)) * covered;
                left -= covered;
            }
            if left <= 0.002 {
                return color;
            }
        }
        let smog = haze * ((-up * 7.0).exp() * 0.25);
        color + (self.sky.color(x, y, moment) + smog) * left
    }
}

impl Scene for City {
    fn color(&self, x: f32, y: f32, moment: &Moment) -> Rgb {
        let below = y - self.shore;
        if below <= 0.0 {
            return self.skyline(x, y, moment);
        }
        if below < 0.006 {
            return self.deep * 0.6;
        }
        let wave = gradient(x * 9.0, below * 130.0 / (0.35 + below) + moment.cos * 2.0, self.seed);
        let slow = gradient(x * 3.0 + moment.sin, below * 34.0, self.seed ^ 5);
        let up = below * 1.25 + (wave * 0.6 + slow * 0.6) * (0.008 + 0.07 * below);
        let mirror = self.skyline(x + wave * 0.007 * (0.4 + 3.0 * below), self.shore - up.max(0.004), moment);
        let sink = smoothstep(0.0, 0.5, below);
        mirror.mix(self.deep, 0.2 + 0.45 * sink) + self.sky.haze() * (0.05 * wave.max(0.0))
    }
}
