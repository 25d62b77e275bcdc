//! Many statements as one: on PostgreSQL each costs a way there and back, and a batch has a dozen.
//!
//! Used by `transaction`. Each part becomes a part of one `WITH`, which all see what was there before any of them; so no
//! two of them may touch the same row. The text depends on which parts have rows and on nothing else: a server meets
//! a few texts again and again, and keeps their plans.

use std::fmt::Write as _;

use sea_orm::{ConnectionTrait as _, DatabaseTransaction, DbBackend, DbErr, Statement, Value};

use super::encode::Rows;

/// What a part must have done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Must {
    /// Whatever the constraints let it do.
    Nothing,
    /// Inserted every row: none was there before.
    BeNew,
    /// Changed a row for each of its own.
    Hit,
}

/// Statements that take one parameter each, with their rows.
#[derive(Default)]
pub(super) struct AtOnce<'p> {
    parts: Vec<(&'p str, &'p Rows, Must)>,
}

impl<'p> AtOnce<'p> {
    /// Adds a statement that ends where `RETURNING` may stand; one without rows is left out.
    pub(super) fn add(&mut self, (sql, rows): (&'p str, &'p Rows), must: Must) {
        if !rows.is_empty() {
            self.parts.push((sql, rows, must));
        }
    }

    /// Rows and bytes of all parts.
    pub(super) fn size(&self) -> (u64, usize) {
        let rows = self.parts.iter().map(|(_, rows, _)| rows.count()).sum();
        (rows, self.parts.iter().map(|(_, rows, _)| rows.bytes()).sum())
    }

    /// Sends them; what a part should have done and did not, if there is one. A taken key is told before anything else, since it
    /// is somebody's and the rest would be a bug.
    pub(super) async fn execute(&self, txn: &DatabaseTransaction) -> Result<Option<Must>, DbErr> {
        if self.parts.is_empty() {
            return Ok(None);
        }
        let values: Vec<Value> = self.parts.iter().map(|(_, rows, _)| Value::from(rows.json())).collect();
        let statement = Statement::from_sql_and_values(DbBackend::Postgres, self.text(), values);
        let row = txn.query_one_raw(statement).await?;
        let row = row.ok_or_else(|| DbErr::Custom("a SELECT without FROM has one row".to_owned()))?;
        let mut short = None;
        for (n, (_, rows, must)) in self.counted().enumerate() {
            let done: i64 = row.try_get_by_index(n + 1)?;
            if u64::try_from(done) != Ok(rows.count()) && short != Some(Must::BeNew) {
                short = Some(*must);
            }
        }
        Ok(short)
    }

    /// Parts whose rows are counted. Counting costs the server a copy of each row, so the others are not.
    fn counted(&self) -> impl Iterator<Item = &(&'p str, &'p Rows, Must)> {
        self.parts.iter().filter(|(_, _, must)| *must != Must::Nothing)
    }

    fn text(&self) -> String {
        let (mut text, mut counts) = (String::new(), String::from("1"));
        for (n, (sql, _, must)) in self.parts.iter().enumerate() {
            let with = if n == 0 { "WITH" } else { "," };
            let own = sql.replace("$1", &format!("${}", n + 1));
            let returning = if *must == Must::Nothing { "" } else { " RETURNING 1" };
            // Writing to a string cannot fail.
            let _ = write!(text, "{with} w{n} AS ({own}{returning})");
            if *must != Must::Nothing {
                let _ = write!(counts, ", (SELECT count(*) FROM w{n})");
            }
        }
        format!("{text} SELECT {counts}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_has_a_parameter_of_its_own_and_empty_ones_are_left_out() {
        let (mut some, none) = (Rows::default(), Rows::default());
        some.row().int(1).done(1);
        let mut both = AtOnce::default();
        both.add(("INSERT INTO a SELECT $1", &some), Must::Nothing);
        both.add(("INSERT INTO nothing SELECT $1", &none), Must::Nothing);
        both.add(("INSERT INTO b SELECT $1", &some), Must::Hit);
        assert_eq!(
            both.text(),
            "WITH w0 AS (INSERT INTO a SELECT $1), w1 AS (INSERT INTO b SELECT $2 RETURNING 1) \
             SELECT 1, (SELECT count(*) FROM w1)"
        );
        assert_eq!(both.size(), (2, 2 * some.bytes()));
    }
}
