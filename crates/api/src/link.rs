//! Signed links: a path that opens without a key until an instant, for workers that fetch inputs.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use reeve_types::Millis;
use sha2::Sha256;

/// Signs and checks links; the secret is the server's own.
#[derive(Clone, Copy)]
pub(crate) struct Links<'a> {
    secret: &'a [u8; 32],
}

impl<'a> Links<'a> {
    pub(crate) const fn new(secret: &'a [u8; 32]) -> Self {
        Self { secret }
    }

    /// The path with a signature that holds until `expires_at`.
    pub(crate) fn sign(&self, path: &str, expires_at: Millis) -> String {
        let expires = expires_at.value();
        let signature = URL_SAFE_NO_PAD.encode(self.mac(path, expires).finalize().into_bytes());
        format!("{path}?expires={expires}&signature={signature}")
    }

    /// Does the query open this path at `now`?
    pub(crate) fn admits(&self, path: &str, query: &str, now: Millis) -> bool {
        let value = |name: &str| {
            query
                .split('&')
                .find_map(|pair| pair.split_once('=').filter(|(key, _)| *key == name).map(|(_, value)| value))
        };
        let Some(expires) = value("expires").and_then(|text| text.parse::<i64>().ok()) else { return false };
        let Some(signature) = value("signature").and_then(|text| URL_SAFE_NO_PAD.decode(text).ok()) else {
            return false;
        };
        // `verify_slice` compares in constant time.
        now < Millis::from_millis(expires) && self.mac(path, expires).verify_slice(&signature).is_ok()
    }

    fn mac(&self, path: &str, expires: i64) -> Hmac<Sha256> {
        // HMAC fills a key up with zeros to the hash's block.
        let mut block = [0; 64];
        block[..32].copy_from_slice(self.secret);
        let mut mac = Hmac::<Sha256>::new(&block.into());
        mac.update(b"reeve link 1\n");
        mac.update(path.as_bytes());
        mac.update(b"\n");
        mac.update(&expires.to_be_bytes());
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis::from_millis(1_000);

    #[test]
    fn a_link_opens_its_own_path_until_it_expires() {
        let links = Links::new(&[7; 32]);
        let link = links.sign("/v1/jobs/job_1/outputs/0", NOW.plus_ms(10));
        let (path, query) = link.split_once('?').unwrap_or_default();
        assert!(links.admits(path, query, NOW));
        assert!(!links.admits(path, query, NOW.plus_ms(10)));
        assert!(!links.admits("/v1/jobs/job_2/outputs/0", query, NOW));
        assert!(!Links::new(&[8; 32]).admits(path, query, NOW));
        let later = query.replace("expires=1010", "expires=9999");
        assert_ne!(later, query);
        assert!(!links.admits(path, &later, NOW));
        for hostile in ["", "expires=9", "expires=x&signature=", "signature=AA", "expires=9999&signature=AA"]
        {
            assert!(!links.admits(path, hostile, NOW), "{hostile}");
        }
    }
}
