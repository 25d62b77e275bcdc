//! The five products over months: a real server whose clock is moved by hand, driven by HTTP, killed on the way.
//!
//! Each story ends with the books folded by the tests' own arithmetic and with the server's own verification.

mod ai_studios;
mod kaiber;
mod kira;
mod kive;
mod kreatorflow;

use crate::fixture::{Server, Tenant, verify};

/// What a workspace shows of itself, for comparison before and after a crash.
async fn shown(tenant: &Tenant) -> [serde_json::Value; 3] {
    let read = async |rest: &str| tenant.api.get(&tenant.path(rest)).await.ok(200);
    [read("").await, read("/balance").await, read("/ledger?limit=500").await]
}

/// SIGKILL and a new start: the same clock or an earlier one, and the same answers once it is set again.
async fn killed(server: &mut Server, tenants: &[&Tenant], now: &str) {
    let mut before = Vec::new();
    for tenant in tenants {
        before.push(shown(tenant).await);
    }
    tokio::task::block_in_place(|| server.restart());
    server.admin().clock(now).await;
    for (tenant, before) in tenants.iter().zip(before) {
        assert_eq!(shown(tenant).await, before, "`{}` after a crash", tenant.id);
    }
}

/// The end of a story: books that add up, and a verification that holds.
async fn ends_well(tenants: &[&Tenant]) {
    for tenant in tenants {
        tenant.books().await;
    }
    if let Some(tenant) = tenants.first() {
        verify(&tenant.api).await;
    }
}
