//! Webhooks over all lives of a server: every event that happened is heard, and again only where a life ended between
//! its being heard and its being noted.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ConnectionTrait, Database, Statement};
use serde_json::json;

use super::process::Place;
use super::receiver::{Delivery, Receiver};
use crate::fixture::{Api, pause_ms};

/// Nobody hears of these unless he asks for them.
const UNHEARD: &str = "job.progress";

/// An endpoint that hears of everything, and what it heard.
pub struct Deliveries {
    receiver: Receiver,
    /// How much had been heard when each life began.
    begins: Vec<usize>,
    /// Events up to this one happened before anybody listened.
    after: i64,
}

impl Deliveries {
    /// Registers an endpoint; nothing may happen meanwhile.
    pub async fn listen(place: &Place, api: &Api) -> Self {
        let receiver = Receiver::start().await;
        api.post("/v1/webhooks", json!({"url": receiver.url})).await.ok(201);
        let after = outbox(place, 0).await.last_key_value().map_or(0, |(id, _)| *id);
        Self { receiver, begins: vec![0], after }
    }

    /// The life before is over; what it sent was heard or is lost.
    pub fn next_life(&mut self) {
        self.begins.push(self.receiver.heard().len());
    }

    /// Everything that does not fit, after `seconds_max` at most for what is still to be told. The server must run, and be
    /// at rest but for that.
    pub async fn check(&self, place: &Place, seconds_max: u64) -> Vec<String> {
        let events: BTreeSet<String> = outbox(place, self.after).await.into_values().collect();
        let mut looks = seconds_max * 10;
        while looks > 0 && !events.is_subset(&self.receiver.ids()) {
            looks -= 1;
            pause_ms(100).await;
        }
        let heard = self.receiver.heard();
        let ids = self.receiver.ids();
        let mut found: Vec<String> =
            events.difference(&ids).map(|id| format!("webhook: `{id}` is never heard")).collect();
        found.extend(ids.difference(&events).map(|id| format!("webhook: `{id}` tells of nothing")));
        found.extend(twice_in_a_life(&heard, &self.begins));
        found.extend(unlike(&heard));
        println!("{} events heard, {} of them again after a crash", ids.len(), heard.len() - ids.len());
        found
    }
}

/// Ids as receivers see them, of events after this one.
async fn outbox(place: &Place, after: i64) -> BTreeMap<i64, String> {
    let db = Database::connect(place.database_url()).await.unwrap();
    let sql = format!("SELECT id, at FROM outbox WHERE id > {after} AND kind <> '{UNHEARD}'");
    let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await.unwrap();
    db.close().await.unwrap();
    let number = |row: &sea_orm::QueryResult, name| row.try_get::<i64>("", name).unwrap();
    rows.iter()
        .map(|row| (number(row, "id"), number(row, "at")))
        .map(|(id, at)| (id, format!("msg_{at:012x}{id:012x}")))
        .collect()
}

/// Only a crash may make somebody hear a thing again.
fn twice_in_a_life(heard: &[Delivery], begins: &[usize]) -> Vec<String> {
    let ends = begins.iter().skip(1).copied().chain([heard.len()]);
    let mut found = Vec::new();
    for (n, (begin, end)) in begins.iter().zip(ends).enumerate() {
        let mut seen = BTreeSet::new();
        let again = heard[*begin..end].iter().filter(|delivery| !seen.insert(&delivery.id));
        found.extend(again.map(|delivery| format!("webhook: `{}` is heard twice in life {n}", delivery.id)));
    }
    found
}

/// What comes again is the same.
fn unlike(heard: &[Delivery]) -> Vec<String> {
    let mut first: BTreeMap<&str, &str> = BTreeMap::new();
    let mut found = Vec::new();
    for delivery in heard {
        if *first.entry(&delivery.id).or_insert(&delivery.raw) != delivery.raw {
            found.push(format!("webhook: `{}` is heard with two bodies", delivery.id));
        }
    }
    found
}

#[test]
fn what_is_heard_twice_or_unlike_is_found() {
    let delivery = |id: &str, raw: &str| Delivery {
        id: id.to_owned(),
        seconds: 0,
        signature: String::new(),
        path: String::new(),
        raw: raw.to_owned(),
        body: json!({}),
    };
    let heard = [delivery("a", "1"), delivery("b", "2"), delivery("a", "1"), delivery("b", "3")];
    assert_eq!(twice_in_a_life(&heard, &[0, 2]), Vec::<String>::new(), "a crash lies between them");
    assert_eq!(twice_in_a_life(&heard, &[0, 1]).len(), 1);
    assert_eq!(twice_in_a_life(&heard, &[0]).len(), 2);
    assert_eq!(unlike(&heard), ["webhook: `b` is heard with two bodies"]);
}
