//! What the ledger says of the past: usage, old balances, a member's spending.
//!
//! Rows of a workspace are in order of time, so an instant is a place in its range, found by halving: no
//! index by time is paid for by every job. All statements of one question share a snapshot.

use std::collections::BTreeMap;

use reeve_journal::{
    DAY_MS, LotSums, PastBalance, PastLot, StoreError, USAGE_ROWS_MAX, UsageFilter, UsageKey, UsageRow,
};
use reeve_types::{Credits, LotId, MemberId, Millis, SourceName, WorkspaceId};
use reeve_workspace::Kind;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryResult, QueryTrait as _,
    Statement, Value,
};

use super::db::{row, unavailable};
use crate::entity::ledger::{Column, Entity};
use crate::row;
use crate::row::cells::Cells;

async fn ask<C: ConnectionTrait>(
    db: &C,
    sql: &str,
    values: Vec<Value>,
) -> Result<Vec<QueryResult>, StoreError> {
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
    db.query_all_raw(statement).await.map_err(unavailable)
}

/// The stored end of a workspace's chain; `None` when there is no such workspace.
async fn last_seq<C: ConnectionTrait>(db: &C, id: &WorkspaceId) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT id, chain_seq FROM workspaces WHERE id = $1";
    let found = ask(db, sql, vec![id.as_str().into()]).await?;
    found.first().map(|row| Cells::by_text(row, "workspaces", "id")?.int("chain_seq")).transpose()
}

/// The last row up to and including `at` among the first `last`; 0 when all are later.
async fn seq_at<C: ConnectionTrait>(
    db: &C,
    id: &WorkspaceId,
    (last, at): (i64, Millis),
) -> Result<i64, StoreError> {
    let (mut low, mut high) = (0, last);
    while low < high {
        let middle = low + (high - low + 1) / 2;
        let sql = "SELECT seq, at FROM ledger WHERE workspace = $1 AND seq = $2";
        let found = ask(db, sql, vec![id.as_str().into(), middle.into()]).await?;
        let named = |row| row::ledger::cells(row, id);
        // A gap is damage, which the verifier reports; what lies behind it is as good as later.
        let is_later = match found.first() {
            Some(row) => named(row).millis("at")? > at,
            None => true,
        };
        if is_later {
            high = middle - 1;
        } else {
            low = middle;
        }
    }
    Ok(low)
}

/// The rows of a span of time as a span of sequence numbers, without its first: `(after, to]`.
async fn span<C: ConnectionTrait>(
    db: &C,
    id: &WorkspaceId,
    (from, to): (Option<Millis>, Option<Millis>),
) -> Result<(i64, i64), StoreError> {
    let last = last_seq(db, id).await?.unwrap_or(0);
    let before = async |at: Option<Millis>, otherwise| match at {
        Some(at) if at.value() == i64::MIN => Ok(0),
        Some(at) => seq_at(db, id, (last, at.plus_ms(-1))).await,
        None => Ok(otherwise),
    };
    Ok((before(from, 0).await?, before(to, last).await?))
}

/// Whose a row is: an adjustment's row names its job only, and is so looked up.
fn of_job(column: &str) -> String {
    format!(
        "CASE WHEN kind = 'grant' THEN (SELECT j.{column} FROM jobs j WHERE j.id = job) ELSE {column} END"
    )
}

/// Cells `<name>_whole` and `<name>_rest`: the sum of `amount` in credits and in micro-credits beside them.
///
/// Summed in two parts, since few holds of a very large lot are more than an integer of the database can
/// hold; cast, because PostgreSQL sums integers to decimals.
fn sum_sql(name: &str, amount: &str) -> String {
    let part = |part: &str, op| {
        format!(
            "CAST(COALESCE(SUM({amount} {op} {SCALE}), 0) AS BIGINT) AS {name}_{part}",
            SCALE = Credits::SCALE
        )
    };
    format!("{}, {}", part("whole", "/"), part("rest", "%"))
}

