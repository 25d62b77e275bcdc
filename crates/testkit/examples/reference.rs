//! Random histories through the real workspace and the reference ledger: `--commands N --seed S [--catalog NAME] [--length L]`.
//!
//! Prints the figures; where they differ the catalog, the seed and the shortest script found, and exits with 1.

use reeve_testkit::args::run_many;
use reeve_testkit::compare::compare;
use reeve_testkit::setting::modelled;

fn main() -> std::process::ExitCode {
    run_many(modelled(), compare, "the reference agrees after each")
}
