//! Files that are cut or written over: a log that ends early is a shorter history, a damaged file is refused.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use rand::RngExt;
use serde_json::json;

use super::checker;
use super::history::{Known, Submit};
use super::process::{Life, Place, was_killed};
use super::world::{World, id_of};

/// Bytes before the first frame of a log, and before the page of each frame.
const LOG_HEADER: usize = 32;
const FRAME_HEADER: usize = 24;

/// One client that submits one job after the other, so that the order of commits is the order of its keys.
async fn submit_in_order(world: &World, life: &Life, most: usize) {
    for n in 0..most {
        let key = format!("in-order-{n:05}");
        let params = json!({"prompt": "a storm", "outputs": 1, "width": 16, "height": 16});
        let body = json!({"action": "image.generate", "params": params, "metadata": {"key": key}});
        let entry = Submit { workspace: 0, body: body.clone(), known: Known::Open };
        world.history().submits.insert(key.clone(), entry);
        let path = world.tenant(&life.admin(), 0).path("/jobs");
        let known = id_of(world.send(&life.admin(), &path, Some(&key), &body).await);
        let is_open = known.is_open();
        world.history().submits.entry(key).and_modify(|entry| entry.known = known);
        if is_open {
            return;
        }
    }
}

/// Where the commits of a log end, in bytes from its start; the log's own rules say which frames count.
fn commits(log: &[u8]) -> Vec<usize> {
    let word = |at: usize| u32::from_be_bytes(log[at..at + 4].try_into().unwrap());
    let frame = FRAME_HEADER + word(8) as usize;
    let salts = &log[16..24];
    let mut ends = Vec::new();
    let mut at = LOG_HEADER;
    while at + frame <= log.len() && log[at + 8..at + 16] == *salts {
        // The size of the file after the commit, or zero within one.
        if word(at + 4) != 0 {
            ends.push(at + frame);
        }
        at += frame;
    }
    ends
}

/// A history in a log: acknowledged submits, and one at the end that was committed and never answered.
async fn crashed() -> (Arc<World>, Vec<u8>, Vec<usize>) {
    let world = Arc::new(World::new(Place::sqlite()).await);
    let mut life = world.place.start("die:journal.after_commit:60");
    submit_in_order(&world, &life, 1_000).await;
    let status = life.end(10).await;
    assert!(was_killed(status), "{}", world.place.log());
    let log = std::fs::read(world.place.wal()).unwrap();
    let ends = commits(&log);
    assert!(ends.len() >= 59, "{} commits in the log", ends.len());
    (world, log, ends)
}

