//! Requests without a key that is known here, counted by the address they come from: guessing keys is slow.
//!
//! Used by the guard. An address that used up its share is answered 429 whatever key it sends, or the one right guess
//! among a thousand would show; only a key that was used from there before still opens. Memory is bounded: beyond a
//! number of addresses all further ones share one count. An IPv6 address counts as its /64, since who has one of these
//! has all of them.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};
use std::time::Instant;

use actix_web::dev::ServiceRequest;
use governor::clock::{Clock as _, DefaultClock};
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};
use reeve_types::Prefix;
use rustc_hash::FxHashMap;

use crate::forwarded::origin;
use crate::rate::{Rate, whole_seconds};

/// Most addresses with a count of their own.
const PEERS_MAX: usize = 16_384;

/// An address, as far as it is told apart from others; never 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Peer(u64);

impl Peer {
    /// All that come when there is no room for a count of their own, and those whose address is not known.
    const OTHERS: Self = Self(1);

    fn of(address: Option<IpAddr>) -> Self {
        match address.map(|address| address.to_canonical()) {
            None => Self::OTHERS,
            Some(IpAddr::V4(ip)) => Self((1 << 32) | u64::from(u32::from(ip))),
            Some(IpAddr::V6(ip)) => Self(u64::try_from(u128::from(ip) >> 64).unwrap_or(0).max(2)),
        }
    }
}

/// The counts.
pub(crate) struct Peers {
    in_force: RwLock<InForce>,
    refused: AtomicU64,
}

/// What a reload may change.
struct InForce {
    rate: Option<Rate>,
    /// Nothing without a rate.
    counts: Option<Arc<Inner>>,
    trusted_proxies: Arc<[Prefix]>,
}

struct Inner {
    failures: RateLimiter<Peer, DefaultKeyedStateStore<Peer>, DefaultClock>,
    clock: DefaultClock,
    /// Who has used up its share, until when. Empty but under attack, and then the count below says so without a lock.
    barred: Mutex<FxHashMap<Peer, Instant>>,
    barred_len: AtomicUsize,
}

impl InForce {
    fn new(rate: Option<Rate>, trusted_proxies: &[Prefix]) -> Self {
        let counts = rate.map(|rate| Arc::new(Inner::new(rate.quota())));
        Self { rate, counts, trusted_proxies: trusted_proxies.into() }
    }
}

impl Peers {
    /// Without a rate nobody is counted.
    pub(crate) fn new(rate: Option<Rate>, trusted_proxies: &[Prefix]) -> Self {
        Self { in_force: RwLock::new(InForce::new(rate, trusted_proxies)), refused: AtomicU64::new(0) }
    }

    /// Puts others in force. Under the same rate everybody keeps its count.
    pub(crate) fn put(&self, rate: Option<Rate>, trusted_proxies: &[Prefix]) {
        let mut in_force = self.in_force.write().unwrap_or_else(PoisonError::into_inner);
        if in_force.rate != rate {
            *in_force = InForce::new(rate, trusted_proxies);
        } else {
            in_force.trusted_proxies = trusted_proxies.into();
        }
    }

    fn in_force(&self) -> RwLockReadGuard<'_, InForce> {
        self.in_force.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn counts(&self) -> Option<Arc<Inner>> {
        self.in_force().counts.clone()
    }

    /// Who sent this.
    pub(crate) fn who(&self, req: &ServiceRequest) -> Peer {
        let peer = req.peer_addr().map(|addr| addr.ip());
        Peer::of(origin(peer, req.headers(), &self.in_force().trusted_proxies))
    }

    /// Counts a request without a known key.
    ///
    /// # Errors
    /// The share of its address is used up; seconds to wait.
    pub(crate) fn charge(&self, peer: Peer) -> Result<(), u64> {
        self.counts().map_or(Ok(()), |counts| counts.charge(peer)).inspect_err(|_| self.count())
    }

    /// Whether an address that has used up its share sends this; seconds to wait.
    pub(crate) fn barred(&self, peer: Peer) -> Option<u64> {
        self.counts().and_then(|counts| counts.barred(peer)).inspect(|_| self.count())
    }

    /// Requests answered 429 here.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Forgets addresses that have their whole share again.
    pub(crate) fn tidy(&self) {
        let Some(counts) = self.counts() else { return };
        counts.failures.retain_recent();
        let now = counts.clock.now();
        counts.change_barred(|barred| barred.retain(|_, until| *until > now));
    }

    fn count(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }
}

impl Inner {
    fn new(quota: Quota) -> Self {
        Self {
            failures: RateLimiter::keyed(quota),
            clock: DefaultClock::default(),
            barred: Mutex::default(),
            barred_len: AtomicUsize::new(0),
        }
    }

    fn charge(&self, peer: Peer) -> Result<(), u64> {
        let peer = if self.failures.len() < PEERS_MAX { peer } else { Peer::OTHERS };
        let Err(until) = self.failures.check_key(&peer) else { return Ok(()) };
        let now = self.clock.now();
        let wait = until.wait_time_from(now);
        self.change_barred(|barred| {
            if barred.len() < PEERS_MAX {
                barred.insert(peer, now + wait);
            }
        });
        Err(whole_seconds(wait))
    }

    fn barred(&self, peer: Peer) -> Option<u64> {
        if self.barred_len.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let until = *self.barred.lock().unwrap_or_else(PoisonError::into_inner).get(&peer)?;
        let wait = until.saturating_duration_since(self.clock.now());
        (!wait.is_zero()).then(|| whole_seconds(wait))
    }

