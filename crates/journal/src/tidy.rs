//! What age and erasing take away: changes of rows that no decision looks at any more, and how such rows are found.
//!
//! Credits never move by them, and what a receipt needs stays: figures, prices, digests. Each change is bounded, and
//! each may be sent again after an unknown outcome.

use reeve_types::{JobId, Millis, WorkspaceId};
use reeve_workspace::{Phase, SettledOutput};

/// What a closed job has lost. Nothing comes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Shed {
    /// Parameters, metadata, webhook and the texts of its error and outputs.
    pub content: bool,
    /// The bytes of its outputs: the row says so before the files go.
    pub outputs: bool,
}

impl Shed {
    /// All of it.
    pub const ALL: Self = Self { content: true, outputs: true };

    /// The stored number.
    pub const fn bits(self) -> i64 {
        self.content as i64 | (self.outputs as i64) << 1
    }

    /// What a stored number says.
    pub const fn from_bits(bits: i64) -> Self {
        Self { content: bits & 1 != 0, outputs: bits & 2 != 0 }
    }

    /// Both together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self { content: self.content || other.content, outputs: self.outputs || other.outputs }
    }

    /// True when nothing of `other` is left to lose.
    pub const fn covers(self, other: Self) -> bool {
        (self.content || !other.content) && (self.outputs || !other.outputs)
    }
}

/// A closed job that loses something.
#[derive(Clone, Debug, PartialEq)]
pub struct ShedJob {
    pub id: JobId,
    /// All that it has lost then.
    pub shed: Shed,
    /// Its outputs as they are then.
    pub outputs: Vec<SettledOutput>,
}

/// One bounded step of tidying.
#[derive(Clone, Debug, PartialEq)]
pub enum Tidy {
    /// Closed jobs lose content or outputs, and the uploads of their attempts; a live one is passed over.
    Shed(Vec<ShedJob>),
    /// Remembered answers from before an instant.
    AnswersBefore { at: Millis, count_max: u32 },
    /// Remembered answers of an erased workspace.
    AnswersOf { workspace: WorkspaceId, count_max: u32 },
}

/// A job as far as its age matters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgedJob {
    pub id: JobId,
    pub workspace: WorkspaceId,
    /// `None` while it is live.
    pub finished_at: Option<Millis>,
    pub shed: Shed,
}

/// A workspace that is closed and not erased yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndingRow {
    pub workspace: WorkspaceId,
    pub phase: Phase,
    /// Jobs that still wait.
    pub queued: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_lost_reads_back_and_only_grows() {
        for bits in 0..4 {
            let shed = Shed::from_bits(bits);
            assert_eq!(shed.bits(), bits);
            assert!(Shed::ALL.covers(shed) && shed.and(Shed::ALL) == Shed::ALL);
        }
        let (content, outputs) = (Shed::from_bits(1), Shed::from_bits(2));
        assert!(!content.covers(outputs) && !outputs.covers(Shed::ALL));
    }
}
