//! The keys in force: found by their secret, counted, marked as used, and ended at once when they are revoked.
//!
//! One table per process, filled at the start and changed with every key made or revoked. Nothing here is stored: the
//! composition root and the resource of keys do that first, and the keeper writes down now and then who was used.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};

use reeve_journal::KeyRow;
use reeve_types::{KeyId, Millis};
use rustc_hash::FxHashMap;
use tokio::sync::watch;

use crate::peers::Familiar;
use crate::rate::{Limiter, Rate, RoleRates, Standing};
use crate::roles::Caller;
use crate::secret::digest;

/// How exact the last use is in memory, in milliseconds: a busy key writes it once a second, not with every request.
const USE_EXACT_MS: i64 = 1_000;
/// How exact it is in the store.
const USE_STORED_MS: i64 = 60_000;

/// One key in force.
pub(crate) struct Key {
    pub(crate) caller: Arc<Caller>,
    /// What its role's keys may do does not matter.
    bound_is_own: bool,
    limiter: RwLock<Option<Limiter>>,
    pub(crate) familiar: Familiar,
    expires_at: Option<Millis>,
    /// When it was used last, and what the store has of that; [`NEVER`] before the first time.
    used_at: AtomicI64,
    stored_at: AtomicI64,
    /// A key that lives in memory only has no row to write to.
    stored: bool,
    ended: watch::Sender<bool>,
}

/// Before every use.
const NEVER: i64 = i64::MIN;

impl Key {
    fn new(row: &KeyRow, stored: bool, rates: &RoleRates) -> Self {
        let rate = match row.rate_per_second {
            Some(per_second) => Rate::new(per_second, row.burst.unwrap_or(0)),
            None => rates.of(row.role),
        };
        let used_at = row.last_used_at.map_or(NEVER, Millis::value);
        let (ended, _) = watch::channel(false);
        Self {
            caller: Arc::new(Caller { key: row.id, role: row.role, workspace: row.workspace.clone() }),
            bound_is_own: row.rate_per_second.is_some(),
            limiter: RwLock::new(rate.map(Limiter::new)),
            familiar: Familiar::default(),
            expires_at: row.expires_at,
            used_at: AtomicI64::new(used_at),
            stored_at: AtomicI64::new(used_at),
            stored,
            ended,
        }
    }

    fn is_over(&self, now: Millis) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }

    /// Counts a request; `None` when it has no bound.
    pub(crate) fn take(&self) -> Option<Standing> {
        self.limiter.read().unwrap_or_else(PoisonError::into_inner).as_ref().map(Limiter::take)
    }

    /// Its role's bound is this one now. One that stays keeps its count.
    fn bound_by(&self, rate: Option<Rate>) {
        let mut limiter = self.limiter.write().unwrap_or_else(PoisonError::into_inner);
        if !self.bound_is_own && limiter.as_ref().map(Limiter::rate) != rate {
            *limiter = rate.map(Limiter::new);
        }
    }

    /// Remembers a use.
    pub(crate) fn mark_used(&self, now: Millis) {
        let known = self.used_at.load(Ordering::Relaxed);
        if now.value().saturating_sub(known) >= USE_EXACT_MS {
            self.used_at.store(now.value(), Ordering::Relaxed);
        }
    }

    /// Turns true when the key is revoked or has expired.
    pub(crate) fn ended(&self) -> watch::Receiver<bool> {
        self.ended.subscribe()
    }

    fn used_at(&self) -> Option<Millis> {
        let at = self.used_at.load(Ordering::Relaxed);
        (at != NEVER).then(|| Millis::from_millis(at))
    }

    /// The minute of the last use, when the store does not have it.
    fn minute_to_store(&self) -> Option<i64> {
        let used_at = self.used_at.load(Ordering::Relaxed);
        if !self.stored || used_at == NEVER {
            return None;
        }
        let minute = used_at.div_euclid(USE_STORED_MS).saturating_mul(USE_STORED_MS);
        (minute > self.stored_at.load(Ordering::Relaxed)).then_some(minute)
    }
}