/// Such a sum in micro-credits.
fn read_sum(cells: &Cells<'_>, whole: &'static str, rest: &'static str) -> Result<i128, StoreError> {
    let (whole, rest) = (cells.int::<i64>(whole)?, cells.int::<i64>(rest)?);
    Ok(i128::from(whole) * i128::from(Credits::SCALE) + i128::from(rest))
}

/// As an amount; it stops at the largest one.
fn clamped(micros: i128) -> Credits {
    Credits::from_micros(i64::try_from(micros).unwrap_or(if micros < 0 { i64::MIN } else { i64::MAX }))
}

/// The text that groups by `keys`.
fn usage_sql(keys: &[UsageKey], has_member: bool) -> String {
    // Written so that days before the epoch are counted down: division cuts towards zero.
    let day = format!("(at - ((at % {DAY_MS} + {DAY_MS}) % {DAY_MS})) / {DAY_MS}");
    let cells = [
        (UsageKey::Member, "member", of_job("member"), "TEXT"),
        (UsageKey::Action, "action", of_job("action"), "TEXT"),
        (UsageKey::Day, "day", day, "BIGINT"),
    ];
    let cell = |(key, name, sql, kind): &(UsageKey, &str, String, &str)| match keys.contains(key) {
        true => format!("{sql} AS {name}"),
        false => format!("CAST(NULL AS {kind}) AS {name}"),
    };
    let groups: Vec<&str> = cells
        .iter()
        .zip(["1", "2", "3"])
        .filter(|(cell, _)| keys.contains(&cell.0))
        .map(|(_, n)| n)
        .collect();
    let sum = |name, kind| sum_sql(name, &format!("CASE WHEN kind = '{kind}' THEN amount ELSE 0 END"));
    let (settled, released, refunded) =
        (sum("settled", "settle"), sum("released", "release"), sum("refunded", "grant"));
    let by_member = if has_member { format!(" AND {} = $4", of_job("member")) } else { String::new() };
    let group = if groups.is_empty() { String::new() } else { format!(" GROUP BY {}", groups.join(", ")) };
    format!(
        "SELECT {}, {settled}, {released}, {refunded}, \
         COUNT(DISTINCT CASE WHEN kind <> 'grant' THEN job END) AS jobs \
         FROM ledger WHERE workspace = $1 AND seq > $2 AND seq <= $3 AND job IS NOT NULL \
         AND kind IN ('settle', 'release', 'grant'){by_member}{group} \
         ORDER BY 1 NULLS FIRST, 2 NULLS FIRST, 3 NULLS FIRST LIMIT {USAGE_ROWS_MAX}",
        cells.iter().map(cell).collect::<Vec<_>>().join(", ")
    )
}

/// What a workspace used.
pub(crate) async fn usage<C: ConnectionTrait>(
    db: &C,
    id: &WorkspaceId,
    (filter, keys): (&UsageFilter, &[UsageKey]),
) -> Result<Vec<UsageRow>, StoreError> {
    let (after, to) = span(db, id, (filter.from, filter.to)).await?;
    let mut values: Vec<Value> = vec![id.as_str().into(), after.into(), to.into()];
    values.extend(filter.member.as_ref().map(|member| Value::from(member.as_str())));
    let found = ask(db, &usage_sql(keys, filter.member.is_some()), values).await?;
    let read = |row| {
        let cells = Cells::named(row, "ledger", format!("{id}/usage"));
        Ok(UsageRow {
            member: cells.opt_parse("member")?,
            action: cells.opt_parse("action")?,
            day: cells.opt_int("day")?,
            settled: clamped(read_sum(&cells, "settled_whole", "settled_rest")?),
            released: clamped(read_sum(&cells, "released_whole", "released_rest")?),
            refunded: clamped(read_sum(&cells, "refunded_whole", "refunded_rest")?),
            jobs: cells.int("jobs")?,
        })
    };
    found.iter().map(read).collect()
}

