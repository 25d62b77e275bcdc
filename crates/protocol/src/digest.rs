//! SHA-256 digests of bodies: hexadecimal in JSON, base64 in the `Content-Digest` header (RFC 9530).

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A SHA-256 digest; its text is 64 lowercase hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256(pub [u8; 32]);

/// The digest of nothing at all, as an example.
pub(crate) const EXAMPLE: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Why a text is not a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    /// The text of a digest in a body.
    #[error("a SHA-256 digest has 64 lowercase hexadecimal digits")]
    Hex,
    /// The text of a digest in a header (RFC 9530).
    #[error("a `Content-Digest` header must have the form `sha-256=:<base64 of 32 bytes>:`")]
    Header,
}

impl Sha256 {
    /// The value of a `Content-Digest` header for this digest.
    pub fn to_header(self) -> String {
        format!("sha-256=:{}:", STANDARD.encode(self.0))
    }

    /// Reads a `Content-Digest` header. Members of other algorithms are passed over; `None` when there is no SHA-256.
    ///
    /// # Errors
    /// A SHA-256 member that cannot be read.
    pub fn from_header(text: &str) -> Result<Option<Self>, DigestError> {
        for member in text.split(',') {
            let Some((algorithm, value)) = member.trim().split_once('=') else {
                return Err(DigestError::Header);
            };
            if algorithm != "sha-256" {
                continue;
            }
            let body =
                value.strip_prefix(':').and_then(|rest| rest.strip_suffix(':')).ok_or(DigestError::Header)?;
            let bytes = STANDARD.decode(body).map_err(|_| DigestError::Header)?;
            return bytes.try_into().map(|digest| Some(Self(digest))).map_err(|_| DigestError::Header);
        }
        Ok(None)
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&reeve_types::Hex(&self.0), f)
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Sha256 {
    type Err = DigestError;

    /// Lowercase only: one text per digest, so that texts may be compared.
    fn from_str(text: &str) -> Result<Self, DigestError> {
        let mut digest = [0; 32];
        hex::decode_to_slice(text, &mut digest).map_err(|_| DigestError::Hex)?;
        if text.bytes().any(|b| b.is_ascii_uppercase()) { Err(DigestError::Hex) } else { Ok(Self(digest)) }
    }
}

impl Serialize for Sha256 {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Sha256 {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        <std::borrow::Cow<'_, str>>::deserialize(d)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_header_is_the_one_of_the_standard() {
        // SHA-256 of the empty body.
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855".parse::<Sha256>();
        assert_eq!(
            empty.map(Sha256::to_header).as_deref(),
            Ok("sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:")
        );
    }

    #[test]
    fn other_algorithms_are_passed_over_and_nonsense_is_refused() {
        let digest = Sha256([7; 32]);
        assert_eq!(Sha256::from_header(&format!("sha-512=:AA==:, {}", digest.to_header())), Ok(Some(digest)));
        assert_eq!(Sha256::from_header("sha-512=:AA==:"), Ok(None));
        for bad in ["", "sha-256", "sha-256=AA==", "sha-256=:AA==:", "sha-256=:*:"] {
            assert_eq!(Sha256::from_header(bad), Err(DigestError::Header), "{bad}");
        }
        for bad in ["", "ab", &"G".repeat(64), &"A".repeat(64)] {
            assert_eq!(bad.parse::<Sha256>(), Err(DigestError::Hex), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn digests_read_back(bytes in any::<[u8; 32]>()) {
            let digest = Sha256(bytes);
            prop_assert_eq!(digest.to_string().parse::<Sha256>(), Ok(digest));
            prop_assert_eq!(Sha256::from_header(&digest.to_header()), Ok(Some(digest)));
        }
    }
}