/// Every key that is not revoked, by the digest of its secret. Cheap to clone; one table per process.
///
/// The secret is looked up by its SHA-256: how long a look-up takes tells something about digests, and from a
/// digest nobody gets to the secret.
#[derive(Clone, Default)]
pub struct KeyTable(Arc<RwLock<Table>>);

#[derive(Default)]
struct Table {
    by_digest: FxHashMap<[u8; 32], Arc<Key>>,
    rates: RoleRates,
}

impl std::fmt::Debug for KeyTable {
    /// Without digests: debug output ends up in logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyTable").finish_non_exhaustive()
    }
}

impl KeyTable {
    /// The table of stored keys; revoked ones are left out.
    pub fn new(rows: impl IntoIterator<Item = KeyRow>, rates: RoleRates) -> Self {
        let table = Self(Arc::new(RwLock::new(Table { rates, ..Table::default() })));
        rows.into_iter().for_each(|row| table.put(&row));
        table
    }

    /// Puts other bounds of roles in force, for all keys that have none of their own.
    pub(crate) fn put_rates(&self, rates: RoleRates) {
        // Keys that are made meanwhile wait for the lock, and find the new ones.
        let mut table = self.write();
        table.by_digest.values().for_each(|key| key.bound_by(rates.of(key.caller.role)));
        table.rates = rates;
    }

    fn write(&self) -> RwLockWriteGuard<'_, Table> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a stored key, unless it is revoked.
    pub fn put(&self, row: &KeyRow) {
        self.insert(row, true);
    }

    /// Adds a key that lives as long as this process.
    pub fn put_unstored(&self, row: &KeyRow) {
        self.insert(row, false);
    }

    fn insert(&self, row: &KeyRow, stored: bool) {
        if row.revoked_at.is_none() {
            let mut table = self.write();
            let key = Arc::new(Key::new(row, stored, &table.rates));
            table.by_digest.insert(row.digest, key);
        }
    }

    /// Forgets a key: from now on its secret is unknown, and streams that it opened end.
    pub fn remove(&self, id: KeyId) {
        self.end(|key| key.caller.key == id);
    }

    /// Forgets keys that have expired.
    pub(crate) fn end_expired(&self, now: Millis) {
        let any = self.read(|keys| keys.values().any(|key| key.is_over(now)));
        if any {
            self.end(|key| key.is_over(now));
        }
    }

    fn end(&self, which: impl Fn(&Key) -> bool) {
        self.write().by_digest.retain(|_, key| {
            let ends = which(key);
            if ends {
                key.ended.send_replace(true);
            }
            !ends
        });
    }

    fn read<T>(&self, of: impl FnOnce(&FxHashMap<[u8; 32], Arc<Key>>) -> T) -> T {
        of(&self.0.read().unwrap_or_else(PoisonError::into_inner).by_digest)
    }

    pub(crate) fn find(&self, secret: &str, now: Millis) -> Option<Arc<Key>> {
        self.read(|keys| keys.get(&digest(secret)).cloned()).filter(|key| !key.is_over(now))
    }

    /// When keys were used last, as far as this process knows.
    pub(crate) fn last_uses(&self) -> FxHashMap<KeyId, Millis> {
        self.read(|keys| keys.values().filter_map(|key| Some((key.caller.key, key.used_at()?))).collect())
    }

    /// Keys whose last use the store does not have, by the minute of that use.
    pub(crate) fn uses_to_store(&self) -> FxHashMap<Millis, Vec<KeyId>> {
        let mut by_minute: FxHashMap<Millis, Vec<KeyId>> = FxHashMap::default();
        self.read(|keys| {
            for key in keys.values() {
                if let Some(minute) = key.minute_to_store() {
                    by_minute.entry(Millis::from_millis(minute)).or_default().push(key.caller.key);
                }
            }
        });
        by_minute
    }

