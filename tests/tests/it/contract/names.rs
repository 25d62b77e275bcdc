//! Ids of the story: small numbers in the file, real ones on the wire.

use std::collections::BTreeMap;

/// Which real id stands behind which number, learned from the answers as they come.
#[derive(Default)]
pub struct Names {
    shown: BTreeMap<String, String>,
    real: BTreeMap<String, String>,
    count: BTreeMap<String, u64>,
}

impl Names {
    /// A text of an answer with numbers for ids; one that is new gets the next number of its kind.
    pub fn shown(&mut self, text: &str) -> String {
        replaced(text, |kind, hex| {
            let id = format!("{kind}_{hex}");
            if let Some(shown) = self.shown.get(&id) {
                return shown.clone();
            }
            let count = self.count.entry(kind.to_owned()).or_default();
            *count += 1;
            let shown = format!("{kind}_{count:032x}");
            self.real.insert(shown.clone(), id.clone());
            self.shown.insert(id, shown.clone());
            shown
        })
    }

    /// A text of the story with the real ids; those that are not known yet stay.
    pub fn real(&self, text: &str) -> String {
        replaced(text, |kind, hex| {
            let id = format!("{kind}_{hex}");
            self.real.get(&id).cloned().unwrap_or(id)
        })
    }
}

/// Every id of a text replaced. A lease carries its job: that part is replaced as the job's.
fn replaced(text: &str, mut by: impl FnMut(&str, &str) -> String) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('_') {
        let (before, after) = (&rest[..at], &rest[at + 1..]);
        let kind_at = before.rfind(|c: char| !c.is_ascii_lowercase()).map_or(0, |n| n + 1);
        let kind = &before[kind_at..];
        let is_hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
        let len = after.find(|c: char| !is_hex(c)).unwrap_or(after.len());
        let ends = !after[len..].starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        match (kind, len) {
            ("lease", 40) if ends => {
                let job = by("job", &after[..32]);
                out.push_str(before);
                out.push('_');
                out.push_str(job.trim_start_matches("job_"));
                out.push_str(&after[32..40]);
                rest = &after[40..];
            }
            (kind, 32) if ends && !kind.is_empty() => {
                out.push_str(&before[..kind_at]);
                out.push_str(&by(kind, &after[..32]));
                rest = &after[32..];
            }
            _ => {
                out.push_str(before);
                out.push('_');
                rest = after;
            }
        }
    }
    out + rest
}

#[test]
fn ids_come_back_as_what_they_were() {
    let mut names = Names::default();
    let (a, b) = ("0123456789abcdef".repeat(2), "fedcba9876543210".repeat(2));
    let text = format!(
        "{{\"job\":\"job_{a}\",\"lease\":\"lease_{a}00000002\",\"job_other\":\"job_{b}\",\"plain_text\":1}}"
    );
    let shown = names.shown(&text);
    let (one, two) = (format!("{:032x}", 1), format!("{:032x}", 2));
    assert_eq!(
        shown,
        format!(
            "{{\"job\":\"job_{one}\",\"lease\":\"lease_{one}00000002\",\"job_other\":\"job_{two}\",\"plain_text\":1}}"
        )
    );
    assert_eq!(names.real(&shown), text);
    assert_eq!(names.shown(&text), shown);
}
