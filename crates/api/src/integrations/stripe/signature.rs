//! The `Stripe-Signature` header: who signed the body, and when.
//!
//! Its form is `t=<seconds>,v1=<hex>[,v1=<hex>...]`; the signature is HMAC-SHA256 over `<t>.<body>`. Other schemes than
//! `v1` in it are passed over: whoever could choose the scheme could choose a weaker one.

use hmac::{Hmac, KeyInit as _, Mac as _};
use reeve_protocol::Code;
use reeve_types::Millis;
use sha2::{Digest as _, Sha256};

use crate::error::ApiError;

/// Name of the header.
pub(super) const HEADER: &str = "stripe-signature";
/// Most signatures of one header that are looked at; a secret in rotation makes two.
const SIGNATURES_MAX: usize = 8;
/// Size of the hash's block, which is what HMAC fills a key up to.
const BLOCK_BYTES: usize = 64;

/// Was this body signed with one of the secrets, not longer than `tolerance_ms` before or after `now`?
///
/// # Errors
/// `invalid_signature` with what is wrong; never what would be right.
pub(super) fn check(
    header: Option<&str>,
    body: &[u8],
    secrets: &[String],
    (now, tolerance_ms): (Millis, i64),
) -> Result<(), ApiError> {
    let refuse = |detail: &str| Err(ApiError::new(Code::InvalidSignature, detail));
    let Some(header) = header else { return refuse("the header `Stripe-Signature` is missing") };
    let Some((stamp, signatures)) = read(header) else {
        return refuse("`Stripe-Signature` must have the form `t=<seconds>,v1=<hex>`");
    };
    let is_signed = secrets.iter().any(|secret| {
        let mac = mac(secret, stamp, body);
        // `verify_slice` compares in constant time.
        signatures.iter().any(|signature| mac.clone().verify_slice(signature).is_ok())
    });
    if !is_signed {
        return refuse("the body is not signed with a secret of this server");
    }
    // Last, so that a stranger learns nothing of our clock.
    let signed_at = stamp.parse::<i64>().ok().and_then(|seconds| seconds.checked_mul(1_000));
    let age_ms = signed_at.map(|at| now.since(Millis::from_millis(at)));
    if age_ms.is_none_or(|age| age.saturating_abs() > tolerance_ms) {
        return refuse("the signature is too old, or this server's clock is wrong");
    }
    Ok(())
}

/// The stamp as sent, and every `v1` signature that is hex.
fn read(header: &str) -> Option<(&str, Vec<Vec<u8>>)> {
    let parts = || header.split(',').filter_map(|part| part.trim().split_once('='));
    let (_, stamp) = parts().find(|(name, _)| *name == "t")?;
    let digits = !stamp.is_empty() && stamp.bytes().all(|byte| byte.is_ascii_digit());
    let hexes = parts().filter(|(name, _)| *name == "v1").filter_map(|(_, value)| hex::decode(value).ok());
    let signatures: Vec<Vec<u8>> = hexes.take(SIGNATURES_MAX).collect();
    (digits && !signatures.is_empty()).then_some((stamp, signatures))
}

fn mac(secret: &str, stamp: &str, body: &[u8]) -> Hmac<Sha256> {
    let mut block = [0; BLOCK_BYTES];
    // A key that is longer than the block stands for its hash.
    let hashed: [u8; 32];
    let key = if secret.len() > BLOCK_BYTES {
        hashed = Sha256::digest(secret.as_bytes()).into();
        &hashed[..]
    } else {
        secret.as_bytes()
    };
    block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    let mut mac = Hmac::<Sha256>::new(&block.into());
    mac.update(stamp.as_bytes());
    mac.update(b".");
    mac.update(body);
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = br#"{"id":"evt_1","type":"invoice.paid"}"#;
    const AT: Millis = Millis::from_millis(1_767_225_600_000);
    /// Computed apart from this code:
    /// `hmac.new(b"whsec_test", b'1767225600.{"id":"evt_1","type":"invoice.paid"}', hashlib.sha256).hexdigest()`
    const SIGNATURE: &str = "eb2c86071742200800056198284b036ce585690f9bac43165b23bfa835a62037";
    /// The same with a secret of 80 characters `k`.
    const BY_LONG: &str = "04ec234002ca8ce2a0345591d6fc471b4a2ba9cb13a1158276cf3a7d2c157ad7";

    fn checked(header: &str, body: &[u8], secret: &str, at: Millis) -> bool {
        let secrets = ["whsec_other".to_owned(), secret.to_owned()];
        check(Some(header), body, &secrets, (at, 300_000)).is_ok()
    }

    #[test]
    fn a_known_signature_holds_and_any_change_breaks_it() {
        let header = format!("t=1767225600,v1={SIGNATURE}");
        assert!(checked(&header, BODY, "whsec_test", AT));
        assert!(!checked(&header, BODY, "whsec_tesT", AT));
        assert!(!checked(&header, br#"{"id":"evt_2","type":"invoice.paid"}"#, "whsec_test", AT));
        assert!(!checked(&format!("t=1767225601,v1={SIGNATURE}"), BODY, "whsec_test", AT));
        assert!(!checked(&format!("t=1767225600,v0={SIGNATURE}"), BODY, "whsec_test", AT));
        let long = "k".repeat(80);
        assert!(checked(&format!("t=1767225600,v1={BY_LONG}"), BODY, &long, AT));
    }

    #[test]
    fn one_of_several_signatures_is_enough() {
        let zeros = "00".repeat(32);
        assert!(checked(&format!("t=1767225600, v1={zeros}, v1={SIGNATURE},v0=x"), BODY, "whsec_test", AT));
        let many = format!("t=1767225600{}", format!(",v1={zeros}").repeat(5_000));
        assert!(!checked(&many, BODY, "whsec_test", AT));
    }

    #[test]
    fn it_holds_for_the_tolerance_and_no_longer() {
        let header = format!("t=1767225600,v1={SIGNATURE}");
        for (seconds, holds) in [(300, true), (301, false), (-300, true), (-301, false)] {
            assert_eq!(checked(&header, BODY, "whsec_test", AT.plus_ms(seconds * 1_000)), holds, "{seconds}");
        }
    }

    #[test]
    fn what_is_no_header_is_refused() {
        for bad in
            ["", "t=", "t=1767225600", "v1=00", "t=x,v1=00", "t=-1,v1=00", "t=1767225600,v1=zz", "=,=,="]
        {
            assert!(!checked(bad, BODY, "whsec_test", AT), "{bad}");
        }
        assert!(check(None, BODY, &["whsec_test".to_owned()], (AT, 300_000)).is_err());
        let far = format!("t={},v1={SIGNATURE}", "9".repeat(40));
        assert!(!checked(&far, BODY, "whsec_test", AT));
    }
}