    /// The store has these uses now.
    pub(crate) fn uses_are_stored(&self, minute: Millis, stored: &[KeyId]) {
        self.read(|keys| {
            for key in keys.values().filter(|key| stored.contains(&key.caller.key)) {
                key.stored_at.fetch_max(minute.value(), Ordering::Relaxed);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use reeve_journal::Role;

    use super::*;
    use crate::secret::{KeySpec, key_of_secret};

    const T0: Millis = Millis::from_millis(600_000);

    fn row(n: u128, secret: &str) -> KeyRow {
        key_of_secret(KeyId::from_parts(T0, n), KeySpec::of(Role::Admin), secret, T0)
    }

    fn table(rows: impl IntoIterator<Item = KeyRow>) -> KeyTable {
        KeyTable::new(rows, RoleRates::default())
    }

    #[test]
    fn a_revoked_key_is_unknown_and_what_it_opened_ends() {
        let (kept, gone) = (row(1, "kept"), row(2, "gone"));
        let revoked = KeyRow { revoked_at: Some(T0), ..row(3, "revoked") };
        let table = table([kept.clone(), gone.clone(), revoked]);
        let (stays, ends) =
            (table.find("kept", T0).unwrap().ended(), table.find("gone", T0).unwrap().ended());
        table.remove(gone.id);
        assert_eq!(table.find("kept", T0).map(|key| key.caller.key), Some(kept.id));
        assert!(table.find("gone", T0).is_none());
        assert!(table.find("revoked", T0).is_none());
        assert!(table.find("", T0).is_none());
        assert!(*ends.borrow() && !*stays.borrow());
    }

    #[test]
    fn a_key_is_unknown_from_the_instant_of_its_expiry_and_what_it_opened_ends() {
        let table = table([KeyRow { expires_at: Some(T0.plus_ms(10)), ..row(1, "short") }, row(2, "long")]);
        let ended = table.find("short", T0.plus_ms(9)).unwrap().ended();
        table.end_expired(T0.plus_ms(9));
        assert!(!*ended.borrow());
        assert!(table.find("short", T0.plus_ms(10)).is_none(), "also before anybody tidied up");
        table.end_expired(T0.plus_ms(10));
        assert!(*ended.borrow());
        assert!(table.find("short", T0).is_none() && table.find("long", T0).is_some());
    }

    #[test]
    fn a_use_is_stored_once_a_minute_and_not_again() {
        let key = row(1, "busy");
        let table = table([key.clone(), row(2, "idle")]);
        table.put_unstored(&row(3, "inside"));
        let uses = |ms: i64| {
            for secret in ["busy", "inside"] {
                table.find(secret, T0).unwrap().mark_used(T0.plus_ms(ms));
            }
            table.uses_to_store()
        };
        let minute = |ms: i64| FxHashMap::from_iter([(T0.plus_ms(ms), vec![key.id])]);
        assert_eq!(uses(5_000), minute(0));
        table.uses_are_stored(T0, &[key.id]);
        assert_eq!(uses(59_000), FxHashMap::default());
        assert_eq!(table.last_uses()[&key.id], T0.plus_ms(59_000));
        assert_eq!(uses(61_000), minute(60_000));
    }

    #[test]
    fn a_bound_of_the_key_wins_over_that_of_its_role() {
        let rates = RoleRates { admin: Rate::new(5, 5), ..RoleRates::default() };
        let own =
            |per_second| KeyRow { rate_per_second: Some(per_second), ..row(u128::from(per_second), "own") };
        let has = |row: KeyRow| KeyTable::new([row], rates).find("own", T0).unwrap().take().is_some();
        assert!(has(row(1, "own")) && has(own(9)) && !has(own(0)));
    }

    #[test]
    fn other_bounds_of_a_role_are_in_force_at_once_but_for_keys_with_one_of_their_own() {
        let of = |per_second: u32| RoleRates { admin: Rate::new(per_second, 1), ..RoleRates::default() };
        let own = KeyRow { rate_per_second: Some(0), ..row(2, "own") };
        let table = KeyTable::new([row(1, "plain"), own], of(0));
        let take =
            |secret: &str| table.find(secret, T0).unwrap().take().map(|now| now.wait_seconds.is_none());
        assert_eq!(take("plain"), None);
        table.put_rates(of(1));
        table.put(&row(3, "new"));
        assert_eq!((take("plain"), take("plain"), take("own")), (Some(true), Some(false), None));
        assert_eq!((take("new"), take("new")), (Some(true), Some(false)));
        table.put_rates(of(1));
        assert_eq!(take("plain"), Some(false), "the same bound keeps its count");
        table.put_rates(of(0));
        assert_eq!(take("plain"), None);
    }
}
