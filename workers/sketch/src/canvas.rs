//! From scenes to rows of bytes.

use crate::color::{Rgb, Tone};
use crate::noise::{Dice, chance, hash_bytes, scramble};
use crate::palette::{Palette, words};
use crate::params::{Params, Size};
use crate::progress::{Halt, Progress};
use crate::scene::{Frame, Moment, Scene, Setting, compose};
use crate::{RenderError, Task};

/// Bytes of one pixel.
pub const CHANNELS: usize = 3;
/// Rows between two looks at the caller.
const BAND_ROWS: u32 = 16;

/// Rows of RGB bytes, top to bottom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Canvas {
    pub size: Size,
    pub bytes: Vec<u8>,
}

impl Canvas {
    /// A black canvas.
    pub fn new(size: Size) -> Self {
        Self { size, bytes: vec![0; size.width as usize * size.height as usize * CHANNELS] }
    }

    /// The pixel at x, y; beyond the borders the border's.
    pub fn at(&self, x: i64, y: i64) -> [u8; CHANNELS] {
        let inside = |at: i64, side: u32| at.clamp(0, i64::from(side) - 1) as usize;
        let start =
            (inside(y, self.size.height) * self.size.width as usize + inside(x, self.size.width)) * CHANNELS;
        match self.bytes.get(start..start + CHANNELS) {
            Some(&[r, g, b]) => [r, g, b],
            _ => [0; CHANNELS],
        }
    }

    /// Fills every row from its number, in bands with a look at the caller after each.
    pub fn paint_rows(
        size: Size,
        progress: &mut Progress,
        stage: &Stage,
        mut fill: impl FnMut(u32, &mut [u8]),
    ) -> Result<Self, Halt> {
        let mut canvas = Self::new(size);
        let row_len = size.width as usize * CHANNELS;
        let bands = size.height.div_ceil(BAND_ROWS);
        for (band, rows) in (0_u32..).zip(canvas.bytes.chunks_mut(row_len * BAND_ROWS as usize)) {
            for (y, row) in (band * BAND_ROWS..).zip(rows.chunks_mut(row_len)) {
                fill(y, row);
            }
            progress.step(stage.part * bands + band + 1, stage.parts * bands, stage.name)?;
        }
        Ok(canvas)
    }

    /// Paints every pixel from its place, in bands.
    pub fn paint(
        size: Size,
        progress: &mut Progress,
        stage: &Stage,
        mut pixel: impl FnMut(u32, u32) -> [u8; CHANNELS],
    ) -> Result<Self, Halt> {
        Self::paint_rows(size, progress, stage, |y, row| {
            for (x, target) in (0..).zip(row.chunks_exact_mut(CHANNELS)) {
                target.copy_from_slice(&pixel(x, y));
            }
        })
    }
}

/// Which part of the whole a pass over the picture is.
#[derive(Clone, Copy)]
pub struct Stage<'a> {
    pub name: &'a str,
    pub part: u32,
    pub parts: u32,
}

impl<'a> Stage<'a> {
    /// The only pass.
    pub fn only(name: &'a str) -> Self {
        Self { name, part: 0, parts: 1 }
    }

    /// One pass of several.
    pub fn of(name: &'a str, part: u32, parts: u32) -> Self {
        Self { name, part, parts }
    }
}

/// A scene and how to look at it.
pub struct View {
    scene: Box<dyn Scene>,
    frame: Frame,
    pub size: Size,
    samples_per_side: u32,
    tone: Tone,
    grain_seed: u32,
    /// Stills are dithered against banding; video frames are not, for it would double their bytes.
    dithered: bool,
}

impl View {
    /// The scene that a task's prompt, seed and output index call for.
    pub fn of_task(task: &Task, size: Size, dithered: bool) -> Result<Self, RenderError> {
        let params = Params::new(task.params);
        let prompt = params.prompt()?;
        let hash = hash_bytes(prompt.as_bytes());
        let seed = scramble(scramble(hash ^ 0x5eed) ^ params.seed(hash)?) ^ scramble(u64::from(task.output));
        let words = words(prompt);
        let mut dice = Dice::new(seed);
        let palette = Palette::for_words(&words, hash, &mut dice);
        let frame = Frame::of(size);
        let grain_seed = dice.seed();
        let scene = compose(&mut Setting { frame, palette: &palette, words: &words, dice });
        let samples_per_side = params.samples_per_side()?;
        Ok(Self { scene, frame, size, samples_per_side, tone: Tone::new(), grain_seed, dithered })
    }

    /// The bytes of one pixel at a moment.
    pub fn pixel(&self, x: u32, y: u32, moment: &Moment) -> [u8; CHANNELS] {
        let share = 1.0 / self.samples_per_side as f32;
        let mut sum = Rgb::BLACK;
        for j in 0..self.samples_per_side {
            for i in 0..self.samples_per_side {
                let sx = (x as f32 + (i as f32 + 0.5) * share) * self.frame.pixel - self.frame.half_x;
                let sy = (y as f32 + (j as f32 + 0.5) * share) * self.frame.pixel - self.frame.half_y;
                // Clipped per sample: one sample of the sun must not outshine its neighbours' edge.
                let light = self.scene.color(sx, sy, moment);
                sum = sum
                    + Rgb { r: light.r.min(2.0), g: light.g.min(2.0), b: light.b.min(2.0) } * (share * share);
            }
        }
        let (u, v) = (
            (x as f32 * self.frame.pixel - self.frame.half_x) / self.frame.half_x,
            (y as f32 * self.frame.pixel - self.frame.half_y) / self.frame.half_y,
        );
        let vignette = 1.0 - 0.16 * ((u * u + v * v) * 0.5).powi(2);
        let dither = if self.dithered { chance(x as i32, y as i32, self.grain_seed) } else { 0.5 };
        self.tone.bytes(sum * vignette, dither)
    }

    /// The whole picture at a moment.
    pub fn shoot(&self, moment: &Moment, progress: &mut Progress, stage: &Stage) -> Result<Canvas, Halt> {
        Canvas::paint(self.size, progress, stage, |x, y| self.pixel(x, y, moment))
    }
}
