//! `reeve-faulty`: the same program with the places where the crash tests kill or break it; see `reeve-faults`.

use std::process::ExitCode;

use reeve_faults::{Law, is_broken};
use reeve_workspace::broken::{self, Switch};

fn main() -> ExitCode {
    if let Err(misspelt) = reeve_faults::arm() {
        eprintln!("error: {misspelt}");
        return ExitCode::from(2);
    }
    if is_broken(Law::SettleOnce) {
        broken::everywhere(Switch::SettleTwice);
    }
    reeve_cli::main()
}
