//! Edits that change each pixel's colour, and blurring.

use super::Job;
use crate::canvas::{CHANNELS, Canvas, Stage, View};
use crate::color::{Lab, Ramp, Rgb, Tone};
use crate::noise::{Dice, hash_bytes, scramble};
use crate::palette::{Palette, words};
use crate::params::{Size, bad};
use crate::progress::{Halt, Progress};
use crate::scene::Moment;

/// A change of colour in OKLab.
#[derive(Clone, Copy, Default)]
struct Shift {
    /// Added to the lightness.
    brightness: f32,
    /// -1 is flat grey, 1 is twice the contrast.
    contrast: f32,
    /// -1 is colourless, 1 is twice as colourful.
    saturation: f32,
    /// Turns of the colour circle.
    hue: f32,
    /// Towards amber, or towards blue when negative.
    warmth: f32,
}

impl Shift {
    fn apply(&self, lab: Lab) -> Lab {
        let colorful = 1.0 + self.saturation;
        let turned = lab.turned(self.hue);
        Lab {
            l: ((lab.l - 0.5) * (1.0 + self.contrast) + 0.5 + self.brightness).clamp(0.0, 1.0),
            a: turned.a * colorful + self.warmth * 0.01,
            b: turned.b * colorful + self.warmth * 0.05,
        }
    }
}

fn recolored(
    source: &Canvas,
    progress: &mut Progress,
    stage: &Stage,
    change: impl Fn(Lab) -> Lab,
) -> Result<Canvas, Halt> {
    let tone = Plain::new();
    Canvas::paint(source.size, progress, stage, |x, y| {
        tone.bytes(change(Rgb::from_bytes(source.at(x.into(), y.into())).lab()).rgb())
    })
}

/// Bytes without the highlights' roll-off: what an edit leaves alone must come back as it was.
pub(super) struct Plain(Tone);

impl Plain {
    pub(super) fn new() -> Self {
        Self(Tone::exact())
    }

    pub(super) fn bytes(&self, color: Rgb) -> [u8; CHANNELS] {
        self.0.bytes(color, 0.5)
    }
}

/// `image.adjust`: `brightness`, `contrast` and `saturation`, each -1 to 1; none given is a mild lift.
pub fn adjust(job: &Job, progress: &mut Progress) -> Result<Canvas, Halt> {
    let read = |name| job.params.number(name, -1.0, 1.0);
    let (brightness, contrast, saturation) = (read("brightness")?, read("contrast")?, read("saturation")?);
    let shift = if brightness.is_none() && contrast.is_none() && saturation.is_none() {
        Shift { contrast: 0.12, saturation: 0.15, ..Shift::default() }
    } else {
        Shift {
            brightness: brightness.unwrap_or(0.0) as f32 * 0.5,
            contrast: contrast.unwrap_or(0.0) as f32,
            saturation: saturation.unwrap_or(0.0) as f32,
            ..Shift::default()
        }
    };
    recolored(&job.source, progress, &Stage::only("adjusting"), |lab| shift.apply(lab))
}

