//! Promotions: for a while, purchases of a catalog come with more (KV-27).

use actix_web::HttpRequest;
use actix_web::web::Data;
use reeve_credits::catalog::Factor;
use reeve_protocol::{Page, PromotionPut, PromotionView, Quantity};
use reeve_workspace::Promotion;

use crate::error::{Answer, ApiError};
use crate::json::{Input, ok};
use crate::problem::refused;
use crate::state::ApiState;
use crate::text;
use crate::view::catalog::times;

/// Longest id of a promotion, in characters.
pub(crate) const ID_CHARS_MAX: usize = 64;
/// Largest factor: beyond it the input is a slip of the pen.
const FACTOR_MAX: i64 = 1_000 * Quantity::SCALE;

/// Sets a promotion. Purchases that are confirmed already keep what they got.
#[utoipa::path(put, path = "/v1/promotions/{id}", tag = "catalogs", request_body = PromotionPut,
    params(("id" = String, Path, description = "Promotion id, chosen by the caller")),
    responses((status = 200, description = "The promotion", body = PromotionView)))]
pub(crate) async fn put(state: Data<ApiState>, req: HttpRequest, input: Input<PromotionPut>) -> Answer {
    let id = req.match_info().get("id").unwrap_or_default();
    let PromotionPut { catalog, source, from, to, factor } = input.body;
    if factor.micros() > FACTOR_MAX {
        return Err(ApiError::field("/factor", "is more than 1000 times the purchase"));
    }
    let promotion = Promotion {
        id: text::line("id", id, ID_CHARS_MAX)?,
        catalog,
        source,
        from: from.into(),
        to: to.into(),
        factor: Factor::from_micros(factor.micros()),
    };
    let view = view(&promotion);
    state.engine.put_promotion(promotion).await?.map_err(|refusal| refused(&refusal))?;
    ok(&view)
}

/// All promotions, of every catalog.
#[utoipa::path(get, path = "/v1/promotions", tag = "catalogs",
    responses((status = 200, description = "All of them", body = Page<PromotionView>)))]
pub(crate) async fn list(state: Data<ApiState>) -> Answer {
    let mut all: Vec<PromotionView> = state.engine.promotions().iter().map(view).collect();
    all.sort_by(|a, b| a.id.cmp(&b.id));
    ok(&Page::only(all))
}

fn view(promotion: &Promotion) -> PromotionView {
    PromotionView {
        id: promotion.id.to_string(),
        catalog: promotion.catalog.clone(),
        source: promotion.source.clone(),
        from: promotion.from.into(),
        to: promotion.to.into(),
        factor: times(promotion.factor),
    }
}
