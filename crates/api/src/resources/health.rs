//! Is the process alive, and may it be sent requests?
//!
//! Liveness is that it answers at all: a supervisor that asks more would restart a server because its database is away.
//! Readiness is what a balancer asks: each thing that has to hold, by name.

use actix_web::web::{self, Data};
use reeve_journal::JournalHealth;
use reeve_protocol::{Code, Health, HealthCheck, Problem};

use crate::disk::{self, Room};
use crate::error::{Answer, ApiError};
use crate::json::ok;
use crate::state::ApiState;

/// When to ask again, in seconds.
const AGAIN_SECONDS: u64 = 1;
/// A change that waits longer for its commit means that nothing is committed, whatever the journal says, in milliseconds.
const STUCK_MS: u64 = 30_000;

/// The process answers.
#[utoipa::path(get, path = "/healthz", tag = "health", security(()),
    responses((status = 200, description = "It lives", body = Health)))]
pub(crate) async fn live() -> Answer {
    ok(&health(None))
}

/// Everything stored is loaded, the store takes changes, the disk has room, and the server is not stopping. The answer
/// names what was looked at, also when it is 503.
#[utoipa::path(get, path = "/readyz", tag = "health", security(()),
    responses((status = 200, description = "It is ready", body = Health)))]
pub(crate) async fn ready(state: Data<ApiState>) -> Answer {
    let seen = Seen {
        is_stopping: state.engine.stopping() || *state.closing().borrow(),
        is_loaded: state.engine.is_loaded(),
        journal: state.engine.journal_health(),
        disk: look_at_disk(&state).await,
        free_bytes_min: state.settings.free_bytes_min,
    };
    let checks = seen.checks();
    match first_fault(&checks) {
        None => ok(&health(Some(checks))),
        Some(why) => Err(not_ready(why, checks)),
    }
}

/// The answer of a server that is not to be sent requests.
pub(crate) fn not_ready(why: String, checks: Vec<HealthCheck>) -> ApiError {
    Problem { checks: Some(checks), ..Problem::later(Code::NotReady, why, AGAIN_SECONDS) }.into()
}

/// A check with what is to be said when it does not hold.
pub(crate) fn check(name: &str, fault: Option<String>) -> HealthCheck {
    HealthCheck { name: name.to_owned(), ok: fault.is_none(), detail: fault }
}

fn health(checks: Option<Vec<HealthCheck>>) -> Health {
    Health { status: "ok".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned(), checks }
}

fn first_fault(checks: &[HealthCheck]) -> Option<String> {
    let failed = checks.iter().find(|check| !check.ok)?;
    Some(failed.detail.clone().unwrap_or_else(|| failed.name.clone()))
}

/// `None` where nobody asks for room.
async fn look_at_disk(state: &ApiState) -> Option<Result<Room, String>> {
    let dir = state.settings.data_dir.clone().filter(|_| state.settings.free_bytes_min > 0)?;
    // It may be beyond a network that is slow or gone.
    let room = web::block(move || disk::room(&dir)).await;
    Some(room.map_err(|e| e.to_string()).and_then(|room| room.map_err(|e| e.to_string())))
}

/// What readiness is judged by.
struct Seen {
    is_stopping: bool,
    is_loaded: bool,
    journal: JournalHealth,
    disk: Option<Result<Room, String>>,
    free_bytes_min: u64,
}

impl Seen {
    fn checks(&self) -> Vec<HealthCheck> {
        let unless = |holds: bool, fault: &str| (!holds).then(|| fault.to_owned());
        let mut checks = vec![
            check("running", unless(!self.is_stopping, "the server is stopping")),
            // A server that has another process before it answers elsewhere: `standby`.
            check("database", None),
            check("loaded", unless(self.is_loaded, "the server is still loading what is stored")),
            check("journal", self.journal_fault()),
        ];
        if let Some(disk) = &self.disk {
            checks.push(check("disk", self.disk_fault(disk)));
        }
        checks
    }

    fn journal_fault(&self) -> Option<String> {
        let age_ms = self.journal.oldest_age_ms;
        if !self.journal.can_commit {
            return Some("the store takes no changes now".to_owned());
        }
        (age_ms > STUCK_MS)
            .then(|| format!("a change has been waiting for its commit for {} s", age_ms / 1_000))
    }

    fn disk_fault(&self, disk: &Result<Room, String>) -> Option<String> {
        match disk {
            Ok(room) => (room.free_bytes < self.free_bytes_min).then(|| {
                let (free, min) = (room.free_bytes, self.free_bytes_min);
                format!("the disk of the data folder has {free} bytes left, less than `data.free_bytes_min` ({min})")
            }),
            Err(error) => Some(format!("the data folder cannot be looked at: {error}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use reeve_journal::Written;

    use super::*;

    fn journal(can_commit: bool, oldest_age_ms: u64) -> JournalHealth {
        JournalHealth { can_commit, depth: 0, oldest_age_ms, written: Written::default() }
    }

    fn fine() -> Seen {
        let room = Room { size_bytes: 100, free_bytes: 50 };
        Seen {
            is_stopping: false,
            is_loaded: true,
            journal: journal(true, 20),
            disk: Some(Ok(room)),
            free_bytes_min: 50,
        }
    }

    #[test]
    fn each_thing_that_fails_is_named_and_only_that() {
        assert_eq!(first_fault(&fine().checks()), None);
        let no_disk = Seen { disk: None, ..fine() }.checks();
        assert!(no_disk.iter().all(|check| check.name != "disk"), "nobody asked for room");
        let full = Ok(Room { size_bytes: 100, free_bytes: 49 });
        let faults = [
            ("running", Seen { is_stopping: true, ..fine() }),
            ("loaded", Seen { is_loaded: false, ..fine() }),
            ("journal", Seen { journal: journal(false, 0), ..fine() }),
            ("journal", Seen { journal: journal(true, STUCK_MS + 1), ..fine() }),
            ("disk", Seen { disk: Some(full), ..fine() }),
            ("disk", Seen { disk: Some(Err("it is gone".to_owned())), ..fine() }),
        ];
        for (name, seen) in faults {
            let checks = seen.checks();
            let failed: Vec<&str> =
                checks.iter().filter(|check| !check.ok).map(|check| check.name.as_str()).collect();
            assert_eq!(failed, [name]);
            assert!(first_fault(&checks).is_some_and(|why| why != name), "it says why");
            assert!(checks.len() == 5, "{checks:?}");
        }
    }
}
