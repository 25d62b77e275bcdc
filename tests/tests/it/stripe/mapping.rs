//! The mapping of prices: wrong ones are found at start and at a reload, new ones are in force without a restart.

use serde_json::json;

use super::account::{Account, PRICES, SECRET, event, server, subscription};
use crate::fixture::{Server, Tenant};

const WRONG: &str = r#"
[[integrations.stripe.prices]]
price = "price_gold"
catalog = "kive"
plan = "gold"
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reload_puts_a_new_price_in_force_and_a_wrong_one_changes_nothing() {
    let server = server("");
    let api = server.admin();
    let acme = Tenant::open(&api, json!({"id": "acme", "catalog": "kive"})).await;
    let stripe = Account::of(&server);
    let made = event(1, "customer.subscription.created", subscription("acme", &[("price_pro", 1)], "active"));
    stripe.send(&made).await.problem(422, "invalid_request");
    server.configure(WRONG);
    let refused = api.post("/v1/reload", json!({})).await.problem(422, "invalid_request");
    let detail = refused["detail"].as_str().unwrap();
    assert!(detail.contains("`price_gold`") && detail.contains("`gold`"), "{detail}");
    stripe.send(&made).await.problem(422, "invalid_request");
    server.configure(PRICES);
    let reloaded = api.post("/v1/reload", json!({})).await.ok(200);
    assert_eq!(reloaded["applied"], json!(["integrations"]));
    stripe.send(&made).await.ok(200);
    assert_eq!(acme.available().await, 5_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_does_not_start_with_a_price_that_fits_no_catalog() {
    let server = server("");
    let cases = [
        (WRONG, "`price_gold`"),
        ("[integrations.stripe]\ntolerance_seconds = 0\n", "integrations.stripe.tolerance_seconds"),
        ("[[integrations.stripe.prices]]\nprice = \"p\"\ncatalog = \"kive\"\nplans = \"pro\"\n", "plans"),
        ("[integrations.stripes]\n", "integrations.stripes"),
    ];
    for (config, said) in cases {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("reeve.toml"), config).unwrap();
        let output = refused_start(&server, folder.path());
        assert_eq!(output.status.code(), Some(2), "{config}");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(text.contains(said), "{config}: {text}");
    }
}

/// A start of its own on a folder of its own.
fn refused_start(server: &Server, folder: &std::path::Path) -> std::process::Output {
    let mut command = server.command("serve");
    command.env_remove("REEVE__DATABASE__URL").env("REEVE_STRIPE_SECRET", SECRET).current_dir(folder);
    command.args(["--listen", "127.0.0.1:0", "--data", "data", "--config", "reeve.toml"]);
    command.stderr(std::process::Stdio::piped()).output().unwrap()
}
