//! Secrets of keys: made of the engine's randomness, kept only as a digest.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reeve_journal::{KeyRow, Role};
use reeve_types::{KeyId, Millis, WorkspaceId};
use sha2::{Digest as _, Sha256};

/// What a key is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySpec {
    pub role: Role,
    /// The one workspace of a key with role `workspace`.
    pub workspace: Option<WorkspaceId>,
    pub name: String,
    /// From this instant on it is unknown.
    pub expires_at: Option<Millis>,
    /// A bound of its own instead of its role's; 0 is none at all.
    pub rate_per_second: Option<u32>,
    pub burst: Option<u32>,
}

impl KeySpec {
    /// A key with what its role has, for good.
    pub const fn of(role: Role) -> Self {
        Self {
            role,
            workspace: None,
            name: String::new(),
            expires_at: None,
            rate_per_second: None,
            burst: None,
        }
    }
}

/// A secret of 256 bits, which the caller draws from a source that nobody can guess.
pub fn new_secret(role: Role, bits: [u128; 2]) -> String {
    let bytes: Vec<u8> = bits.iter().flat_map(|half| half.to_be_bytes()).collect();
    format!("reeve_{}_{}", role.as_str(), URL_SAFE_NO_PAD.encode(bytes))
}

/// The stored form of a key.
pub fn key_of_secret(id: KeyId, spec: KeySpec, secret: &str, created_at: Millis) -> KeyRow {
    let KeySpec { role, workspace, name, expires_at, rate_per_second, burst } = spec;
    KeyRow {
        id,
        role,
        workspace,
        name,
        digest: digest(secret),
        created_at,
        revoked_at: None,
        expires_at,
        last_used_at: None,
        rate_per_second,
        burst,
    }
}

/// What is kept of a secret.
pub(crate) fn digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bit_is_in_the_secret_and_its_role_before_it() {
        let secrets = [[0, 0], [1, 0], [0, 1]].map(|bits| new_secret(Role::Admin, bits));
        assert!(secrets[0] != secrets[1] && secrets[0] != secrets[2] && secrets[1] != secrets[2]);
        assert!(secrets[0].starts_with("reeve_admin_") && secrets[0].len() == "reeve_admin_".len() + 43);
    }
}
