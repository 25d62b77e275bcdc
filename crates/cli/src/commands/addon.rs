//! `reeve addon`: units of recurring credits beside the plan.

use clap::{Args, Subcommand};
use reeve_protocol::AddonPut;
use reeve_types::WorkspaceId;

use super::call::{Call, wait};
use super::workspace::show;
use crate::exit::Failure;

/// Commands about add-ons.
#[derive(Debug, Subcommand)]
pub enum AddonCommand {
    /// So many units: more at once, fewer from the next month on
    Set(SetArgs),
    /// Cancel all units at the end of the month
    Cancel(CancelArgs),
}

/// Options of `addon set`.
#[derive(Args, Debug)]
pub struct SetArgs {
    workspace: WorkspaceId,
    /// Add-on of the catalog, such as unit
    addon: String,
    units: u32,
    #[command(flatten)]
    call: Call,
}

/// Options of `addon cancel`.
#[derive(Args, Debug)]
pub struct CancelArgs {
    workspace: WorkspaceId,
    /// Add-on of the catalog
    addon: String,
    #[command(flatten)]
    call: Call,
}

/// Runs the command.
///
/// # Errors
/// The server refuses or cannot be reached.
pub fn run(command: AddonCommand) -> Result<(), Failure> {
    match command {
        AddonCommand::Set(SetArgs { workspace, addon, units, call }) => {
            let view = wait(call.client()?.put_addon(&workspace, &addon, &AddonPut { units }))?;
            call.show(&view, show)
        }
        AddonCommand::Cancel(CancelArgs { workspace, addon, call }) => {
            let view = wait(call.client()?.cancel_addon(&workspace, &addon))?;
            call.show(&view, show)
        }
    }
}
