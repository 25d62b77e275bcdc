//! Behaviour of a local store, seen from outside and on its disk.

use std::convert::Infallible;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use reeve_types::{AssetId, JobId, LeaseId, Millis, WorkspaceId};
use sha2::{Digest, Sha256};

use super::*;
use crate::key::Place as _;

const SLOT: OutputSlot =
    OutputSlot { lease: LeaseId { job: JobId::from_parts(Millis::from_millis(7), 1), attempt: 1 }, index: 0 };
const ANY: Wanted = Wanted { bytes_max: 64 << 20, sha256: None };

fn body(chunks: Vec<Bytes>) -> impl futures_util::Stream<Item = Result<Bytes, Infallible>> + Unpin {
    stream::iter(chunks.into_iter().map(Ok))
}

fn text(text: &'static str) -> impl futures_util::Stream<Item = Result<Bytes, Infallible>> + Unpin {
    body(vec![Bytes::from_static(text.as_bytes())])
}

fn large(mib: usize) -> Vec<Bytes> {
    (0..mib * 4).map(|n| Bytes::from(vec![u8::try_from(n % 251).unwrap(); 256 << 10])).collect()
}

async fn read(body: Body) -> Vec<u8> {
    let chunks: Vec<Bytes> = body.chunks.map(Result::unwrap).collect().await;
    chunks.concat()
}

/// Every file below a folder.
fn files(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(root).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found
}

#[tokio::test]
async fn what_was_put_is_read_back_with_its_digest() {
    let root = tempfile::tempdir().unwrap();
    let store = Artifacts::local(root.path()).unwrap();
    for chunks in [vec![], vec![Bytes::from_static(b"abc")], large(9)] {
        let whole = chunks.concat();
        let stored = store.put_output(SLOT, body(chunks), ANY).await.unwrap();
        assert_eq!(stored, Stored { sha256: Sha256::digest(&whole).into(), size: whole.len() as u64 });
        let key = OutputKey { slot: SLOT, sha256: stored.sha256 };
        assert!(read(store.output(&key, None).await.unwrap().unwrap()).await == whole);
    }
    assert!(files(&root.path().join("staging")).is_empty());
}

#[tokio::test]
async fn other_bytes_never_change_what_a_digest_names() {
    let root = tempfile::tempdir().unwrap();
    let store = Artifacts::local(root.path()).unwrap();
    let first = store.put_output(SLOT, text("first"), ANY).await.unwrap();
    store.put_output(SLOT, text("second"), ANY).await.unwrap();
    store.put_output(SLOT, text("first"), ANY).await.unwrap();
    let key = OutputKey { slot: SLOT, sha256: first.sha256 };
    assert_eq!(read(store.output(&key, None).await.unwrap().unwrap()).await, b"first");
    let next = OutputSlot { lease: LeaseId { attempt: 2, ..SLOT.lease }, index: 0 };
    assert!(store.output(&OutputKey { slot: next, ..key }, None).await.unwrap().is_none());
}

