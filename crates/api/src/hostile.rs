//! What stands in headers, queries and links, bent from what is fine, through the functions that read it: nothing
//! panics, a range lies within its bytes, and a link opens its own path only. For tests alone.
//!
//! `REEVE_FUZZ_CASES` makes the run longer, `REEVE_FUZZ_SEED` another one.

use actix_web::HttpRequest;
use actix_web::http::header::{CONTENT_TYPE, HeaderName, HeaderValue, IF_NONE_MATCH, IF_RANGE, RANGE};
use actix_web::test::TestRequest;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use reeve_protocol::headers::{IDEMPOTENCY_KEY, LAST_EVENT_ID};
use reeve_protocol::{
    DeliveriesQuery, EventId, JobsQuery, LedgerQuery, ReconciliationQuery, Sha256, UsageQuery,
};
use reeve_testkit::fuzz::runner;
use reeve_types::{JobId, KeyId, LeaseId, Millis, PurchaseId, WorkspaceId};

use crate::error::ApiError;
use crate::idempotency::scoped_key;
use crate::link::Links;
use crate::query::{CURSOR_BYTES_MAX, Part, parses, query};
use crate::sse::resume_after;
use crate::upload::{Described, Portion, content_type, portion};

/// Bytes with up to four places otherwise; never one that no header may have.
fn bent(of: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    let put = prop_oneof![
        "[0-9,;=: *\"-]{0,3}".prop_map(String::into_bytes),
        "9{1,30}|0{1,30}|(bytes=|, ?)?[0-9]{0,20}-[0-9]{0,20}".prop_map(String::into_bytes),
        prop::collection::vec(prop_oneof![0x20_u8..0x7f, 0x80_u8..=0xff], 0..4),
    ];
    (select(of), prop::collection::vec((any::<Index>(), 0_usize..4, put), 0..4)).prop_map(|(text, edits)| {
        edits.into_iter().fold(text.as_bytes().to_vec(), |mut bytes, (at, gone, put)| {
            let at = at.index(bytes.len() + 1);
            let end = (at + gone).min(bytes.len());
            bytes.splice(at..end, put);
            bytes
        })
    })
}

fn with(name: HeaderName, bytes: &[u8]) -> HttpRequest {
    let value = HeaderValue::from_bytes(bytes).unwrap();
    TestRequest::default().insert_header((name, value)).to_http_request()
}

fn is_the_callers_fault(error: &ApiError) -> bool {
    (400..500).contains(&error.problem().status) && !error.problem().detail.is_empty()
}

#[test]
fn a_range_is_within_the_bytes_whatever_it_says() {
    let ranges =
        &["bytes=0-3", "bytes=4-", "bytes=-3", "bytes=0-1,3-4", "bytes=8-99999999999999999999", "none", ""];
    let sizes = select(vec![0, 1, 10, 1 << 40, u64::MAX]);
    let ran = runner(3_000).run(&(bent(ranges), sizes), |(bytes, size)| {
        let described = Described { content_type: "image/png", sha256: Sha256([1; 32]), size };
        if let Portion::Part(part) = portion(&with(RANGE, &bytes), &described) {
            prop_assert!(part.start < part.end && part.end <= size, "{:?} of {}", part, size);
        }
        Ok(())
    });
    ran.unwrap();
}

#[test]
fn only_the_tag_of_the_bytes_makes_them_unchanged() {
    let tag = "\"0101010101010101010101010101010101010101010101010101010101010101\"";
    let ran = runner(1_500).run(&bent(&["*", "\"x\"", "W/\"x\", \"y\"", "\"0101\", *"]), |bytes| {
        let described = Described { content_type: "image/png", sha256: Sha256([1; 32]), size: 10 };
        let said = String::from_utf8_lossy(&bytes).into_owned();
        let is_unchanged = portion(&with(IF_NONE_MATCH, &bytes), &described) == Portion::Unchanged;
        prop_assert_eq!(is_unchanged, said.trim() == "*" || said.contains(tag));
        prop_assert_eq!(portion(&with(IF_RANGE, &bytes), &described), Portion::All);
        Ok(())
    });
    ran.unwrap();
}