/// `image.edit`: `crop` {x, y, width, height as shares}, `hue` in degrees, `blur` in pixels; without
/// them, what the prompt's words name; without those, a turn of the hue made from the prompt.
pub fn edit(job: &Job, progress: &mut Progress) -> Result<Canvas, Halt> {
    let prompt = job.params.prompt()?;
    let words = words(prompt);
    let says = |any: &[&str]| words.iter().any(|word| any.contains(&word.as_str()));
    let hue = job.params.number("hue", -360.0, 360.0)?;
    let blur = job.params.number("blur", 0.0, 64.0)?;
    let crop = region(job, "crop")?;
    let mut shift = Shift { hue: hue.unwrap_or(0.0) as f32 / 360.0, ..Shift::default() };
    let mut radius = blur.unwrap_or(0.0) as u32;
    let mut window = crop;
    if hue.is_none() && blur.is_none() && crop.is_none() {
        if says(&["blur", "blurry", "soft", "softer"]) {
            radius = (job.source.size.width.max(job.source.size.height) / 120).max(2);
        }
        if says(&["crop", "square", "closer", "zoom"]) {
            window = Some(Region { x: 0.15, y: 0.15, width: 0.7, height: 0.7 });
        }
        shift.brightness = said(says(&["brighter", "bright", "lighter"]), says(&["darker", "dark"])) * 0.12;
        shift.warmth = said(says(&["warmer", "warm", "sunset"]), says(&["cooler", "cool", "cold", "winter"]));
        shift.saturation =
            said(says(&["vivid", "colorful"]), says(&["grey", "gray", "monochrome", "faded"])) * 0.9;
        let moved = shift.brightness != 0.0 || shift.warmth != 0.0 || shift.saturation != 0.0;
        if radius == 0 && window.is_none() && !moved {
            shift.hue = (scramble(hash_bytes(prompt.as_bytes())) % 300) as f32 / 360.0 + 0.08;
        }
    }
    let cut = cropped(&job.source, window);
    let toned = recolored(&cut, progress, &Stage::of("toning", 0, 2), |lab| shift.apply(lab))?;
    blurred(&toned, radius, progress, &Stage::of("blurring", 1, 2))
}

fn said(more: bool, less: bool) -> f32 {
    f32::from(i8::from(more) - i8::from(less))
}

/// `image.style_transfer`: the palette of the prompt, laid over the picture's light and dark.
pub fn style_transfer(job: &Job, progress: &mut Progress) -> Result<Canvas, Halt> {
    let ramp = style(job)?;
    recolored(&job.source, progress, &Stage::only("styling"), |lab| {
        let styled = ramp.at(lab.l).lab();
        // A rest of the picture's own colour keeps areas of equal lightness apart.
        Lab { l: 0.35 * styled.l + 0.65 * lab.l, a: styled.a + 0.25 * lab.a, b: styled.b + 0.25 * lab.b }
    })
}

/// `image.redux`: the picture in the prompt's palette, with the prompt's scene shining through.
pub fn redux(job: &Job, progress: &mut Progress) -> Result<Canvas, Halt> {
    let ramp = style(job)?;
    let view = View::of_task(job.task, job.source.size, false)?;
    let tone = Plain::new();
    Canvas::paint(job.source.size, progress, &Stage::only("varying"), |x, y| {
        let own = Rgb::from_bytes(job.source.at(x.into(), y.into())).lab();
        let scene = Rgb::from_bytes(view.pixel(x, y, &Moment::STILL)).lab();
        let styled = ramp.at(own.l).lab();
        tone.bytes(own.mix(styled, 0.45).mix(scene, 0.4).rgb())
    })
}

fn style(job: &Job) -> Result<Ramp, Halt> {
    let text = match job.params.text("style")? {
        Some(style) => style,
        None => job.params.prompt()?,
    };
    let hash = hash_bytes(text.as_bytes());
    let mut dice = Dice::new(scramble(job.params.seed(hash)?) ^ u64::from(job.task.output));
    let palette = Palette::for_words(&words(text), hash, &mut dice);
    let mut stops =
        [palette.land[2], palette.land[1], palette.accents[0], palette.sky[2], palette.sky[3], palette.light];
    // Dark to light, or the picture would turn inside out.
    stops.sort_by(|a, b| a.luminance().total_cmp(&b.luminance()));
    Ok(Ramp::new(&stops))
}

/// A rectangle as shares of the picture's sides.
#[derive(Clone, Copy, Debug)]
pub(super) struct Region {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}

/// Reads a rectangle from a parameter: an object of `x`, `y`, `width`, `height` as shares 0 to 1.
pub(super) fn region(job: &Job, name: &'static str) -> Result<Option<Region>, Halt> {
    let Some(value) = job.params.value(name) else { return Ok(None) };
    let fields = value.as_object().ok_or_else(|| bad(name, "is not an object of x, y, width and height"))?;
    let share = |field: &str, otherwise: f64| match fields.get(field) {
        None => Ok(otherwise),
        Some(value) => {
            let share = value.as_f64().filter(|share| (0.0..=1.0).contains(share));
            share.ok_or_else(|| bad(name, &format!("`{field}` is not a share within 0 to 1")))
        }
    };
    let (x, y) = (share("x", 0.0)?, share("y", 0.0)?);
    Ok(Some(Region { x, y, width: share("width", 1.0 - x)?, height: share("height", 1.0 - y)? }))
}

