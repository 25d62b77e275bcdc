//! Scenes: functions from a point and a moment to a colour.
//!
//! A scene is made once per picture from a frame, a palette and dice, and then asked for every pixel
//! (and every moment of a video) in any order. Coordinates are isotropic with the centre at zero, x to
//! the right, y down, and the frame's area is 1: a scene looks alike in any shape of frame.

mod aurora;
mod city;
mod dunes;
mod forest;
mod marble;
mod mountains;
mod ocean;
mod planets;
mod profile;
mod ribbons;
mod shapes;
mod sky;

use crate::color::Rgb;
use crate::noise::Dice;
use crate::palette::Palette;
use crate::params::Size;

/// What the camera sees: half the extents, and the side of a pixel, in scene units.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    pub half_x: f32,
    pub half_y: f32,
    pub pixel: f32,
}

impl Frame {
    /// The frame of a picture of this size.
    pub fn of(size: Size) -> Self {
        let pixel = 1.0 / ((size.width.max(1) as f32) * (size.height.max(1) as f32)).sqrt();
        Self { half_x: size.width as f32 * pixel / 2.0, half_y: size.height as f32 * pixel / 2.0, pixel }
    }

    /// The y at a share of the height from the top.
    pub fn y_at(&self, share: f32) -> f32 {
        (share * 2.0 - 1.0) * self.half_y
    }

    /// The x at a share of the width from the left.
    pub fn x_at(&self, share: f32) -> f32 {
        (share * 2.0 - 1.0) * self.half_x
    }
}

/// A moment of a video that repeats: a point on a circle, so that the last frame meets the first.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// 0..1 once around.
    pub phase: f32,
    /// Zero at the start.
    pub sin: f32,
    /// One at the start.
    pub cos: f32,
}

impl Moment {
    /// The moment of a still picture.
    pub const STILL: Self = Self { phase: 0.0, sin: 0.0, cos: 1.0 };

    /// The moment at a share of the way around.
    pub fn at(phase: f32) -> Self {
        let (sin, cos) = (phase * std::f32::consts::TAU).sin_cos();
        Self { phase, sin, cos }
    }
}

/// A picture as a function.
pub trait Scene {
    /// The light at a point and moment.
    fn color(&self, x: f32, y: f32, moment: &Moment) -> Rgb;
}

/// What a scene is made from.
pub struct Setting<'a> {
    pub frame: Frame,
    pub palette: &'a Palette,
    pub words: &'a [String],
    pub dice: Dice,
}

impl Setting<'_> {
    /// True when the prompt has one of these words.
    pub fn says(&self, any: &[&str]) -> bool {
        self.words.iter().any(|word| any.contains(&word.as_str()))
    }
}

type Maker = fn(&mut Setting) -> Box<dyn Scene>;

#[rustfmt::skip] // A table of words reads best one composition a line.
static COMPOSITIONS: [(Maker, &[&str]); 10] = [
    (aurora::make, &["aurora", "northern", "borealis", "polar", "arctic"]),
    (city::make, &["city", "skyline", "street", "neon", "tokyo", "urban", "downtown", "cyberpunk", "skyscraper", "building", "cyber", "town", "architecture", "york", "london", "paris"]),
    (planets::make, &["planet", "space", "galaxy", "cosmos", "nebula", "orbit", "universe", "alien", "astronaut", "rocket", "saturn", "mars"]),
    (ocean::make, &["ocean", "sea", "beach", "wave", "coast", "boat", "ship", "sail", "island", "shore", "surf", "tropical", "paradise"]),
    (forest::make, &["forest", "tree", "wood", "jungle", "pine", "fox", "deer", "owl", "bear", "rainforest"]),
    (dunes::make, &["desert", "dune", "sand", "sahara", "camel", "egypt", "savanna"]),
    (mountains::make, &["mountain", "alp", "alpine", "peak", "valley", "lake", "hill", "snow", "volcano", "canyon", "landscape", "sunset", "sunrise", "dawn", "castle", "eagle", "dragon", "winter", "autumn", "horizon"]),
    (ribbons::make, &["ribbon", "silk", "flow", "smoke", "dance", "music", "wind", "energy", "motion", "ink", "light", "dress", "fashion", "sound"]),
    (marble::make, &["marble", "fluid", "paint", "painting", "oil", "liquid", "agate", "lava", "watercolor", "texture", "stone", "flower", "fire"]),
    (shapes::make, &["abstract", "geometric", "shape", "bauhaus", "poster", "logo", "pattern", "modern", "icon", "design", "retro", "cubist", "minimal"]),
];

/// The scene for the prompt's words: the first word that names a composition decides, or else the dice.
pub fn compose(setting: &mut Setting) -> Box<dyn Scene> {
    let named = |word: &String| COMPOSITIONS.iter().find(|(_, words)| words.contains(&word.as_str()));
    let rolled = setting.dice.below(COMPOSITIONS.len());
    let maker = setting.words.iter().find_map(named).map_or(COMPOSITIONS[rolled].0, |(maker, _)| *maker);
    maker(setting)
}

/// How much of a pixel lies inside of an edge `depth` away (positive is inside).
fn coverage(depth: f32, pixel: f32) -> f32 {
    (depth / pixel + 0.5).clamp(0.0, 1.0)
}