#[test]
fn a_bent_header_is_read_or_refused() {
    let texts =
        &["12-7", "0-0", "18446744073709551615-1", "a-key_1", "image/png; charset=\"x\"", "video/mp4"];
    let key = KeyId::from_parts(Millis::from_millis(0), 1);
    let ran = runner(3_000).run(&bent(texts), |bytes| {
        if let Some((boot, n)) = resume_after(&with(LAST_EVENT_ID.parse().unwrap(), &bytes)) {
            let text = std::str::from_utf8(&bytes).unwrap().trim();
            prop_assert_eq!(text.parse::<EventId>(), Ok(EventId { boot, n }));
        }
        match scoped_key(&with(IDEMPOTENCY_KEY.parse().unwrap(), &bytes), key) {
            Ok(scoped) => {
                let text = std::str::from_utf8(&bytes).unwrap();
                let wanted = format!("{key}:{text}");
                prop_assert_eq!(scoped.as_deref(), Some(wanted.as_str()));
                prop_assert!(text.bytes().all(|byte| byte.is_ascii_graphic()));
            }
            Err(error) => prop_assert!(is_the_callers_fault(&error)),
        }
        match content_type(&with(CONTENT_TYPE, &bytes)) {
            Ok(kind) => prop_assert!(kind.contains('/') && HeaderValue::from_str(&kind).is_ok()),
            Err(error) => prop_assert!(is_the_callers_fault(&error)),
        }
        Ok(())
    });
    ran.unwrap();
}

#[test]
fn a_bent_link_opens_nothing() {
    const PATH: &str = "/v1/jobs/job_0000/outputs/0";
    let links = Links::new(&[7; 32]);
    let expires = Millis::from_millis(2_000);
    let link = links.sign(PATH, expires);
    let (_, query) = link.split_once('?').unwrap();
    let edits = prop::collection::vec((any::<Index>(), 0_usize..3, "[0-9A-Za-z_=&%+-]{0,3}"), 1..4);
    let nows = select(vec![i64::MIN, -1, 0, 1_999, 2_000, i64::MAX]);
    let ran = runner(3_000).run(&(edits, nows, any::<bool>()), |(edits, now, bends_path)| {
        let base = if bends_path { PATH } else { query };
        let bent = edits.into_iter().fold(base.to_owned(), |mut text, (at, gone, put)| {
            let at = at.index(text.len() + 1);
            let end = (at + gone).min(text.len());
            text.replace_range(at..end, &put);
            text
        });
        let (path, query) = if bends_path { (bent.as_str(), query) } else { (PATH, bent.as_str()) };
        let opens = links.admits(path, query, Millis::from_millis(now));
        // What was put in may be what was taken out, or stand behind what counts.
        let first = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name));
        let is_whole = path == PATH && first("expires=").is_some_and(|text| text.parse() == Ok(2_000_i64));
        prop_assert!(!opens || (is_whole && now < 2_000), "{}?{} opens", path, query);
        Ok(())
    });
    ran.unwrap();
}

#[test]
fn a_bent_query_is_read_or_refused() {
    let queries = vec![
        "limit=10&cursor=5",
        "cursor=job_019f0000000000000000000000000000&limit=500",
        "cursor=pur_019f0000000000000000000000000000",
        "status=queued&action=image.generate&since=2026-01-01T00:00:00Z&until=2026-02-01T00:00:00%2B01:00",
        "metadata=a:b&member=anna&error=timeout",
        "kind=settle&from=2026-01-01T00:00:00Z&to=2026-01-01",
        "by=action&by=member&limit=0",
    ];
    let edits = prop::collection::vec(
        (any::<Index>(), 0_usize..4, "[0-9A-Za-z_=&%+.:~-]{0,4}|%[0-9A-Fa-f]{2}|9{1,25}|-?[0-9]{1,3}|x{200}"),
        0..4,
    );
    let ran = runner(2_000).run(&(select(queries), edits), |(text, edits)| {
        let bent = edits.into_iter().fold(text.to_owned(), |mut text, (at, gone, put)| {
            let at = at.index(text.len() + 1);
            let end = (at + gone).min(text.len());
            text.replace_range(at..end, &put);
            text
        });
        let req = TestRequest::with_uri(&format!("/v1/jobs?{bent}")).to_http_request();
        for refused in [
            query::<JobsQuery>(&req).err(),
            query::<LedgerQuery>(&req).err(),
            query::<UsageQuery>(&req).err(),
            query::<ReconciliationQuery>(&req).err(),
            query::<DeliveriesQuery>(&req).err(),
        ] {
            prop_assert!(refused.is_none_or(|error| is_the_callers_fault(&error)));
        }
        if let Ok(JobsQuery { limit, cursor, .. }) = query(&req) {
            let kinds: [fn(&str) -> bool; 5] = [
                parses::<u64>,
                parses::<JobId>,
                parses::<PurchaseId>,
                parses::<WorkspaceId>,
                parses::<LeaseId>,
            ];
            for is_cursor in kinds {
                match Part::new(limit, cursor.clone(), is_cursor) {
                    Ok(part) => prop_assert!(part.page.after.is_none_or(|at| at.len() <= CURSOR_BYTES_MAX)),
                    Err(error) => prop_assert!(is_the_callers_fault(&error)),
                }
            }
        }
        Ok(())
    });
    ran.unwrap();
}
