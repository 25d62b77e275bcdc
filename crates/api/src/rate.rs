//! How many requests a key may make: what is configured per role or said by the key, and the count itself.
//!
//! Used by the guard around the routes. A count is a leaky bucket: `burst` requests at once, `per_second` on average.
//! It lives in memory beside its key, so it takes as much as there are keys, and a restart fills all buckets.

use std::num::NonZeroU32;
use std::time::Duration;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use governor::clock::{Clock as _, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use reeve_journal::Role;

/// Name of the one policy in the headers.
const POLICY: &str = "key";

/// A bound on requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    pub per_second: NonZeroU32,
    /// Requests at once, after a pause.
    pub burst: NonZeroU32,
}

impl Rate {
    /// `None` when `per_second` is 0, which means no bound. A burst of 0 is as large as one second's requests.
    pub fn new(per_second: u32, burst: u32) -> Option<Self> {
        let per_second = NonZeroU32::new(per_second)?;
        Some(Self { per_second, burst: NonZeroU32::new(burst).unwrap_or(per_second) })
    }

    pub(crate) fn quota(self) -> Quota {
        Quota::per_second(self.per_second).allow_burst(self.burst)
    }

    /// Whole seconds in which so many requests are given back.
    fn seconds_for(self, requests: u32) -> u64 {
        u64::from(requests.div_ceil(self.per_second.get()))
    }
}

/// What keys without a bound of their own may do, by role.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RoleRates {
    pub admin: Option<Rate>,
    pub workspace: Option<Rate>,
    pub worker: Option<Rate>,
}

impl RoleRates {
    pub(crate) const fn of(&self, role: Role) -> Option<Rate> {
        match role {
            Role::Admin => self.admin,
            Role::Workspace => self.workspace,
            Role::Worker => self.worker,
        }
    }
}

/// The count of one key.
pub(crate) struct Limiter {
    rate: Rate,
    bucket: RateLimiter<NotKeyed, InMemoryState, DefaultClock, StateInformationMiddleware>,
    clock: DefaultClock,
    policy: HeaderValue,
}

impl Limiter {
    pub(crate) fn new(rate: Rate) -> Self {
        let bucket = RateLimiter::direct(rate.quota()).with_middleware::<StateInformationMiddleware>();
        let policy = format!("\"{POLICY}\";q={};w={}", rate.burst, rate.seconds_for(rate.burst.get()));
        // Digits and quotes only, so it always is a header's value.
        let policy = HeaderValue::from_str(&policy).unwrap_or_else(|_| HeaderValue::from_static(""));
        Self { rate, bucket, clock: DefaultClock::default(), policy }
    }

    pub(crate) const fn rate(&self) -> Rate {
        self.rate
    }

    /// Takes one request out of the bucket.
    pub(crate) fn take(&self) -> Standing {
        let (remaining, wait) = match self.bucket.check() {
            Ok(left) => (left.remaining_burst_capacity(), None),
            Err(until) => (0, Some(until.wait_time_from(self.clock.now()))),
        };
        let missing = self.rate.burst.get().saturating_sub(remaining);
        let full_seconds = self.rate.seconds_for(missing);
        Standing {
            policy: self.policy.clone(),
            remaining,
            full_seconds,
            wait_seconds: wait.map(whole_seconds),
        }
    }
}

/// Never 0: a client that is told 0 comes back at once.
pub(crate) fn whole_seconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis().div_ceil(1_000)).unwrap_or(u64::MAX).max(1)
}

/// How a key stands after a request.
pub(crate) struct Standing {
    policy: HeaderValue,
    remaining: u32,
    /// Until the bucket is full again.
    full_seconds: u64,
    /// Until the next request is admitted, when this one was not.
    pub wait_seconds: Option<u64>,
}

impl Standing {
    /// Tells it as draft-ietf-httpapi-ratelimit-headers-10 has it: `q` requests in `w` seconds, `r` of them left, and
    /// all of them again in `t` seconds.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        headers.insert(HeaderName::from_static("ratelimit-policy"), self.policy.clone());
        let now = format!("\"{POLICY}\";r={};t={}", self.remaining, self.full_seconds);
        if let Ok(now) = HeaderValue::from_str(&now) {
            headers.insert(HeaderName::from_static("ratelimit"), now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(standing: &Standing, name: &str) -> String {
        let mut headers = HeaderMap::new();
        standing.write(&mut headers);
        headers.get(name).unwrap().to_str().unwrap().to_owned()
    }

    #[test]
    fn a_burst_passes_and_the_next_request_is_told_when_to_come_back() {
        // One request in a second: none comes back while the test runs.
        let limiter = Limiter::new(Rate::new(1, 3).unwrap());
        let passed: Vec<Standing> = (0..3).map(|_| limiter.take()).collect();
        assert!(passed.iter().all(|standing| standing.wait_seconds.is_none()));
        assert_eq!(said(&passed[0], "ratelimit-policy"), "\"key\";q=3;w=3");
        assert_eq!(said(&passed[0], "ratelimit"), "\"key\";r=2;t=1");
        assert_eq!(said(&passed[2], "ratelimit"), "\"key\";r=0;t=3");
        let refused = limiter.take();
        assert_eq!(refused.wait_seconds, Some(1));
        assert_eq!(said(&refused, "ratelimit"), "\"key\";r=0;t=3");
    }

    #[test]
    fn a_rate_of_nothing_is_no_bound_and_a_burst_of_nothing_is_one_second() {
        assert_eq!(Rate::new(0, 9), None);
        let rate = Rate::new(7, 0).unwrap();
        assert_eq!((rate.per_second.get(), rate.burst.get()), (7, 7));
    }

    #[test]
    fn nobody_is_told_to_come_back_in_no_time() {
        assert_eq!(whole_seconds(Duration::from_millis(0)), 1);
        assert_eq!(whole_seconds(Duration::from_millis(1_000)), 1);
        assert_eq!(whole_seconds(Duration::from_millis(1_001)), 2);
    }
}
