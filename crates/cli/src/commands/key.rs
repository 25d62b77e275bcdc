//! `reeve key`: makes, lists and revokes keys of a running server.

use clap::{Args, Subcommand};
use reeve_client::IdempotencyKey;
use reeve_protocol::{At, KeyCreate, KeyRole, KeyView, ListQuery};
use reeve_types::{KeyId, WorkspaceId};

use super::call::{Call, say, wait, word};
use crate::exit::Failure;
use crate::output;

/// Commands about keys.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Make a key; its secret is printed this once
    Create(CreateArgs),
    /// List keys that are not revoked
    List(ListArgs),
    /// Revoke a key: at once it opens nothing, and its streams end
    Revoke(RevokeArgs),
}

/// Options of `key create`.
#[derive(Args, Debug)]
pub struct CreateArgs {
    /// What it may do: admin, workspace or worker
    #[arg(long, value_parser = word::<KeyRole>, value_name = "ROLE")]
    role: KeyRole,
    /// The one workspace of a key with role workspace
    #[arg(long, value_name = "ID")]
    workspace: Option<WorkspaceId>,
    /// What people call it
    #[arg(long)]
    name: Option<String>,
    /// From this instant on it opens nothing: RFC 3339
    #[arg(long, value_name = "TIME")]
    expires_at: Option<At>,
    /// Requests per second on average, instead of what its role may make; 0: no bound
    #[arg(long, value_name = "N")]
    rate_per_second: Option<u32>,
    /// Requests at once, after a pause
    #[arg(long, value_name = "N", requires = "rate_per_second")]
    burst: Option<u32>,
    #[command(flatten)]
    call: Call,
}

/// Options of `key list`.
#[derive(Args, Debug)]
pub struct ListArgs {
    #[command(flatten)]
    call: Call,
}

/// Options of `key revoke`.
#[derive(Args, Debug)]
pub struct RevokeArgs {
    /// The key's id, not its secret
    id: KeyId,
    #[command(flatten)]
    call: Call,
}

/// Runs the command.
///
/// # Errors
/// The server refuses or cannot be reached.
pub fn run(command: KeyCommand) -> Result<(), Failure> {
    match command {
        KeyCommand::Create(args) => create(args),
        KeyCommand::List(ListArgs { call }) => {
            let page = wait(call.client()?.keys(&ListQuery::default()))?;
            call.show(&page.data, |keys| table(keys))
        }
        KeyCommand::Revoke(RevokeArgs { id, call }) => {
            wait(call.client()?.delete_key(id))?;
            call.done(&serde_json::json!({ "id": id, "revoked": true }), &format!("{id} is revoked"))
        }
    }
}

/// The secret alone goes to stdout: a script takes it from there without cutting anything out.
fn create(args: CreateArgs) -> Result<(), Failure> {
    let CreateArgs { role, workspace, name, expires_at, rate_per_second, burst, call } = args;
    let body = KeyCreate { workspace, name, expires_at, rate_per_second, burst, ..KeyCreate::of(role) };
    let made = wait(call.client()?.create_key(&body, IdempotencyKey::Fresh))?;
    call.show(&made, |made| {
        eprintln!("{}: the secret is shown this once, only its digest is kept", made.id);
        output::print(&made.key)
    })
}

fn table(keys: &[KeyView]) -> Result<(), Failure> {
    let heads =
        ["|key", "role", "workspace", "name", "|last used (UTC)?", "|expires (UTC)??", ">per second???"];
    let mut table = output::table(&heads);
    let instant = |at: Option<At>| at.map(output::instant).unwrap_or_default();
    for key in keys {
        table.add_row([
            key.id.to_string(),
            say(&key.role),
            key.workspace.as_ref().map(ToString::to_string).unwrap_or_default(),
            key.name.clone().unwrap_or_default(),
            instant(key.last_used_at),
            instant(key.expires_at),
            key.rate_per_second.map(|rate| rate.to_string()).unwrap_or_default(),
        ]);
    }
    output::print_table(&table, "no keys")
}