fn cropped(source: &Canvas, window: Option<Region>) -> Canvas {
    let Some(window) = window else { return source.clone() };
    let (full_w, full_h) = (f64::from(source.size.width), f64::from(source.size.height));
    let left = (window.x * full_w).floor().min(full_w - 1.0);
    let top = (window.y * full_h).floor().min(full_h - 1.0);
    let size = Size {
        width: (window.width * full_w).round().clamp(1.0, full_w - left) as u32,
        height: (window.height * full_h).round().clamp(1.0, full_h - top) as u32,
    };
    let mut cut = Canvas::new(size);
    for (y, row) in (top as i64..).zip(cut.bytes.chunks_exact_mut(size.width as usize * CHANNELS)) {
        for (x, pixel) in (left as i64..).zip(row.chunks_exact_mut(CHANNELS)) {
            pixel.copy_from_slice(&source.at(x, y));
        }
    }
    cut
}

/// The picture blurred by two boxes across and two down, close to a bell curve.
pub(super) fn blurred(
    source: &Canvas,
    radius: u32,
    progress: &mut Progress,
    stage: &Stage,
) -> Result<Canvas, Halt> {
    if radius == 0 {
        progress.step(stage.part + 1, stage.parts, stage.name)?;
        return Ok(source.clone());
    }
    let reach = i64::from(radius);
    let mut canvas = source.clone();
    for pass in 0..4 {
        let stage = Stage::of(stage.name, stage.part * 4 + pass, stage.parts * 4);
        let from = canvas;
        canvas = if pass % 2 == 0 {
            Canvas::paint_rows(from.size, progress, &stage, |y, row| {
                slide(row.chunks_exact_mut(CHANNELS), reach, |x| from.at(x, y.into()));
            })?
        } else {
            down(&from, reach, progress, &stage)?
        };
    }
    Ok(canvas)
}

/// A running mean over a line of pixels.
fn slide<'a>(line: impl Iterator<Item = &'a mut [u8]>, reach: i64, at: impl Fn(i64) -> [u8; CHANNELS]) {
    let mut sums = [0_i64; CHANNELS];
    for i in -reach..=reach {
        sums.iter_mut().zip(at(i)).for_each(|(sum, byte)| *sum += i64::from(byte));
    }
    for (i, pixel) in (0_i64..).zip(line) {
        pixel.iter_mut().zip(sums).for_each(|(byte, sum)| *byte = (sum / (2 * reach + 1)) as u8);
        let (next, gone) = (at(i + reach + 1), at(i - reach));
        for ((sum, next), gone) in sums.iter_mut().zip(next).zip(gone) {
            *sum += i64::from(next) - i64::from(gone);
        }
    }
}

/// A running mean down all columns at once, so that memory is read row by row.
fn down(from: &Canvas, reach: i64, progress: &mut Progress, stage: &Stage) -> Result<Canvas, Halt> {
    let row_len = from.size.width as usize * CHANNELS;
    let last = i64::from(from.size.height) - 1;
    let row_at = |y: i64| from.bytes.chunks_exact(row_len).nth(y.clamp(0, last) as usize).unwrap_or(&[]);
    let mut sums = vec![0_i64; row_len];
    for y in -reach..=reach {
        sums.iter_mut().zip(row_at(y)).for_each(|(sum, byte)| *sum += i64::from(*byte));
    }
    Canvas::paint_rows(from.size, progress, stage, |y, row| {
        row.iter_mut().zip(&sums).for_each(|(byte, sum)| *byte = (sum / (2 * reach + 1)) as u8);
        let (next, gone) = (row_at(i64::from(y) + reach + 1), row_at(i64::from(y) - reach));
        for ((sum, next), gone) in sums.iter_mut().zip(next).zip(gone) {
            *sum += i64::from(*next) - i64::from(*gone);
        }
    })
}
