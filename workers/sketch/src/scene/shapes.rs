//! A quilt of arcs, discs, stripes and triangles on a grid, printed on paper.

use super::{Frame, Moment, Scene, Setting, coverage};
use crate::color::Rgb;
use crate::noise::{chance, fbm, floor, lattice, smoothstep};

struct Shapes {
    frame: Frame,
    cell: f32,
    shift: (f32, f32),
    inks: [Rgb; 6],
    seed: u32,
}

/// A cell of the grid, or a block of four: its corner, its side, and its own hash.
struct Block {
    left: f32,
    top: f32,
    side: f32,
    id: u32,
}

/// Makes the scene.
pub fn make(setting: &mut Setting) -> Box<dyn Scene> {
    let Setting { frame, palette, dice, .. } = setting;
    let across = 3 + dice.below(3);
    let cell = 2.0 * frame.half_x.min(frame.half_y) / across as f32;
    let inks = [
        palette.accents[0],
        palette.accents[1],
        palette.accents[2],
        palette.light,
        palette.land[2].mix(palette.land[1], 0.25),
        palette.sky[1],
    ];
    // Whole cells start at the frame's corner, so that none is cut on the short side.
    Box::new(Shapes { frame: *frame, cell, shift: (frame.half_x, frame.half_y), inks, seed: dice.seed() })
}

impl Shapes {
    fn block(&self, x: f32, y: f32) -> Block {
        let (u, v) = (floor((x + self.shift.0) / self.cell), floor((y + self.shift.1) / self.cell));
        let (pu, pv) = (u.div_euclid(2), v.div_euclid(2));
        let merged = chance(pu, pv, self.seed ^ 0xb16) < 0.32;
        let (u, v, side) = if merged { (pu * 2, pv * 2, self.cell * 2.0) } else { (u, v, self.cell) };
        Block {
            left: u as f32 * self.cell - self.shift.0,
            top: v as f32 * self.cell - self.shift.1,
            side,
            id: lattice(u, v, self.seed),
        }
    }

    fn inks_of(&self, id: u32) -> [Rgb; 3] {
        let first = (id % 6) as usize;
        let second = (first + 1 + (id / 6 % 5) as usize) % 6;
        let third =
            (0..6).find(|i| *i != first && *i != second && (id >> 9) as usize % 3 <= *i).unwrap_or(first);
        [self.inks[first], self.inks[second], self.inks[third]]
    }

    /// Turns a point about the block's centre: a quarter by hash, and half of the blocks slowly in a video.
    fn turned(block: &Block, x: f32, y: f32, moment: &Moment) -> (f32, f32) {
        let (u, v) = ((x - block.left) / block.side * 2.0 - 1.0, (y - block.top) / block.side * 2.0 - 1.0);
        let (u, v) = match block.id >> 13 & 3 {
            0 => (u, v),
            1 => (-v, u),
            2 => (-u, -v),
            _ => (v, -u),
        };
        if block.id >> 17 & 1 == 0 {
            return (u, v);
        }
        let angle = 0.55 * moment.sin;
        (u * angle.cos() - v * angle.sin(), v * angle.cos() + u * angle.sin())
    }

    fn motif(&self, block: &Block, x: f32, y: f32, moment: &Moment) -> Rgb {
        let (u, v) = Self::turned(block, x, y, moment);
        let pixel = self.frame.pixel / block.side * 2.0;
        let [paper, ink, dot] = self.inks_of(block.id);
        let ring = |cx: f32, cy: f32| ((u - cx).powi(2) + (v - cy).powi(2)).sqrt();
        let on = |depth: f32| coverage(depth, pixel);
        match block.id >> 20 & 7 {
            0 => paper.mix(ink, on(2.0 - ring(-1.0, -1.0))).mix(dot, on(1.0 - ring(-1.0, -1.0))),
            1 => paper.mix(ink, on(0.86 - ring(0.0, 0.0))).mix(dot, on(0.4 - ring(0.0, 0.0))),
            2 => paper.mix(ink, on((1.0 - ring(0.0, -1.0)).max(1.0 - ring(0.0, 1.0)))),
            3 => paper.mix(ink, on((u - v) * 0.707)).mix(dot, on(0.34 - ring(0.45, -0.45))),
            4 => {
                let stripe = ((u + 1.0) * 2.5).rem_euclid(1.0);
                paper.mix(ink, coverage(0.25 - (stripe - 0.5).abs(), pixel * 2.5))
            }
            5 => {
                let arcs = (ring(-1.0, 1.0) * 2.5).rem_euclid(1.0);
                let edge = coverage(0.25 - (arcs - 0.5).abs(), pixel * 2.5);
                paper.mix(ink, edge * on(2.0 - ring(-1.0, 1.0)))
            }
            6 => paper.mix(ink, on(1.0 - u.abs() - v.abs())).mix(dot, on(0.42 - u.abs() - v.abs())),
            _ => {
                let half = on((0.9 - ring(0.0, 0.0)).min(-v));
                paper.mix(ink, half).mix(dot, on((0.9 - ring(0.0, 0.0)).min(v)))
            }
        }
    }
}

impl Scene for Shapes {
    fn color(&self, x: f32, y: f32, moment: &Moment) -> Rgb {
        let block = self.block(x, y);
        let color = self.motif(&block, x, y, moment);
        // Ink lies unevenly and the sheet is lit from the upper left.
        let fiber = 1.0
            + 0.05 * fbm(x * 90.0, y * 40.0, 2, self.seed ^ 1)
            + 0.06 * fbm(x * 3.0, y * 3.0, 2, self.seed ^ 2);
        let edge = (x - block.left)
            .min(block.left + block.side - x)
            .min(y - block.top)
            .min(block.top + block.side - y);
        let seam = 0.88 + 0.12 * smoothstep(0.0, 0.006, edge);
        color * (fiber * seam * (1.0 - 0.12 * (x + y)))
    }
}
