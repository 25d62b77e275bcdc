//! Ledger rows as JSON and as lines of a statement.

use reeve_protocol::{Amount, LedgerKind, LedgerRow};
use reeve_workspace::{Kind, Row};

/// The columns of a statement.
pub(crate) const CSV_HEAD: &str = "seq,at,kind,amount,lot,source,job,attempt,output,action,member,reason,actor,request,available_after,held_after,hash\r\n";

/// A row.
pub(crate) fn view(row: &Row) -> LedgerRow {
    LedgerRow {
        seq: row.seq,
        at: row.at.into(),
        kind: kind(row.kind),
        amount: Amount(row.amount),
        lot: Some(row.lot),
        source: Some(row.source.clone()),
        job: row.job,
        attempt: row.attempt,
        output: row.output,
        action: row.action.clone(),
        member: row.member.clone(),
        reason: row.reason.as_deref().map(ToOwned::to_owned),
        actor: row.actor,
        request: row.request.as_deref().map(ToOwned::to_owned),
        available_after: Amount(row.available_after),
        held_after: Amount(row.held_after),
        hash: row.hash.to_string(),
    }
}

/// The kind as the wire calls it.
pub(crate) const fn kind(kind: Kind) -> LedgerKind {
    match kind {
        Kind::Grant => LedgerKind::Grant,
        Kind::Hold => LedgerKind::Hold,
        Kind::Settle => LedgerKind::Settle,
        Kind::Release => LedgerKind::Release,
        Kind::Expire => LedgerKind::Expire,
        Kind::Forfeit => LedgerKind::Forfeit,
        Kind::ClawBack => LedgerKind::Clawback,
        Kind::Take => LedgerKind::Adjust,
        Kind::Restore => LedgerKind::Restore,
        Kind::Owe => LedgerKind::Owe,
        Kind::Repay => LedgerKind::Repay,
    }
}

/// The kind that a query asks for.
pub(crate) const fn asked_kind(kind: LedgerKind) -> Kind {
    match kind {
        LedgerKind::Grant => Kind::Grant,
        LedgerKind::Hold => Kind::Hold,
        LedgerKind::Settle => Kind::Settle,
        LedgerKind::Release => Kind::Release,
        LedgerKind::Expire => Kind::Expire,
        LedgerKind::Forfeit => Kind::Forfeit,
        LedgerKind::Clawback => Kind::ClawBack,
        LedgerKind::Adjust => Kind::Take,
        LedgerKind::Restore => Kind::Restore,
        LedgerKind::Owe => Kind::Owe,
        LedgerKind::Repay => Kind::Repay,
    }
}

/// A row as a line of a statement (RFC 4180).
pub(crate) fn csv_line(row: &Row) -> String {
    fn text(value: Option<impl ToString>) -> String {
        value.map(|value| value.to_string()).unwrap_or_default()
    }
    let fields = [
        row.seq.to_string(),
        row.at.to_string(),
        kind(row.kind).as_str().to_owned(),
        row.amount.to_string(),
        row.lot.to_string(),
        row.source.to_string(),
        text(row.job),
        text(row.attempt),
        text(row.output),
        text(row.action.as_ref()),
        safe(&text(row.member.as_ref())),
        safe(&text(row.reason.as_deref())),
        text(row.actor),
        safe(&text(row.request.as_deref())),
        row.available_after.to_string(),
        row.held_after.to_string(),
        row.hash.to_string(),
    ];
    let mut line = fields.map(|field| quoted(&field)).join(",");
    line.push_str("\r\n");
    line
}

/// A spreadsheet runs a cell that begins like a formula; an apostrophe makes it text.
fn safe(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}

fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\r', '\n']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use reeve_types::{Credits, LotId, MemberId, Millis, SourceName};
    use reeve_workspace::Hash;

    use super::*;

    fn row(reason: &str) -> Row {
        Row {
            seq: 1,
            at: Millis::from_millis(0),
            kind: Kind::Take,
            amount: Credits::from_micros(2_500_000),
            lot: LotId::from_parts(Millis::from_millis(0), 1),
            source: SourceName::new("plan").unwrap(),
            job: None,
            attempt: None,
            output: None,
            action: None,
            member: Some(MemberId::new("=anna").unwrap()),
            reason: Some(reason.into()),
            actor: None,
            request: None,
            available_after: Credits::ZERO,
            held_after: Credits::ZERO,
            hash: Hash([0; 32]),
        }
    }

    #[test]
    fn a_statement_line_has_a_field_for_every_column_and_survives_hostile_texts() {
        let line = csv_line(&row("refund, \"late\""));
        assert!(line.starts_with("1,1970-01-01T00:00:00.000Z,adjust,2.5,lot_"), "{line}");
        assert!(line.contains(",'=anna,\"refund, \"\"late\"\"\","), "{line}");
        assert_eq!(csv_line(&row("plain")).split(',').count(), CSV_HEAD.split(',').count());
    }

    #[test]
    fn every_kind_of_a_query_is_the_kind_that_is_shown() {
        for known in Kind::ALL {
            assert_eq!(asked_kind(kind(known)), known);
        }
    }
}
