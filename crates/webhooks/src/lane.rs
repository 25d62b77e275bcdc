//! The deliveries of one endpoint that are in memory: a few that are loaded, and those under way. Pure.
//!
//! The store holds what waits; a lane holds at most [`READY_MAX`] of it, so an endpoint that is slow or far behind
//! takes no memory. They start in order of due time and event; one that hangs holds its own place and no other.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use reeve_journal::{DueDelivery, EndpointRow};
use reeve_types::Millis;

/// Deliveries that are loaded and wait for their turn.
pub(crate) const READY_MAX: usize = 32;
/// Deliveries that were taken from the store and are not recorded yet; beyond it the lane waits for the journal.
pub(crate) const TAKEN_MAX: usize = 256;

/// One endpoint's deliveries.
#[derive(Debug, Default)]
pub(crate) struct Lane {
    ready: VecDeque<DueDelivery>,
    /// Events that are loaded, under way, or done and not recorded: the store still shows them as due.
    taken: HashSet<i64>,
    running: usize,
    look: Look,
    /// Something became due that may be among what is taken: it is looked for again when that is recorded.
    woken: bool,
    /// As it was when deliveries were last loaded.
    pub endpoint: Option<Arc<EndpointRow>>,
    /// The first failed try since the last one that succeeded.
    pub failing_since: Option<Millis>,
    /// Nothing more is started: the endpoint is gone or disabled.
    pub closed: bool,
}

/// When the store is asked for more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Look {
    #[default]
    Now,
    At(Millis),
    /// When it is told to.
    Never,
}

impl Lane {
    /// There is something new in the store, and the endpoint may take it again.
    pub(crate) fn wake(&mut self) {
        self.wake_open();
        self.closed = false;
    }

    /// There is something new in the store.
    pub(crate) fn wake_open(&mut self) {
        self.look = Look::Now;
        self.woken = !self.taken.is_empty();
    }

    /// How many rows to ask the store for; `None` when it need not be asked.
    pub(crate) fn wants(&self, now: Millis) -> Option<u32> {
        let is_time = match self.look {
            Look::Now => true,
            Look::At(at) => at <= now,
            Look::Never => false,
        };
        let has_room = self.ready.len() < READY_MAX / 4 && self.taken.len() < TAKEN_MAX;
        let count = self.taken.len() + READY_MAX + 1;
        (is_time && has_room && !self.closed).then(|| u32::try_from(count).unwrap_or(u32::MAX))
    }

    /// Takes what the store answered to a question for `asked` rows.
    pub(crate) fn load(&mut self, rows: Vec<DueDelivery>, asked: u32, now: Millis) {
        let is_all = rows.len() < asked as usize;
        self.look = if is_all { Look::Never } else { Look::Now };
        for row in rows {
            match row.delivery.due_at {
                Some(due_at) if due_at > now => {
                    // In order of due time, so nothing after it is due either.
                    self.look = Look::At(due_at);
                    return;
                }
                _ if self.taken.contains(&row.delivery.event) => {}
                _ if self.ready.len() >= READY_MAX => {
                    self.look = Look::Now;
                    return;
                }
                _ => {
                    self.taken.insert(row.delivery.event);
                    self.ready.push_back(row);
                }
            }
        }
    }

    /// The next delivery, if another one may be under way.
    pub(crate) fn start(&mut self, running_max: usize) -> Option<DueDelivery> {
        if self.closed || self.running >= running_max {
            return None;
        }
        let next = self.ready.pop_front()?;
        self.running += 1;
        Some(next)
    }

    /// A try ended; what came of it is not recorded yet.
    pub(crate) fn ended(&mut self) {
        self.running = self.running.saturating_sub(1);
    }

    /// The store knows what became of a delivery, or shall be asked for it again.
    pub(crate) fn recorded(&mut self, event: i64) {
        self.taken.remove(&event);
        if self.woken {
            self.look = Look::Now;
            self.woken = !self.taken.is_empty();
        }
    }

    /// What it has loaded is forgotten: the endpoint takes nothing more.
    pub(crate) fn close(&mut self) {
        self.closed = true;
        for row in self.ready.drain(..) {
            self.taken.remove(&row.delivery.event);
        }
    }

    /// A delivery that was recorded may be due again, at this instant.
    pub(crate) fn due_at(&mut self, at: Millis) {
        self.look = match self.look {
            Look::Now => Look::Now,
            Look::At(earlier) if earlier <= at => Look::At(earlier),
            _ => Look::At(at),
        };
    }

    /// True when nothing of it is in memory and nothing is to be looked for.
    pub(crate) fn is_idle(&self) -> bool {
        self.taken.is_empty() && self.running == 0 && (self.closed || self.look == Look::Never)
    }
}

#[cfg(test)]
mod tests {
    use reeve_journal::{DeliveryRow, OutboxEvent};
    use reeve_types::WebhookId;

    use super::*;

    const T0: Millis = Millis::from_millis(1_000);