#[tokio::test]
async fn a_body_beyond_its_bound_leaves_nothing() {
    let root = tempfile::tempdir().unwrap();
    let store = Artifacts::local(root.path()).unwrap();
    for (chunks, bytes_max) in [(vec![Bytes::from_static(b"abcd")], 3), (large(9), 8 << 20)] {
        let wanted = Wanted { bytes_max, sha256: None };
        let put = store.put_output(SLOT, body(chunks), wanted).await;
        assert!(matches!(put, Err(PutError::TooLarge { bytes_max: max }) if max == bytes_max));
    }
    assert_eq!(files(root.path()), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn a_digest_that_does_not_match_leaves_nothing() {
    let root = tempfile::tempdir().unwrap();
    let store = Artifacts::local(root.path()).unwrap();
    for chunks in [vec![Bytes::from_static(b"abc")], large(9)] {
        let wanted = Wanted { sha256: Some([0; 32]), ..ANY };
        let put = store.put_output(SLOT, body(chunks), wanted).await;
        assert!(matches!(put, Err(PutError::DigestMismatch { .. })));
    }
    assert_eq!(files(root.path()), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_no_file() {
    let root = tempfile::tempdir().unwrap();
    let store = Artifacts::local(root.path()).unwrap();
    for mut chunks in [vec![], large(6)] {
        chunks.push(Bytes::from_static(b"abc"));
        let broken = stream::iter(chunks.into_iter().map(Ok).chain([Err("the peer is gone")]));
        let put = store.put_output(SLOT, broken, ANY).await;
        assert!(matches!(put, Err(PutError::Body("the peer is gone"))));
    }
    assert_eq!(files(root.path()), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn what_a_crash_left_half_done_is_gone_after_opening() {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir(root.path().join("staging")).unwrap();
    std::fs::write(root.path().join("staging/outputs-x#1"), b"half").unwrap();
    Artifacts::local(root.path()).unwrap();
    assert_eq!(files(root.path()), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn a_range_gives_just_its_bytes() {
    let root = tempfile::tempdir().unwrap();
    let store = Artifacts::local(root.path()).unwrap();
    let stored = store.put_output(SLOT, text("0123456789"), ANY).await.unwrap();
    let key = OutputKey { slot: SLOT, sha256: stored.sha256 };
    let part = store.output(&key, Some(2..5)).await.unwrap().unwrap();
    assert_eq!((part.size, part.range.clone()), (10, 2..5));
    assert_eq!(read(part).await, b"234");
    assert!(store.output(&key, Some(10..11)).await.is_err());
}

#[tokio::test]
async fn a_deleted_output_is_gone_and_deleting_it_again_is_fine() {
    let root = tempfile::tempdir().unwrap();
    let store = Artifacts::local(root.path()).unwrap();
    let stored = store.put_output(SLOT, text("abc"), ANY).await.unwrap();
    for _ in 0..2 {
        store.delete_output(SLOT, stored.sha256).await.unwrap();
    }
    assert_eq!(files(root.path()), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn an_asset_is_written_once() {
    let root = tempfile::tempdir().unwrap();
    let store = Artifacts::local(root.path()).unwrap();
    let key = AssetKey {
        workspace: WorkspaceId::new("w").unwrap(),
        asset: AssetId::from_parts(Millis::from_millis(1), 1),
    };
    assert_eq!(store.asset(&key).await.unwrap(), None);
    let (meta, new) = store.put_asset(&key, "image/png", text("abc"), ANY).await.unwrap();
    assert!(new);
    assert_eq!(store.put_asset(&key, "image/png", text("abc"), ANY).await.unwrap(), (meta.clone(), false));
    assert!(matches!(store.put_asset(&key, "image/png", text("other"), ANY).await, Err(PutError::Exists)));
    assert_eq!(store.asset(&key).await.unwrap().as_ref(), Some(&meta));
    assert_eq!(read(store.asset_body(&key, &meta, None).await.unwrap().unwrap()).await, b"abc");
    store.delete_asset(&key).await.unwrap();
    assert_eq!(store.asset(&key).await.unwrap(), None);
}

#[test]
fn keys_stay_below_their_folder_whatever_the_ids() {
    for name in ["a", "A-Z_9", "-", "____"] {
        let asset = AssetId::from_uuid(uuid::Uuid::max());
        let path = AssetKey { workspace: WorkspaceId::new(name).unwrap(), asset }.with_digest(&[0xff; 32]);
        assert_eq!(path.parts().count(), 3);
        assert!(path.as_ref().starts_with(&format!("assets/{name}/asset_")), "{path}");
    }
    // What could leave the folder is no id in the first place.
    for hostile in ["..", ".", "a/b", "a\\b", "a%2fb", "a\0", "#1", ""] {
        assert!(WorkspaceId::new(hostile).is_err(), "{hostile:?}");
        assert!(hostile.parse::<AssetId>().is_err() && hostile.parse::<LeaseId>().is_err());
    }
}
