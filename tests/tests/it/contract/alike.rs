//! Whether an answer is the one that is written down, but for what no two runs share.

use serde_json::Value;

/// Members whose values depend on the moment, on the machine or on random bits.
const LOOSE: &[&str] = &[
    "eta_seconds",
    "eta_p90_seconds",
    "oldest_wait_seconds",
    "p50_wait_seconds",
    "p99_wait_seconds",
    "share",
    "floor_lag",
    "jain_permille",
    "jain_workspaces",
    "checked",
    "hash",
    "key",
    "version",
    "secret",
    "progress",
    "id_token",
];

/// What differs; empty when nothing does. Members named in `loose` may have any value, too.
pub fn differences(written: &Value, given: &Value, loose: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    walk((written, given), "", loose, &mut found);
    found
}

fn walk((written, given): (&Value, &Value), at: &str, loose: &[&str], found: &mut Vec<String>) {
    let name = at.rsplit('/').next().unwrap_or_default();
    match (written, given) {
        (Value::Object(a), Value::Object(b)) => {
            for key in a.keys().chain(b.keys().filter(|key| !a.contains_key(*key))) {
                match (a.get(key), b.get(key)) {
                    (Some(a), Some(b)) => walk((a, b), &format!("{at}/{key}"), loose, found),
                    (Some(_), None) => found.push(format!("{at}/{key} is written down and not given")),
                    _ => found.push(format!("{at}/{key} is given and not written down")),
                }
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            if a.len() != b.len() {
                found.push(format!("{at} has {} entries, {} are written down", b.len(), a.len()));
            }
            for (n, (a, b)) in a.iter().zip(b).enumerate() {
                walk((a, b), &format!("{at}/{n}"), loose, found);
            }
        }
        _ if LOOSE.contains(&name) || loose.contains(&name) => {}
        (Value::String(a), Value::String(b)) if same_sort(a, b) => {}
        _ if written == given => {}
        _ => found.push(format!("{at} is {given}, written down is {written}")),
    }
}

/// Two times, two digests, two signed links.
fn same_sort(a: &str, b: &str) -> bool {
    let is_time = |text: &str| text.len() >= 20 && text.as_bytes()[10] == b'T' && text.ends_with('Z');
    let is_digest = |text: &str| text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_signed = |text: &str| text.contains("signature=");
    (is_time(a) && is_time(b)) || (is_digest(a) && is_digest(b)) || (is_signed(a) && is_signed(b))
}

#[test]
fn what_matters_is_told_apart_and_the_moment_is_not() {
    use serde_json::json;
    let written = json!({"at": "2026-03-01T09:00:00.000Z", "credits": 8, "eta_seconds": null, "list": [1]});
    let later = json!({"at": "2026-03-02T09:00:00.000Z", "credits": 8, "eta_seconds": 4, "list": [1]});
    assert_eq!(differences(&written, &later, &[]), Vec::<String>::new());
    let other = json!({"at": "2026-03-01T09:00:00.000Z", "credits": 9, "list": [1, 2], "more": 1});
    assert_eq!(differences(&written, &other, &["more"]).len(), 4);
}
