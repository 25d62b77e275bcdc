//! Bends requests by rule. Everything is drawn from a seed, so that a case can be run again: `REEVE_FUZZ_SEED`, and
//! `REEVE_FUZZ_CASES` for how many.

use proptest::prelude::*;
use reeve_testkit::fuzz::places;
pub use reeve_testkit::fuzz::{Dice, cases};
use serde_json::{Value, json};

fn hostile() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
        Just(json!("a\u{0}b")),
        Just(json!("x".repeat(70_000))),
        Just(json!("2026-02-30T25:00:00Z")),
        Just(json!("9999-12-31T23:59:59.999Z")),
        Just(json!(9_223_372_036_854.775)),
        Just(json!(-0.000_001)),
        prop::sample::select(vec!["kive", "pro", "free", "acme", "image.generate", "admin", "UTC"])
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z_]{0,8}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Another value of the same kind, such as a caller with a mistake in it might send.
fn twisted(value: &Value, dice: &mut Dice) -> Value {
    match value {
        Value::Null => json!({}),
        Value::Bool(said) => json!(!said),
        Value::Number(_) => {
            let whole = [0, 1, 2, 255, 4_294_967_295, 4_294_967_296, u64::MAX, 1 << 53, i64::MAX as u64];
            let others = [json!(-1), json!(0.5), json!(1e-6), json!(1e-7), json!(1e300), json!(i64::MIN)];
            let which = dice.below(whole.len() + others.len());
            whole.get(which).map_or_else(|| others[which - whole.len()].clone(), |n| json!(n))
        }
        Value::String(text) => json!(String::from_utf8_lossy(&bent_word(text, dice))),
        Value::Array(items) => {
            let mut items = items.clone();
            match dice.below(3) {
                0 => items.extend_from_within(..),
                1 => drop(items.pop()),
                _ => items.reverse(),
            }
            Value::Array(items)
        }
        Value::Object(fields) => {
            let gone = dice.below(fields.len().max(1));
            let kept = fields.iter().enumerate().filter(|(n, _)| *n != gone);
            Value::Object(kept.map(|(_, (name, value))| (name.clone(), value.clone())).collect())
        }
    }
}

/// A body with up to three places otherwise, or with its bytes cut or changed.
pub fn bent(mut body: Value, dice: &mut Dice) -> Vec<u8> {
    for _ in 0..dice.below(4) {
        let mut all = places(&body);
        let place = all.swap_remove(dice.below(all.len()));
        if let Some(place) = body.pointer_mut(&place) {
            *place = if dice.below(2) == 0 { twisted(place, dice) } else { dice.draw(hostile()) };
        }
    }
    // A long poll is no harm, only slow.
    if let Some(wait) = body.get_mut("wait_seconds").filter(|wait| wait.is_u64()) {
        *wait = json!(0);
    }
    let mut text = body.to_string().into_bytes();
    match dice.below(12) {
        0 => text.truncate(dice.below(text.len() + 1)),
        1 => text = dice.draw(prop::collection::vec(any::<u8>(), 0..200)),
        2 => {
            let at = dice.below(text.len());
            text[at] = dice.draw(any::<u8>());
        }
        _ => {}
    }
    text
}

/// A word with up to three places otherwise.
pub fn bent_word(text: &str, dice: &mut Dice) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..dice.below(4) {
        let at = dice.below(bytes.len() + 1);
        let end = (at + dice.below(4)).min(bytes.len());
        let put = match dice.below(5) {
            0 => Vec::new(),
            1 => vec![b'9'; dice.below(25)],
            2 => dice.draw("[0-9a-f:=,;*-]{1,4}").into_bytes(),
            3 => dice.draw("[ \"%'\\\\/~.?#&+]{1,2}").into_bytes(),
            _ => dice.draw(prop::collection::vec(any::<u8>(), 0..4)),
        };
        drop(bytes.splice(at..end, put));
    }
    bytes
}
