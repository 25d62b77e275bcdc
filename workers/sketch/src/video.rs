//! Moving scenes as animated PNG, and enlarging those that come back.

use std::io::Cursor;

use image::AnimationDecoder;
use image::codecs::png::PngDecoder;
use image::{ImageDecoder, ImageResult};

use crate::canvas::{Canvas, Stage, View};
use crate::edit::resample;
use crate::params::{Params, Size};
use crate::progress::{Halt, Progress};
use crate::scene::Moment;
use crate::{Artifact, RenderError, Task, encode};

/// Frames a second, while the video is short enough for [`FRAMES_MAX`].
const FRAMES_PER_SECOND: f64 = 8.0;
/// Most frames of a video; a longer one shows each for longer.
const FRAMES_MAX: u32 = 96;
/// Most pixels of all frames together: beyond it there are fewer frames, never smaller ones.
const PIXELS_MAX: u64 = 34_000_000;
/// Largest side that `width` and `height` may ask for, in pixels.
const SIDE_MAX: u32 = 1280;
const DEFAULT: Size = Size { width: 256, height: 144 };
/// These actions are billed and produced as at least 3 s (KA-07).
const AT_LEAST_3_S: [&str; 2] = ["video.flipbook", "video.motion"];

/// A video of the prompt's scene, or the input's frames enlarged for `video.upscale`.
pub fn produce(task: &Task, progress: &mut Progress) -> Result<Artifact, Halt> {
    match task.input {
        Some(input) if task.action == "video.upscale" => enlarge(task, input, progress),
        _ => film(task, progress),
    }
}

fn film(task: &Task, progress: &mut Progress) -> Result<Artifact, Halt> {
    let params = Params::new(task.params);
    let asked = params.seconds()?;
    let floored = AT_LEAST_3_S.contains(&task.action) || task.action.starts_with("video.transform_");
    let total_ms = milliseconds(if floored { asked.max(3.0) } else { asked });
    let size = match target(params, DEFAULT)? {
        Some(size) => size,
        None => params.size(DEFAULT, SIDE_MAX)?,
    };
    let wanted = (f64::from(total_ms) / 1000.0 * FRAMES_PER_SECOND).ceil() as u32;
    let count = affordable(wanted.max(1), size);
    let view = View::of_task(task, size, false)?;
    let mut frames = Vec::new();
    for frame in 0..count {
        let moment = Moment::at(frame as f32 / count as f32);
        let canvas = view.shoot(&moment, progress, &Stage::of("filming", frame, count))?;
        frames.push((canvas, share_of(total_ms, frame, count)));
    }
    wrap(&frames)
}

/// The size that `upscale` or `to` names, with the shape of the given one.
fn target(params: Params, shape: Size) -> Result<Option<Size>, RenderError> {
    let named = match params.text("upscale")? {
        Some(name) => Some(name),
        None => params.text("to")?,
    };
    let height = match named {
        Some("1080p") => 1080,
        Some("4k") => 2160,
        _ => return Ok(None),
    };
    let width = u64::from(shape.width) * u64::from(height) / u64::from(shape.height.max(1));
    Ok(Some(Size { width: width.clamp(1, u64::from(encode::SIDE_MAX)) as u32, height }))
}

fn affordable(wanted: u32, size: Size) -> u32 {
    let pixels = u64::from(size.width) * u64::from(size.height);
    let paid = (PIXELS_MAX / pixels.max(1)).clamp(1, u64::from(FRAMES_MAX)) as u32;
    wanted.min(paid)
}

/// At least 1 ms; the bound on seconds keeps it far inside of 32 bits.
fn milliseconds(seconds: f64) -> u32 {
    (seconds * 1000.0).round().max(1.0) as u32
}

/// One frame's time, so that all frames together last exactly as long as the video.
fn share_of(total_ms: u32, frame: u32, count: u32) -> u16 {
    let at = |i: u32| u64::from(total_ms) * u64::from(i) / u64::from(count.max(1));
    u16::try_from(at(frame + 1) - at(frame)).unwrap_or(u16::MAX)
}

fn wrap(frames: &[(Canvas, u16)]) -> Result<Artifact, Halt> {
    let total_ms: u32 = frames.iter().map(|(_, delay_ms)| u32::from(*delay_ms)).sum();
    let seconds = f64::from(total_ms) / 1000.0;
    Ok(Artifact { content_type: "image/apng", bytes: encode::animated_png(frames)?, units: Some(seconds) })
}

fn enlarge(task: &Task, input: &[u8], progress: &mut Progress) -> Result<Artifact, Halt> {
    let params = Params::new(task.params);
    let asked_ms = milliseconds(params.seconds()?);
    let (frames, whole_ms) = match read_frames(input) {
        Some(frames) => {
            let whole_ms = frames.iter().map(|(_, delay_ms)| delay_ms).sum();
            (frames, whole_ms)
        }
        // A still becomes a video of one frame.
        None => (vec![(encode::decode(input)?, asked_ms)], asked_ms),
    };
    let Some((first, _)) = frames.first() else {
        return Err(RenderError::BadInput { reason: "the video has no frames".to_owned() }.into());
    };
    let size = match target(params, first.size)? {
        Some(size) => size,
        None => resample::scaled(first.size, 2.0),
    };
    let total = frames.len() as u32;
    let count = affordable(total, size);
    let whole_ms: u32 = u32::clamp(whole_ms, 1, 600_000);
    let mut enlarged = Vec::new();
    for i in 0..count {
        let source = (u64::from(i) * u64::from(total) / u64::from(count)) as usize;
        let Some((canvas, _)) = frames.get(source) else { break };
        let canvas = resample::resized(canvas, size, progress, &Stage::of("enlarging", i, count))?;
        // Evenly timed again: our own videos are, and so dropped frames leave no holes.
        enlarged.push((canvas, share_of(whole_ms, i, count)));
    }
    wrap(&enlarged)
}

/// The frames of an animated PNG with their times in milliseconds; `None` when it is something else.
fn read_frames(input: &[u8]) -> Option<Vec<(Canvas, u32)>> {
    let open = || -> ImageResult<Option<_>> {
        let mut decoder = PngDecoder::with_limits(Cursor::new(input), encode::limits())?;
        decoder.set_limits(encode::limits())?;
        if decoder.is_apng()? { Ok(Some(decoder.apng()?.into_frames())) } else { Ok(None) }
    };
    let mut held: u64 = 0;
    let mut frames = Vec::new();
    for frame in open().ok()??.take(FRAMES_MAX as usize) {
        let frame = frame.ok()?;
        let (numerator, denominator) = frame.delay().numer_denom_ms();
        let canvas = encode::over_white(frame.buffer())?;
        held += canvas.bytes.len() as u64;
        if held > PIXELS_MAX * 3 {
            break;
        }
        frames.push((canvas, (numerator / denominator.max(1)).clamp(1, 60_000)));
    }
    (!frames.is_empty()).then_some(frames)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up_to_the_whole_for_any_count() {
        for (total_ms, count) in [(1, 1), (3000, 24), (7001, 57), (600_000, 96), (5, 96)] {
            let sum: u32 = (0..count).map(|i| u32::from(share_of(total_ms, i, count))).sum();
            assert_eq!(sum, total_ms);
        }
    }

    #[test]
    fn large_frames_are_fewer() {
        assert_eq!(affordable(1000, DEFAULT), FRAMES_MAX);
        assert_eq!(affordable(96, Size { width: 3840, height: 2160 }), 4);
        assert_eq!(affordable(96, Size { width: 65_535, height: 65_535 }), 1);
    }
}
