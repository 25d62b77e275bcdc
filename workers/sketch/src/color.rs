//! Colours in linear light, and the two conversions they need: to a perceptual space for mixing,
//! and to 8-bit sRGB for files.
//!
//! Light adds up in linear values (glow, haze, reflections); gradients are only even to the eye in
//! OKLab. Scenes therefore compute linearly and take their gradients from a [`Ramp`] made in OKLab.

use std::ops::{Add, Mul};

/// A colour in linear light; 1.0 is the brightest that a file can hold, scenes may exceed it.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Rgb {
    pub r: f32,
    pub g: f32,
    pub b: f32,
}

impl Rgb {
    /// No light.
    pub const BLACK: Self = Self { r: 0.0, g: 0.0, b: 0.0 };
    /// Full light.
    pub const WHITE: Self = Self { r: 1.0, g: 1.0, b: 1.0 };

    /// A colour written `0xrrggbb` in sRGB.
    pub fn hex(code: u32) -> Self {
        Self::from_bytes([(code >> 16) as u8, (code >> 8) as u8, code as u8])
    }

    /// A colour from the three sRGB bytes of a pixel.
    pub fn from_bytes([r, g, b]: [u8; 3]) -> Self {
        Self { r: to_linear(r), g: to_linear(g), b: to_linear(b) }
    }

    /// The colour a share `t` of the way to `other`, in linear light.
    pub fn mix(self, other: Self, t: f32) -> Self {
        Self {
            r: self.r + (other.r - self.r) * t,
            g: self.g + (other.g - self.g) * t,
            b: self.b + (other.b - self.b) * t,
        }
    }

    /// Each channel times the other's: light through a filter.
    pub fn tint(self, other: Self) -> Self {
        Self { r: self.r * other.r, g: self.g * other.g, b: self.b * other.b }
    }

    /// Brightness as the eye weighs the channels.
    pub fn luminance(self) -> f32 {
        0.2126 * self.r + 0.7152 * self.g + 0.0722 * self.b
    }

    /// The same colour in OKLab.
    pub fn lab(self) -> Lab {
        let l = (0.412_221_46 * self.r + 0.536_332_55 * self.g + 0.051_445_995 * self.b).cbrt();
        let m = (0.211_903_5 * self.r + 0.680_699_5 * self.g + 0.107_396_96 * self.b).cbrt();
        let s = (0.088_302_46 * self.r + 0.281_718_85 * self.g + 0.629_978_7 * self.b).cbrt();
        Lab {
            l: 0.210_454_26 * l + 0.793_617_8 * m - 0.004_072_047 * s,
            a: 1.977_998_5 * l - 2.428_592_2 * m + 0.450_593_7 * s,
            b: 0.025_904_037 * l + 0.782_771_77 * m - 0.808_675_77 * s,
        }
    }
}

impl Add for Rgb {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self { r: self.r + other.r, g: self.g + other.g, b: self.b + other.b }
    }
}

impl Mul<f32> for Rgb {
    type Output = Self;
    fn mul(self, by: f32) -> Self {
        Self { r: self.r * by, g: self.g * by, b: self.b * by }
    }
}

/// A colour in OKLab: lightness and two opponent axes, where equal distances look equal.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Lab {
    pub l: f32,
    pub a: f32,
    pub b: f32,
}

impl Lab {
    /// A colour from lightness 0..1, chroma 0..0.37 and hue in turns.
    pub fn polar(l: f32, chroma: f32, hue: f32) -> Self {
        let angle = hue * std::f32::consts::TAU;
        Self { l, a: chroma * angle.cos(), b: chroma * angle.sin() }
    }

    /// The same colour with its hue turned by a share of the circle.
    pub fn turned(self, turns: f32) -> Self {
        let (sin, cos) = (turns * std::f32::consts::TAU).sin_cos();
        Self { l: self.l, a: self.a * cos - self.b * sin, b: self.a * sin + self.b * cos }
    }

    /// The colour a share `t` of the way to `other`.
    pub fn mix(self, other: Self, t: f32) -> Self {
        Self {
            l: self.l + (other.l - self.l) * t,
            a: self.a + (other.a - self.a) * t,
            b: self.b + (other.b - self.b) * t,
        }
    }

    /// Back in linear light; what lies outside of sRGB is cut to it.
    pub fn rgb(self) -> Rgb {
        let l = self.l + 0.396_337_78 * self.a + 0.215_803_76 * self.b;
        let m = self.l - 0.105_561_346 * self.a - 0.063_854_17 * self.b;
        let s = self.l - 0.089_484_18 * self.a - 1.291_485_5 * self.b;
        let (l, m, s) = (l * l * l, m * m * m, s * s * s);
        let r = 4.076_741_7 * l - 3.307_711_6 * m + 0.230_969_93 * s;
        let g = -1.268_438 * l + 2.609_757_4 * m - 0.341_319_4 * s;
        let b = -0.004_196_086 * l - 0.703_418_6 * m + 1.707_614_7 * s;
        Rgb { r: r.clamp(0.0, 1.0), g: g.clamp(0.0, 1.0), b: b.clamp(0.0, 1.0) }
    }
}

