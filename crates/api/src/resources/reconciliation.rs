//! Reconciliation: what an accountant asks of the books, as JSON or as CSV.

use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use reeve_journal::{DAY_MS, DaySpan, DaySums, Days, UsageRow};
use reeve_protocol::{Amount, At, ReconciledDay, ReconciledSums, ReconciliationQuery, ReconciliationView};
use reeve_types::{Credits, Millis};

use crate::error::{Answer, ApiError};
use crate::json::ok;
use crate::query::query;
use crate::resources::ledger::wants_csv;
use crate::state::ApiState;

/// Days that one answer is about at most.
const DAYS_MAX: i64 = 400;
/// Days when the query does not say.
const DAYS_SHIPPED: i64 = 30;

/// The head of the CSV.
const CSV_HEAD: &str = "day,payments,paid,granted_paid,payments_difference,granted_other,settled,delivered,charged,\
deliveries_difference,held,released,expired,forfeited,clawed_back,restored,taken,debt\r\n";

/// Payments against lots, and settled credits against delivered outputs, per day in UTC over all workspaces. Both
/// differences are 0 on every day, or `ok` is false. With `Accept: text/csv` one line per day.
///
/// Each workspace is seen at one moment; memory grows with the days, not with the jobs.
#[utoipa::path(get, path = "/v1/reconciliation", tag = "operating", params(ReconciliationQuery),
    responses((status = 200, description = "The sums", content(
        (ReconciliationView = "application/json"), (String = "text/csv")))))]
pub(crate) async fn get(state: Data<ApiState>, req: HttpRequest) -> Answer {
    let span = span(&query(&req)?, state.engine.now())?;
    let view = view(span, &state.engine.reconcile(span).await?.days);
    if !wants_csv(&req) {
        return ok(&view);
    }
    let text = view.days.iter().fold(CSV_HEAD.to_owned(), |text, day| text + &line(day));
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/csv; charset=utf-8; header=present"))
        .insert_header((CONTENT_DISPOSITION, "attachment; filename=\"reconciliation.csv\""))
        .body(text))
}

fn span(asked: &ReconciliationQuery, now: Millis) -> Result<DaySpan, ApiError> {
    let ReconciliationQuery { from, to } = asked;
    let to = to.as_deref().map(|text| instant("to", text)).transpose()?.unwrap_or_else(|| now.plus_ms(1));
    let from = match from.as_deref() {
        Some(text) => instant("from", text)?,
        None => Millis::from_millis((UsageRow::day_of(to) - DAYS_SHIPPED) * DAY_MS),
    };
    let days = to.since(from) / DAY_MS;
    if to <= from || days > DAYS_MAX {
        return Err(ApiError::field("to", format!("must be after `from`, by at most {DAYS_MAX} days")));
    }
    Ok(DaySpan { from, to })
}

/// An instant, or the first one of a date.
fn instant(name: &str, text: &str) -> Result<Millis, ApiError> {
    let parsed = text.parse::<At>().or_else(|_| format!("{text}T00:00:00Z").parse::<At>());
    parsed.map(Into::into).map_err(|_| {
        ApiError::field(name, "is a date such as `2026-01-31` or an instant such as `2026-01-31T12:00:00Z`")
    })
}

fn view(span: DaySpan, days: &Days) -> ReconciliationView {
    let mut total = DaySums::default();
    let mut is_even = true;
    for sums in days.values() {
        total.add(sums);
        is_even &= sums.payments_difference() == 0 && sums.deliveries_difference() == 0;
    }
    let day = |(day, of): (&i64, &DaySums)| {
        let start = Millis::from_millis(day.saturating_mul(DAY_MS)).to_string();
        ReconciledDay { day: start.chars().take(10).collect(), sums: sums(of) }
    };
    ReconciliationView {
        from: span.from.into(),
        to: span.to.into(),
        ok: is_even,
        days: days.iter().map(day).collect(),
        total: sums(&total),
    }
}

/// As amounts; a sum beyond the largest stops there.
fn sums(of: &DaySums) -> ReconciledSums {
    let amount = |micros: i128| {
        let clamped = i64::try_from(micros).unwrap_or(if micros < 0 { i64::MIN } else { i64::MAX });
        Amount(Credits::from_micros(clamped))
    };
    ReconciledSums {
        payments: of.payments,
        paid: amount(of.paid),
        granted_paid: amount(of.granted_paid),
        payments_difference: amount(of.payments_difference()),
        granted_other: amount(of.granted_other),
        settled: amount(of.settled),
        delivered: of.delivered,
        charged: amount(of.charged),
        deliveries_difference: amount(of.deliveries_difference()),
        held: amount(of.held),
        released: amount(of.released),
        expired: amount(of.expired),
        forfeited: amount(of.forfeited),
        clawed_back: amount(of.clawed_back),
        restored: amount(of.restored),
        taken: amount(of.taken),
        debt: amount(of.debt),
    }
}

fn line(day: &ReconciledDay) -> String {
    let s = &day.sums;
    let amounts = [s.granted_other, s.settled];
    let late = [s.held, s.released, s.expired, s.forfeited, s.clawed_back, s.restored, s.taken, s.debt];
    let join = |amounts: &[Amount]| amounts.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    let paid = join(&[s.paid, s.granted_paid, s.payments_difference]);
    let charged = join(&[s.charged, s.deliveries_difference]);
    format!(
        "{},{},{paid},{},{},{charged},{}\r\n",
        day.day,
        s.payments,
        join(&amounts),
        s.delivered,
        join(&late)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Millis {
        text.parse::<At>().unwrap().into()
    }

    #[test]
    fn a_date_is_its_first_instant_and_the_end_is_not_counted() {
        let asked = |from: Option<&str>, to: Option<&str>| ReconciliationQuery {
            from: from.map(str::to_owned),
            to: to.map(str::to_owned),
        };
        let now = at("2026-03-10T12:00:00Z");
        let two = span(&asked(Some("2026-01-31"), Some("2026-02-02")), now).unwrap();
        assert_eq!((two.from, two.to), (at("2026-01-31T00:00:00Z"), at("2026-02-02T00:00:00Z")));
        let shipped = span(&asked(None, None), now).unwrap();
        assert_eq!((shipped.from, shipped.to), (at("2026-02-08T00:00:00Z"), now.plus_ms(1)));
        for (from, to) in [("2026-01-02", "2026-01-02"), ("2024-01-01", "2026-01-02"), ("x", "2026-01-02")] {
            assert!(span(&asked(Some(from), Some(to)), now).is_err(), "{from} {to}");
        }
    }

    #[test]
    fn a_difference_of_any_day_is_told_and_lines_have_as_many_cells_as_the_head() {
        let span = DaySpan { from: at("2026-01-01T00:00:00Z"), to: at("2026-01-03T00:00:00Z") };
        let day = UsageRow::day_of(span.from);
        let sums = DaySums { settled: 5_000_000, charged: 5_000_000, delivered: 1, ..DaySums::default() };
        let mut days = Days::from([(day, sums)]);
        assert!(view(span, &days).ok);
        days.insert(day + 1, DaySums { paid: 1, ..DaySums::default() });
        let view = view(span, &days);
        assert!(!view.ok);
        assert_eq!(view.days[1].day, "2026-01-02");
        assert_eq!(view.total.settled.to_string(), "5");
        let cells = |line: &str| line.split(',').count();
        assert_eq!(cells(&line(&view.days[0])), cells(CSV_HEAD));
        assert!(line(&view.days[0]).starts_with("2026-01-01,0,0,0,0,0,5,1,5,0,0,"));
    }
}
