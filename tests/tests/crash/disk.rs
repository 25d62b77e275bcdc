//! Disks that fail and disks that are full: refused and gone on, or ended where nobody can know; never half written.

use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::json;

use super::load::{Crowd, complete_open, drain, until_it_ends, until_it_strikes};
use super::process::{Life, Place, copy_folder};
use super::world::World;
use crate::fixture::{Books, Hand, Tenant, eventually, image, micros, outcome};

/// Size of the disk that becomes full: room for a whole log and for the data of some seconds of work, which on a disk in
/// memory are many.
const DISK_MIB: u32 = 256;
/// The exit code when the fate of a commit cannot be known.
const FATAL: i32 = 3;

/// No finding, or the test fails with what the server said.
async fn is_whole(world: &World, life: &Life) {
    let found = world.check(life).await;
    assert!(found.is_empty(), "{found:#?}\n{}", world.place.log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_io_error_before_the_commit_is_a_503_and_changes_nothing() {
    let world = Arc::new(World::new(Place::sqlite()).await);
    let faults = "error:journal.after_versions:10-14,error:journal.before_outbox:30-32,error:journal.after_inserts:50-60";
    let mut life = world.place.start(faults);
    let ended = until_it_ends(&world, &mut life, Crowd::USUAL, 4).await;
    assert!(!ended, "the server goes on:\n{}", world.place.log());
    let counts = world.counts();
    assert!(counts.open > 5 && counts.acknowledged > 30, "{counts:?}");
    is_whole(&world, &life).await;
    life.kill();
    let life = world.place.start("");
    complete_open(&world, &life.worker_api()).await;
    drain(&life).await;
    is_whole(&world, &life).await;
    life.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_fails_ends_the_process_whatever_became_of_it() {
    let world = Arc::new(World::new(Place::sqlite()).await);
    // The disk may fail before or after the commit counts; nobody can tell.
    for point in ["journal.before_commit", "journal.before_sync", "journal.after_commit"] {
        let mut life = world.place.start(&format!("error:{point}:30"));
        let status = until_it_strikes(&world, &mut life).await;
        assert_eq!(status.code(), Some(FATAL), "{}", world.place.log());
        assert!(world.place.log().contains("nothing can be committed any more"), "{}", world.place.log());
        let life = world.place.start("");
        is_whole(&world, &life).await;
        life.kill();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_may_not_grow_ends_the_process_and_loses_nothing() {
    let mut place = Place::sqlite();
    // Ignored, the signal becomes an error of the write, as of a failing disk.
    place.wrapper = ["sh", "-c", "trap '' XFSZ; exec \"$@\"", "sh"].map(str::to_owned).to_vec();
    let world = Arc::new(World::new(place).await);
    let mut life = world.place.start("");
    let ended = until_it_ends(&world, &mut life, Crowd::USUAL, 2).await;
    assert!(!ended, "{}", world.place.log());
    let size = std::fs::metadata(world.place.wal()).unwrap().len();
    let pid = i32::try_from(life.pid()).ok().and_then(Pid::from_raw).unwrap();
    prlimit(Some(pid), Resource::Fsize, Rlimit { current: Some(size + 20_000), maximum: None }).unwrap();
    let status = until_it_strikes(&world, &mut life).await;
    assert_eq!(status.code(), Some(FATAL), "{}", world.place.log());
    let life = world.place.start("");
    is_whole(&world, &life).await;
    life.stop().await;
}

/// A server whose data lies on a small disk of its own, which only it can see; `None` where that is not allowed.
fn on_a_small_disk() -> Option<Place> {
    let flags = if rustix::process::getuid().is_root() { "-m" } else { "-rm" };
    let mut place = Place::sqlite();
    std::fs::create_dir_all(place.data()).unwrap();
    let data = place.data().display().to_string();
    let script = format!("mount -t tmpfs -o size={DISK_MIB}m tmpfs \"$0\" && exec \"$@\"");
    place.wrapper =
        vec!["unshare".to_owned(), flags.to_owned(), "sh".to_owned(), "-c".to_owned(), script, data];
    let mut probe = Command::new(&place.wrapper[0]);
    if probe.args(&place.wrapper[1..]).arg("true").status().is_ok_and(|status| status.success()) {
        return Some(place);
    }
    println!("skipped: no mounts of our own here; `unshare -rm` must be allowed");
    None
}

/// The small disk as seen from outside.
fn disk(world: &World, life: &Life) -> PathBuf {
    PathBuf::from(format!("/proc/{}/root{}", life.pid(), world.place.data().display()))
}

/// Writes until nothing more fits.
fn fill(path: &PathBuf) {
    let mut file = std::fs::File::create(path).unwrap();
    for len in [1 << 20, 4_096, 1] {
        let bytes = vec![1; len];
        while file.write_all(&bytes).is_ok() {}
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_a_503_and_the_server_goes_on_once_there_is_room() {
    let Some(place) = on_a_small_disk() else { return };
    let world = Arc::new(World::empty(place));
    let mut life = world.place.start("");
    world.furnish(&life).await;
    assert!(!until_it_ends(&world, &mut life, Crowd::USUAL, 1).await, "{}", world.place.log());
    complete_open(&world, &life.worker_api()).await;
    drain(&life).await;
    let tenant = Tenant::large(&life.admin(), "uploader").await;
    let job = tenant.admitted(image(1)).await;
    let hand = Hand::new(&life.worker_api(), "uploader");
    let lease = hand.one().await;
    hand.heartbeat(&[&lease]).await;

    let ballast = disk(&world, &life).join("ballast");
    fill(&ballast);
    let before = world.counts();
    let upload = hand.put(&lease, 0, &vec![7; 200_000]).await;
    assert!(upload.status >= 500, "{} {}", upload.status, upload.text());
    assert!(upload.header("retry-after").is_some(), "{}", upload.text());
    let ended = until_it_ends(&world, &mut life, Crowd::USUAL, 3).await;
    assert!(!ended, "the fate of every commit is known:\n{}", world.place.log());
    let full = world.counts();
    assert!(full.open > before.open, "nothing met the full disk: {before:?} {full:?}");

    std::fs::remove_file(&ballast).unwrap();
    let api = life.admin();
    eventually("a change that is committed again", 20, || async {
        let made =
            tenant.api.post(&tenant.path("/adjustments"), json!({"amount": 1, "reason": "room again"})).await;
        (made.status == 201).then_some(())
    })
    .await;
    hand.heartbeat(&[&lease]).await;
    hand.put(&lease, 0, &vec![7; 200_000]).await.ok(201);
    let view = hand.complete(&lease, json!([outcome(0, "landed")])).await.ok(200);
    assert_eq!((&view["id"], micros(&view["credits"]["settled"])), (&json!(job), 8_000_000), "{view:#}");
    let (books, found) = Books::audit(&tenant).await;
    let found: Vec<String> = found.into_iter().chain(books.faults_of_final(&view)).collect();
    assert!(found.is_empty(), "{found:#?}\n{}", world.place.log());
    assert!(!until_it_ends(&world, &mut life, Crowd::USUAL, 1).await, "{}", world.place.log());
    assert!(world.counts().acknowledged > full.acknowledged + 10, "{:?}", world.counts());
    is_settled(&world, &life).await;
    assert_eq!(api.get("/readyz").await.status, 200);

    // The disk goes with its server: what lies on it is opened again elsewhere.
    let copy = Place::sqlite();
    copy_folder(&disk(&world, &life), &copy.data());
    life.kill();
    assert_eq!(copy.verify().status.code(), Some(0));
}

/// As [`is_whole`], without the table behind the server, which cannot be seen from here.
async fn is_settled(world: &World, life: &Life) {
    let api = life.admin();
    complete_open(world, &life.worker_api()).await;
    let mut found = super::checker::check(world, &api).await;
    found.extend(super::checker::verify(&api).await);
    found.append(&mut world.history().surprises);
    assert!(found.is_empty(), "{found:#?}\n{}", world.place.log());
}
