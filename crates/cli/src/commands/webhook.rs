//! `reeve webhook`: who hears of what happens, and what became of each delivery.

use clap::{Args, Subcommand};
use reeve_protocol::{
    At, DeliveriesQuery, DeliveryStatus, DeliveryView, WebhookCreate, WebhookCreated, WebhookRedeliver,
    WebhookRotate, WebhookView,
};
use reeve_types::{WebhookId, WorkspaceId};

use super::call::{Call, say, wait, word};
use crate::exit::Failure;
use crate::output;

/// Commands about webhooks.
#[derive(Debug, Subcommand)]
pub enum WebhookCommand {
    /// Register an endpoint; its secret is shown this once
    Add(AddArgs),
    /// List all endpoints
    List(ListArgs),
    /// Remove an endpoint with its deliveries
    Remove(OfArgs),
    /// List what became of deliveries, the newest first
    Deliveries(DeliveriesArgs),
    /// Send one delivery again, or those of a time
    Redeliver(RedeliverArgs),
    /// Give an endpoint a new secret, shown this once; the old one signs too for a while
    Rotate(RotateArgs),
    /// Let a disabled endpoint hear again
    Enable(OfArgs),
    /// Send an event that says nothing, to see whether it arrives
    Test(OfArgs),
}

/// Options of `webhook add`.
#[derive(Args, Debug)]
pub struct AddArgs {
    /// Where deliveries go, such as `https://example.com/hooks`
    #[arg(value_name = "ADDRESS")]
    address: String,
    /// Kinds of events, such as job.succeeded,credits.low [default: all but job.progress]
    #[arg(long, value_delimiter = ',', value_name = "KINDS")]
    events: Option<Vec<String>>,
    /// Events of this workspace only
    #[arg(long)]
    workspace: Option<WorkspaceId>,
    #[command(flatten)]
    call: Call,
}

/// Options of `webhook list`.
#[derive(Args, Debug)]
pub struct ListArgs {
    #[command(flatten)]
    call: Call,
}

/// Options of commands about one endpoint.
#[derive(Args, Debug)]
pub struct OfArgs {
    /// The endpoint's id
    id: WebhookId,
    #[command(flatten)]
    call: Call,
}

/// Options of `webhook deliveries`.
#[derive(Args, Debug)]
pub struct DeliveriesArgs {
    /// The endpoint's id
    id: WebhookId,
    /// pending, delivered or failed
    #[arg(long, value_parser = word::<DeliveryStatus>)]
    status: Option<DeliveryStatus>,
    /// Of events at or after this instant: RFC 3339
    #[arg(long, value_name = "TIME")]
    since: Option<At>,
    /// Most lines
    #[arg(long, default_value_t = 50)]
    limit: u32,
    #[command(flatten)]
    call: Call,
}

/// Options of `webhook redeliver`.
#[derive(Args, Debug)]
pub struct RedeliverArgs {
    /// The endpoint's id
    id: WebhookId,
    /// One delivery, by its webhook-id
    #[arg(long, value_name = "MSG", required_unless_present = "since", conflicts_with = "since")]
    delivery: Option<String>,
    /// All events at or after this instant: RFC 3339
    #[arg(long, value_name = "TIME")]
    since: Option<At>,
    /// Only those that were given up
    #[arg(long, requires = "since")]
    failed_only: bool,
    #[command(flatten)]
    call: Call,
}

/// Options of `webhook rotate`.
#[derive(Args, Debug)]
pub struct RotateArgs {
    /// The endpoint's id
    #[arg(required_unless_present = "workspace", conflicts_with = "workspace")]
    id: Option<WebhookId>,
    /// Instead of an endpoint: the addresses that jobs of this workspace name
    #[arg(long)]
    workspace: Option<WorkspaceId>,
    /// How long the old secret signs too, in seconds [default: a day]
    #[arg(long, value_name = "SECONDS")]
    overlap: Option<u64>,
    #[command(flatten)]
    call: Call,
}

