//! What a job cost, computed from the ledger and from nothing else.

use std::collections::BTreeMap;

use actix_web::HttpRequest;
use actix_web::web::Data;
use reeve_journal::{LedgerFilter, Page};
use reeve_protocol::{Amount, ReceiptLot, ReceiptQuote, ReceiptView};
use reeve_types::{Credits, LotId};
use reeve_workspace::{Kind, Row};

use crate::error::Answer;
use crate::json::ok;
use crate::resources::attempts;
use crate::resources::jobs::visible;
use crate::roles::Caller;
use crate::state::ApiState;
use crate::view::{job, ledger};

/// Ledger rows of one job: a few per lot and output.
const ROWS_MAX: u32 = 10_000;

/// Price, lots, attempts, outputs and ledger rows of a job.
#[utoipa::path(get, path = "/v1/jobs/{id}/receipt", tag = "jobs",
    params(("id" = String, Path, description = "Job id")),
    responses((status = 200, description = "The receipt", body = ReceiptView)))]
pub(crate) async fn get(state: Data<ApiState>, caller: Caller, req: HttpRequest) -> Answer {
    let record = visible(&state, &caller, &req).await?;
    let filter = LedgerFilter { job: Some(record.intro.id), ..LedgerFilter::default() };
    let page = Page { after: None, limit: ROWS_MAX };
    let rows = state.engine.reader().ledger(&record.intro.workspace, &filter, &page).await?;
    let quote = &record.intro.quote;
    ok(&ReceiptView {
        job: record.intro.id,
        workspace: record.intro.workspace.clone(),
        status: job::status(record.state.status),
        quote: ReceiptQuote {
            credits: Amount(quote.credits),
            lines: job::lines(&quote.lines),
            catalog_version: quote.catalog_version,
        },
        lots: lots(&rows),
        attempts: attempts::of(&record),
        outputs: job::outputs(&state, (&record.intro, &record.state), record.shed),
        ledger: rows.iter().map(ledger::view).collect(),
    })
}

/// What the job did to each lot, in order of first use.
fn lots(rows: &[Row]) -> Vec<ReceiptLot> {
    let mut order: Vec<LotId> = Vec::new();
    let mut sums: BTreeMap<LotId, ReceiptLot> = BTreeMap::new();
    for row in rows {
        let lot = sums.entry(row.lot).or_insert_with(|| {
            order.push(row.lot);
            let source = row.source.clone();
            let zero = Amount::ZERO;
            ReceiptLot { lot: row.lot, source, held: zero, settled: zero, released: zero, forfeited: zero }
        });
        let sum = match row.kind {
            Kind::Hold => &mut lot.held,
            Kind::Settle => &mut lot.settled,
            Kind::Release => &mut lot.released,
            Kind::Forfeit | Kind::Expire => &mut lot.forfeited,
            // Given back for the job, or taken for it: no part of what it held.
            Kind::Grant | Kind::ClawBack | Kind::Take | Kind::Restore | Kind::Owe | Kind::Repay => continue,
        };
        *sum = Amount(sum.0.checked_add(row.amount).unwrap_or(Credits::ZERO));
    }
    order.iter().filter_map(|lot| sums.remove(lot)).collect()
}
