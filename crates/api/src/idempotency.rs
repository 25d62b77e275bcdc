//! `Idempotency-Key`: which earlier request a request repeats.
//!
//! The key lives in the scope of its API key; the fingerprint tells another request under the same key from a repeat.

use std::sync::Arc;

use actix_web::HttpRequest;
use reeve_actors::{Call, Idempotency};
use reeve_protocol::headers::{IDEMPOTENCY_KEY, IDEMPOTENCY_KEY_BYTES_MAX};
use reeve_types::{KeyId, WorkspaceId};
use reeve_workspace::Meta;
use sha2::{Digest as _, Sha256};

use crate::error::ApiError;
use crate::header;
use crate::request_id::RequestId;
use crate::roles::Caller;

/// Digest of method, path and body; each part is preceded by its length, so that no two requests share one.
pub(crate) fn fingerprint(method: &str, path: &str, body: &[u8]) -> [u8; 16] {
    let mut sha = Sha256::new();
    for part in [method.as_bytes(), path.as_bytes(), body] {
        sha.update((part.len() as u64).to_be_bytes());
        sha.update(part);
    }
    let digest: [u8; 32] = sha.finalize().into();
    std::array::from_fn(|n| digest[n])
}

/// The key of a request within its scope: `<API key id>:<Idempotency-Key>`.
pub(crate) fn scoped_key(req: &HttpRequest, key: KeyId) -> Result<Option<Arc<str>>, ApiError> {
    let Some(value) = req.headers().get(&header::IDEMPOTENCY_KEY) else { return Ok(None) };
    let text = value.to_str().ok().filter(|text| {
        (1..=IDEMPOTENCY_KEY_BYTES_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
    });
    match text {
        Some(text) => Ok(Some(format!("{key}:{text}").into())),
        None => {
            let detail = format!(
                "`{IDEMPOTENCY_KEY}` must be 1 to {IDEMPOTENCY_KEY_BYTES_MAX} visible ASCII characters"
            );
            Err(reeve_protocol::Problem::invalid(detail, Vec::new()).into())
        }
    }
}

/// Who calls, and under which idempotency key.
pub(crate) fn call(req: &HttpRequest, caller: &Caller, fingerprint: [u8; 16]) -> Result<Call, ApiError> {
    let idempotency = scoped_key(req, caller.key)?.map(|key| Idempotency { key, fingerprint });
    Ok(Call { meta: Meta { actor: Some(caller.key), request: RequestId::get(req) }, idempotency })
}

/// The id of a workspace that the request did not name: derived, so that a retry reaches the same owner.
pub(crate) fn derived_workspace(scoped_key: &str) -> Result<WorkspaceId, ApiError> {
    WorkspaceId::new(&format!("ws_{}", hex::encode(derived("workspace", scoped_key))))
        .map_err(ApiError::internal)
}

/// Sixteen bytes that follow from a scoped key.
pub(crate) fn derived(what: &str, scoped_key: &str) -> [u8; 16] {
    fingerprint("derived id", what, scoped_key.as_bytes())
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use reeve_types::Millis;

    use super::*;

    const KEY: KeyId = KeyId::from_parts(Millis::from_millis(0), 1);

    fn scoped(text: &str) -> Result<Option<Arc<str>>, ApiError> {
        scoped_key(&TestRequest::default().insert_header((IDEMPOTENCY_KEY, text)).to_http_request(), KEY)
    }

    #[test]
    fn a_key_is_visible_ascii_within_its_bound() {
        assert_eq!(scoped("a-1").unwrap().unwrap(), format!("{KEY}:a-1").into());
        assert!(scoped(&"k".repeat(255)).is_ok());
        for bad in ["", "a b", "a\tb", "ä", &"k".repeat(256)] {
            assert!(scoped(bad).is_err(), "{bad:?}");
        }
        assert_eq!(scoped_key(&TestRequest::default().to_http_request(), KEY).unwrap(), None);
    }

    #[test]
    fn every_part_of_a_request_is_in_its_fingerprint() {
        let prints = [
            fingerprint("POST", "/a", b"x"),
            fingerprint("PUT", "/a", b"x"),
            fingerprint("POST", "/b", b"x"),
            fingerprint("POST", "/a", b"y"),
            fingerprint("POST", "/ax", b""),
        ];
        for (n, print) in prints.iter().enumerate() {
            assert!(!prints[n + 1..].contains(print), "{n}");
        }
    }

    #[test]
    fn a_repeat_derives_the_same_workspace_and_another_key_another_one() {
        assert_eq!(derived_workspace("k:1").unwrap(), derived_workspace("k:1").unwrap());
        assert_ne!(derived_workspace("k:1").unwrap(), derived_workspace("k:2").unwrap());
    }
}
