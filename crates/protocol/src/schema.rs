//! What the API document says about ids and names: their form and their bounds, each under a name of its own.
//!
//! The types themselves live in `types`, which knows of no document. A shape names the twin here with
//! `#[schema(value_type = ..)]`, so that readers of the document see which id goes where. The tests below hold each
//! twin against the parser it speaks for.

use std::borrow::Cow;

use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

macro_rules! texts {
    ($($(#[doc = $doc:literal])+ $name:ident, $pattern:expr, $len_max:expr, $example:literal;)+) => {
        $(
            $(#[doc = $doc])+
            #[derive(Clone, Copy, Debug)]
            pub struct $name;

            impl PartialSchema for $name {
                fn schema() -> RefOr<Schema> {
                    text(concat!($($doc),+), $pattern, ($len_max, $example))
                }
            }

            impl ToSchema for $name {
                fn name() -> Cow<'static, str> {
                    Cow::Borrowed(stringify!($name))
                }
            }
        )+

        /// Every text of this module by its name, with an example of it.
        pub const ALL: &[(&str, &str)] = &[$((stringify!($name), $example)),+];
    };
}

fn text(doc: &str, pattern: &str, (len_max, example): (usize, &str)) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(doc.trim()))
        .pattern(Some(pattern))
        .min_length(Some(1))
        .max_length(Some(len_max))
        .examples([serde_json::json!(example)])
        .into()
}

const SLUG: &str = "^[A-Za-z0-9_-]{1,64}$";
const DOTTED: &str = "^[A-Za-z0-9_.-]{1,64}$";
/// Anything but control characters.
pub const PLAIN: &str = r"^[^\x00-\x1f\x7f-\x9f]+$";

texts! {
    /// A job.
    JobId, "^job_[0-9a-f]{32}$", 36, "job_00000000000000000000000000000001";
    /// A lot: credits that came together and expire together.
    LotId, "^lot_[0-9a-f]{32}$", 36, "lot_00000000000000000000000000000001";
    /// An API key; not its secret.
    KeyId, "^key_[0-9a-f]{32}$", 36, "key_00000000000000000000000000000001";
    /// An uploaded input.
    AssetId, "^asset_[0-9a-f]{32}$", 38, "asset_00000000000000000000000000000001";
    /// A purchase.
    PurchaseId, "^pur_[0-9a-f]{32}$", 36, "pur_00000000000000000000000000000001";
    /// A webhook endpoint.
    WebhookId, "^wh_[0-9a-f]{32}$", 35, "wh_00000000000000000000000000000001";
    /// One attempt of one job, held by one worker.
    LeaseId, "^lease_[0-9a-f]{40}$", 46, "lease_0000000000000000000000000000000100000001";
    /// A workspace: the owner of credits and jobs. The caller may choose it.
    WorkspaceId, SLUG, 64, "acme";
    /// A person inside a workspace, as the platform names them.
    MemberId, PLAIN, 128, "ada@example.com";
    /// A catalog: one product's credit policy.
    CatalogName, SLUG, 64, "pixelmill";
    /// A plan of a catalog.
    PlanName, SLUG, 64, "basic";
    /// What grants credits in a catalog.
    SourceName, SLUG, 64, "plan";
    /// What a job performs.
    ActionName, DOTTED, 64, "image.generate";
    /// A class of workers that can do the same.
    PoolName, DOTTED, 64, "image";
    /// A tier of the queue.
    TierName, SLUG, 64, "standard";
    /// A worker, as it calls itself.
    WorkerName, PLAIN, 128, "gpu-7";
}

impl PartialSchema for crate::Sha256 {
    fn schema() -> RefOr<Schema> {
        text("A SHA-256 digest in hexadecimal.", "^[0-9a-f]{64}$", (64, crate::digest::EXAMPLE))
    }
}

impl ToSchema for crate::Sha256 {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Sha256")
    }
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use super::*;

    /// The example parses, is in the canonical form, and a longer text than the bound does not parse.
    fn speaks_for<T: FromStr + std::fmt::Display, S: ToSchema>() {
        let name = S::name();
        let schema = serde_json::to_value(S::schema()).unwrap();
        let example = schema["examples"][0].as_str().unwrap();
        assert_eq!(T::from_str(example).ok().map(|id| id.to_string()).as_deref(), Some(example), "{name}");
        let len_max = usize::try_from(schema["maxLength"].as_u64().unwrap()).unwrap();
        let last = example.chars().last().unwrap();
        let longest: String = example.chars().chain(std::iter::repeat(last)).take(len_max).collect();
        assert!(T::from_str(&longest).is_ok(), "{name}: {longest}");
        assert!(T::from_str(&format!("{longest}{last}")).is_err(), "{name}: one more than {len_max}");
        assert!(T::from_str("").is_err(), "{name}");
        assert!(T::from_str("a\u{7f}b").is_err(), "{name}");
    }

    #[test]
    fn every_text_says_what_its_parser_takes() {
        speaks_for::<reeve_types::JobId, JobId>();
        speaks_for::<reeve_types::LotId, LotId>();
        speaks_for::<reeve_types::KeyId, KeyId>();
        speaks_for::<reeve_types::AssetId, AssetId>();
        speaks_for::<reeve_types::PurchaseId, PurchaseId>();
        speaks_for::<reeve_types::WebhookId, WebhookId>();
        speaks_for::<reeve_types::LeaseId, LeaseId>();
        speaks_for::<reeve_types::WorkspaceId, WorkspaceId>();
        speaks_for::<reeve_types::MemberId, MemberId>();
        speaks_for::<reeve_types::CatalogName, CatalogName>();
        speaks_for::<reeve_types::PlanName, PlanName>();
        speaks_for::<reeve_types::SourceName, SourceName>();
        speaks_for::<reeve_types::ActionName, ActionName>();
        speaks_for::<reeve_types::PoolName, PoolName>();
        speaks_for::<reeve_types::TierName, TierName>();
        speaks_for::<reeve_types::WorkerName, WorkerName>();
        speaks_for::<crate::Sha256, crate::Sha256>();
        assert_eq!(ALL.len(), 16, "a text without a line above");
    }
}
