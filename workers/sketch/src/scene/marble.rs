//! Poured paint: noise that bends noise, lit from one side, with veins of light.

use super::{Moment, Scene, Setting};
use crate::color::{Ramp, Rgb};
use crate::noise::{fbm, gradient, smoothstep};

struct Marble {
    ramp: Ramp,
    accent: Rgb,
    vein: Rgb,
    zoom: f32,
    bend: f32,
    shift: (f32, f32),
    seed: u32,
}

/// Makes the scene.
pub fn make(setting: &mut Setting) -> Box<dyn Scene> {
    let gilded = setting.says(&["gold", "golden", "marble", "luxury", "agate"]) || setting.dice.flip(0.5);
    let Setting { palette, dice, .. } = setting;
    let stops = [
        palette.land[2],
        palette.land[1],
        palette.accents[2],
        palette.sky[2],
        palette.accents[0],
        palette.light,
    ];
    let vein = if gilded { palette.light.mix(Rgb::hex(0xf2c14e), 0.55) * 1.2 } else { palette.light };
    Box::new(Marble {
        ramp: Ramp::new(&stops),
        accent: palette.accents[1],
        vein,
        zoom: dice.range(1.0, 1.7),
        bend: dice.range(1.3, 2.1),
        shift: (dice.range(-50.0, 50.0), dice.range(-50.0, 50.0)),
        seed: dice.seed(),
    })
}

impl Scene for Marble {
    fn color(&self, x: f32, y: f32, moment: &Moment) -> Rgb {
        let (px, py) = (x * self.zoom + self.shift.0, y * self.zoom + self.shift.1);
        let (s, c) = (moment.sin * 0.3, moment.cos * 0.3);
        let (qx, qy) = (fbm(px + s, py + c, 3, self.seed), fbm(px - c, py + 5.2 + s, 3, self.seed ^ 1));
        let (bx, by) = (px + self.bend * qx, py + self.bend * qy);
        let (rx, ry) = (fbm(bx + 1.7, by + 9.2, 3, self.seed ^ 2), fbm(bx + 8.3, by + 2.8, 2, self.seed ^ 3));
        let (fx, fy) = (px + self.bend * rx, py + self.bend * ry);
        let field = fbm(fx, fy, 4, self.seed ^ 4);
        // A second look a little off in the light's direction stands in for the surface's slope.
        let toward = gradient(fx + 0.09, fy + 0.07, self.seed ^ 4) - gradient(fx, fy, self.seed ^ 4);
        let mut color = self.ramp.at(0.47 + 0.62 * field + 0.2 * rx);
        color = color.mix(self.accent, smoothstep(0.25, 0.75, qx.abs() + 0.4 * ry) * 0.7);
        color = color * (1.0 + 1.1 * toward).clamp(0.55, 1.6);
        let gloss = smoothstep(0.1, 0.32, toward) * 0.14;
        color = color + Rgb::WHITE * gloss;
        let seam = (field - 0.5 * ry + 0.06).abs();
        let gold = smoothstep(0.022, 0.004, seam) * smoothstep(-0.2, 0.3, qy + rx);
        color.mix(self.vein * (0.75 + 2.0 * toward.abs()), gold * 0.85)
    }
}
