//! `docs/metrics.md` has exactly the figures that a server shows: name, kind and labels.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::json;

use crate::fixture::{Hand, Server, Tenant, eventually, image, landed};

/// The kind of a figure and its labels; `None` where there is no series to read them from.
type Figures = BTreeMap<String, (String, Option<BTreeSet<String>>)>;

/// What the table says.
fn documented() -> Figures {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/metrics.md");
    let text = std::fs::read_to_string(page).unwrap();
    let (_, rest) = text.split_once("<!-- metrics -->").unwrap();
    let (table, _) = rest.split_once("<!-- end -->").unwrap();
    let rows = table.lines().filter(|line| line.starts_with("| `"));
    let figures = rows.map(|row| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        assert_eq!(cells.len(), 7, "{row}");
        assert!(!cells[4].is_empty() && !cells[5].is_empty(), "no unit or no meaning: {row}");
        let labels = cells[3].split(", ").filter(|label| !label.is_empty()).map(str::to_owned).collect();
        (cells[1].trim_matches('`').to_owned(), (cells[2].to_owned(), Some(labels)))
    });
    let figures: Vec<_> = figures.collect();
    let count = figures.len();
    let figures: Figures = figures.into_iter().collect();
    assert!(figures.len() > 30, "the table was not read");
    assert_eq!(figures.len(), count, "a figure is in the table twice");
    figures
}

/// What a server shows.
fn shown(text: &str) -> Figures {
    let mut figures = Figures::new();
    let mut name = "";
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (of, kind) = rest.split_once(' ').unwrap();
            name = of;
            let twice = figures.insert(of.to_owned(), (kind.to_owned(), None));
            assert!(twice.is_none(), "`{of}` comes twice");
        } else if !line.starts_with('#') {
            let series = line.split(['{', ' ']).next().unwrap();
            let of = series.strip_prefix(name).unwrap_or_else(|| panic!("`{line}` stands below `{name}`"));
            assert!(["", "_sum", "_count"].contains(&of), "`{line}` stands below `{name}`");
            let labels = line.split_once('{').map_or("", |(_, rest)| rest.split_once('}').unwrap().0);
            let names = labels.split(',').filter_map(|label| label.split_once('=')).map(|(name, _)| name);
            let names = names.filter(|name| *name != "quantile").map(str::to_owned);
            figures.get_mut(name).unwrap().1 = Some(names.collect());
        }
    }
    figures
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_table_of_metrics_is_what_a_server_shows() {
    let server = Server::start();
    let api = server.admin();
    let tenant = Tenant::large(&api, "acme").await;
    let hand = Hand::new(&server.worker_api(), "hand");
    for _ in 0..3 {
        tenant.admitted(image(1)).await;
    }
    let lease = hand.one().await;
    hand.complete(&lease, json!([landed(0)])).await.ok(200);
    let text = eventually("a start in the figures", 20, || async {
        let answer = api.with_key(None).get("/metrics").await;
        let text = String::from_utf8(answer.body.to_vec()).unwrap();
        text.contains("reeve_queue_wait_seconds{").then_some(text)
    })
    .await;
    let (shown, documented) = (shown(&text), documented());
    let names = |figures: &Figures| figures.keys().cloned().collect::<BTreeSet<_>>();
    let (on_page, in_table) = (names(&shown), names(&documented));
    let undocumented: Vec<_> = on_page.difference(&in_table).collect();
    assert!(undocumented.is_empty(), "not in docs/metrics.md: {undocumented:?}");
    let gone: Vec<_> = in_table.difference(&on_page).collect();
    assert!(gone.is_empty(), "in docs/metrics.md, and no server shows them: {gone:?}");
    for (name, (kind, labels)) in shown {
        let (told, told_labels) = &documented[&name];
        assert_eq!(&kind, told, "the kind of `{name}`");
        assert!(labels.is_none() || labels == *told_labels, "the labels of `{name}`: {labels:?}");
    }
    let value = |figure: &str| -> f64 {
        let line = text.lines().find_map(|line| line.strip_prefix(figure)?.strip_prefix(' ')).unwrap();
        line.parse().unwrap()
    };
    let (free, size) = (value("reeve_data_disk_free_bytes"), value("reeve_data_disk_size_bytes"));
    assert!(0.0 < free && free <= size, "{free} of {size}");
    assert_eq!(value("reeve_expiring_leases"), 0.0);
    assert_eq!(value("reeve_lease_lapses_total{cause=\"silent\"}"), 0.0);
    assert!(value("reeve_journal_oldest_seconds") < 60.0);
}

/// A worker that is not heard of any more is seen before its lease lapses, and counted once it has.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_that_nobody_renews_expires_in_the_figures_and_then_lapses() {
    let server = Server::with(&[
        ("REEVE__LEASES__LEASE_MS", "1500"),
        ("REEVE__LEASES__HEARTBEAT_MS", "1000"),
        ("REEVE__LEASES__LEASE_ACK_MS", "1500"),
    ]);
    let api = server.admin();
    let tenant = Tenant::large(&api, "acme").await;
    let hand = Hand::new(&server.worker_api(), "hand");
    tenant.admitted(image(1)).await;
    hand.one().await;
    let seen = async |series: &str| {
        eventually(series, 20, || async {
            let answer = api.get("/metrics").await;
            String::from_utf8(answer.body.to_vec()).unwrap().contains(series).then_some(())
        })
        .await;
    };
    seen("reeve_expiring_leases 1").await;
    seen("reeve_lease_lapses_total{cause=\"unacknowledged\"} 1").await;
}
