//! The renderer as a worker's kind of work.
//!
//! Used by the binary, embedded in `serve` or alone. The adapter decides nothing about a job: it hands
//! the renderer what was leased, passes progress on and translates how it ended.

use std::ops::ControlFlow;

use bytes::Bytes;
use reeve_client::worker::{Assignment, Control, Landed, Outcome, PerformError, Performer, Quantity};

use crate::{Artifact, RenderError, Rendered, Step, Task, render};

/// The parameter that names the picture to change.
const INPUT: &str = "input";

/// Renders every `image.*` and `video.*` action, and stands in for the others. Cheap; holds nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct SketchPerformer;

impl Performer for SketchPerformer {
    fn perform(&self, job: &Assignment, index: u32, control: &Control) -> Result<Outcome, PerformError> {
        let task = Task {
            action: job.lease.action.as_str(),
            params: job.params(),
            output: index,
            attempt: job.lease.attempt,
            input: job.input(INPUT).map(|input| input.bytes.as_ref()),
        };
        let rendered = render(&task, &mut |step: Step| {
            control.progress(step.fraction, step.stage, "");
            if control.cancelled() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        match rendered {
            Ok(Rendered::Landed(artifact)) => Ok(Outcome::Landed(landed(artifact))),
            Ok(Rendered::Filtered { reason }) => Ok(Outcome::Filtered { reason }),
            Ok(Rendered::Failed { reason }) => Ok(Outcome::Failed { reason }),
            Err(error) => Err(ended(error)),
        }
    }
}

fn landed(artifact: Artifact) -> Landed {
    // The renderer counts whole milliseconds, so rounding only undoes the float's last bit.
    let seconds = |units: f64| Quantity::seconds_from_ms((units * 1000.0).round() as i64);
    Landed {
        bytes: Bytes::from(artifact.bytes),
        content_type: artifact.content_type.to_owned(),
        units: artifact.units.map(seconds),
        stages: None,
    }
}

/// The same task gives the same answer, so no refusal of it is worth another attempt.
fn ended(error: RenderError) -> PerformError {
    match error {
        RenderError::Stopped => PerformError::Stopped,
        RenderError::Crash => PerformError::Crash,
        error @ (RenderError::BadParameter { .. }
        | RenderError::BadInput { .. }
        | RenderError::Encoding { .. }) => {
            PerformError::Failed { reason: error.to_string(), retryable: false }
        }
    }
}

#[cfg(test)]
mod tests {
    use reeve_client::worker::{Input, LeaseView};
    use serde_json::{Value, json};

    use super::*;

    fn job(action: &str, params: Value, inputs: Vec<(String, Input)>) -> Assignment {
        let lease: LeaseView = serde_json::from_value(json!({
            "lease": "lease_0000000000000000000000000000000100000001",
            "job": "job_00000000000000000000000000000001",
            "workspace": "w", "attempt": 1, "action": action, "params": params, "outputs": 1, "pool": "image",
            "expires_at": "2026-01-01T00:00:00.000Z", "heartbeat_seconds": 10,
            "run_deadline_at": "2026-01-01T00:00:00.000Z", "inputs": [],
        }))
        .unwrap();
        Assignment::new(lease, inputs).unwrap()
    }

    fn perform(action: &str, params: Value) -> Result<Outcome, PerformError> {
        SketchPerformer.perform(&job(action, params, Vec::new()), 0, &Control::detached())
    }

    fn small(sketch: Value) -> Value {
        json!({"prompt": "a small hill", "width": 32, "height": 32, "sketch": sketch})
    }

    #[test]
    fn a_picture_lands_without_units_and_a_video_with_its_seconds() {
        let Ok(Outcome::Landed(picture)) = perform("image.generate", small(json!({}))) else { panic!() };
        assert_eq!((picture.content_type.as_str(), picture.units), ("image/png", None));
        let video = json!({"prompt": "waves", "seconds": 1.5, "width": 32, "height": 32});
        let Ok(Outcome::Landed(video)) = perform("video.generate", video) else { panic!() };
        assert_eq!(video.units, Some(Quantity::from_micros(1_500_000)));
    }

    #[test]
    fn requested_faults_come_out_as_what_they_stand_for() {
        let of = |sketch| perform("image.generate", small(sketch));
        assert!(matches!(of(json!({"filter": [0]})), Ok(Outcome::Filtered { .. })));
        assert!(matches!(of(json!({"fail": true})), Ok(Outcome::Failed { .. })));
        assert!(matches!(of(json!({"crash": true})), Err(PerformError::Crash)));
    }

    #[test]
    fn a_refused_parameter_is_not_tried_again() {
        let refused = perform("image.generate", json!({"prompt": "x", "width": -1}));
        assert!(matches!(refused, Err(PerformError::Failed { retryable: false, .. })));
    }

    #[test]
    fn an_edit_works_on_its_input() {
        let Ok(Outcome::Landed(picture)) = perform("image.generate", small(json!({}))) else { panic!() };
        let input = Input { bytes: picture.bytes.clone(), content_type: None };
        let job = job("image.upscale", json!({}), vec![("input".to_owned(), input)]);
        let Ok(Outcome::Landed(larger)) = SketchPerformer.perform(&job, 0, &Control::detached()) else {
            panic!()
        };
        assert_ne!(larger.bytes, picture.bytes);
    }
}
