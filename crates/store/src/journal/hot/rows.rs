//! One statement, run for each row of a JSON text.
//!
//! Used by `file`. SQLite's own functions read such a text as well, but for each cell of a row they copy the row and walk
//! through it from its start: a row of the ledger took more than twice as long.

use std::fmt;

use rusqlite::types::Null;
use rusqlite::{CachedStatement, Statement, ToSql};
use serde::de::{DeserializeSeed, Deserializer, Error, SeqAccess, Visitor};

use crate::failure::{Failure, classify_sqlite};

/// Why not every row of a statement found its place.
pub(super) enum Stop {
    /// A key was taken, or a row that must be there was not.
    Misfit,
    Failed(Failure),
}

impl From<rusqlite::Error> for Stop {
    fn from(error: rusqlite::Error) -> Self {
        Self::Failed(classify_sqlite(&error))
    }
}

/// A statement with a parameter for each cell.
pub(super) struct ByRow<'c> {
    statement: CachedStatement<'c>,
    fits: fn(&mut Statement<'c>) -> rusqlite::Result<bool>,
    /// Why reading stopped.
    stop: Option<Stop>,
}

impl<'c> ByRow<'c> {
    /// One that must change a row for each of its own.
    pub(super) fn changes(statement: CachedStatement<'c>) -> Self {
        Self { statement, fits: |statement| Ok(statement.raw_execute()? == 1), stop: None }
    }

    /// A question that must have an answer for each row.
    pub(super) fn finds(statement: CachedStatement<'c>) -> Self {
        Self { statement, fits: |statement| Ok(statement.raw_query().next()?.is_some()), stop: None }
    }

    /// A question that must have none.
    pub(super) fn misses(statement: CachedStatement<'c>) -> Self {
        Self { statement, fits: |statement| Ok(statement.raw_query().next()?.is_none()), stop: None }
    }

    /// Runs it for each row of an array of arrays, up to one that does not find its place.
    pub(super) fn run(mut self, rows: &str) -> Result<(), Stop> {
        let mut text = serde_json::Deserializer::from_str(rows);
        let read = AllRows(&mut self).deserialize(&mut text);
        match (read, self.stop.take()) {
            (_, Some(stop)) => Err(stop),
            (Err(error), None) => Err(Stop::Failed(Failure::Data(error.to_string()))),
            (Ok(()), None) => Ok(()),
        }
    }

    fn row(&mut self) -> Result<(), Stop> {
        if (self.fits)(&mut self.statement)? { Ok(()) } else { Err(Stop::Misfit) }
    }
}

/// Ends the reading of a text; the reason is beside it.
fn stopped<E: Error>(into: &mut Option<Stop>, stop: Stop) -> E {
    *into = Some(stop);
    E::custom("a row did not find its place")
}

/// The text.
struct AllRows<'s, 'c>(&'s mut ByRow<'c>);
/// A row of it.
struct OneRow<'s, 'c>(&'s mut ByRow<'c>);
/// A cell of that, for the parameter of this number.
struct Cell<'s, 'c>(&'s mut ByRow<'c>, usize);

impl<'de> DeserializeSeed<'de> for AllRows<'_, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, text: D) -> Result<(), D::Error> {
        text.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for AllRows<'_, '_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("rows")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<(), A::Error> {
        while rows.next_element_seed(OneRow(self.0))?.is_some() {
            self.0.row().map_err(|stop| stopped(&mut self.0.stop, stop))?;
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for OneRow<'_, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, text: D) -> Result<(), D::Error> {
        text.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for OneRow<'_, '_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut cells: A) -> Result<(), A::Error> {
        let mut parameter = 1;
        while cells.next_element_seed(Cell(self.0, parameter))?.is_some() {
            parameter += 1;
        }
        Ok(())
    }
}

impl Cell<'_, '_> {
    fn bind<E: Error>(self, value: impl ToSql) -> Result<(), E> {
        let Self(by_row, parameter) = self;
        let bound = by_row.statement.raw_bind_parameter(parameter, value);
        bound.map_err(|error| stopped(&mut by_row.stop, error.into()))
    }
}

impl<'de> DeserializeSeed<'de> for Cell<'_, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, text: D) -> Result<(), D::Error> {
        text.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Cell<'_, '_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a whole number or null")
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.bind(text)
    }
    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        self.bind(number)
    }
    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        let number = i64::try_from(number);
        number.map_err(|_| E::custom("a whole number is out of range")).and_then(|number| self.bind(number))
    }
    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.bind(Null)
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    fn table() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE t (a TEXT PRIMARY KEY, b INTEGER, c BLOB)").unwrap();
        connection
    }

    const INSERT: &str = "INSERT INTO t VALUES (?1, ?2, unhex(?3)) ON CONFLICT DO NOTHING";

    fn insert(connection: &Connection, rows: &str) -> Result<(), Stop> {
        ByRow::changes(connection.prepare_cached(INSERT).unwrap()).run(rows)
    }

    #[test]
    fn cells_are_stored_as_they_are_written() {
        let connection = table();
        let rows = r#"[["a\"\nä",-5,"00ff"],["b",9223372036854775807,null]]"#;
        assert!(insert(&connection, rows).is_ok());
        let read = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, String>(0)).unwrap();
        let all = "SELECT group_concat(a || '|' || b || '|' || hex(c), ';') FROM t";
        assert_eq!(read(all), "a\"\nä|-5|00FF;b|9223372036854775807|");
        let types = "SELECT group_concat(typeof(a) || typeof(b) || typeof(c)) FROM t";
        assert_eq!(read(types), "textintegerblob,textintegernull");
    }

    #[test]
    fn a_row_that_does_not_find_its_place_stops_the_rest() {
        let connection = table();
        assert!(matches!(
            insert(&connection, r#"[["a",1,null],["a",2,null],["b",3,null]]"#),
            Err(Stop::Misfit)
        ));
        let count: i64 = connection.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap();
        assert_eq!(count, 1);
    }

    #[test]
    fn a_question_is_asked_of_every_row() {
        let connection = table();
        insert(&connection, r#"[["a",1,null]]"#).ok().unwrap();
        let ask = || connection.prepare_cached("SELECT 1 FROM t WHERE a = ?1").unwrap();
        assert!(ByRow::finds(ask()).run(r#"[["a"],["a"]]"#).is_ok());
        assert!(matches!(ByRow::finds(ask()).run(r#"[["a"],["b"]]"#), Err(Stop::Misfit)));
        assert!(ByRow::misses(ask()).run(r#"[["b"],["c"]]"#).is_ok());
        assert!(matches!(ByRow::misses(ask()).run(r#"[["b"],["a"]]"#), Err(Stop::Misfit)));
    }

    #[test]
    fn what_is_no_row_is_a_fault_of_the_data() {
        let connection = table();
        for rows in [
            r#"[["a",1.5,null]]"#,
            r#"[["a",true,null]]"#,
            r#"[["a",18446744073709551615,null]]"#,
            "[[",
            "{}",
        ] {
            assert!(matches!(insert(&connection, rows), Err(Stop::Failed(Failure::Data(_)))), "{rows}");
        }
        let too_many = insert(&connection, r#"[["a",1,null,4]]"#);
        assert!(matches!(too_many, Err(Stop::Failed(_))), "a cell without a parameter");
    }
}
