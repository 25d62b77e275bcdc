//! The house rules that a compiler does not check: who may depend on whom, and how long a file may be.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Allowed edges between packages, beside everybody's edge to `types`. An arrow that is not here is a
/// decision to be made, not an import to be added.
const EDGES: &[(&str, &[&str])] = &[
    ("types", &[]),
    // Empty in what ships; a build for tests is killed and broken there.
    ("faults", &[]),
    // For which request work is done: seen by all that have a part in one.
    ("telemetry", &[]),
    ("credits", &[]),
    ("jobs", &[]),
    ("workspace", &["credits", "jobs"]),
    ("queue", &[]),
    ("simulate", &["queue"]),
    // The ports name what the core writes and rebuild it, so they see what the core is made of.
    ("journal", &["workspace", "credits", "jobs"]),
    ("protocol", &[]),
    ("store", &["journal", "migrations", "workspace", "credits", "jobs", "faults", "telemetry"]),
    ("artifacts", &["faults"]),
    ("actors", &["workspace", "queue", "journal", "credits", "jobs", "faults", "telemetry"]),
    // Pure too: a world in memory around the core.
    ("rehearsal", &["workspace", "credits", "jobs"]),
    (
        "api",
        &[
            "actors",
            "artifacts",
            "protocol",
            "journal",
            "workspace",
            "credits",
            "jobs",
            "rehearsal",
            "faults",
            "telemetry",
        ],
    ),
    ("upkeep", &["actors", "artifacts", "journal", "workspace", "jobs", "faults"]),
    ("webhooks", &["journal", "protocol", "faults", "telemetry"]),
    ("client", &["protocol"]),
    ("sketch", &["client", "protocol"]),
    ("migrations", &[]),
    ("testkit", &["workspace", "journal", "credits", "jobs"]),
];

/// Crates that are decisions only: nothing in them may wait, spawn, draw or store.
const PURE: &[&str] = &["types", "credits", "jobs", "workspace", "queue", "rehearsal"];
const IMPURE: &[&str] = &[
    "tokio",
    "actix",
    "actix-rt",
    "actix-web",
    "sea-orm",
    "rand",
    "reqwest",
    "object_store",
    "rusqlite",
    "futures-util",
];

/// Longest source file, in lines. Longer ones are listed with the length they may not exceed.
const LINES_MAX: usize = 600;
const LONGER: &[(&str, usize)] = &[];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn manifests() -> BTreeMap<String, toml::Table> {
    let mut folders: Vec<PathBuf> =
        std::fs::read_dir(root().join("crates")).unwrap().map(|e| e.unwrap().path()).collect();
    folders.extend([root().join("migrations"), root().join("workers/sketch")]);
    let read = |folder: PathBuf| {
        let text = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        (name, text.parse::<toml::Table>().unwrap())
    };
    folders.into_iter().filter(|folder| folder.join("Cargo.toml").exists()).map(read).collect()
}

fn dependencies(manifest: &toml::Table) -> BTreeSet<String> {
    let table = manifest.get("dependencies").and_then(toml::Value::as_table);
    table.into_iter().flat_map(|table| table.keys().cloned()).collect()
}

#[test]
fn packages_depend_on_each_other_only_as_designed() {
    for (name, manifest) in manifests() {
        if name == "cli" {
            continue; // the composition root sees everything
        }
        let allowed = EDGES.iter().find(|(package, _)| *package == name).map(|(_, edges)| *edges);
        let allowed = allowed.unwrap_or_else(|| panic!("package `{name}` has no place in the design"));
        for dependency in dependencies(&manifest) {
            let Some(edge) = dependency.strip_prefix("reeve-") else { continue };
            assert!(edge == "types" || allowed.contains(&edge), "`{name}` may not depend on `{edge}`");
        }
    }
}

#[test]
fn decisions_stay_free_of_runtime_and_storage() {
    for (name, manifest) in manifests() {
        let dependencies = dependencies(&manifest);
        if PURE.contains(&name.as_str()) {
            let impure: Vec<_> = IMPURE.iter().filter(|package| dependencies.contains(**package)).collect();
            assert!(impure.is_empty(), "`{name}` is pure and may not depend on {impure:?}");
        }
        let uses = |package: &str| dependencies.iter().any(|dependency| dependency.starts_with(package));
        assert!(!uses("actix") || ["actors", "api", "cli"].contains(&name.as_str()), "actix in `{name}`");
        assert!(!uses("rusqlite") || name == "store", "rusqlite in `{name}`");
        assert!(!uses("sea-orm") || ["store", "migrations"].contains(&name.as_str()), "sea-orm in `{name}`");
    }
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if !path.ends_with("target") {
                sources(&path, found);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn no_source_file_grows_beyond_its_bound() {
    let mut files = Vec::new();
    for folder in ["crates", "migrations", "workers", "tests"] {
        sources(&root().join(folder), &mut files);
    }
    assert!(files.len() > 50, "the sources were not found");
    for file in files {
        let name = file.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
        let lines = std::fs::read_to_string(&file).unwrap().lines().count();
        let bound = LONGER.iter().find(|(longer, _)| *longer == name).map_or(LINES_MAX, |(_, bound)| *bound);
        assert!(lines <= bound, "`{name}` has {lines} lines, more than {bound}: does it have one job?");
    }
}

#[test]
fn no_product_is_named_in_code() {
    let mut files = Vec::new();
    for folder in ["crates", "migrations", "workers"] {
        sources(&root().join(folder), &mut files);
    }
    for file in files {
        let name = file.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
        // Tests and the demo use the shipped catalogs by name, and the binary embeds their files.
        let exempt = [
            "/tests/",
            "/tests.rs",
            "crates/cli/",
            "crates/testkit/",
            "/conformance",
            "/benches/",
            "/examples/",
        ];
        if exempt.iter().any(|part| name.contains(part)) {
            continue;
        }
        let text = std::fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap().to_lowercase();
        for product in ["kreatorflow", "kaiber", "\"kira", "\"kive", "ai-studios"] {
            assert!(!code.contains(product), "`{name}` names the product {product}: policy is data");
        }
    }
}
