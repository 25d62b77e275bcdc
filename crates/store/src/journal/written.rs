//! Counts of what the writer sent to the database, for `/metrics` and for benchmarks.
//!
//! Kept by the writer, read by the port. Guarantee: each only grows while the process lives; a transaction that was
//! rolled back counts in all but `commits`, because the database worked for it all the same.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use reeve_journal::Written;

/// The counts, shared between the task and the port.
#[derive(Debug, Default)]
pub(super) struct Counters {
    commits: AtomicU64,
    statements: AtomicU64,
    rows: AtomicU64,
    bytes: AtomicU64,
}

impl Counters {
    /// One statement with its parameter.
    pub(super) fn statement(&self, rows: u64, bytes: usize) {
        self.statements.fetch_add(1, Relaxed);
        self.rows.fetch_add(rows, Relaxed);
        self.bytes.fetch_add(bytes as u64, Relaxed);
    }

    /// One COMMIT that succeeded.
    pub(super) fn commit(&self) {
        self.commits.fetch_add(1, Relaxed);
    }

    /// All of them as they stand.
    pub(super) fn read(&self) -> Written {
        Written {
            commits: self.commits.load(Relaxed),
            statements: self.statements.load(Relaxed),
            rows: self.rows.load(Relaxed),
            bytes: self.bytes.load(Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_adds_up() {
        let counters = Counters::default();
        counters.statement(3, 100);
        counters.statement(1, 20);
        counters.commit();
        assert_eq!(counters.read(), Written { commits: 1, statements: 2, rows: 4, bytes: 120 });
    }
}
