//! What monitoring may know of the upkeep: which part ran when, what failed, what was taken away.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use reeve_types::{Clock, Millis};

/// A part of the upkeep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Workspaces,
    Jobs,
    Answers,
    Files,
}

impl Part {
    const ALL: [Self; 4] = [Self::Workspaces, Self::Jobs, Self::Answers, Self::Files];

    /// Its word in figures and in the log.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Workspaces => "workspaces",
            Self::Jobs => "jobs",
            Self::Answers => "answers",
            Self::Files => "files",
        }
    }
}

/// What was taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Removed {
    /// Jobs that lost parameters, metadata and texts.
    Content,
    /// Jobs that lost the bytes of their outputs.
    Outputs,
    /// Files that no row names.
    Files,
    /// Workspaces that were erased.
    Workspaces,
}

impl Removed {
    const ALL: [Self; 4] = [Self::Content, Self::Outputs, Self::Files, Self::Workspaces];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Content => "content",
            Self::Outputs => "outputs",
            Self::Files => "files",
            Self::Workspaces => "workspaces",
        }
    }
}

/// One part at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartView {
    /// Its word.
    pub name: &'static str,
    /// Rounds that ended well.
    pub done: u64,
    /// Rounds that have to be done again.
    pub failed: u64,
    /// Since the last that ended well, or since the start, in milliseconds.
    pub age_ms: u64,
}

#[derive(Debug, Default)]
struct Counts {
    done: AtomicU64,
    failed: AtomicU64,
    /// When it last ended well.
    at: AtomicI64,
}

/// Figures under way; clones share them.
#[derive(Clone)]
pub struct Figures {
    counters: Arc<Counters>,
    wall: Arc<dyn Clock>,
}

#[derive(Debug, Default)]
struct Counters {
    parts: [Counts; 4],
    removed: [AtomicU64; 4],
}

impl Figures {
    pub(crate) fn new(wall: Arc<dyn Clock>) -> Self {
        let counters = Counters::default();
        let now = wall.now().value();
        for counts in &counters.parts {
            counts.at.store(now, Ordering::Relaxed);
        }
        Self { counters: Arc::new(counters), wall }
    }

    /// A round of a part is over.
    pub(crate) fn round(&self, part: Part, is_well: bool) {
        let Some(counts) = self.counters.parts.get(part as usize) else { return };
        if is_well {
            counts.done.fetch_add(1, Ordering::Relaxed);
            counts.at.store(self.wall.now().value(), Ordering::Relaxed);
        } else {
            counts.failed.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// So many of them are gone.
    pub(crate) fn removed(&self, what: Removed, count: usize) {
        if let Some(counter) = self.counters.removed.get(what as usize) {
            counter.fetch_add(count as u64, Ordering::Relaxed);
        }
    }

    /// Each part.
    pub fn parts(&self) -> [PartView; 4] {
        let now = self.wall.now();
        Part::ALL.map(|part| {
            let counts = self.counters.parts.get(part as usize);
            let get = |counter: fn(&Counts) -> &AtomicU64| {
                counts.map_or(0, |counts| counter(counts).load(Ordering::Relaxed))
            };
            let at = counts.map_or(0, |counts| counts.at.load(Ordering::Relaxed));
            // A clock that was set back makes nothing older.
            let age_ms = u64::try_from(now.since(Millis::from_millis(at))).unwrap_or(0);
            PartView {
                name: part.as_str(),
                done: get(|counts| &counts.done),
                failed: get(|counts| &counts.failed),
                age_ms,
            }
        })
    }

    /// What was taken away since the start.
    pub fn taken(&self) -> [(&'static str, u64); 4] {
        Removed::ALL.map(|what| {
            let counter = self.counters.removed.get(what as usize);
            (what.as_str(), counter.map_or(0, |counter| counter.load(Ordering::Relaxed)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tells what it was told.
    #[derive(Default)]
    struct Told(AtomicI64);

    impl Clock for Told {
        fn now(&self) -> Millis {
            Millis::from_millis(self.0.load(Ordering::Relaxed))
        }
    }

    #[test]
    fn the_age_counts_from_the_last_round_that_ended_well() {
        let clock = Arc::new(Told::default());
        clock.0.store(1_000, Ordering::Relaxed);
        let figures = Figures::new(clock.clone());
        clock.0.store(4_000, Ordering::Relaxed);
        assert_eq!(figures.parts().map(|part| part.age_ms), [3_000; 4], "since the start");
        figures.round(Part::Files, true);
        clock.0.store(9_000, Ordering::Relaxed);
        figures.round(Part::Files, false);
        let files = figures.parts()[3];
        assert_eq!(files, PartView { name: "files", done: 1, failed: 1, age_ms: 5_000 });
        clock.0.store(0, Ordering::Relaxed);
        assert_eq!(figures.parts()[3].age_ms, 0, "a clock that was set back");
    }

    #[test]
    fn every_kind_is_counted_under_its_word() {
        let figures = Figures::new(Arc::new(Told::default()));
        for (n, what) in Removed::ALL.into_iter().enumerate() {
            figures.removed(what, n + 1);
        }
        assert_eq!(figures.taken(), [("content", 1), ("outputs", 2), ("files", 3), ("workspaces", 4)]);
    }
}