/// A gradient through a few colours, even to the eye, looked up in constant time.
pub struct Ramp {
    table: Vec<Rgb>,
}

impl Ramp {
    const STEPS: usize = 256;

    /// A gradient through evenly spaced stops; without any it is black.
    pub fn new(stops: &[Rgb]) -> Self {
        let labs: Vec<Lab> = stops.iter().map(|stop| stop.lab()).collect();
        let last = labs.len().saturating_sub(1);
        let table = (0..=Self::STEPS).map(|step| {
            let at = step as f32 / Self::STEPS as f32 * last as f32;
            let low = (at as usize).min(last);
            let from = labs.get(low).copied().unwrap_or_default();
            let to = labs.get((low + 1).min(last)).copied().unwrap_or_default();
            from.mix(to, at - low as f32).rgb()
        });
        Self { table: table.collect() }
    }

    /// The colour at 0..1; beyond the ends it is the end's.
    pub fn at(&self, t: f32) -> Rgb {
        let at = t.clamp(0.0, 1.0) * Self::STEPS as f32;
        let low = (at as usize).min(Self::STEPS - 1);
        self.table[low].mix(self.table[low + 1], at - low as f32)
    }
}

/// Turns linear colours into the bytes of a file, rolling highlights off softly instead of cutting them.
pub struct Tone {
    table: Vec<f32>,
    soft: bool,
}

impl Tone {
    const STEPS: f32 = 4096.0;

    /// The table takes tens of microseconds to fill: make one per picture, not per pixel.
    pub fn new() -> Self {
        Self {
            table: (0..=4096).map(|step| from_linear(step as f32 / Self::STEPS) * 255.0).collect(),
            soft: true,
        }
    }

    /// Without the roll-off: for pixels that come from a file and should go back as they were.
    pub fn exact() -> Self {
        Self { soft: false, ..Self::new() }
    }

    /// Three sRGB bytes. `dither` in 0..1 decides how fractions round; 0.5 is plain rounding.
    pub fn bytes(&self, color: Rgb, dither: f32) -> [u8; 3] {
        [color.r, color.g, color.b].map(|channel| {
            let level = if self.soft { shoulder(channel) } else { channel.clamp(0.0, 1.0) };
            let at = level * Self::STEPS;
            let low = (at as usize).min(4095);
            let (a, b) = (self.table[low], self.table[low + 1]);
            // A float becomes an integer by saturation, so an excess of light is 255 and never wraps.
            (a + (b - a) * (at - low as f32) + dither) as u8
        })
    }
}

/// Identity up to 0.75, then an approach to 1 that never reaches it. Not a number becomes black.
fn shoulder(channel: f32) -> f32 {
    const KNEE: f32 = 0.75;
    if channel > KNEE {
        KNEE + (1.0 - KNEE) * (1.0 - (-(channel - KNEE) / (1.0 - KNEE)).exp())
    } else {
        channel.max(0.0)
    }
}

fn to_linear(byte: u8) -> f32 {
    let c = f32::from(byte) / 255.0;
    if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
}

fn from_linear(c: f32) -> f32 {
    if c <= 0.003_130_8 { c * 12.92 } else { 1.055 * c.powf(1.0 / 2.4) - 0.055 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colors_survive_the_way_to_oklab_and_back() {
        for code in [0x000000, 0xffffff, 0x2b1b4d, 0xff7a59, 0x00e5ff] {
            let color = Rgb::hex(code);
            let back = color.lab().rgb();
            let off = (color.r - back.r).abs() + (color.g - back.g).abs() + (color.b - back.b).abs();
            assert!(off < 0.01, "{code:06x} came back off by {off}");
        }
    }

    #[test]
    fn a_ramp_starts_and_ends_at_its_stops() {
        let ramp = Ramp::new(&[Rgb::hex(0x102030), Rgb::hex(0xf0e0d0)]);
        let tone = Tone::new();
        let near = |at: f32, code: [u8; 3]| {
            tone.bytes(ramp.at(at), 0.5).iter().zip(code).all(|(a, b)| a.abs_diff(b) <= 8)
        };
        assert!(near(-3.0, [0x10, 0x20, 0x30]));
        assert!(near(0.0, [0x10, 0x20, 0x30]));
        assert!(near(7.0, [0xf0, 0xe0, 0xd0]), "{:?}", tone.bytes(ramp.at(7.0), 0.5));
    }

    #[test]
    fn no_light_however_strange_leaves_the_bytes() {
        let tone = Tone::new();
        let odd = Rgb { r: f32::NAN, g: f32::INFINITY, b: -4.0 };
        assert_eq!(tone.bytes(odd, 0.999), [0, 255, 0]);
    }
}
