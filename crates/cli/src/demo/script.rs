//! What happens: every job of the demonstration, with the few that do not go well.

use serde_json::{Value, json};

/// What is special about a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Twist {
    None,
    /// Cancelled while it runs.
    Cancel,
    /// More than the workspace can pay.
    Denied,
    /// Works on the first output of another job, which must be done first.
    On(&'static str),
}

/// One job.
#[derive(Clone, Debug)]
pub struct Scene {
    pub workspace: &'static str,
    /// Named when another job works on it.
    pub name: &'static str,
    pub action: &'static str,
    pub params: Value,
    pub twist: Twist,
}

impl Scene {
    /// What a person reads of it.
    pub fn about(&self) -> &str {
        self.params.get("prompt").and_then(Value::as_str).unwrap_or("")
    }
}

const fn scene(workspace: &'static str, action: &'static str, params: Value) -> Scene {
    Scene { workspace, name: "", action, params, twist: Twist::None }
}

/// All jobs, in the order of submission.
pub fn script() -> Vec<Scene> {
    let mut scenes = northlight();
    scenes.extend(pocket());
    scenes.extend(launchpad());
    scenes.extend(classroom());
    scenes.extend(nightfilm());
    scenes
}

fn northlight() -> Vec<Scene> {
    let of = |action, params| scene("northlight", action, params);
    let image = "image.generate";
    let slow =
        json!({"prompt": "a storm that nobody waits for", "seconds": 12, "sketch": {"slow_ms": 60_000}});
    vec![
        Scene { name: "aurora", ..of(image, json!({"prompt": "aurora over the fjord", "outputs": 4})) },
        of(
            image,
            json!({"prompt": "ringed planet in a violet nebula", "outputs": 4, "sketch": {"filter": [2]}}),
        ),
        Scene { twist: Twist::Cancel, ..of("video.generate", slow) },
        of(image, json!({"prompt": "misty forest at dawn", "quality": "high", "outputs": 2})),
        of(image, json!({"prompt": "night sea under the moon", "outputs": 1, "width": 960, "height": 540})),
        of("video.generate", json!({"prompt": "night sea under the moon", "seconds": 3})),
        of(
            "video.generate",
            json!({"prompt": "aurora over the fjord", "seconds": 5, "width": 480, "height": 270}),
        ),
        of("model.train", json!({"prompt": "the house style"})),
        Scene { twist: Twist::On("aurora"), ..of("image.edit", json!({"prompt": "warmer, softer light"})) },
    ]
}

fn pocket() -> Vec<Scene> {
    let of = |action, params| scene("pocket", action, params);
    let image = "image.generate";
    vec![
        Scene { name: "peaks", ..of(image, json!({"prompt": "mountains at sunset"})) },
        Scene { name: "harbour", ..of(image, json!({"prompt": "golden city by the sea"})) },
        Scene {
            twist: Twist::Denied,
            ..of("video.generate", json!({"prompt": "mountains at sunset", "seconds": 5}))
        },
        of(image, json!({"prompt": "a picture that breaks", "sketch": {"fail": true}})),
        of(image, json!({"prompt": "an unsafe place"})),
        of(image, json!({"prompt": "gold marble texture"})),
        Scene { twist: Twist::On("peaks"), ..of("image.upscale", json!({"prompt": "twice as large"})) },
        Scene { twist: Twist::On("harbour"), ..of("image.adjust", json!({"prompt": "more contrast"})) },
    ]
}

fn launchpad() -> Vec<Scene> {
    let of = |action, params| scene("launchpad", action, params);
    let image = "image.generate";
    vec![
        of(image, json!({"prompt": "neon city in the rain", "quality": "ultra"})),
        of(image, json!({"prompt": "abstract bauhaus poster", "quality": "high"})),
        of(image, json!({"prompt": "silk ribbons, rose and gold", "outputs": 2})),
        of(
            image,
            json!({"prompt": "sailing boat on the ocean at sunset", "sketch": {"crash": true, "attempts": 1}}),
        ),
        of("video.generate", json!({"prompt": "neon city in the rain", "length": "short"})),
        of(image, json!({"prompt": "desert dunes, sahara"})),
        of(image, json!({"prompt": "ink ribbons on paper"})),
        of(
            "video.generate",
            json!({"prompt": "a clip that breaks", "length": "premium", "sketch": {"fail": true}}),
        ),
        of("video.generate", json!({"prompt": "desert dunes, sahara", "length": "short"})),
        of(image, json!({"prompt": "city of glass at noon", "quality": "high", "outputs": 2})),
    ]
}

fn classroom() -> Vec<Scene> {
    let of = |action, params| scene("classroom", action, params);
    let image = "image.generate";
    vec![
        of(image, json!({"prompt": "autumn valley"})),
        of(image, json!({"prompt": "a lake in the alps, winter snow", "media": "basic"})),
        of(image, json!({"prompt": "abstract shapes, primary colours", "outputs": 3})),
        of("video.generate", json!({"prompt": "planets in orbit", "seconds": 3})),
        of("video.generate", json!({"prompt": "a sea of clouds", "seconds": 2, "media": "basic"})),
        of(image, json!({"prompt": "rain forest, deep green", "media": "basic"})),
        of(image, json!({"prompt": "old map of marble islands"})),
    ]
}

fn nightfilm() -> Vec<Scene> {
    let of = |action, params| scene("nightfilm", action, params);
    vec![
        of("image.generate", json!({"prompt": "night city from above"})),
        of("video.flipbook", json!({"prompt": "forest at night, fireflies", "seconds": 3})),
        of("video.motion", json!({"prompt": "ocean at midnight", "seconds": 2})),
        of("video.transform_1", json!({"prompt": "aurora over black mountains", "seconds": 3})),
        of("video.transform_3", json!({"prompt": "violet planet rising", "seconds": 3})),
        of("image.generate", json!({"prompt": "moonlit dunes"})),
        of("video.flipbook", json!({"prompt": "neon ribbons in the dark", "seconds": 4})),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::cast::CAST;

    #[test]
    fn every_job_has_its_workspace_and_every_input_its_maker() {
        let scenes = script();
        assert!((35..=45).contains(&scenes.len()), "{}", scenes.len());
        for scene in &scenes {
            assert!(CAST.iter().any(|member| member.id == scene.workspace), "{scene:?}");
            if let Twist::On(name) = scene.twist {
                let made = |other: &Scene| other.name == name && other.workspace == scene.workspace;
                assert!(scenes.iter().any(made), "{scene:?}");
            }
        }
    }

    #[test]
    fn one_is_cancelled_one_is_denied_and_some_fail() {
        let scenes = script();
        let count = |twist| scenes.iter().filter(|scene| scene.twist == twist).count();
        assert_eq!((count(Twist::Cancel), count(Twist::Denied)), (1, 1));
        assert!(scenes.iter().filter(|scene| scene.params["sketch"]["fail"] == true).count() > 1);
    }
}
