//! Calls about catalogs and promotions.

use reeve_protocol::{
    CatalogPublish, CatalogPublished, CatalogQuery, CatalogView, Page, PromotionPut, PromotionView,
    PublishQuery,
};
use reeve_types::CatalogName;
use reqwest::Method;

use crate::{Client, ClientError};

impl Client {
    /// The newest version of every catalog.
    pub async fn catalogs(&self) -> Result<Page<CatalogView>, ClientError> {
        self.get(&["v1", "catalogs"], &()).await
    }

    /// One catalog.
    pub async fn catalog(
        &self,
        name: &CatalogName,
        query: &CatalogQuery,
    ) -> Result<CatalogView, ClientError> {
        self.get(&["v1", "catalogs", name.as_str()], query).await
    }

    /// Publishes a version once its examples came out; with `dry_run` only tries it.
    pub async fn publish_catalog(
        &self,
        name: &CatalogName,
        body: &CatalogPublish,
        dry_run: bool,
    ) -> Result<CatalogPublished, ClientError> {
        let query = PublishQuery { dry_run: dry_run.then_some(true) };
        let request = self.to(Method::PUT, &["v1", "catalogs", name.as_str()]);
        self.repeat(request.query(&query).json(body).timeout(self.patience(60))).await
    }

    /// Sets a promotion.
    pub async fn put_promotion(&self, id: &str, body: &PromotionPut) -> Result<PromotionView, ClientError> {
        self.change(Method::PUT, &["v1", "promotions", id], body).await
    }

    /// All promotions.
    pub async fn promotions(&self) -> Result<Page<PromotionView>, ClientError> {
        self.get(&["v1", "promotions"], &()).await
    }
}
