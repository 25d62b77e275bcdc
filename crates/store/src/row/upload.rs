//! Table `uploads`: durable bytes of attempts.

use reeve_jobs::{Digest, Upload};
use reeve_journal::StoreError;
use reeve_types::JobId;

use super::cells::Cells;
use super::columns::{Columns, bytes, int, text};
use crate::journal::encode::Rows;

/// The first three are the key.
pub(crate) const COLUMNS: &Columns =
    &[text("job"), int("attempt"), int("idx"), int("size"), bytes("sha256"), text("content_type")];

/// An upload of one attempt.
pub(crate) fn write(rows: &mut Rows, (job, attempt): (JobId, u32), upload: &Upload) {
    let cells = rows.row().id(job).int(attempt).int(upload.index).int(upload.size);
    cells.bytes(&upload.sha256.0).text(&upload.content_type).done(COLUMNS.len());
}

/// A stored upload.
pub(crate) fn read(cells: &Cells<'_>) -> Result<Upload, StoreError> {
    Ok(Upload {
        index: cells.int("idx")?,
        sha256: Digest(cells.bytes("sha256")?),
        size: cells.int("size")?,
        content_type: cells.shared("content_type")?,
    })
}
