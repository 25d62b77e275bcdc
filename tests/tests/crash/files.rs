//! A server that may open few files from its start on: it says so, serves whom it has, and goes on when others leave.

use reqwest::Method;

use super::process::Place;
use super::wire::{Wire, bytes_of};
use crate::fixture::{Tenant, image, pause_ms, verify, within};

/// Files that it may open, as a shell allows.
const FILES: usize = 256;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_256_files_it_says_so_and_outlives_a_crowd() {
    let mut place = Place::sqlite();
    let limit = format!("ulimit -n {FILES}; exec \"$@\"");
    place.wrapper = ["sh", "-c", &limit, "sh"].map(str::to_owned).to_vec();
    let mut life = place.start("");
    assert!(place.log().contains("few files may be open"), "{}", place.log());
    let api = life.admin();
    let tenant = Tenant::large(&api, "acme").await;
    let submit = bytes_of(tenant.api.request(Method::POST, &tenant.path("/jobs")).json(&image(1)));
    let mut kept = Wire::open(&api).await.unwrap();
    assert_eq!(kept.call(&submit).await.unwrap().status, 201);
    let mut crowd = Vec::new();
    for _ in 0..FILES * 3 / 2 {
        crowd.push(Wire::open(&api).await.unwrap());
    }
    pause_ms(500).await;
    assert!(place.log().contains("Too many open files"), "{}", place.log());
    for _ in 0..10 {
        let admitted = within("a submit without files", 10, kept.call(&submit)).await.unwrap();
        assert_eq!(admitted.status, 201, "{}", admitted.text());
    }
    drop(crowd);
    let fresh = async {
        let mut wire = Wire::open(&api).await.unwrap();
        wire.call(&submit).await.unwrap()
    };
    assert_eq!(within("a new connection when there is room", 20, fresh).await.status, 201);
    assert!(life.ended().is_none());
    verify(&api).await;
    life.stop().await;
    assert_eq!(place.verify().status.code(), Some(0));
}
