//! How many bytes a change set will be, roughly: the bounds of a batch and of the queue count them.
//!
//! Parameters, metadata and answers are the caller's and may each be a megabyte; the rest is of our own
//! making and small.

use reeve_journal::ChangeSet;
use serde_json::Value;

/// Bytes beside the characters of a value: quotes, commas, escapes.
const PER_VALUE: usize = 8;

/// The size of a change set.
pub(super) fn bytes_of(change: &ChangeSet) -> usize {
    let records = &change.records;
    let answer = records.answer.as_ref().map_or(0, |answer| answer.body.len() + answer.key.len());
    let outbox: usize = records.outbox.iter().map(|row| row.body.len()).sum();
    let admitted = records.admitted.iter().map(|intro| {
        let metadata = intro.metadata.as_ref().map_or(0, |text| text.len());
        metadata + intro.params.iter().map(|(key, value)| key.len() + bytes_of_value(value)).sum::<usize>()
    });
    let profile = records.workspace.profile.as_ref();
    let metadata = profile.and_then(|profile| profile.metadata.as_ref()).map_or(0, |text| text.len());
    change.weight_bytes() + answer + outbox + metadata + admitted.sum::<usize>()
}

fn bytes_of_value(value: &Value) -> usize {
    PER_VALUE
        + match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => 0,
            Value::String(text) => text.len(),
            // As deep as the parser that read it allows, so the stack is not in danger.
            Value::Array(items) => items.iter().map(bytes_of_value).sum(),
            Value::Object(fields) => {
                fields.iter().map(|(key, value)| key.len() + bytes_of_value(value)).sum()
            }
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_value_weighs_at_least_its_text() {
        let value =
            serde_json::json!({ "prompt": "x".repeat(1_000_000), "tags": ["a", 1, null, { "b": true }] });
        assert!(bytes_of_value(&value) >= 1_000_000);
    }
}
