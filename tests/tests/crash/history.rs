//! What clients know for certain: every request is written down before it is sent, and what became of it after.

use std::collections::BTreeMap;

use serde_json::Value;

/// What a client knows of a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Known<T> {
    /// Acknowledged: it happened, once, and stays.
    Done(T),
    /// Refused: it did not happen.
    Refused(u16),
    /// No answer, or one that says to try again: it happened or it did not.
    Open,
}

impl<T> Known<T> {
    pub const fn done(&self) -> Option<&T> {
        match self {
            Self::Done(value) => Some(value),
            Self::Refused(_) | Self::Open => None,
        }
    }

    pub const fn is_open(&self) -> bool {
        matches!(self, Self::Open)
    }
}

/// A job asked for under an idempotency key, which is in its metadata too.
#[derive(Clone, Debug)]
pub struct Submit {
    /// Place in [`super::world::WORKSPACES`].
    pub workspace: usize,
    pub body: Value,
    /// The job.
    pub known: Known<String>,
}

/// A cancel of an acknowledged job.
#[derive(Clone, Debug)]
pub struct Cancel {
    pub key: String,
    /// The status it was answered with.
    pub known: Known<String>,
}

/// A purchase, by its payment.
#[derive(Clone, Debug)]
pub struct Purchase {
    pub key: String,
    pub body: Value,
    /// The purchase.
    pub known: Known<String>,
}

/// A lease that a worker was given, and what it did with it.
#[derive(Clone, Debug)]
pub struct Lease {
    pub job: String,
    pub outputs: u32,
    /// Digests of uploads that were acknowledged, by output.
    pub uploaded: BTreeMap<u32, String>,
    /// What the worker will say at the end, once it has said it the first time.
    pub said: Option<Value>,
    /// The job as the completion answered it.
    pub closed: Known<Value>,
}

/// All that clients know.
#[derive(Default)]
pub struct History {
    /// By key.
    pub submits: BTreeMap<String, Submit>,
    /// By job.
    pub cancels: BTreeMap<String, Cancel>,
    /// By payment.
    pub purchases: BTreeMap<String, Purchase>,
    /// By lease.
    pub leases: BTreeMap<String, Lease>,
    /// Answers that no client may ever get.
    pub surprises: Vec<String>,
}

/// How much of it there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub acknowledged: usize,
    pub open: usize,
}

impl History {
    pub fn counts(&self) -> Counts {
        let closed = self.leases.values().filter(|lease| lease.said.is_some());
        let states = (self.submits.values().map(|it| state(&it.known)))
            .chain(self.cancels.values().map(|it| state(&it.known)))
            .chain(self.purchases.values().map(|it| state(&it.known)))
            .chain(closed.map(|it| state(&it.closed)));
        let mut counts = Counts::default();
        for (done, open) in states {
            counts.acknowledged += usize::from(done);
            counts.open += usize::from(open);
        }
        counts
    }
}

const fn state<T>(known: &Known<T>) -> (bool, bool) {
    (known.done().is_some(), known.is_open())
}
