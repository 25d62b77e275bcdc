//! Edits of a picture that is given: small functions, each doing what its name says and no more.
//!
//! None of them understands the picture. They resize, recolour, blur, mirror and fill.

mod fill;
mod filters;
pub mod resample;

use crate::canvas::Canvas;
use crate::image::generate;
use crate::params::Params;
use crate::progress::{Halt, Progress};
use crate::{Artifact, Task, encode};

/// What an edit works with.
pub struct Job<'a> {
    source: Canvas,
    task: &'a Task<'a>,
    params: Params<'a>,
}

type Edit = fn(&Job, &mut Progress) -> Result<Canvas, Halt>;

fn edit_of(action: &str) -> Option<Edit> {
    Some(match action {
        "image.upscale" => resample::upscale,
        "image.adjust" => filters::adjust,
        "image.edit" => filters::edit,
        "image.style_transfer" => filters::style_transfer,
        "image.redux" => filters::redux,
        "image.expand" => fill::expand,
        "image.background" => fill::background,
        "image.inpaint" => fill::inpaint,
        _ => return None,
    })
}

/// Draws an `image.*` action: a change of the input where there is one and the action is an edit, and
/// otherwise a picture of the prompt.
pub fn produce(task: &Task, progress: &mut Progress) -> Result<Artifact, Halt> {
    let (Some(edit), Some(input)) = (edit_of(task.action), task.input) else {
        return generate(task, progress);
    };
    let job = Job { source: encode::decode(input)?, task, params: Params::new(task.params) };
    let canvas = edit(&job, progress)?;
    Ok(Artifact { content_type: "image/png", bytes: encode::png(&canvas)?, units: None })
}
