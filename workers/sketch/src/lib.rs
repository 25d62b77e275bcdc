//! A procedural renderer: pictures and moving pictures from noise, palettes and geometry.
//!
//! It is the reference worker's engine. There is no machine learning in it: words of the prompt choose
//! a composition and colours, the seed settles the rest, and the same task gives the same bytes. It
//! does no I/O, keeps no state and starts no threads; the worker that calls [`render`], through
//! [`SketchPerformer`], does all that.

mod asset;
mod canvas;
mod color;
mod edit;
mod encode;
mod faults;
mod image;
mod model;
mod noise;
mod palette;
mod params;
mod progress;
mod scene;
mod video;
mod worker;

#[cfg(test)]
mod tests;

use std::ops::ControlFlow;

use serde_json::{Map, Value};

use crate::faults::Faults;
use crate::params::Params;
use crate::progress::{Halt, Progress};

pub use crate::worker::SketchPerformer;

/// One output of one job, as the renderer sees it.
#[derive(Clone, Copy, Debug)]
pub struct Task<'a> {
    /// Such as `image.generate`.
    pub action: &'a str,
    /// The job's parameters, unchecked.
    pub params: &'a Map<String, Value>,
    /// Which of the job's outputs, from 0.
    pub output: u32,
    /// Which attempt, from 1; it changes nothing but requested faults.
    pub attempt: u32,
    /// The bytes of the input picture, for actions that change one.
    pub input: Option<&'a [u8]>,
}

/// How a rendering came out.
#[derive(Clone, Debug, PartialEq)]
pub enum Rendered {
    /// The output is there.
    Landed(Artifact),
    /// The content filter refused the prompt; no work was done.
    Filtered { reason: String },
    /// The output cannot be made; another attempt would not help.
    Failed { reason: String },
}

/// A finished output.
#[derive(Clone, Debug, PartialEq)]
pub struct Artifact {
    /// `image/png`, `image/apng` or `application/json`.
    pub content_type: &'static str,
    /// The file.
    pub bytes: Vec<u8>,
    /// The delivered seconds of a video, to the millisecond; `None` for all else.
    pub units: Option<f64>,
}

/// A report on the way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step<'a> {
    /// 0 to 1; it never falls, and 1 comes once, at the end.
    pub fraction: f64,
    /// A word or two for a person.
    pub stage: &'a str,
}

/// Why there is no outcome.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// The caller asked to stop.
    #[error("stopped by the caller")]
    Stopped,
    /// A refusal: a parameter is of the wrong kind or out of its bounds.
    #[error("parameter `{name}` {reason}")]
    BadParameter { name: &'static str, reason: String },
    /// A refusal: the input is no picture that can be read within bounds.
    #[error("input is no PNG, JPEG, WebP or GIF picture that can be read: {reason}")]
    BadInput { reason: String },
    /// The task asked its worker to die; the worker decides what that means.
    #[error("crash on request of the `sketch` parameter")]
    Crash,
    /// A bug: pixels of ours that the encoder does not take.
    #[error("finished pixels do not encode: {reason}")]
    Encoding { reason: String },
}

/// Renders one output.
///
/// `on_step` is called every few milliseconds of work (each band of rows); `Break` ends the rendering
/// at once with [`RenderError::Stopped`].
///
/// # Errors
/// See [`RenderError`]. A prompt refused by the filter and a failure on request are outcomes, not errors.
pub fn render(
    task: &Task,
    on_step: &mut dyn FnMut(Step) -> ControlFlow<()>,
) -> Result<Rendered, RenderError> {
    let faults = Faults::of(task)?;
    if faults.filter || faults::refuses(Params::new(task.params).prompt()?) {
        return Ok(Rendered::Filtered { reason: "the content filter refused this output".to_owned() });
    }
    let mut progress = Progress::new(on_step, faults);
    match produce(task, &mut progress) {
        Ok(artifact) => Ok(Rendered::Landed(artifact)),
        Err(Halt::Failed(reason)) => Ok(Rendered::Failed { reason }),
        Err(Halt::Error(error)) => Err(error),
    }
}

fn produce(task: &Task, progress: &mut Progress) -> Result<Artifact, Halt> {
    let artifact = match task.action {
        "model.train" => model::train(task, progress)?,
        "asset.upload" | "asset.download" => asset::receipt(task, progress)?,
        action if action.starts_with("image.") => edit::produce(task, progress)?,
        action if action.starts_with("video.") => video::produce(task, progress)?,
        action => return Err(Halt::Failed(format!("this renderer does not know the action `{action}`"))),
    };
    progress.finish("done")?;
    Ok(artifact)
}
