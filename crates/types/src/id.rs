//! Typed ids: a prefix that says what it names, and a sortable body.
//!
//! The registry of prefixes is this file. A `JobId` never accepts a lot's text.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use crate::Millis;

/// Why a text is not an id of this kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// The text is not an id of that kind.
    #[error("not a {kind} id: expected `{prefix}_` and 32 hexadecimal digits")]
    Malformed {
        /// What it should name, such as `job`.
        kind: &'static str,
        /// What its ids begin with.
        prefix: &'static str,
    },
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// What stands before the underscore.
            pub const PREFIX: &'static str = $prefix;

            /// An id from its 128 bits.
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The 128 bits.
            pub const fn uuid(self) -> Uuid {
                self.0
            }

            /// A sortable id from an instant and 80 bits that the caller vouches for: random ones, or
            /// ones derived from what the id names, so that a replay makes the same id.
            pub const fn from_parts(at: Millis, low: u128) -> Self {
                let high = (at.value() as u128 & 0xffff_ffff_ffff) << 80;
                Self(Uuid::from_u128(high | (low & ((1 << 80) - 1))))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut body = Uuid::encode_buffer();
                f.write_str(concat!($prefix, "_"))?;
                f.write_str(self.0.simple().encode_lower(&mut body))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let malformed = IdError::Malformed { kind: $kind, prefix: $prefix };
                let body = text.strip_prefix(concat!($prefix, "_")).ok_or(malformed.clone())?;
                parse_hex(body).map(|bits| Self(Uuid::from_u128(bits))).ok_or(malformed)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'_, str>>::deserialize(d)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

id!(
    /// A generation job.
    JobId, "job", "job"
);
id!(
    /// A lot: credits that appeared together and expire together.
    LotId, "lot", "lot"
);
id!(
    /// An API key (not its secret).
    KeyId, "key", "key"
);
id!(
    /// An uploaded input.
    AssetId, "asset", "asset"
);
id!(
    /// A purchase of credits.
    PurchaseId, "purchase", "pur"
);
id!(
    /// A webhook endpoint.
    WebhookId, "webhook", "wh"
);

/// Exactly 32 lowercase hexadecimal digits: one text per id, so that texts may be compared.
fn parse_hex(body: &str) -> Option<u128> {
    let canonical =
        body.len() == 32 && body.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    if canonical { u128::from_str_radix(body, 16).ok() } else { None }
}

/// One attempt of one job, held by one worker.
///
/// The id carries the job and the attempt, so a lease finds its job without an index, and the next
/// attempt can never be mistaken for this one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeaseId {
    /// The job that is leased.
    pub job: JobId,
    /// Counts up for ever, from 1.
    pub attempt: u32,
}

impl fmt::Display for LeaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "lease_{}{:08x}", self.job.uuid().simple(), self.attempt)
    }
}

impl fmt::Debug for LeaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for LeaseId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let malformed = IdError::Malformed { kind: "lease", prefix: "lease" };
        let body = text.strip_prefix("lease_").ok_or(malformed.clone())?;
        let (job, attempt) = body.split_at_checked(32).ok_or(malformed.clone())?;
        let lower = attempt.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        match (parse_hex(job), u32::from_str_radix(attempt, 16)) {
            (Some(bits), Ok(attempt)) if body.len() == 40 && lower => {
                Ok(Self { job: JobId::from_uuid(Uuid::from_u128(bits)), attempt })
            }
            _ => Err(malformed),
        }
    }
}

impl serde::Serialize for LeaseId {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for LeaseId {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'_, str>>::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_id_reads_back(bits in any::<u128>(), attempt in any::<u32>()) {
            let job = JobId::from_uuid(Uuid::from_u128(bits));
            prop_assert_eq!(job.to_string().parse::<JobId>(), Ok(job));
            let lease = LeaseId { job, attempt };
            prop_assert_eq!(lease.to_string().parse::<LeaseId>(), Ok(lease));
        }

        #[test]
        fn hostile_ids_are_refused_without_panic(text in "(job_|lease_|lot_)?\\PC{0,48}") {
            let _ = text.parse::<JobId>();
            let _ = text.parse::<LeaseId>();
        }
    }

    #[test]
    fn a_job_id_does_not_accept_a_lot() {
        let lot = LotId::from_parts(Millis::from_millis(5), 7);
        assert!(lot.to_string().parse::<JobId>().is_err());
    }

    #[test]
    fn ids_have_one_text_only() {
        let job = JobId::from_uuid(Uuid::from_u128(0xab));
        assert!(job.to_string().to_uppercase().replace("JOB", "job").parse::<JobId>().is_err());
        assert!(format!("job_+{}", "0".repeat(31)).parse::<JobId>().is_err());
    }

    #[test]
    fn ids_sort_by_time() {
        let early = JobId::from_parts(Millis::from_millis(1_000), u128::MAX);
        let late = JobId::from_parts(Millis::from_millis(1_001), 0);
        assert!(early.to_string() < late.to_string());
    }
}
