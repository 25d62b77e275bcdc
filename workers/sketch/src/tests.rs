//! The laws of the renderer as its caller sees them.

use std::ops::ControlFlow;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;
use crate::canvas::Canvas;
use crate::params::Size;

fn run(action: &str, params: &Value, output: u32, input: Option<&[u8]>) -> Result<Rendered, RenderError> {
    let params = params.as_object().unwrap();
    render(&Task { action, params, output, attempt: 1, input }, &mut |_| ControlFlow::Continue(()))
}

fn landed(action: &str, params: &Value, input: Option<&[u8]>) -> Artifact {
    match run(action, params, 0, input) {
        Ok(Rendered::Landed(artifact)) => artifact,
        other => panic!("`{action}` with {params} came out as {other:?}"),
    }
}

fn pixels(artifact: &Artifact) -> Canvas {
    encode::decode(&artifact.bytes).unwrap()
}

fn small(prompt: &str) -> Value {
    json!({"prompt": prompt, "width": 48, "height": 32})
}

/// The number of frames and their delays' sum in milliseconds.
fn timing(bytes: &[u8]) -> (u32, u32) {
    let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
    let frames = reader.info().animation_control().unwrap().num_frames;
    let mut buffer = vec![0; reader.output_buffer_size().unwrap()];
    let mut total_ms = 0;
    for _ in 0..frames {
        reader.next_frame(&mut buffer).unwrap();
        let control = reader.info().frame_control().unwrap();
        total_ms += u32::from(control.delay_num) * 1000 / u32::from(control.delay_den);
    }
    (frames, total_ms)
}

#[test]
fn the_same_task_gives_the_same_bytes_and_another_does_not() {
    let first = run("image.generate", &small("a red fox"), 0, None);
    assert_eq!(first, run("image.generate", &small("a red fox"), 0, None));
    assert_ne!(first, run("image.generate", &small("a red fox"), 1, None));
    assert_ne!(first, run("image.generate", &small("a blue fox"), 0, None));
    let seeded = json!({"prompt": "a red fox", "width": 48, "height": 32, "seed": -5});
    assert_ne!(first, run("image.generate", &seeded, 0, None));
}

#[test]
fn a_second_attempt_gives_the_same_picture() {
    let params = small("waves");
    let task = Task {
        action: "image.generate",
        params: params.as_object().unwrap(),
        output: 0,
        attempt: 7,
        input: None,
    };
    let again = render(&task, &mut |_| ControlFlow::Continue(())).unwrap();
    assert_eq!(Ok(again), run("image.generate", &params, 0, None));
}

#[test]
fn sizes_are_honoured_in_every_composition() {
    for word in
        ["aurora", "city", "planet", "ocean", "forest", "desert", "mountain", "ribbon", "marble", "abstract"]
    {
        for (width, height) in [(16, 16), (200, 16), (16, 200), (61, 47)] {
            let params = json!({"prompt": word, "width": width, "height": height});
            assert_eq!(
                pixels(&landed("image.generate", &params, None)).size,
                Size { width, height },
                "{word}"
            );
        }
    }
    assert_eq!(pixels(&landed("image.generate", &json!({}), None)).size, Size { width: 512, height: 512 });
}

#[test]
fn no_composition_is_flat() {
    for word in
        ["aurora", "city", "planet", "ocean", "forest", "desert", "mountain", "ribbon", "marble", "abstract"]
    {
        let canvas = pixels(&landed("image.generate", &small(word), None));
        let (low, high) = (canvas.bytes.iter().min().unwrap(), canvas.bytes.iter().max().unwrap());
        assert!(high - low > 60, "{word} spans only {low} to {high}");
    }
}