    fn change_barred(&self, change: impl FnOnce(&mut FxHashMap<Peer, Instant>)) {
        let mut barred = self.barred.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut barred);
        self.barred_len.store(barred.len(), Ordering::Relaxed);
    }
}

/// The latest addresses that a key was used from.
#[derive(Debug, Default)]
pub(crate) struct Familiar {
    /// 0 is nobody.
    latest: [AtomicU64; 8],
    next: AtomicUsize,
}

impl Familiar {
    pub(crate) fn knows(&self, peer: Peer) -> bool {
        self.latest.iter().any(|known| known.load(Ordering::Relaxed) == peer.0)
    }

    /// In place of the one that was learnt first. Two requests at once may learn an address twice, which costs a place.
    pub(crate) fn learn(&self, peer: Peer) {
        let place = self.next.fetch_add(1, Ordering::Relaxed) % self.latest.len();
        if let Some(place) = self.latest.get(place) {
            place.store(peer.0, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(text: &str) -> Peer {
        Peer::of(Some(text.parse().unwrap()))
    }

    #[test]
    fn an_address_is_told_apart_as_far_as_its_owner_goes() {
        assert_ne!(peer("10.0.0.1"), peer("10.0.0.2"));
        assert_eq!(peer("10.0.0.1"), peer("::ffff:10.0.0.1"));
        assert_eq!(peer("2001:db8::1"), peer("2001:db8::ffff"));
        assert_ne!(peer("2001:db8::1"), peer("2001:db8:0:1::1"));
        assert_ne!(peer("::1"), Peer::OTHERS);
    }

    #[test]
    fn who_used_up_its_share_is_barred_and_nobody_else() {
        let peers = Peers::new(Rate::new(1, 2), &[]);
        let (bad, good) = (peer("10.0.0.1"), peer("10.0.0.2"));
        assert_eq!((peers.charge(bad), peers.charge(bad)), (Ok(()), Ok(())));
        assert_eq!(peers.barred(bad), None);
        assert_eq!(peers.charge(bad), Err(1));
        assert_eq!(peers.barred(bad), Some(1));
        assert_eq!(peers.barred(good), None);
        assert_eq!(peers.charge(good), Ok(()));
        assert_eq!(peers.refused(), 2);
        peers.tidy();
        assert_eq!(peers.barred(bad), Some(1), "tidying forgets only what is over");
    }

    #[test]
    fn memory_is_bounded_and_strangers_beyond_it_share_one_count() {
        let peers = Peers::new(Rate::new(1, 1), &[]);
        let nth = |n: u32| Peer::of(Some(IpAddr::V4(n.into())));
        for n in 0..u32::try_from(PEERS_MAX).unwrap() {
            assert_eq!(peers.charge(nth(n)), Ok(()));
        }
        assert_eq!(peers.charge(nth(1 << 30)), Ok(()), "the first of the others");
        assert_eq!(peers.charge(nth((1 << 30) + 1)), Err(1));
        assert!(peers.counts().unwrap().failures.len() <= PEERS_MAX + 1);
    }

    #[test]
    fn without_a_rate_nobody_is_barred() {
        let peers = Peers::new(None, &[]);
        assert!((0..1_000).all(|_| peers.charge(Peer::OTHERS).is_ok()));
        assert_eq!(peers.barred(Peer::OTHERS), None);
    }

    #[test]
    fn another_rate_begins_anew_and_the_same_one_goes_on() {
        let peers = Peers::new(Rate::new(1, 1), &[]);
        let bad = peer("10.0.0.1");
        assert_eq!((peers.charge(bad), peers.charge(bad)), (Ok(()), Err(1)));
        peers.put(Rate::new(1, 1), &["10.0.0.0/8".parse().unwrap()]);
        assert_eq!(peers.charge(bad), Err(1));
        peers.put(Rate::new(1, 2), &[]);
        assert_eq!((peers.charge(bad), peers.charge(bad), peers.charge(bad)), (Ok(()), Ok(()), Err(1)));
        peers.put(None, &[]);
        assert_eq!((peers.charge(bad), peers.barred(bad)), (Ok(()), None));
    }

    #[test]
    fn who_comes_through_a_trusted_proxy_is_counted_by_its_own_address() {
        let request = |from: &str| {
            let req = actix_web::test::TestRequest::default().insert_header(("X-Forwarded-For", from));
            req.peer_addr("10.0.0.1:5".parse().unwrap()).to_srv_request()
        };
        let peers = Peers::new(None, &["10.0.0.0/8".parse().unwrap()]);
        assert_eq!(peers.who(&request("198.51.100.7")), peer("198.51.100.7"));
        assert_eq!(peers.who(&request("nonsense")), peer("10.0.0.1"));
        assert_eq!(Peers::new(None, &[]).who(&request("198.51.100.7")), peer("10.0.0.1"));
    }

    #[test]
    fn a_key_knows_its_latest_addresses() {
        let familiar = Familiar::default();
        let nth = |n: u32| Peer::of(Some(IpAddr::V4(n.into())));
        (0..9).for_each(|n| familiar.learn(nth(n)));
        assert!(!familiar.knows(nth(0)) && familiar.knows(nth(1)) && familiar.knows(nth(8)));
    }
}
