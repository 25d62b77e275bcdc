//! AI Studios: seats, units, and a year at once.

use serde_json::json;

use super::{ends_well, killed};
use crate::fixture::{Server, Tenant};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn as_03_to_12_seats_units_and_a_year_at_once() {
    let mut server = Server::at("2026-01-31T00:00:00Z");
    let api = server.admin();
    let solo = Tenant::open(&api, json!({"id": "solo", "catalog": "ai-studios", "plan": "personal"})).await;
    let team =
        Tenant::open(&api, json!({"id": "team", "catalog": "ai-studios", "plan": "team", "seats": 4})).await;
    assert_eq!((solo.available().await, team.available().await), (json!(60), json!(600)), "AS-03");
    let unit = |tenant: &Tenant| tenant.path("/addons/unit");

    api.clock("2026-02-10T00:00:00Z").await;
    for units in [1, 2, 1, 2] {
        api.put(&unit(&solo), json!({"units": units})).await.ok(200);
    }
    assert_eq!(solo.available().await, 180, "AS-07, X23: each unit once a month");
    let more = team.subscribe(json!({"plan": "team", "seats": 6})).await;
    assert_eq!(more["balance"]["available"], 900, "AS-12: whole, at once");
    team.subscribe(json!({"plan": "team", "seats": 3})).await;
    assert_eq!(team.available().await, 900);
    solo.spend(170).await;
    killed(&mut server, &[&solo, &team], "2026-02-10T00:00:00Z").await;
    let api = server.admin();
    let (solo, team) = (Tenant { api: api.clone(), ..solo }, Tenant { api: api.clone(), ..team });

    api.clock("2026-02-28T00:00:00Z").await;
    assert_eq!(
        (solo.available().await, team.available().await),
        (json!(180), json!(450)),
        "AS-05, AS-06, AS-15"
    );
    assert_eq!(team.view().await["seats"], 3);
    api.clock("2026-03-25T00:00:00Z").await;
    solo.spend(100).await;
    let cancelled = api.delete(&unit(&solo)).await.ok(200);
    assert_eq!(cancelled["addons"]["unit"], json!({"units": 2, "next_units": 0}), "AS-08");
    assert_eq!(solo.available().await, 80);
    api.clock("2026-03-31T00:00:00Z").await;
    assert_eq!(solo.available().await, 60);
    let unknown = api.put(&solo.path("/addons/gold"), json!({"units": 1})).await;
    unknown.problem(404, "not_found");

    // AS-04, AS-10: a year at once, units by the month until the year ends.
    let yearly = solo.subscribe(json!({"plan": "personal", "interval": "year"})).await;
    assert_eq!(
        (&yearly["balance"]["available"], &yearly["period_end"]),
        (&json!(720), &json!("2027-03-31T00:00:00.000Z"))
    );
    api.put(&unit(&solo), json!({"units": 1})).await.ok(200);
    api.clock("2026-05-31T00:00:00Z").await;
    assert_eq!(solo.available().await, 720 + 180, "U3, in the third month");
    api.clock("2027-03-31T00:00:00Z").await;
    assert_eq!(solo.available().await, 780, "AS-05: all of it ends with the year");

    // AS-09: without a main plan everything ends, and nothing can be added.
    api.delete(&solo.path("/subscription")).await.ok(200);
    api.put(&unit(&solo), json!({"units": 2})).await.problem(403, "not_entitled");
    api.clock("2028-03-31T00:00:00Z").await;
    let after = solo.view().await;
    assert_eq!(
        (&after["plan"], &after["addons"], &after["balance"]["available"]),
        (&json!("free"), &json!({}), &json!(16))
    );
    ends_well(&[&solo, &team]).await;
}
