//! The keys that a server starts with.
//!
//! Stored keys are kept; the two of the environment are added once, by digest; a first admin key is made when there
//! is none. The embedded worker's key lives in memory only.

use reeve_actors::{Engine, Entropy as _};
use reeve_api::{KeySpec, KeyTable, RoleRates, key_of_secret, new_secret};
use reeve_journal::{KeyRow, Role};

use crate::exit::Failure;
use crate::system::SystemEntropy;

/// Shortest key that the environment may set, in characters.
const LEN_MIN: usize = 8;

/// Keys that whoever starts the server chose.
#[derive(Clone, Default)]
pub struct Secrets {
    pub admin: Option<String>,
    pub worker: Option<String>,
    /// What Stripe signs its events with; several while one replaces another.
    pub stripe: Vec<String>,
}

impl Secrets {
    /// Those of `REEVE_ADMIN_KEY`, `REEVE_WORKER_KEY` and `REEVE_STRIPE_SECRET`; an empty variable is none.
    ///
    /// # Errors
    /// A key that no header can carry, or that is too short to be one.
    pub fn from_environment() -> Result<Self, Failure> {
        let stripe = variable("REEVE_STRIPE_SECRET")?.unwrap_or_default();
        let stripe = stripe.split(',').map(str::trim).filter(|secret| !secret.is_empty()).map(str::to_owned);
        let stripe = stripe.map(|secret| checked("REEVE_STRIPE_SECRET", secret)).collect::<Result<_, _>>()?;
        Ok(Self { admin: variable("REEVE_ADMIN_KEY")?, worker: variable("REEVE_WORKER_KEY")?, stripe })
    }
}

fn variable(name: &str) -> Result<Option<String>, Failure> {
    match std::env::var(name) {
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => Err(Failure::usage(format!("`{name}` is not text"))),
        Ok(text) if text.is_empty() => Ok(None),
        Ok(text) => checked(name, text).map(Some),
    }
}

fn checked(name: &str, text: String) -> Result<String, Failure> {
    if text.len() < LEN_MIN || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        let rule = format!("must have at least {LEN_MIN} characters, all of them visible ASCII");
        return Err(Failure::usage(format!("`{name}` {rule}")));
    }
    Ok(text)
}

/// A secret of our own making.
pub fn fresh_secret(role: Role) -> String {
    new_secret(role, [SystemEntropy.bits(), SystemEntropy.bits()])
}

/// The table of all keys in force, with those of `secrets` among them.
pub(super) async fn prepare(
    engine: &Engine,
    secrets: &Secrets,
    rates: RoleRates,
) -> Result<KeyTable, Failure> {
    let stored = engine.reader().keys().await.map_err(|e| Failure::environment("cannot read the keys", e))?;
    let table = KeyTable::new(stored.iter().cloned(), rates);
    let maker = Maker { engine, table: &table, stored: &stored };
    if let Some(secret) = &secrets.admin {
        maker.keep(Role::Admin, "REEVE_ADMIN_KEY", secret).await?;
    } else if !stored.iter().any(|row| row.role == Role::Admin && row.revoked_at.is_none()) {
        let secret = fresh_secret(Role::Admin);
        maker.keep(Role::Admin, "first admin key", &secret).await?;
        eprintln!("admin key (shown this once, only its digest is kept): {secret}");
    }
    if let Some(secret) = &secrets.worker {
        maker.keep(Role::Worker, "REEVE_WORKER_KEY", secret).await?;
    }
    Ok(table)
}

struct Maker<'a> {
    engine: &'a Engine,
    table: &'a KeyTable,
    stored: &'a [KeyRow],
}

impl Maker<'_> {
    /// Stores a key unless its digest is stored already.
    async fn keep(&self, role: Role, name: &str, secret: &str) -> Result<(), Failure> {
        let row = row(self.engine, role, name, secret);
        if let Some(known) = self.stored.iter().find(|known| known.digest == row.digest) {
            return judge(known, role, name);
        }
        let stored = self.engine.put_key(row.clone()).await;
        stored
            .map_err(|e| Failure::environment(&format!("cannot store the key `{name}`"), format!("{e:?}")))?;
        self.table.put(&row);
        Ok(())
    }
}

/// A stored key stays what it is: a variable does not bring a revoked one back or change its role.
fn judge(known: &KeyRow, role: Role, name: &str) -> Result<(), Failure> {
    if known.role != role {
        let is = known.role.as_str();
        return Err(Failure::usage(format!(
            "`{name}` is stored as a key with role `{is}`; choose another one"
        )));
    }
    if known.revoked_at.is_some() {
        return Err(Failure::usage(format!("`{name}` was revoked; choose another one")));
    }
    Ok(())
}

/// Lets workers of this process in; the key is never stored and ends with the process.
pub(super) fn internal_worker(engine: &Engine, table: &KeyTable) -> String {
    let secret = fresh_secret(Role::Worker);
    table.put_unstored(&row(engine, Role::Worker, "embedded worker", &secret));
    secret
}

fn row(engine: &Engine, role: Role, name: &str, secret: &str) -> KeyRow {
    let spec = KeySpec { name: name.to_owned(), ..KeySpec::of(role) };
    key_of_secret(engine.new_key_id(), spec, secret, engine.now())
}

#[cfg(test)]
mod tests {
    use reeve_types::{KeyId, Millis};

    use super::*;

    #[test]
    fn a_key_must_fit_into_a_header_and_be_long_enough() {
        assert_eq!(checked("K", "local-admin".to_owned()).unwrap(), "local-admin");
        for bad in ["short", "with a space", "wíth-accents", "line\nbreak"] {
            assert!(checked("K", bad.to_owned()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_stored_key_is_neither_revived_nor_given_another_role() {
        let at = Millis::from_millis(0);
        let row = key_of_secret(KeyId::from_parts(at, 1), KeySpec::of(Role::Worker), "local-worker", at);
        assert_eq!(judge(&row, Role::Worker, "K"), Ok(()));
        assert!(judge(&row, Role::Admin, "K").unwrap_err().to_string().contains("role `worker`"));
        let revoked = KeyRow { revoked_at: Some(at), ..row };
        assert!(judge(&revoked, Role::Worker, "K").unwrap_err().to_string().contains("revoked"));
    }
}
