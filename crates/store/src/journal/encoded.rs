//! A change set as text: the rows that no later one can change, and all others too where it may be written ahead.
//!
//! Made by `work` where the change set is submitted, and so beside the commit under way rather than after it: what
//! the writer does between two commits is time in which the disk has nothing to do. What is stored ahead of the tables
//! and what comes into them later are the same text, but for workspaces and for jobs that went further: those are
//! written again with their last values.

use std::cell::RefCell;

use reeve_journal::ChangeSet;
use reeve_types::{JobId, LotId};
use reeve_workspace::{JobState, Records};
use smallvec::SmallVec;

use super::ahead::{fits, text};
use super::encode::{Ready, Rows};
use crate::row;
use crate::row::workspace::DueTimes;

thread_local! {
    /// Where change sets are written, so that each takes no more room than it needs while it waits.
    static SCRATCH: RefCell<Rows> = RefCell::default();
}
/// Room that is kept for the next one.
const SCRATCH_BYTES_MAX: usize = 64 << 10;

/// Rows side by side in a text.
#[derive(Clone, Copy, Default)]
struct Span {
    from: usize,
    to: usize,
    count: u64,
}

/// A job that a change set admits.
#[derive(Clone, Copy)]
enum Admitted {
    /// Its row says all of it, and the first so many bytes of it what never changes.
    Waiting(Span, usize),
    /// It went further at once.
    Further,
}

/// The row of a job that waits since its admission.
#[derive(Clone, Copy)]
pub(super) struct Waiting<'t> {
    pub(super) row: Ready<'t>,
    /// Bytes up to the end of what never changes.
    introduced: usize,
}

impl<'t> Waiting<'t> {
    /// The first cells of the row: what never changes.
    pub(super) fn introduction(&self) -> &'t str {
        self.row.text.get(..self.introduced).unwrap_or_default()
    }
}

/// Rows of lots; a change touches one or two.
type Lots = SmallVec<[(LotId, Span); 2]>;
/// Jobs that are admitted; nearly always one.
type Jobs = SmallVec<[(JobId, Admitted); 1]>;

/// A change set as text.
///
/// In one piece of memory, because thousands of them wait: a JSON array, which is called a piece once it is stored, of the
/// workspace, the version it was decided on, and the rows of each statement of [`text::TABLES`] in turn; and behind it
/// what goes in with the batch itself.
pub(super) struct Encoded {
    text: Box<str>,
    /// Bytes of the array.
    piece: usize,
    ledger: Span,
    answers: Span,
    outbox: Span,
    lots: Lots,
    /// In order of ids.
    admitted: Jobs,
    bad: Option<&'static str>,
    is_piece: bool,
}

impl Encoded {
    /// Encodes a change set; with the rows that a later one can change when it may be written `ahead`.
    pub(super) fn of(change: &ChangeSet, ahead: bool) -> Self {
        SCRATCH.with_borrow_mut(|rows| {
            rows.clear();
            let encoded = Writing::new(change, ahead, rows).write();
            rows.shrink_to(SCRATCH_BYTES_MAX);
            encoded
        })
    }

    /// What is stored when it is written ahead; `None` for one that takes the general way.
    pub(super) fn piece(&self) -> Option<&str> {
        self.text.get(..self.piece).filter(|_| self.is_piece)
    }

    /// New rows of the ledger.
    pub(super) fn ledger(&self) -> Ready<'_> {
        self.ready(self.ledger)
    }

    /// Answers of idempotency keys.
    pub(super) fn answers(&self) -> Ready<'_> {
        self.ready(self.answers)
    }

    /// What goes in with the batch itself.
    pub(super) fn outbox(&self) -> Ready<'_> {
        self.ready(self.outbox)
    }

    /// Touched lots.
    pub(super) fn lots(&self) -> impl Iterator<Item = (LotId, Ready<'_>)> {
        self.lots.iter().map(|(id, span)| (*id, self.ready(*span)))
    }

    /// Whether this change set admits it.
    pub(super) fn admits(&self, job: JobId) -> bool {
        find(&self.admitted, job).is_some()
    }

    /// The row of a job as this change set leaves it, if it admits it and leaves it waiting: a later one may have
    /// changed it.
    pub(super) fn waiting(&self, job: JobId) -> Option<Waiting<'_>> {
        match find(&self.admitted, job)? {
            Admitted::Waiting(span, introduced) => {
                Some(Waiting { row: self.ready(*span), introduced: *introduced })
            }
            Admitted::Further => None,
        }
    }

    fn ready(&self, span: Span) -> Ready<'_> {
        let text = self.text.get(span.from..span.to).unwrap_or_default();
        Ready { text, count: span.count, bad: self.bad }
    }
}

