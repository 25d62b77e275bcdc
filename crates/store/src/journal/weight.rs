//! How many bytes a change set will be, roughly: the bounds of a batch and of the queue count them.
//!
//! Parameters, metadata and answers are the caller's and may each be a megabyte; the rest is of our own
//! making and small.

use reeve_journal::ChangeSet;

/// The size of a change set.
pub(super) fn bytes_of(change: &ChangeSet) -> usize {
    let records = &change.records;
    let answer = records.answer.as_ref().map_or(0, |answer| answer.body.len() + answer.key.len());
    let outbox: usize = records.outbox.iter().map(|row| row.body.len()).sum();
    let admitted = records.admitted.iter().map(|intro| {
        let metadata = intro.metadata.as_ref().map_or(0, |text| text.len());
        metadata + intro.params.as_str().len()
    });
    let profile = records.workspace.profile.as_ref();
    let metadata = profile.and_then(|profile| profile.metadata.as_ref()).map_or(0, |text| text.len());
    change.weight_bytes() + answer + outbox + metadata + admitted.sum::<usize>()
}