/// Runs the command.
///
/// # Errors
/// The server refuses or cannot be reached.
pub fn run(command: WebhookCommand) -> Result<(), Failure> {
    match command {
        WebhookCommand::Add(AddArgs { address: url, events, workspace, call }) => {
            let made = wait(call.client()?.create_webhook(&WebhookCreate { url, events, workspace }))?;
            call.show(&made, secret)
        }
        WebhookCommand::List(ListArgs { call }) => {
            let page = wait(call.client()?.webhooks())?;
            call.show(&page.data, |views| table(views))
        }
        WebhookCommand::Remove(OfArgs { id, call }) => {
            wait(call.client()?.delete_webhook(id))?;
            call.done(&serde_json::json!({ "id": id, "removed": true }), &format!("{id} is removed"))
        }
        WebhookCommand::Deliveries(args) => deliveries(args),
        WebhookCommand::Redeliver(args) => redeliver(args),
        WebhookCommand::Rotate(RotateArgs { id, workspace, overlap, call }) => {
            let body = WebhookRotate { overlap_seconds: overlap };
            let client = call.client()?;
            let made = match (id, workspace) {
                (Some(id), _) => wait(client.rotate_webhook(id, &body))?,
                (None, Some(workspace)) => wait(client.rotate_job_webhooks(&workspace, &body))?,
                (None, None) => return Err(Failure::usage("name an endpoint or a workspace")),
            };
            call.show(&made, secret)
        }
        WebhookCommand::Enable(OfArgs { id, call }) => {
            let view = wait(call.client()?.enable_webhook(id))?;
            call.show(&view, |view| table(std::slice::from_ref(view)))
        }
        WebhookCommand::Test(OfArgs { id, call }) => {
            let view = wait(call.client()?.test_webhook(id))?;
            call.show(&view, |view| table(std::slice::from_ref(view)))
        }
    }
}

fn deliveries(args: DeliveriesArgs) -> Result<(), Failure> {
    let DeliveriesArgs { id, status, since, limit, call } = args;
    let query = DeliveriesQuery { status, since, limit: Some(limit), cursor: None };
    let page = wait(call.client()?.webhook_deliveries(id, &query))?;
    call.show(&page.data, |views| log(views))
}

/// Part by part, until there is no more.
fn redeliver(args: RedeliverArgs) -> Result<(), Failure> {
    let RedeliverArgs { id, delivery, since, failed_only, call } = args;
    let client = call.client()?;
    let failed_only = since.is_some().then_some(failed_only);
    let mut body = WebhookRedeliver { delivery, since, failed_only, cursor: None };
    let mut all = 0;
    loop {
        let answer = wait(client.redeliver_webhook(id, &body))?;
        all += answer.deliveries;
        body.cursor = answer.next_cursor;
        if body.cursor.is_none() {
            break;
        }
    }
    let answer = serde_json::json!({ "deliveries": all });
    call.show(&answer, |_| output::print(&format!("{all} deliveries are due now")))
}

/// The secret alone on stdout, so that a script can keep it.
fn secret(made: &WebhookCreated) -> Result<(), Failure> {
    eprintln!("{} (its secret is shown this once):", made.webhook.id);
    output::print(&made.secret)
}

fn table(views: &[WebhookView]) -> Result<(), Failure> {
    let mut table = output::table(&["|webhook", "url", "events?", "workspace?", "state"]);
    for view in views {
        let events = if view.events.is_empty() { "all".to_owned() } else { view.events.join(" ") };
        let state = match (&view.disabled_reason, view.failing_since) {
            (Some(why), _) => format!("disabled: {why}"),
            (None, Some(since)) => format!("failing since {}", output::instant(since)),
            (None, None) => "well".to_owned(),
        };
        let workspace = view.workspace.as_ref().map(ToString::to_string).unwrap_or_default();
        table.add_row([view.id.to_string(), view.url.clone(), events, workspace, state]);
    }
    output::print_table(&table, "no webhooks")
}

fn log(views: &[DeliveryView]) -> Result<(), Failure> {
    let heads = ["|delivery", "event", "|at (UTC)??", "state", ">tries", ">answer?", "error"];
    let mut table = output::table(&heads);
    for view in views {
        table.add_row([
            view.id.clone(),
            view.kind.clone(),
            output::instant(view.timestamp),
            say(&view.status),
            view.attempts.to_string(),
            view.last_status.map(|status| status.to_string()).unwrap_or_default(),
            view.last_error.as_deref().map(|error| output::shown(error, 60)).unwrap_or_default(),
        ]);
    }
    output::print_table(&table, "no deliveries")
}