/// A change set while it is written.
struct Writing<'c> {
    change: &'c ChangeSet,
    records: &'c Records,
    ahead: bool,
    rows: &'c mut Rows,
    /// Its jobs, in order of ids; none where it admits none.
    states: Vec<(JobId, &'c JobState)>,
    lots: Lots,
    admitted: Jobs,
}

impl<'c> Writing<'c> {
    fn new(change: &'c ChangeSet, ahead: bool, rows: &'c mut Rows) -> Self {
        let records = &*change.records;
        let mut states = Vec::new();
        if !records.admitted.is_empty() {
            states = records.jobs.iter().map(|(id, state)| (*id, state)).collect();
            states.sort_unstable_by_key(|(id, _)| *id);
        }
        Self { change, records, ahead, rows, states, lots: Lots::new(), admitted: Jobs::new() }
    }

    fn write(mut self) -> Encoded {
        self.rows.raw("[\"");
        self.rows.raw(self.change.workspace.as_str());
        self.rows.raw("\",");
        self.rows.raw(itoa::Buffer::new().format(self.change.expected));
        let spans: [Span; text::TABLES] = std::array::from_fn(|table| {
            self.rows.raw(",");
            let span = self.span(|writing| writing.write_table(table));
            self.rows.end();
            span
        });
        self.rows.raw("]");
        let piece = self.rows.bytes();
        let outbox = self.span(Self::write_outbox);
        let [.., ledger, _, _, answers] = spans;
        let bad = self.rows.bad();
        let admits = |job| find(&self.admitted, job).is_some();
        let is_piece = self.ahead && bad.is_none() && fits(self.change, admits);
        let (text, lots, admitted) = (self.rows.written().into(), self.lots, self.admitted);
        Encoded { text, piece, ledger, answers, outbox, lots, admitted, bad, is_piece }
    }

    /// The rows of one statement, as this change set alone leaves them.
    fn write_table(&mut self, table: usize) {
        let (workspace, records) = (&self.change.workspace, self.records);
        match table {
            3 => self.write_lots(),
            4 => self.write_waiting(),
            7 => records.ledger.iter().for_each(|row| row::ledger::write(self.rows, workspace, row)),
            10 => records.answer.iter().for_each(|answer| row::answer::write(self.rows, workspace, answer)),
            _ if !self.ahead => {}
            0 => {
                let versions = (self.change.expected, self.change.expected.saturating_add(1));
                row::workspace::write_move(self.rows, workspace, versions, &records.workspace);
            }
            1 => row::workspace::write_due(self.rows, workspace, DueTimes::of(&records.workspace)),
            2 => {
                let tallies = records.workspace.tallies.iter();
                tallies.for_each(|tallies| row::workspace::write_tallies(self.rows, workspace, tallies));
            }
            5 => self.write_further(),
            6 => {
                for (job, attempt, upload) in &records.uploads {
                    row::upload::write(self.rows, (*job, *attempt), upload);
                }
            }
            _ => self.write_moved(table == 9),
        }
    }

    /// Where the rows stand that `write` adds: behind a bracket, or behind a comma.
    fn span(&mut self, write: impl FnOnce(&mut Self)) -> Span {
        let (from, before) = (self.rows.bytes() + 1, self.rows.count());
        write(self);
        Span { from, to: self.rows.bytes(), count: self.rows.count() - before }
    }

    fn write_outbox(&mut self) {
        for row in &self.records.outbox {
            row::outbox::write(self.rows, &self.change.workspace, row);
        }
    }

    fn write_lots(&mut self) {
        for lot in &self.records.lots {
            let span = self.span(|writing| row::lot::write(writing.rows, &writing.change.workspace, lot));
            self.lots.push((lot.id, span));
        }
    }

