//! One transaction of the usual batch: its rows, and what became of it.
//!
//! Used by `hot`.

use super::file::{AheadRow, Transaction};
use super::{Call, Hot, Went};
use crate::journal::ahead::{Asked, Part, text};
use crate::journal::encode::Rows;
use crate::journal::plan::Plan;
use crate::journal::transaction::signed;
use crate::journal::written::Counters;

/// What a transaction writes besides what is ahead.
pub(super) enum Writes {
    /// A batch, as a row of its own with this text, if the tables have what is asked of them.
    Ahead(String, Asked),
    /// A batch, into the tables.
    AtOnce,
    /// Nothing: all of it is durable already, so that nobody waits for a sync.
    Known,
}

impl Hot {
    /// Writes the rows of a plan, and takes away the rows of batches that are done.
    pub(super) async fn transaction(
        &mut self,
        (plan, part): (&mut Plan, &Part),
        what: Writes,
        call: Call<'_>,
    ) -> Went {
        let is_new = !matches!(what, Writes::Known);
        let transaction = self.encoded((plan, part), what, call);
        if is_new {
            // Readers may see it as soon as it is committed.
            self.syncs.begin();
        }
        let went = self.file.run(&transaction);
        match went {
            Went::Committed => self.checkpoints.look(),
            _ if is_new => self.syncs.ask(Box::new(|_| {})).await,
            _ => {}
        }
        went
    }

    fn encoded(&self, (plan, part): (&mut Plan, &Part), what: Writes, call: Call<'_>) -> Transaction {
        let mut due = self.known.due_rows(plan);
        call.written.statement(1, 0);
        let ahead = if let Writes::Ahead(body, asked) = what {
            call.written.statement(1, body.len());
            let Asked { stands, live, new, keys } = asked;
            let [stands, live, new, keys] = [stands, live, new, keys].map(|rows| rows.json());
            Some(AheadRow { body, stands, live, new, keys })
        } else {
            None
        };
        Transaction {
            lane: (signed(call.number()), signed(call.lane.epoch)),
            outbox: counted(&mut plan.outbox, call.written),
            ahead,
            tables: order(plan, &mut due).map(|rows| counted(rows, call.written)),
            done: (signed(part.before), part.rows),
        }
    }
}

/// Rows as they are sent.
fn counted(rows: &mut Rows, written: &Counters) -> String {
    if !rows.is_empty() {
        written.statement(rows.count(), rows.bytes());
    }
    rows.take_json()
}

/// The rows of each of the tables' statements.
fn order<'a>(plan: &'a mut Plan, due: &'a mut Rows) -> [&'a mut Rows; text::TABLES] {
    [
        &mut plan.workspaces_move,
        due,
        &mut plan.workspaces_tallies,
        &mut plan.lots,
        &mut plan.jobs_waiting,
        &mut plan.jobs_new,
        &mut plan.uploads,
        &mut plan.ledger,
        &mut plan.jobs_live,
        &mut plan.jobs_final,
        &mut plan.answers,
    ]
}
