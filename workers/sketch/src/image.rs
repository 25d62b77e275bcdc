//! Stills from a prompt.

use crate::canvas::{Stage, View};
use crate::params::{Params, SIDE_MAX, Size};
use crate::progress::{Halt, Progress};
use crate::{Artifact, Task, encode};

/// The size of a picture that does not say.
const DEFAULT: Size = Size { width: 512, height: 512 };

/// Draws the prompt: same prompt, seed, output and size, same bytes.
pub fn generate(task: &Task, progress: &mut Progress) -> Result<Artifact, Halt> {
    let size = Params::new(task.params).size(DEFAULT, SIDE_MAX)?;
    let view = View::of_task(task, size, true)?;
    let canvas = view.shoot(&crate::scene::Moment::STILL, progress, &Stage::only("painting"))?;
    Ok(Artifact { content_type: "image/png", bytes: encode::png(&canvas)?, units: None })
}
