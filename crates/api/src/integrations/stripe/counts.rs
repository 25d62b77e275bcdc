//! How many events came, by what became of them: for whoever watches the server.

use std::sync::atomic::{AtomicU64, Ordering};

use reeve_protocol::StripeOutcome;

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    Ignored,
    GivenUp,
    /// Refused for now: something comes before it, or the store is away.
    Waiting,
    /// Refused: nobody says whose it is.
    Unmatched,
    /// Refused by the workspace's rules.
    Refused,
    Unreadable,
    BadSignature,
}

impl Outcome {
    pub(crate) const ALL: [Self; 8] = [
        Self::Done,
        Self::Ignored,
        Self::GivenUp,
        Self::Waiting,
        Self::Unmatched,
        Self::Refused,
        Self::Unreadable,
        Self::BadSignature,
    ];

    /// The word of it in the figures and the log.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Ignored => "ignored",
            Self::GivenUp => "given_up",
            Self::Waiting => "waiting",
            Self::Unmatched => "unmatched",
            Self::Refused => "refused",
            Self::Unreadable => "unreadable",
            Self::BadSignature => "bad_signature",
        }
    }
}

impl From<StripeOutcome> for Outcome {
    fn from(outcome: StripeOutcome) -> Self {
        match outcome {
            StripeOutcome::Done => Self::Done,
            StripeOutcome::Ignored => Self::Ignored,
            StripeOutcome::GivenUp => Self::GivenUp,
        }
    }
}

/// Counts since start.
#[derive(Debug, Default)]
pub(crate) struct Counts([AtomicU64; Outcome::ALL.len()]);

impl Counts {
    pub(crate) fn add(&self, outcome: Outcome) {
        if let Some(count) = self.place(outcome) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn get(&self, outcome: Outcome) -> u64 {
        self.place(outcome).map_or(0, |count| count.load(Ordering::Relaxed))
    }

    fn place(&self, outcome: Outcome) -> Option<&AtomicU64> {
        let n = Outcome::ALL.iter().position(|known| *known == outcome)?;
        self.0.get(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_outcome_has_a_place_and_a_word_of_its_own() {
        let counts = Counts::default();
        for (n, outcome) in Outcome::ALL.into_iter().enumerate() {
            (0..=n).for_each(|_| counts.add(outcome));
        }
        for (n, outcome) in Outcome::ALL.into_iter().enumerate() {
            assert_eq!(counts.get(outcome), n as u64 + 1, "{}", outcome.as_str());
        }
        let words: std::collections::BTreeSet<_> = Outcome::ALL.map(Outcome::as_str).into_iter().collect();
        assert_eq!(words.len(), Outcome::ALL.len());
    }
}