    /// Jobs that are admitted and wait.
    fn write_waiting(&mut self) {
        for intro in &self.records.admitted {
            let waits = find(&self.states, intro.id).copied().filter(|state| row::job::is_waiting(state));
            let admitted = waits.map_or(Admitted::Further, |state| {
                let mut introduced = 0;
                let span =
                    self.span(|writing| introduced = row::job::write_waiting(writing.rows, intro, state));
                Admitted::Waiting(span, introduced - span.from)
            });
            self.admitted.push((intro.id, admitted));
        }
        self.admitted.sort_unstable_by_key(|(id, _)| *id);
    }

    /// Jobs that are admitted and went further at once.
    fn write_further(&mut self) {
        for intro in &self.records.admitted {
            let is_further = matches!(find(&self.admitted, intro.id), Some(Admitted::Further));
            if let Some(state) = find(&self.states, intro.id).filter(|_| is_further) {
                row::job::write_new(self.rows, intro, state);
            }
        }
    }

    /// Jobs that were admitted before, and where they stand now: those that live, or those that ended.
    fn write_moved(&mut self, is_final: bool) {
        for (id, state) in self.records.jobs.iter().filter(|(_, state)| state.status.is_final() == is_final) {
            match find(&self.admitted, *id) {
                Some(_) => {}
                None if is_final => row::job::write_final(self.rows, *id, state),
                None => row::job::write_live(self.rows, *id, state),
            }
        }
    }
}

/// The value of a job in a list in order of ids.
fn find<T>(list: &[(JobId, T)], job: JobId) -> Option<&T> {
    let place = list.binary_search_by_key(&job, |(id, _)| *id).ok()?;
    list.get(place).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use reeve_workspace::Answer;
    use serde_json::Value;

    use super::*;
    use crate::journal::desk::{Desk, T0, create, lease, ws};

    /// Rows as they are sent.
    fn rows(ready: Ready<'_>) -> Value {
        let mut rows = Rows::default();
        rows.append(ready);
        serde_json::from_str(&rows.json()).unwrap()
    }

    #[test]
    fn the_rows_that_go_into_the_tables_later_are_those_of_the_piece() {
        let (mut desk, id) = (Desk::new(), ws("acme"));
        desk.decide(&id, &create(None));
        let (job, submit) = desk.submit();
        let mut change = desk.decide(&id, &submit).unwrap();
        let body = "{\"a\":\"[1,\\\"2\\\"]\"}".into();
        change.records.answer = Some(Answer { key: "k\"ey".into(), fingerprint: [1; 16], body, at: T0 });
        let encoded = Encoded::of(&change, true);
        let piece: Value = serde_json::from_str(encoded.piece().unwrap()).unwrap();
        // Behind the workspace and its version.
        let table = |n: usize| piece[n + 2].clone();
        assert_eq!((piece[0].as_str(), piece[1].as_u64()), (Some("acme"), Some(change.expected)));
        assert_eq!(piece.as_array().map(Vec::len), Some(text::TABLES + 2));
        assert_eq!([rows(encoded.ledger()), rows(encoded.answers())], [table(7), table(10)]);
        let lots: Vec<Value> = encoded.lots().map(|(_, row)| rows(row)[0].clone()).collect();
        assert_eq!(Value::from(lots), table(3));
        let waiting = encoded.waiting(job).unwrap();
        assert_eq!(
            (rows(waiting.row), waiting.row.text.starts_with(waiting.introduction())),
            (table(4), true)
        );
    }

    #[test]
    fn the_outbox_is_never_ahead() {
        let (mut desk, id) = (Desk::new(), ws("acme"));
        desk.decide(&id, &create(None));
        let (job, submit) = desk.submit();
        desk.decide(&id, &submit);
        let encoded = Encoded::of(&desk.decide(&id, &lease(job)).unwrap(), true);
        let told = rows(encoded.outbox());
        assert!(
            told.as_array().is_some_and(|rows| rows.len() == 1) && told.to_string().contains("job.started")
        );
        assert!(!encoded.piece().unwrap().contains("job.started"));
    }

    #[test]
    fn what_is_never_ahead_has_only_rows_that_stay() {
        let (mut desk, id) = (Desk::new(), ws("acme"));
        desk.decide(&id, &create(None));
        let (_, submit) = desk.submit();
        let change = desk.decide(&id, &submit).unwrap();
        let (ahead, at_once) = (Encoded::of(&change, true), Encoded::of(&change, false));
        assert!(at_once.piece().is_none() && at_once.text.len() < ahead.text.len());
        assert_eq!(rows(at_once.ledger()), rows(ahead.ledger()));
    }
}
