//! What each step does, in words, for whoever is about to apply it.
//!
//! Read by `reeve migrate`. A step that is not described here fails a test.

/// One step as people are told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// As it is stored once it was applied.
    pub name: &'static str,
    /// What it does, as a part of a sentence.
    pub about: &'static str,
    /// Tables every row of which it reads or copies; without any it takes no time to speak of.
    pub reads: &'static [&'static str],
}

const fn makes(name: &'static str, about: &'static str) -> Step {
    Step { name, about, reads: &[] }
}

/// Every step, in order. None of them can be undone: what it changed is only in a backup.
pub const STEPS: [Step; 19] = [
    makes("m20260101_000001_workspaces", "makes the table of workspaces"),
    makes("m20260101_000002_lots", "makes the table of lots"),
    makes("m20260101_000003_jobs", "makes the table of jobs"),
    makes("m20260101_000004_uploads", "makes the table of uploads under way"),
    makes("m20260101_000005_ledger", "makes the ledger"),
    makes("m20260101_000006_outbox", "makes the outbox of events"),
    makes("m20260101_000007_claims", "makes the table of facts that are there once"),
    makes("m20260101_000008_answers", "makes the table of remembered answers"),
    makes("m20260101_000009_purchases", "makes the table of purchases"),
    makes("m20260101_000010_keys", "makes the table of keys"),
    makes("m20260101_000011_lanes", "makes the table that fences writers"),
    makes("m20260101_000012_members", "makes the table of members with limits"),
    makes("m20260101_000013_catalogs", "makes the table of published catalogs"),
    makes("m20260101_000014_promotions", "makes the table of promotions"),
    Step {
        name: "m20260301_000015_dense",
        about: "puts the ledger in order of arrival (SQLite), makes the indexes of jobs anew",
        reads: &["ledger", "jobs"],
    },
    Step {
        name: "m20260401_000016_webhooks",
        about: "makes the tables of webhooks and deliveries, an index of jobs with a webhook",
        reads: &["jobs"],
    },
    makes("m20260401_000017_key_bounds", "adds an end, a last use and bounds to keys"),
    Step {
        name: "m20260401_000018_ends",
        about: "adds the ends of workspaces and jobs, indexes what ends",
        reads: &["workspaces", "answers"],
    },
    makes("m20260501_000019_ahead", "makes the tables of batches that are written ahead (SQLite)"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_is_described_in_its_place() {
        let described: Vec<String> = STEPS.iter().map(|step| step.name.to_owned()).collect();
        assert_eq!(described, crate::step_names());
    }
}
