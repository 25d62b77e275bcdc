//! How large a change set will be: the bounds of a batch and of the queue count its bytes, roughly, and traces its rows.
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

/// How many rows it is.
pub(super) fn rows_of(change: &ChangeSet) -> usize {
    let records = &change.records;
    // The workspace's own row is written with every change.
    1 + records.lots.len()
        + records.admitted.len()
        + records.jobs.len()
        + records.uploads.len()
        + records.purchases.len()
        + records.members.len()
        + records.ledger.len()
        + records.outbox.len()
}
