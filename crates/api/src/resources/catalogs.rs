//! Catalogs: what can be subscribed to, asked for and bought, at any version.

use actix_web::HttpRequest;
use actix_web::web::Data;
use reeve_protocol::{CatalogQuery, CatalogView, Page};
use reeve_types::CatalogName;

use crate::error::{Answer, ApiError};
use crate::json::ok;
use crate::query::{path_id, query};
use crate::state::ApiState;
use crate::view::catalog::view;

/// The newest version of each catalog, in order of name.
#[utoipa::path(get, path = "/v1/catalogs", tag = "catalogs",
    responses((status = 200, description = "All of them", body = Page<CatalogView>)))]
pub(crate) async fn list(state: Data<ApiState>) -> Answer {
    let shelf = state.engine.shelf();
    ok(&Page::only(shelf.iter().map(|book| view(book.latest(), book.versions())).collect()))
}

/// One catalog: its newest version, or the one that is asked for.
#[utoipa::path(get, path = "/v1/catalogs/{name}", tag = "catalogs",
    params(("name" = String, Path, description = "Catalog name"), CatalogQuery),
    responses((status = 200, description = "The catalog", body = CatalogView)))]
pub(crate) async fn get(state: Data<ApiState>, req: HttpRequest) -> Answer {
    let name: CatalogName = path_id(&req, "name", "catalog")?;
    let asked = query::<CatalogQuery>(&req)?.version;
    let shelf = state.engine.shelf();
    let known = || shelf.iter().map(|book| book.latest().name.as_str());
    let book = shelf.get(&name).ok_or_else(|| ApiError::no_such("catalog", name.as_str(), known()))?;
    let catalog = match asked {
        None => book.latest(),
        Some(version) => {
            book.version(version).ok_or_else(|| ApiError::not_found("version of this catalog"))?
        }
    };
    ok(&view(catalog, book.versions()))
}
