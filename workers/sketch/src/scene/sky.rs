//! The sky that several scenes share: a gradient, a sun or a moon with its glow, clouds, stars.

use super::{Frame, Moment, Setting, coverage};
use crate::color::{Ramp, Rgb};
use crate::noise::{chance, fbm, floor, gradient, smoothstep};

/// A sky from the top of the frame down to a horizon.
pub struct Sky {
    ramp: Ramp,
    frame: Frame,
    horizon: f32,
    /// Where the sun or moon stands, and its radius.
    pub sun: (f32, f32, f32),
    pub light: Rgb,
    night: bool,
    cloudiness: f32,
    seed: u32,
}

impl Sky {
    /// A sky whose sun stands over the horizon by a share of the sky's height.
    pub fn new(setting: &mut Setting, horizon: f32) -> Self {
        let Setting { frame, palette, dice, .. } = setting;
        let side = if dice.flip(0.5) { 0.28 } else { 0.72 };
        let sun_x = frame.x_at(side + dice.range(-0.12, 0.12));
        let height = if palette.night { dice.range(0.5, 0.75) } else { dice.range(0.1, 0.6) };
        let sun_y = horizon - (horizon + frame.half_y) * height;
        let radius = if palette.night { dice.range(0.035, 0.06) } else { dice.range(0.045, 0.1) };
        Self {
            ramp: Ramp::new(&palette.sky),
            frame: *frame,
            horizon,
            sun: (sun_x, sun_y, radius),
            light: palette.light,
            night: palette.night,
            cloudiness: dice.range(0.15, 0.85),
            seed: dice.seed(),
        }
    }

    /// The bare gradient at a height: what haze and calm water take their colour from.
    pub fn gradient_at(&self, y: f32) -> Rgb {
        let share = (y + self.frame.half_y) / (self.horizon + self.frame.half_y);
        self.ramp.at(share)
    }

    /// The colour of the air at the horizon.
    pub fn haze(&self) -> Rgb {
        self.ramp.at(0.94)
    }

    /// How strongly the sun lights a point of air, 0..1.
    pub fn glow(&self, x: f32, y: f32) -> f32 {
        let (sun_x, sun_y, radius) = self.sun;
        let away = (((x - sun_x).powi(2) + (y - sun_y).powi(2)).sqrt() - radius).max(0.0);
        let tight = (1.0 + away * 14.0).recip();
        let wide = (1.0 + away * 3.2).recip();
        0.55 * tight * tight + 0.3 * wide * wide
    }

    /// The sky with everything in it.
    pub fn color(&self, x: f32, y: f32, moment: &Moment) -> Rgb {
        let mut color = self.gradient_at(y);
        if self.night {
            color = color + self.stars(x, y, moment);
        }
        let glow = self.glow(x, y);
        color = color + self.light * (glow * if self.night { 0.35 } else { 0.75 });
        color = self.disc(x, y, color);
        self.clouds(x, y, moment, color, glow)
    }

    fn disc(&self, x: f32, y: f32, behind: Rgb) -> Rgb {
        let (sun_x, sun_y, radius) = self.sun;
        let (dx, dy) = (x - sun_x, y - sun_y);
        let inside = coverage(radius - (dx * dx + dy * dy).sqrt(), self.frame.pixel);
        if inside <= 0.0 {
            return behind;
        }
        if !self.night {
            return behind.mix(self.light * 1.5, inside);
        }
        // The terminator is a second circle, softly edged; the seas are low noise.
        let (sx, sy) = (dx - radius * 0.45, dy - radius * 0.2);
        let dark = smoothstep(radius * 1.02, radius * 0.72, (sx * sx + sy * sy).sqrt());
        let seas = 0.86 + 0.2 * fbm(dx / radius * 2.2, dy / radius * 2.2, 3, self.seed);
        let lit = self.light * (1.15 * seas);
        behind.mix(lit.mix(behind, dark * 0.88), inside)
    }

    fn stars(&self, x: f32, y: f32, moment: &Moment) -> Rgb {
        let fade = 1.0 - smoothstep(0.45, 1.0, (y + self.frame.half_y) / (self.horizon + self.frame.half_y));
        starfield(x, y, self.frame.pixel, self.seed, moment) * (fade * 0.9)
    }

    fn clouds(&self, x: f32, y: f32, moment: &Moment, behind: Rgb, glow: f32) -> Rgb {
        let above = self.horizon - y;
        if above <= 0.0 {
            return behind;
        }
        // Clouds flatten towards the horizon: the same sheet seen at a lower angle.
        let squeeze = 1.0 / (0.22 + above);
        let cx = (x + moment.sin * 0.05) * (0.7 + 0.9 * squeeze * 0.4) + 3.0;
        let cy = squeeze * 1.9;
        let bend = gradient(cx * 0.9, cy * 0.8, self.seed ^ 0x51);
        let puff = fbm(cx * 1.3 + bend * 0.5, cy + bend * 0.4 + moment.cos * 0.04, 5, self.seed ^ 0xc10d);
        let cover = smoothstep(0.2 - self.cloudiness * 0.4, 0.55, puff) * smoothstep(0.0, 0.08, above);
        if cover <= 0.0 {
            return behind;
        }
        let lining = self.light * (0.25 + glow * 1.6);
        let shade = self.gradient_at(y).mix(self.haze(), 0.55);
        let lit = shade.mix(lining, 0.25 + 0.5 * smoothstep(0.0, 0.4, glow));
        behind.mix(lit, cover * if self.night { 0.35 } else { 0.72 })
    }
}

/// Stars of mixed brightness, one at most in each cell of a fine grid, some of them twinkling.
pub fn starfield(x: f32, y: f32, pixel: f32, seed: u32, moment: &Moment) -> Rgb {
    const CELL: f32 = 0.02;
    let (cx, cy) = (floor(x / CELL), floor(y / CELL));
    let roll = chance(cx, cy, seed ^ 0x57a5);
    if roll > 0.3 {
        return Rgb::BLACK;
    }
    let star_x = (cx as f32 + 0.2 + 0.6 * chance(cx, cy, seed ^ 1)) * CELL;
    let star_y = (cy as f32 + 0.2 + 0.6 * chance(cx, cy, seed ^ 2)) * CELL;
    let rank = chance(cx, cy, seed ^ 3);
    let size = (0.0007 + 0.0016 * rank.powi(6)).max(pixel * 0.55);
    let near = ((x - star_x).powi(2) + (y - star_y).powi(2)) / (size * size);
    if near > 9.0 {
        return Rgb::BLACK;
    }
    let twinkle = 1.0 + 0.4 * (moment.sin * (rank * 40.0).sin() + (moment.cos - 1.0) * (rank * 40.0).cos());
    let warmth = chance(cx, cy, seed ^ 4);
    let tint = Rgb { r: 0.75 + 0.35 * warmth, g: 0.88, b: 1.15 - 0.35 * warmth };
    tint * ((0.12 + 1.3 * rank.powi(4)) * twinkle * (-near).exp())
}
