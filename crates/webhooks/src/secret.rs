//! Secrets and signatures of the Standard Webhooks convention.
//!
//! A secret is `whsec_` and 32 bytes in base64. A signature is `v1,` and the base64 of HMAC-SHA256 over the id, the
//! time and the body, joined by dots. While a secret is being replaced, both sign, and the header holds both
//! signatures: a receiver takes the delivery when either fits.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use reeve_journal::{EndpointSecret, SECRET_BYTES};
use reeve_types::Millis;
use sha2::Sha256;

/// What a secret starts with when it is shown.
const PREFIX: &str = "whsec_";

/// A secret of these bits, which must be ones that nobody can guess.
pub(crate) fn of_bits(bits: [u128; 2]) -> [u8; SECRET_BYTES] {
    let mut bytes = [0; SECRET_BYTES];
    let (left, right) = bytes.split_at_mut(SECRET_BYTES / 2);
    left.copy_from_slice(&bits[0].to_be_bytes());
    right.copy_from_slice(&bits[1].to_be_bytes());
    bytes
}

/// As its owner gets to see it, once.
pub(crate) fn shown(bytes: &[u8; SECRET_BYTES]) -> String {
    format!("{PREFIX}{}", STANDARD.encode(bytes))
}

/// The secrets after a rotation at `now`: the new one first, the one before it for as long as both sign. Older ones
/// end: three signatures would only say that somebody rotates faster than receivers follow.
pub(crate) fn rotated(
    secrets: &[EndpointSecret],
    bytes: [u8; SECRET_BYTES],
    (now, overlap_ms): (Millis, i64),
) -> Vec<EndpointSecret> {
    let mut all = vec![EndpointSecret { bytes, until: None }];
    if overlap_ms > 0 {
        let old = secrets.first().cloned();
        all.extend(old.map(|old| EndpointSecret { until: Some(now.plus_ms(overlap_ms)), ..old }));
    }
    all
}

/// The header `webhook-signature` of a delivery: one signature for each secret in force at `now`.
pub(crate) fn signatures(
    secrets: &[EndpointSecret],
    (id, seconds, body): (&str, i64, &[u8]),
    now: Millis,
) -> String {
    let in_force = secrets.iter().filter(|secret| secret.until.is_none_or(|until| now < until));
    let signed = in_force.map(|secret| sign(&secret.bytes, (id, seconds, body)));
    signed.collect::<Vec<_>>().join(" ")
}

fn sign(secret: &[u8; SECRET_BYTES], (id, seconds, body): (&str, i64, &[u8])) -> String {
    // HMAC fills a key up with zeros to the hash's block.
    let mut block = [0; 64];
    let (head, _) = block.split_at_mut(SECRET_BYTES);
    head.copy_from_slice(secret);
    let mut mac = Hmac::<Sha256>::new(&block.into());
    mac.update(format!("{id}.{seconds}.").as_bytes());
    mac.update(body);
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: Millis = Millis::from_millis(1_772_000_000_000);

    fn counting() -> [u8; 32] {
        std::array::from_fn(|n| u8::try_from(n).unwrap_or(0))
    }

    fn secret(byte: u8, until: Option<Millis>) -> EndpointSecret {
        EndpointSecret { bytes: [byte; 32], until }
    }

    #[test]
    fn every_bit_is_in_the_secret() {
        assert_eq!(shown(&of_bits([0, 0])), "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
        assert_eq!(of_bits([1, 2])[15], 1);
        assert_eq!(of_bits([1, 2])[31], 2);
        assert_ne!(of_bits([1 << 127, 0]), of_bits([0, 0]));
    }

    /// Made with another implementation of HMAC; the verifiers of `tests/verifiers` take them too.
    #[test]
    fn signatures_are_those_of_the_convention() {
        let body = br#"{"type":"job.succeeded","timestamp":"2026-02-25T06:13:20.000Z","data":{}}"#;
        let signature = sign(&counting(), ("msg_1", 1_772_000_000, body));
        assert_eq!(signature, VECTOR);
    }

    const VECTOR: &str = "v1,lwi6cM+c/UoZ/mV2BzVgMAgDEqA99ztc3YPJ3xMMg0o=";

    #[test]
    fn any_change_of_id_time_or_body_changes_the_signature() {
        let of = |id: &str, seconds, body: &[u8]| sign(&[7; 32], (id, seconds, body));
        let first = of("msg_1", 5, b"{}");
        for other in [of("msg_2", 5, b"{}"), of("msg_1", 6, b"{}"), of("msg_1", 5, b"{ }")] {
            assert_ne!(first, other);
        }
    }

    #[test]
    fn both_secrets_sign_while_they_overlap_and_one_after() {
        let secrets = rotated(&[secret(1, None)], [2; 32], (T0, 1_000));
        assert_eq!(secrets, [secret(2, None), secret(1, Some(T0.plus_ms(1_000)))]);
        let header = |at: Millis| signatures(&secrets, ("m", 1, b"x"), at);
        let (new, old) = (sign(&[2; 32], ("m", 1, b"x")), sign(&[1; 32], ("m", 1, b"x")));
        assert_eq!(header(T0.plus_ms(999)), format!("{new} {old}"));
        assert_eq!(header(T0.plus_ms(1_000)), new);
    }

    #[test]
    fn a_rotation_without_overlap_ends_the_old_secret_and_a_second_one_the_oldest() {
        assert_eq!(rotated(&[secret(1, None)], [2; 32], (T0, 0)), [secret(2, None)]);
        let once = rotated(&[secret(1, None)], [2; 32], (T0, 1_000));
        let twice = rotated(&once, [3; 32], (T0, 1_000));
        assert_eq!(twice, [secret(3, None), secret(2, Some(T0.plus_ms(1_000)))]);
    }

    #[test]
    fn a_secret_is_not_in_debug_output() {
        let text = format!("{:?}", secret(0xab, None));
        assert!(!text.contains("171") && !text.contains("ab,"), "{text}");
    }
}
