//! Where the store and its checks meet: for the API, and for the command line without a server.

use futures_util::future::BoxFuture;
use reeve_api::{OnProgress, VerifyPort};
use reeve_protocol::VerifyCheck;
use reeve_store::verify::{Check, Progress, Verifier};
use reeve_store::{FatalHook, Store};

use crate::config::Settings;
use crate::exit::Failure;

/// The store's checks as the API asks for them.
pub(super) struct StorePort(pub(super) Verifier);

impl VerifyPort for StorePort {
    fn run(&self, on_progress: OnProgress) -> BoxFuture<'static, Result<Vec<VerifyCheck>, String>> {
        let verifier = self.0.clone();
        let told = move |progress: Progress| {
            if progress.rows > 0 {
                on_progress(progress.rows_done as f64 / progress.rows as f64);
            }
        };
        Box::pin(async move { check(&verifier, told).await.map_err(|failure| failure.to_string()) })
    }
}

/// Opens the database of the settings.
///
/// # Errors
/// It is not there, not ours, or in use.
pub async fn open_store(settings: &Settings, fatal: FatalHook) -> Result<Store, Failure> {
    let store = settings.store().map_err(|e| Failure::usage(e.to_string()))?;
    Store::open(store, fatal).await.map_err(|e| Failure::environment("cannot open the database", e))
}

/// Runs every check.
///
/// # Errors
/// The store cannot be read to the end; what is broken in it is in the answer.
pub async fn check(
    verifier: &Verifier,
    on_progress: impl Fn(Progress) + Send + Sync,
) -> Result<Vec<VerifyCheck>, Failure> {
    let report = verifier.run(on_progress).await;
    let report = report.map_err(|e| Failure::environment("cannot check the database", e))?;
    Ok(report.checks.into_iter().map(shown).collect())
}

/// A check as the API shows it: what it promises, or what breaks the promise.
fn shown(check: Check) -> VerifyCheck {
    let named = u64::try_from(check.detail.len()).unwrap_or(u64::MAX);
    let more = check.broken.saturating_sub(named);
    let detail = match (check.ok, more) {
        (true, _) => check.about.to_owned(),
        (false, 0) => check.detail.join("; "),
        (false, more) => format!("{}; and {more} more", check.detail.join("; ")),
    };
    VerifyCheck { name: check.name.to_owned(), ok: check.ok, checked: check.checked, detail: Some(detail) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_promise_says_which_rows_break_it() {
        let check = Check { name: "L1", about: "sums", ok: true, checked: 3, broken: 0, detail: Vec::new() };
        assert_eq!(shown(check.clone()).detail.as_deref(), Some("sums"));
        let broken = Check { ok: false, broken: 5, detail: vec!["a".to_owned(), "b".to_owned()], ..check };
        assert_eq!(shown(broken).detail.as_deref(), Some("a; b; and 3 more"));
    }
}