/// Opens a copy with this log and gives the acknowledged keys that are gone, in their order.
async fn gone(world: &World, log: &[u8], what: &str) -> Vec<String> {
    let place = world.place.copy();
    std::fs::write(place.wal(), log).unwrap();
    let life = place.start("");
    let found = checker::check(world, &life.admin()).await;
    let damage = checker::verify(&life.admin()).await;
    assert!(damage.is_empty(), "{what}: {damage:#?}");
    let mut keys = Vec::new();
    for finding in found {
        let lost = finding.strip_prefix("lost: submit `").and_then(|rest| rest.split('`').next());
        keys.push(lost.unwrap_or_else(|| panic!("{what}: not only a shorter history: {finding}")).to_owned());
    }
    life.stop().await;
    assert_eq!(place.verify().status.code(), Some(0), "{what}");
    keys
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_cut_after_the_last_acknowledged_commit_loses_nothing() {
    let (world, log, ends) = crashed().await;
    let (acknowledged, last) = (ends[ends.len() - 2], ends[ends.len() - 1]);
    for cut in [acknowledged, acknowledged + 1, acknowledged + FRAME_HEADER + 7, last - 1, last] {
        let lost = gone(&world, &log[..cut], &format!("cut at {cut} of {last}")).await;
        assert!(lost.is_empty(), "cut at {cut}: {lost:?}");
    }
    let mut torn = log[..last].to_vec();
    torn.extend([0xa5; 3_000]);
    assert!(gone(&world, &torn, "garbage after the last commit").await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_cut_earlier_opens_as_a_shorter_history_and_what_is_gone_is_named() {
    let (world, log, ends) = crashed().await;
    let acknowledged: Vec<String> = {
        let history = world.history();
        let done = history.submits.iter().filter(|(_, submit)| submit.known.done().is_some());
        done.map(|(key, _)| key.clone()).collect()
    };
    let mut random = world.random(0, 0);
    let mut cuts = BTreeMap::new();
    for _ in 0..3 {
        let n = random.random_range(ends.len() / 3..ends.len() - 3);
        cuts.insert(format!("cut at commit {n}"), log[..ends[n]].to_vec());
        cuts.insert(
            format!("cut within commit {n}"),
            log[..random.random_range(ends[n - 1]..ends[n])].to_vec(),
        );
        let mut flipped = log.clone();
        flipped[random.random_range(ends[n - 1]..ends[n])] ^= 0x10;
        cuts.insert(format!("a bit of commit {n} flipped"), flipped);
    }
    for (what, log) in cuts {
        let lost = gone(&world, &log, &what).await;
        println!("{what}: {} of {} are gone", lost.len(), acknowledged.len());
        assert!(!lost.is_empty() && lost.len() < acknowledged.len(), "{what}: {lost:?}");
        assert_eq!(
            lost[..],
            acknowledged[acknowledged.len() - lost.len()..],
            "{what}: not the newest are gone"
        );
    }
}

/// A way to damage the file.
type Damage = (&'static str, fn(&Place));

fn set_len(place: &Place, part: impl Fn(u64) -> u64) {
    let file = OpenOptions::new().write(true).open(place.file()).unwrap();
    file.set_len(part(file.metadata().unwrap().len())).unwrap();
}

fn overwrite(place: &Place, at: u64, bytes: &[u8]) {
    OpenOptions::new().write(true).open(place.file()).unwrap().write_all_at(bytes, at).unwrap();
}

/// Of the files that the server makes.
const PAGE_BYTES: u64 = 4_096;

const DAMAGES: [Damage; 7] = [
    ("cut in the middle", |place| set_len(place, |len| len / 2)),
    ("cut by its last page", |place| set_len(place, |len| len - PAGE_BYTES)),
    ("cut to a header", |place| set_len(place, |_| 100)),
    ("empty", |place| set_len(place, |_| 0)),
    ("deleted", |place| std::fs::remove_file(place.file()).unwrap()),
    ("another file", |place| std::fs::write(place.file(), "a letter to nobody\n".repeat(5_000)).unwrap()),
    ("begins with zeros", |place| overwrite(place, 0, &[0; PAGE_BYTES as usize])),
];

/// The server refuses, says which file and what to do, and leaves it as it is.
fn is_refused(place: &Place, what: &str) {
    let before = std::fs::read(place.file()).ok();
    match place.try_start("") {
        Ok(_) => panic!("{what}: the server opens it:\n{}", place.log()),
        Err(refused) => {
            println!("{what}: {}", refused.words.lines().last().unwrap_or_default());
            assert_eq!(refused.code, Some(3), "{what}: {}", refused.words);
            assert!(
                refused.words.contains("reeve.db") && refused.words.contains("backup"),
                "{what}: {}",
                refused.words
            );
        }
    }
    assert_eq!(std::fs::read(place.file()).ok(), before, "{what}: the evidence was changed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_cut_or_written_over_is_refused() {
    let world = World::new(Place::sqlite()).await;
    let life = world.place.start("");
    submit_in_order(&world, &life, 40).await;
    life.stop().await;
    for (what, damage) in DAMAGES {
        let place = world.place.copy();
        damage(&place);
        is_refused(&place, what);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_cut_beside_its_log_is_refused() {
    let (world, _, _) = crashed().await;
    for (what, damage) in DAMAGES {
        // The log holds whatever changed; the header and the last page it has anew.
        if ["cut by its last page", "begins with zeros"].contains(&what) {
            continue;
        }
        let place = world.place.copy();
        damage(&place);
        is_refused(&place, what);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_written_over_is_refused_or_found_by_verify() {
    let world = World::new(Place::sqlite()).await;
    let life = world.place.start("");
    submit_in_order(&world, &life, 200).await;
    life.stop().await;
    let pages = std::fs::metadata(world.place.file()).unwrap().len() / PAGE_BYTES;
    let (mut refused, mut found, mut unused) = (0, 0, 0);
    for page in (1..pages).step_by(usize::try_from(pages / 24).unwrap().max(1)) {
        let place = world.place.copy();
        overwrite(&place, page * PAGE_BYTES, &[0x5a; PAGE_BYTES as usize]);
        let verified = place.verify();
        match verified.status.code() {
            Some(0) => unused += 1,
            Some(1) => found += 1,
            Some(3) => refused += 1,
            other => panic!("page {page}: {other:?} {}", String::from_utf8_lossy(&verified.stderr)),
        }
    }
    println!("of {pages} pages: {refused} refused, {found} found, {unused} not noticed");
    assert!(refused + found > unused, "{refused} refused, {found} found, {unused} not noticed");
}