/// The balance after the last row up to `at`.
pub(crate) async fn balance_at<C: ConnectionTrait>(
    db: &C,
    id: &WorkspaceId,
    at: Millis,
) -> Result<Option<PastBalance>, StoreError> {
    let Some(last) = last_seq(db, id).await? else {
        return Ok(None);
    };
    let seq = seq_at(db, id, (last, at)).await?;
    let select = Entity::find().filter(Column::Workspace.eq(id.as_str())).filter(Column::Seq.eq(seq));
    let mut past = match row(db, select.into_query()).await? {
        None => return Ok(Some(PastBalance::default())),
        Some(found) => {
            let row = row::ledger::read(&row::ledger::cells(&found, id))?;
            let (available, held) = (row.available_after, row.held_after);
            PastBalance { seq: row.seq, available, held, ..PastBalance::default() }
        }
    };
    let (lots, debt) = lots_at(db, id, seq).await?;
    (past.lots, past.debt) = (lots, debt);
    Ok(Some(past))
}

/// Lots and debt, summed by the database: what comes back grows with the lots, not with the jobs.
async fn lots_at<C: ConnectionTrait>(
    db: &C,
    id: &WorkspaceId,
    seq: i64,
) -> Result<(Vec<PastLot>, Credits), StoreError> {
    let sql = format!(
        "SELECT lot, kind, MIN(source) AS source, {} FROM ledger WHERE workspace = $1 AND seq <= $2 \
         GROUP BY lot, kind",
        sum_sql("amount", "amount")
    );
    let mut lots: BTreeMap<LotId, (SourceName, LotSums)> = BTreeMap::new();
    let mut debt: i128 = 0;
    for row in &ask(db, &sql, vec![id.as_str().into(), seq.into()]).await? {
        let cells = Cells::by_text(row, "ledger", "lot")?;
        let kind = cells.word("kind", Kind::from_word)?;
        let amount = read_sum(&cells, "amount_whole", "amount_rest")?;
        debt += match kind {
            Kind::Owe => amount,
            Kind::Repay => -amount,
            _ => 0,
        };
        let sums = lots.entry(cells.parse("lot")?).or_insert((cells.parse("source")?, LotSums::default()));
        sums.1.add(kind, amount);
    }
    let past = |(lot, (source, sums)): (LotId, (SourceName, LotSums))| {
        let (granted, terms) = sums.amounts().ok_or_else(|| StoreError::Damaged {
            table: "ledger",
            column: "amount",
            id: format!("{id}/{lot}"),
            detail: "its rows add up to more than an amount can hold".to_owned(),
        })?;
        Ok(PastLot { id: lot, source, granted, terms })
    };
    Ok((lots.into_iter().map(past).collect::<Result<_, _>>()?, clamped(debt)))
}

/// What a member settled, and the last sequence number.
pub(crate) async fn member_settled<C: ConnectionTrait>(
    db: &C,
    id: &WorkspaceId,
    (member, from): (&MemberId, Millis),
) -> Result<(Credits, u64), StoreError> {
    let (after, to) = span(db, id, (Some(from), None)).await?;
    let sql = format!(
        "SELECT {} FROM ledger WHERE workspace = $1 AND seq > $2 AND seq <= $3 AND kind = 'settle' \
         AND member = $4",
        sum_sql("amount", "amount")
    );
    let values = vec![id.as_str().into(), after.into(), to.into(), member.as_str().into()];
    let found = ask(db, &sql, values).await?;
    let cells = |row| Cells::named(row, "ledger", format!("{id}/{member}"));
    let sum = |row| read_sum(&cells(row), "amount_whole", "amount_rest");
    let settled = found.first().map(sum).transpose()?.unwrap_or(0);
    Ok((clamped(settled), u64::try_from(to).unwrap_or(0)))
}