    fn due(event: i64, at: i64) -> DueDelivery {
        let of = OutboxEvent {
            id: event,
            workspace: None,
            at: T0,
            kind: "credits.low".to_owned(),
            job: None,
            body: "{}".to_owned(),
            job_url: None,
        };
        let id = WebhookId::from_parts(T0, 1);
        DueDelivery { delivery: DeliveryRow::new(id, &of, None, Millis::from_millis(at)), event: Some(of) }
    }

    fn started(lane: &mut Lane, running_max: usize) -> Vec<i64> {
        std::iter::from_fn(|| lane.start(running_max).map(|due| due.delivery.event)).collect()
    }

    #[test]
    fn deliveries_start_in_order_and_so_many_at_a_time() {
        let mut lane = Lane::default();
        let asked = lane.wants(T0).unwrap();
        lane.load((1..=5).map(|n| due(n, 500)).collect(), asked, T0);
        assert_eq!(started(&mut lane, 3), [1, 2, 3]);
        assert_eq!(lane.start(3), None);
        lane.ended();
        assert_eq!(started(&mut lane, 3), [4]);
    }

    #[test]
    fn what_is_under_way_is_not_loaded_twice() {
        let mut lane = Lane::default();
        lane.load(vec![due(1, 1), due(2, 1)], 33, T0);
        assert_eq!(started(&mut lane, 8), [1, 2]);
        lane.wake();
        lane.ended();
        // The store shows both until they are recorded.
        lane.load(vec![due(1, 1), due(2, 1), due(3, 1)], 35, T0);
        assert_eq!(started(&mut lane, 8), [3]);
        lane.recorded(1);
        lane.wake();
        lane.load(vec![due(1, 2)], 34, T0);
        assert_eq!(started(&mut lane, 8), [1], "asked for again after it was recorded");
    }

    #[test]
    fn what_is_asked_for_again_while_it_is_under_way_is_found_when_that_is_recorded() {
        let mut lane = Lane::default();
        lane.load(vec![due(1, 1)], 33, T0);
        assert_eq!(started(&mut lane, 8), [1]);
        lane.wake();
        lane.load(vec![due(1, 1)], 34, T0);
        assert_eq!((started(&mut lane, 8), lane.wants(T0)), (vec![], None));
        lane.ended();
        lane.recorded(1);
        assert!(!lane.is_idle() && lane.wants(T0).is_some());
        lane.load(vec![due(1, 1)], 33, T0);
        assert_eq!(started(&mut lane, 8), [1]);
    }

    #[test]
    fn the_store_is_asked_again_when_the_next_one_is_due() {
        let mut lane = Lane::default();
        lane.load(vec![due(1, 1), due(2, 5_000)], 33, T0);
        assert_eq!(started(&mut lane, 8), [1]);
        assert_eq!(lane.wants(T0), None);
        assert!(lane.wants(Millis::from_millis(5_000)).is_some());
    }

    #[test]
    fn a_lane_asks_no_more_when_there_is_nothing_and_again_when_told() {
        let mut lane = Lane::default();
        lane.load(Vec::new(), 33, T0);
        assert!(lane.is_idle() && lane.wants(Millis::from_millis(i64::MAX)).is_none());
        lane.wake();
        assert!(!lane.is_idle() && lane.wants(T0).is_some());
    }

    #[test]
    fn a_lane_holds_few_however_many_wait() {
        let mut lane = Lane::default();
        let asked = lane.wants(T0).unwrap();
        assert_eq!(asked as usize, READY_MAX + 1);
        lane.load((1..=i64::from(asked)).map(|n| due(n, 1)).collect(), asked, T0);
        assert_eq!(lane.wants(T0), None, "it has enough");
        assert_eq!(started(&mut lane, 1_000).len(), READY_MAX);
        assert!(lane.wants(T0).is_some(), "there is more");
        for round in 1..20 {
            let asked = lane.wants(T0);
            let from = round * 1_000;
            if let Some(asked) = asked {
                lane.load((from..from + i64::from(asked)).map(|n| due(n, 1)).collect(), asked, T0);
                started(&mut lane, 1_000);
            }
        }
        assert!(lane.taken.len() <= TAKEN_MAX + READY_MAX, "{}", lane.taken.len());
    }

    #[test]
    fn a_closed_lane_starts_nothing_and_is_idle_once_the_last_try_is_recorded() {
        let mut lane = Lane::default();
        lane.load((1..=3).map(|n| due(n, 1)).collect(), 33, T0);
        assert_eq!(lane.start(1).unwrap().delivery.event, 1);
        lane.close();
        assert_eq!(lane.start(8), None);
        assert!(!lane.is_idle());
        lane.ended();
        lane.recorded(1);
        assert!(lane.is_idle());
    }

    #[test]
    fn a_retry_is_looked_for_when_it_is_due() {
        let mut lane = Lane::default();
        lane.load(vec![due(1, 1)], 33, T0);
        assert_eq!(started(&mut lane, 1), [1]);
        lane.ended();
        lane.recorded(1);
        lane.due_at(Millis::from_millis(9_000));
        lane.due_at(Millis::from_millis(7_000));
        assert!(!lane.is_idle());
        assert!(lane.wants(Millis::from_millis(6_999)).is_none());
        assert!(lane.wants(Millis::from_millis(7_000)).is_some());
    }
}
