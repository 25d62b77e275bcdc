//! Random lives with every promise checked: `--commands N --seed S [--catalog NAME] [--length L]`.
//!
//! Prints the figures; on a broken promise the catalog, the seed and the shortest script found, and exits with 1.

use reeve_testkit::args::run_many;
use reeve_testkit::life::live;
use reeve_testkit::setting::all;

fn main() -> std::process::ExitCode {
    run_many(all(), live, "every promise kept")
}
