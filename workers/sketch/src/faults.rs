//! Faults on request: the `sketch` parameter, and prompts that a filter would refuse.
//!
//! Tests and demonstrations need single outputs that are filtered, fail, crash their worker or take
//! long. `sketch` is an object of: `filter`, `fail`, `crash` (each `true`, or a list of output
//! indices from 0), `attempts` (fail and crash only while the attempt is at most this), `slow_ms`.

use serde_json::Value;

use crate::params::{Params, bad};
use crate::{RenderError, Task};

/// Longest pause that may be asked for, in milliseconds.
pub const SLOW_MS_MAX: u64 = 600_000;

/// What is to go wrong with one output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Refused before any work.
    pub filter: bool,
    /// Given up half way.
    pub fail: bool,
    /// The worker dies half way.
    pub crash: bool,
    /// Spread over the steps.
    pub slow_ms: u64,
}

impl Faults {
    /// Reads the parameter for this task's output and attempt.
    pub fn of(task: &Task) -> Result<Self, RenderError> {
        let Some(value) = Params::new(task.params).value("sketch") else { return Ok(Self::default()) };
        let fields = value.as_object().ok_or_else(|| bad("sketch", "is not an object"))?;
        let struck = |name: &str| match fields.get(name) {
            None | Some(Value::Null) => Ok(false),
            Some(which) => strikes(which, task.output),
        };
        let whole = |name: &str| match fields.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(number) => {
                let wrong = || bad("sketch", &format!("`{name}` is not a whole number from 0"));
                number.as_u64().map(Some).ok_or_else(wrong)
            }
        };
        let live = whole("attempts")?.is_none_or(|last| u64::from(task.attempt) <= last);
        let slow_ms = whole("slow_ms")?.unwrap_or(0);
        if slow_ms > SLOW_MS_MAX {
            return Err(bad(
                "sketch",
                &format!("`slow_ms` is `{slow_ms}`; it must be at most {SLOW_MS_MAX}"),
            ));
        }
        Ok(Self {
            filter: struck("filter")?,
            fail: live && struck("fail")?,
            crash: live && struck("crash")?,
            slow_ms,
        })
    }
}

fn strikes(which: &Value, output: u32) -> Result<bool, RenderError> {
    match which {
        Value::Bool(all) => Ok(*all),
        Value::Array(list) => Ok(list.iter().any(|item| item.as_u64() == Some(u64::from(output)))),
        _ => Err(bad("sketch", "`filter`, `fail` and `crash` are `true` or a list of output indices")),
    }
}

/// True when the prompt has the word that our stand-in for a content filter refuses.
pub fn refuses(prompt: &str) -> bool {
    prompt.split(|c: char| !c.is_alphanumeric()).any(|word| word.eq_ignore_ascii_case("unsafe"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn faults(sketch: Value, output: u32, attempt: u32) -> Result<Faults, RenderError> {
        let params = json!({ "sketch": sketch });
        let task = Task {
            action: "image.generate",
            params: params.as_object().unwrap(),
            output,
            attempt,
            input: None,
        };
        Faults::of(&task)
    }

    #[test]
    fn a_list_strikes_only_its_outputs() {
        let sketch = json!({"filter": [2], "fail": [0], "slow_ms": 5});
        assert_eq!(
            faults(sketch.clone(), 0, 1).unwrap(),
            Faults { fail: true, slow_ms: 5, ..Faults::default() }
        );
        assert_eq!(faults(sketch, 2, 1).unwrap(), Faults { filter: true, slow_ms: 5, ..Faults::default() });
    }

    #[test]
    fn faults_end_after_the_named_attempt() {
        let sketch = json!({"crash": true, "attempts": 2});
        assert!(faults(sketch.clone(), 0, 2).unwrap().crash);
        assert!(!faults(sketch, 0, 3).unwrap().crash);
    }

    #[test]
    fn nonsense_is_refused() {
        for sketch in [json!(1), json!({"fail": "yes"}), json!({"slow_ms": -1}), json!({"slow_ms": u64::MAX})]
        {
            assert!(faults(sketch, 0, 1).is_err());
        }
    }

    #[test]
    fn only_the_whole_word_is_refused() {
        assert!(refuses("an UnSafe, thing") && refuses("unsafe"));
        assert!(!refuses("unsafely") && !refuses("safe"));
    }
}