#[test]
fn progress_rises_and_ends_at_one() {
    let input = landed("image.generate", &small("dunes"), None).bytes;
    let actions = [
        "image.generate",
        "image.edit",
        "image.style_transfer",
        "image.upscale",
        "image.expand",
        "image.inpaint",
        "image.background",
        "image.redux",
        "image.adjust",
        "video.generate",
        "video.upscale",
        "model.train",
        "asset.upload",
    ];
    for action in actions {
        let params = json!({"prompt": "soft", "width": 64, "height": 64, "seconds": 1, "blur": 2});
        let mut told = Vec::new();
        let task =
            Task { action, params: params.as_object().unwrap(), output: 0, attempt: 1, input: Some(&input) };
        let rendered = render(&task, &mut |step| {
            told.push(step.fraction);
            ControlFlow::Continue(())
        });
        assert!(matches!(rendered, Ok(Rendered::Landed(_))), "{action}: {rendered:?}");
        assert!(told.windows(2).all(|pair| pair[0] <= pair[1]), "{action}: {told:?}");
        assert_eq!(told.last(), Some(&1.0), "{action}");
        assert_eq!(told.iter().filter(|fraction| **fraction >= 1.0).count(), 1, "{action}");
    }
}

#[test]
fn a_stop_ends_the_rendering_at_that_very_step() {
    for action in ["image.generate", "video.generate", "model.train"] {
        for stop_at in [1, 2, 5] {
            let params = json!({"prompt": "sea", "width": 256, "height": 256, "seconds": 2});
            let task =
                Task { action, params: params.as_object().unwrap(), output: 0, attempt: 1, input: None };
            let mut calls = 0;
            let rendered = render(&task, &mut |_| {
                calls += 1;
                if calls == stop_at { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            });
            assert_eq!((rendered, calls), (Err(RenderError::Stopped), stop_at), "{action}");
        }
    }
}

#[test]
fn a_long_pause_is_cut_short_by_a_stop() {
    let params = json!({"width": 16, "height": 16, "sketch": {"slow_ms": 600_000}});
    let task = Task {
        action: "image.generate",
        params: params.as_object().unwrap(),
        output: 0,
        attempt: 1,
        input: None,
    };
    let mut calls = 0;
    let rendered = render(&task, &mut |_| {
        calls += 1;
        if calls == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert_eq!(rendered, Err(RenderError::Stopped));
}

#[test]
fn filtered_prompts_and_outputs_land_nothing() {
    let filtered = |params: Value, output| {
        matches!(run("image.generate", &params, output, None), Ok(Rendered::Filtered { .. }))
    };
    assert!(filtered(json!({"prompt": "Something UNSAFE!"}), 0));
    assert!(!filtered(json!({"prompt": "unsafely", "width": 16, "height": 16}), 0));
    let second = json!({"width": 16, "height": 16, "sketch": {"filter": [1]}});
    assert!(!filtered(second.clone(), 0));
    assert!(filtered(second, 1));
}

#[test]
fn failures_and_crashes_strike_the_named_outputs_after_some_work() {
    let params = json!({"width": 64, "height": 64, "sketch": {"fail": [0], "crash": [1]}});
    assert!(matches!(run("image.generate", &params, 0, None), Ok(Rendered::Failed { .. })));
    assert_eq!(run("image.generate", &params, 1, None), Err(RenderError::Crash));
    assert!(matches!(run("image.generate", &params, 2, None), Ok(Rendered::Landed(_))));
}

#[test]
fn an_unknown_action_fails_instead_of_pretending() {
    assert!(matches!(run("audio.generate", &json!({}), 0, None), Ok(Rendered::Failed { .. })));
}

#[test]
fn a_video_has_its_frames_and_lasts_its_seconds() {
    for (seconds, frames) in [(3.0, 24), (0.5, 4), (2.37, 19), (12.0, 96), (600.0, 96)] {
        let params = json!({"prompt": "ocean", "seconds": seconds, "width": 32, "height": 16});
        let video = landed("video.generate", &params, None);
        assert_eq!(video.content_type, "image/apng");
        assert_eq!(video.units, Some(seconds));
        assert_eq!(timing(&video.bytes), (frames, (seconds * 1000.0) as u32), "{seconds} s");
    }
}

#[test]
fn short_videos_of_actions_with_a_minimum_last_3_s() {
    for (action, seconds) in
        [("video.flipbook", 3.0), ("video.motion", 3.0), ("video.transform_3", 3.0), ("video.generate", 1.0)]
    {
        let params = json!({"seconds": 1, "width": 16, "height": 16});
        assert_eq!(landed(action, &params, None).units, Some(seconds), "{action}");
    }
}

#[test]
fn the_frames_of_a_video_differ() {
    for word in ["aurora", "city", "planet", "ocean", "forest", "desert", "mountain", "ribbon", "marble"] {
        let params = json!({"prompt": word, "seconds": 1, "width": 64, "height": 64});
        let video = landed("video.generate", &params, None);
        let mut reader = png::Decoder::new(std::io::Cursor::new(&video.bytes)).read_info().unwrap();
        let mut buffers = vec![vec![0; reader.output_buffer_size().unwrap()]; 3];
        for buffer in &mut buffers {
            reader.next_frame(buffer).unwrap();
        }
        assert_ne!(buffers[0], buffers[2], "{word}");
    }
}

#[test]
fn upscaling_multiplies_the_sides() {
    let input = landed("image.generate", &small("city"), None).bytes;
    let side = |params: Value| pixels(&landed("image.upscale", &params, Some(&input))).size;
    assert_eq!(side(json!({})), Size { width: 96, height: 64 });
    assert_eq!(side(json!({"scale": 4})), Size { width: 192, height: 128 });
    assert!(matches!(
        run("image.upscale", &json!({"scale": 5}), 0, Some(&input)),
        Err(RenderError::BadParameter { name: "scale", .. })
    ));
}

#[test]
fn upscaling_a_video_keeps_its_frames_and_seconds() {
    let params = json!({"prompt": "sea", "seconds": 1, "width": 32, "height": 18});
    let input = landed("video.generate", &params, None).bytes;
    let larger = landed("video.upscale", &json!({"seconds": 1}), Some(&input));
    assert_eq!((timing(&larger.bytes), larger.units), ((8, 1000), Some(1.0)));
    assert_eq!(pixels(&larger).size, Size { width: 64, height: 36 });
    let named = landed("video.upscale", &json!({"seconds": 1, "to": "1080p"}), Some(&input));
    assert_eq!(pixels(&named).size, Size { width: 1920, height: 1080 });
}

#[test]
fn edits_change_what_they_name() {
    let input = landed("image.generate", &small("mountain"), None);
    let before = pixels(&input);
    let after = |action: &str, params: Value| pixels(&landed(action, &params, Some(&input.bytes)));
    assert_eq!(after("image.adjust", json!({"brightness": 0})), before);
    let mean = |canvas: &Canvas| canvas.bytes.iter().map(|byte| u64::from(*byte)).sum::<u64>();
    assert!(mean(&after("image.adjust", json!({"brightness": 0.4}))) > mean(&before));
    assert_eq!(after("image.expand", json!({"margin": 0.5})).size, Size { width: 96, height: 64 });
    let half = json!({"crop": {"x": 0.5, "width": 0.5}});
    assert_eq!(after("image.edit", half).size, Size { width: 24, height: 32 });
    let filled = after("image.inpaint", json!({}));
    assert_eq!(filled.at(0, 0), before.at(0, 0));
    assert_ne!(filled, before);
    for action in ["image.style_transfer", "image.redux", "image.edit"] {
        assert_ne!(after(action, json!({"prompt": "neon"})), before, "{action}");
    }
}

#[test]
fn a_background_gives_way_and_the_subject_stays() {
    let mut source = Canvas::new(Size { width: 32, height: 32 });
    source.bytes.fill(250);
    for y in 12..20 {
        for x in 12..20 {
            let start = (y * 32 + x) * 3;
            source.bytes[start..start + 3].copy_from_slice(&[200, 20, 20]);
        }
    }
    let input = encode::png(&source).unwrap();
    let result = pixels(&landed("image.background", &json!({"prompt": "night"}), Some(&input)));
    assert_eq!(result.at(15, 15), [200, 20, 20]);
    assert_ne!(result.at(1, 1), [250, 250, 250]);
}

#[test]
fn an_edit_of_something_that_is_no_picture_is_refused() {
    for junk in [&b""[..], b"not a picture", b"\x89PNG\r\n\x1a\n\0\0\0"] {
        let edited = run("image.edit", &json!({}), 0, Some(junk));
        assert!(matches!(edited, Err(RenderError::BadInput { .. })));
    }
}

#[test]
fn a_palette_model_improves_over_its_rounds() {
    let model = landed("model.train", &json!({"prompt": "sunset"}), None);
    let document: Value = serde_json::from_slice(&model.bytes).unwrap();
    let errors = document["mean_squared_error_by_round"].as_array().unwrap();
    assert_eq!((errors.len(), document["colors"].as_array().unwrap().len()), (20, 8));
    assert!(errors[19].as_f64() < errors[0].as_f64());
}

fn hostile() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (-40_i64..3000).prop_map(Value::from),
        (0.0..1.0_f64).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        Just(json!("\0\0 sunset \u{202e} ocean")),
        Just(json!([0, 1, -1, "x", null])),
        Just(json!({"x": -1, "width": 0, "height": 1, "filter": [0], "fail": {}, "slow_ms": "9"})),
        Just(json!({"x": 1, "y": 1, "width": 0, "height": 0})),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn no_parameters_make_it_panic(
        names in prop::collection::vec(
            prop::sample::select(vec![
                "prompt", "seed", "seconds", "quality", "sketch", "scale", "brightness", "contrast", "saturation",
                "hue", "blur", "crop", "mask", "margin", "style", "length",
            ]),
            0..6,
        ),
        values in prop::collection::vec(hostile(), 6),
        (width, height) in (hostile(), hostile()),
        action in prop::sample::select(vec![
            "image.generate", "image.edit", "image.style_transfer", "image.upscale", "image.expand",
            "image.inpaint", "image.background", "image.redux", "image.adjust", "video.generate", "video.motion",
            "video.upscale", "model.train", "asset.download", "", "image.", "video.\0",
        ]),
        with_input in any::<bool>(),
        output in any::<u32>(),
    ) {
        let tiny = encode::png(&Canvas::new(Size { width: 3, height: 2 })).unwrap();
        let mut params: Map<String, Value> = names.iter().map(|name| (*name).to_owned()).zip(values).collect();
        params.insert("width".to_owned(), width);
        params.insert("height".to_owned(), height);
        let task = Task { action, params: &params, output, attempt: 1, input: with_input.then_some(&tiny[..]) };
        // A few steps are enough to be past all reading of parameters; large sizes would take seconds.
        let mut calls = 0;
        let _ = render(&task, &mut |_| {
            calls += 1;
            if calls > 12 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in 0_usize..2000) {
        let _ = run("image.adjust", &json!({}), 0, Some(&bytes));
        let params = json!({"seconds": 0.5, "width": 24, "height": 16});
        let video = landed("video.generate", &params, None).bytes;
        let torn = video.get(..cut.min(video.len())).unwrap();
        let _ = run("video.upscale", &json!({"seconds": 1}), 0, Some(torn));
        let mut bent = video.clone();
        for (i, byte) in bytes.iter().enumerate().take(4) {
            let at = (cut * 7 + i * 131) % bent.len();
            bent[at] ^= byte;
        }
        let _ = run("video.upscale", &json!({"seconds": 1}), 0, Some(&bent));
    }
}
