//! Texts that come in paths, headers and queries (ids, leases, resume ids, digests, instants, amounts, names), bent from
//! ones that are fine: each is refused with a reason, or is the text of what was read, and nothing panics.
//!
//! `REEVE_FUZZ_CASES` makes the run longer, `REEVE_FUZZ_SEED` another one.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::fmt::{Debug, Display};
use std::str::FromStr;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::TestCaseResult;
use reeve_protocol::{Amount, At, EventId, Quantity, Sha256};
use reeve_testkit::fuzz::runner;
use reeve_types::{
    ActionName, AssetId, CatalogName, Credits, JobId, KeyId, LeaseId, LotId, MemberId, Millis, PlanName,
    PoolName, PurchaseId, SourceName, TierName, WebhookId, WorkerName, WorkspaceId,
};

/// Texts that are fine, of every kind.
fn fine() -> Vec<String> {
    let at = Millis::from_millis(1_772_000_000_000);
    let job = JobId::from_parts(at, 0xfedc_ba98_7654_3210);
    let mut all: Vec<String> = vec![
        job.to_string(),
        LeaseId { job, attempt: 1 }.to_string(),
        LeaseId { job, attempt: u32::MAX }.to_string(),
        LotId::from_parts(at, 1).to_string(),
        KeyId::from_parts(at, 1).to_string(),
        AssetId::from_parts(at, 1).to_string(),
        PurchaseId::from_parts(at, 1).to_string(),
        WebhookId::from_parts(at, 1).to_string(),
        EventId { boot: 12, n: 7 }.to_string(),
        EventId { boot: u64::MAX, n: u64::MAX }.to_string(),
        Sha256([0xab; 32]).to_string(),
        Sha256([0xab; 32]).to_header(),
        format!("md5=:AAAA:, {}", Sha256([7; 32]).to_header()),
        At(at).to_string(),
        Credits::from_micros(i64::MAX).to_string(),
        Credits::from_micros(i64::MIN).to_string(),
    ];
    all.extend(
        ["12.5", "-0.000001", "1e3", "2026-02-28T23:59:60+14:00", "image.generate", "acme-1_2"]
            .map(str::to_owned),
    );
    all
}

/// One of them with up to four places otherwise: characters put in, taken out, or put in the place of others.
fn bent() -> impl Strategy<Value = String> {
    let chars = "[0-9a-fA-FxX+:=_. -]{0,3}|[\\x00-\\x20\"%/\\\\~]|\\PC{0,2}|0{1,40}|9{1,40}";
    (select(fine()), prop::collection::vec((any::<Index>(), 0_usize..4, chars), 0..4)).prop_map(
        |(text, edits)| {
            edits.into_iter().fold(text, |text, (at, gone, put)| {
                let all: Vec<char> = text.chars().collect();
                let at = at.index(all.len() + 1);
                let rest = all.iter().skip(at + gone);
                all[..at].iter().copied().chain(put.chars()).chain(rest.copied()).collect()
            })
        },
    )
}

/// What is read from a text is written as that text.
fn has_one_text<T>(text: &str) -> TestCaseResult
where
    T: FromStr<Err: Display> + Display,
{
    match text.parse::<T>() {
        Ok(value) => prop_assert_eq!(value.to_string(), text),
        Err(error) => prop_assert!(!error.to_string().is_empty()),
    }
    Ok(())
}

/// What is read from a text is read from its own text again.
fn reads_back<T>(text: &str) -> TestCaseResult
where
    T: FromStr<Err: Display + Debug> + Display + PartialEq + Debug,
{
    match text.parse::<T>() {
        Ok(value) => prop_assert_eq!(&value.to_string().parse::<T>().unwrap(), &value),
        Err(error) => prop_assert!(!error.to_string().is_empty()),
    }
    Ok(())
}

#[test]
fn a_bent_id_is_refused_or_is_the_text_of_the_id() {
    let ran = runner(2_000).run(&bent(), |text| {
        has_one_text::<JobId>(&text)?;
        has_one_text::<LeaseId>(&text)?;
        has_one_text::<LotId>(&text)?;
        has_one_text::<KeyId>(&text)?;
        has_one_text::<AssetId>(&text)?;
        has_one_text::<PurchaseId>(&text)?;
        has_one_text::<WebhookId>(&text)?;
        has_one_text::<Sha256>(&text)
    });
    ran.unwrap();
}

#[test]
fn a_text_is_an_id_of_one_kind_at_most() {
    let ran = runner(1_000).run(&bent(), |text| {
        let kinds = [
            text.parse::<JobId>().is_ok(),
            text.parse::<LeaseId>().is_ok(),
            text.parse::<LotId>().is_ok(),
            text.parse::<KeyId>().is_ok(),
            text.parse::<AssetId>().is_ok(),
            text.parse::<PurchaseId>().is_ok(),
            text.parse::<WebhookId>().is_ok(),
            text.parse::<EventId>().is_ok(),
        ];
        prop_assert!(kinds.iter().filter(|is_one| **is_one).count() <= 1, "{}: {:?}", text, kinds);
        Ok(())
    });
    ran.unwrap();
}

#[test]
fn a_bent_resume_id_instant_amount_or_name_is_refused_or_reads_back() {
    let ran = runner(2_000).run(&bent(), |text| {
        reads_back::<EventId>(&text)?;
        reads_back::<At>(&text)?;
        reads_back::<Credits>(&text)?;
        has_one_text::<WorkspaceId>(&text)?;
        has_one_text::<MemberId>(&text)?;
        has_one_text::<CatalogName>(&text)?;
        has_one_text::<PlanName>(&text)?;
        has_one_text::<ActionName>(&text)?;
        has_one_text::<PoolName>(&text)?;
        has_one_text::<TierName>(&text)?;
        has_one_text::<SourceName>(&text)?;
        has_one_text::<WorkerName>(&text)
    });
    ran.unwrap();
}

#[test]
fn a_bent_digest_header_is_refused_or_reads_back() {
    let ran = runner(2_000).run(&bent(), |text| {
        match Sha256::from_header(&text) {
            Ok(Some(digest)) => prop_assert_eq!(Sha256::from_header(&digest.to_header()), Ok(Some(digest))),
            Ok(None) => prop_assert!(text.contains('=')),
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
        Ok(())
    });
    ran.unwrap();
}

#[test]
fn a_bent_number_is_refused_or_is_written_as_a_number_that_reads_back() {
    let ran = runner(2_000).run(&bent(), |text| {
        if let Ok(amount) = serde_json::from_str::<Amount>(&text) {
            let written = serde_json::to_string(&amount).unwrap();
            prop_assert_eq!(serde_json::from_str::<Amount>(&written).unwrap(), amount);
        }
        if let Ok(quantity) = serde_json::from_str::<Quantity>(&text) {
            let written = serde_json::to_string(&quantity).unwrap();
            prop_assert_eq!(serde_json::from_str::<Quantity>(&written).unwrap(), quantity);
        }
        Ok(())
    });
    ran.unwrap();
}
