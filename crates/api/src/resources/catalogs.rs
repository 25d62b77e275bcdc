//! Catalogs: what can be subscribed to, asked for and bought.

use actix_web::HttpRequest;
use actix_web::web::Data;
use reeve_protocol::Page;
use reeve_types::CatalogName;

use crate::error::{Answer, ApiError};
use crate::json::ok;
use crate::query::path_id;
use crate::state::ApiState;
use crate::view::catalog::{CatalogView, view};

/// All catalogs in order of name.
#[utoipa::path(get, path = "/v1/catalogs", tag = "catalogs",
    responses((status = 200, description = "All of them", body = Page<CatalogView>)))]
pub(crate) async fn list(state: Data<ApiState>) -> Answer {
    ok(&Page::only(state.engine.catalogs().iter().map(|catalog| view(catalog)).collect()))
}

/// One catalog.
#[utoipa::path(get, path = "/v1/catalogs/{name}", tag = "catalogs",
    params(("name" = String, Path, description = "Catalog name")),
    responses((status = 200, description = "The catalog", body = CatalogView)))]
pub(crate) async fn get(state: Data<ApiState>, req: HttpRequest) -> Answer {
    let name: CatalogName = path_id(&req, "name", "catalog")?;
    let catalog = state.engine.catalogs().get(&name).ok_or_else(|| ApiError::not_found("catalog"))?;
    ok(&view(catalog))
}
