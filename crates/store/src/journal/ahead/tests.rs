//! What comes in, and when: the bounds, and the order.

use crate::journal::desk::{Desk, T0, create, give, ws};
use reeve_journal::Room;
use reeve_workspace::Answer;

use super::part::{AGE_MS_MAX, COUNT_MAX};
use super::*;

/// Workspaces with a job each, every one of them a batch of its own.
struct Fixture {
    desk: Desk,
    ahead: Ahead,
    number: u64,
}

impl Fixture {
    fn new() -> Self {
        Self { desk: Desk::new(), ahead: Ahead::default(), number: 0 }
    }

    fn admit(&mut self, name: &str, now_ms: u64) {
        let id = ws(name);
        if !self.desk.slots.contains_key(&id) {
            self.desk.decide(&id, &create(None)).unwrap();
            self.desk.decide(&id, &give(1_000_000)).unwrap();
        }
        let (_, command) = self.desk.submit();
        let mut change = self.desk.decide(&id, &command).unwrap();
        let key = format!("k{}", self.number).into();
        change.records.answer = Some(Answer { key, fingerprint: [1; 16], body: "{}".into(), at: T0 });
        let entry = Entry::new(change, (oneshot::channel().0, Room::unbounded()), true);
        self.number += 1;
        self.ahead.push(&[entry], (now_ms, self.number));
    }

    fn part(&self, now_ms: u64) -> Part {
        self.ahead.part(std::iter::empty(), (now_ms, self.number + 1))
    }
}

#[test]
fn nothing_comes_in_before_a_bound_is_reached() {
    let mut fixture = Fixture::new();
    fixture.admit("a", 1);
    let part = fixture.part(AGE_MS_MAX);
    assert!(part.works.is_empty() && part.rows == 0);
    let part = fixture.part(AGE_MS_MAX + 1);
    assert_eq!((part.works.len(), part.rows, part.before), (1, 1, 2), "it is old");
}

#[test]
fn the_oldest_workspace_comes_in_first_and_whole() {
    let mut fixture = Fixture::new();
    for (n, name) in ["a", "b", "a", "c"].into_iter().enumerate() {
        fixture.admit(name, 1 + n as u64);
    }
    let part = fixture.part(AGE_MS_MAX + 1);
    assert_eq!(
        (part.works.len(), part.rows),
        (2, 1),
        "the third row is of the same workspace, and the second is not"
    );
    fixture.ahead.done(&part);
    assert!(fixture.ahead.behind(Behind::Of(&[&ws("a")]), (0, 9)).is_none(), "nothing of it is left");
    let part = fixture.ahead.behind(Behind::Oldest, (0, 9)).unwrap();
    assert_eq!((part.works.len(), part.rows, part.before), (2, 3, 9));
    fixture.ahead.done(&part);
    assert!(fixture.ahead.is_empty());
    assert_eq!((fixture.ahead.count, fixture.ahead.bytes, fixture.ahead.jobs.len()), (0, 0, 0));
    assert!(fixture.ahead.keys.is_empty());
}

#[test]
fn one_workspace_with_the_whole_load_comes_in_early() {
    let mut fixture = Fixture::new();
    fixture.admit("b", 1);
    for _ in 1..COUNT_OF_ONE_MAX {
        fixture.admit("a", 1);
    }
    assert!(fixture.part(1).works.is_empty());
    fixture.admit("a", 1);
    let part = fixture.part(1);
    assert_eq!(part.works.len(), COUNT_OF_ONE_MAX);
    fixture.ahead.done(&part);
    assert!(fixture.part(1).works.is_empty());
}

#[test]
fn what_is_beyond_the_bound_comes_in_and_no_more() {
    let mut fixture = Fixture::new();
    for n in 0..COUNT_MAX + 10 {
        fixture.admit(&format!("w{}", n % 100), 1);
    }
    let part = fixture.part(1);
    assert!((10..200).contains(&part.works.len()), "{}", part.works.len());
    fixture.ahead.done(&part);
    assert!(fixture.ahead.count <= COUNT_MAX);
}

#[test]
fn whoever_came_later_waits_no_longer_for_it() {
    let mut fixture = Fixture::new();
    fixture.admit("a", 1);
    let mut before = fixture.ahead.wait(&Scope::All).unwrap();
    fixture.admit("b", 1);
    let part = fixture.part(1);
    assert_eq!(part.works.len(), 1, "only what was ahead when somebody asked");
    fixture.ahead.done(&part);
    assert_eq!(before.try_recv(), Ok(()));
    assert!(!fixture.ahead.is_awaited() && !fixture.ahead.is_empty());
}
