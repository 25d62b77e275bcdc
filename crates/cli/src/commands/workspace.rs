//! `reeve workspace`: opens workspaces, shows them, and changes what belongs to them.

use clap::{Args, Subcommand};
use reeve_protocol::{
    AdjustmentCreate, Amount, At, Interval, ListQuery, Owner, Patch, PaymentStatus, ReferralCreate,
    RenewalCreate, WorkspaceCreate, WorkspacePatch, WorkspaceView,
};
use reeve_types::{CatalogName, JobId, PlanName, WorkspaceId};

use super::call::{Call, Named, amount, say, wait, word};
use crate::exit::Failure;
use crate::output;

/// Commands about workspaces.
#[derive(Debug, Subcommand)]
pub enum WorkspaceCommand {
    /// Open a workspace on a plan
    Create(Box<CreateArgs>),
    /// Show one workspace
    Show(ShowArgs),
    /// List workspaces
    List(ListArgs),
    /// Change its settings
    Set(Box<SetArgs>),
    /// Give or take credits by hand, with a reason
    Adjust(Box<AdjustArgs>),
    /// Tell that a friend of its owner signed up
    Refer(ReferArgs),
    /// Tell how the payment of a term went
    Renewal(RenewalArgs),
    /// Close a workspace for good
    Close(EndArgs),
    /// Erase what a closed workspace says of people; its figures stay
    Erase(EndArgs),
}

/// Options of `workspace close` and `workspace erase`.
#[derive(Args, Debug)]
pub struct EndArgs {
    workspace: WorkspaceId,
    /// Yes: neither is ever taken back
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    named: Named,
    #[command(flatten)]
    call: Call,
}

/// Options of `workspace create`.
#[derive(Args, Debug)]
pub struct CreateArgs {
    /// Catalog, such as kive
    catalog: CatalogName,
    /// Id of one's own choice; the server makes one when left out
    #[arg(long)]
    id: Option<WorkspaceId>,
    /// Name that people read
    #[arg(long)]
    name: Option<String>,
    /// Plan; the catalog's default one when left out
    #[arg(long)]
    plan: Option<PlanName>,
    /// Credits per period, where the plan has a choice
    #[arg(long, value_parser = amount)]
    allotment: Option<Amount>,
    /// month or year
    #[arg(long, value_parser = word::<Interval>)]
    interval: Option<Interval>,
    /// Seats, where the plan is sold by the seat
    #[arg(long)]
    seats: Option<u32>,
    /// IANA zone, such as Europe/Berlin
    #[arg(long)]
    timezone: Option<String>,
    /// User that owns it, as the platform names them
    #[arg(long, value_name = "USER")]
    owner: Option<String>,
    /// How the platform verified that user, such as google
    #[arg(long, requires = "owner")]
    identity: Option<String>,
    #[command(flatten)]
    named: Named,
    #[command(flatten)]
    call: Call,
}

/// Options of `workspace show`.
#[derive(Args, Debug)]
pub struct ShowArgs {
    workspace: WorkspaceId,
    #[command(flatten)]
    call: Call,
}

/// Options of `workspace list`.
#[derive(Args, Debug)]
pub struct ListArgs {
    /// At most so many, in order of id
    #[arg(long, default_value_t = 50, value_name = "N")]
    limit: u32,
    /// Those after this id
    #[arg(long, value_name = "ID")]
    after: Option<WorkspaceId>,
    #[command(flatten)]
    call: Call,
}

/// Options of `workspace set`.
#[derive(Args, Debug)]
pub struct SetArgs {
    workspace: WorkspaceId,
    /// Name that people read
    #[arg(long)]
    name: Option<String>,
    /// IANA zone; it holds from the next local date on
    #[arg(long)]
    timezone: Option<String>,
    /// Version of its catalog
    #[arg(long, value_name = "N")]
    catalog_version: Option<u32>,
    /// Most jobs that run at once, or `plan` for as many as the plan says
    #[arg(long, value_name = "N|plan", value_parser = bound)]
    max_concurrent: Option<Patch<u32>>,
    /// Agreed credits per period, on a plan without a price list
    #[arg(long, value_parser = amount)]
    allotment: Option<Amount>,
    #[command(flatten)]
    call: Call,
}

fn bound(text: &str) -> Result<Patch<u32>, String> {
    if text == "plan" {
        return Ok(Patch::Clear);
    }
    text.parse().map(Patch::Set).map_err(|_| "write a number, or plan".to_owned())
}

/// Options of `workspace adjust`.
#[derive(Args, Debug)]
pub struct AdjustArgs {
    workspace: WorkspaceId,
    /// Credits: above 0 gives, below takes
    #[arg(value_parser = amount, allow_negative_numbers = true)]
    amount: Amount,
    /// Why; it stands in the ledger for good
    #[arg(long)]
    reason: String,
    /// When given credits expire: RFC 3339
    #[arg(long, value_name = "TIME")]
    expires_at: Option<At>,
    /// Job that it makes good for
    #[arg(long)]
    job: Option<JobId>,
    /// What given credits may pay for: a scope of the catalog
    #[arg(long)]
    scope: Option<String>,
    #[command(flatten)]
    named: Named,
    #[command(flatten)]
    call: Call,
}

/// Options of `workspace refer`.
#[derive(Args, Debug)]
pub struct ReferArgs {
    workspace: WorkspaceId,
    /// The user who signed up
    friend: String,
    #[command(flatten)]
    call: Call,
}

/// Options of `workspace renewal`.
#[derive(Args, Debug)]
pub struct RenewalArgs {
    workspace: WorkspaceId,
    /// paid or failed
    #[arg(value_parser = word::<PaymentStatus>)]
    status: PaymentStatus,
    /// The payment's reference
    #[arg(long)]
    payment: String,
    #[command(flatten)]
    call: Call,
}

/// Runs the command.
///
/// # Errors
/// The server refuses or cannot be reached.
pub fn run(command: WorkspaceCommand) -> Result<(), Failure> {
    match command {
        WorkspaceCommand::Create(args) => create(*args),
        WorkspaceCommand::Show(args) => {
            let view = wait(args.call.client()?.workspace(&args.workspace))?;
            args.call.show(&view, show)
        }
        WorkspaceCommand::List(args) => list(&args),
        WorkspaceCommand::Set(args) => set(*args),
        WorkspaceCommand::Adjust(args) => adjust(*args),
        WorkspaceCommand::Refer(args) => {
            let body = ReferralCreate { friend: args.friend };
            let key = reeve_client::IdempotencyKey::Fresh;
            let view = wait(args.call.client()?.refer(&args.workspace, &body, key))?;
            args.call.show(&view, |view| output::print(&format!("a bonus for `{}`", view.friend)))
        }
        WorkspaceCommand::Renewal(args) => {
            let body = RenewalCreate { payment: args.payment, status: args.status };
            let key = reeve_client::IdempotencyKey::Fresh;
            let view = wait(args.call.client()?.renew(&args.workspace, &body, key))?;
            args.call.show(&view, show)
        }
        WorkspaceCommand::Close(args) => {
            sure(&args, "close")?;
            let view = wait(args.call.client()?.close_workspace(&args.workspace, args.named.key()))?;
            args.call.show(&view, show)
        }
        WorkspaceCommand::Erase(args) => {
            sure(&args, "erase")?;
            let view = wait(args.call.client()?.erase_workspace(&args.workspace, args.named.key()))?;
            args.call.show(&view, show)
        }
    }
}

fn sure(args: &EndArgs, what: &str) -> Result<(), Failure> {
    if args.yes {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "`{}` cannot be taken back: repeat it with --yes to {what} it",
        args.workspace
    )))
}

fn create(args: CreateArgs) -> Result<(), Failure> {
    let owner = args.owner.map(|user| Owner { user, identity: args.identity });
    let body = WorkspaceCreate {
        id: args.id,
        name: args.name,
        plan: args.plan,
        allotment: args.allotment,
        interval: args.interval,
        seats: args.seats,
        timezone: args.timezone,
        owner,
        ..WorkspaceCreate::on(args.catalog)
    };
    let view = wait(args.call.client()?.create_workspace(&body, args.named.key()))?;
    args.call.show(&view, show)
}

fn set(args: SetArgs) -> Result<(), Failure> {
    let body = WorkspacePatch {
        name: args.name.map_or(Patch::Keep, Patch::Set),
        timezone: args.timezone,
        catalog_version: args.catalog_version,
        max_concurrent: args.max_concurrent.unwrap_or_default(),
        allotment: args.allotment,
        metadata: Patch::Keep,
    };
    if body == WorkspacePatch::default() {
        return Err(Failure::usage("nothing to set: name at least one setting"));
    }
    let view = wait(args.call.client()?.patch_workspace(&args.workspace, &body))?;
    args.call.show(&view, show)
}

fn adjust(args: AdjustArgs) -> Result<(), Failure> {
    let AdjustArgs { workspace, amount, reason, expires_at, job, scope, named, call } = args;
    let body = AdjustmentCreate { amount, reason, expires_at, job, scope };
    let view = wait(call.client()?.adjust(&workspace, &body, named.key()))?;
    call.show(&view, |view| {
        output::print(&format!("{} credits; available {}", view.amount, view.balance.available))
    })
}

fn list(args: &ListArgs) -> Result<(), Failure> {
    let query = ListQuery { limit: Some(args.limit), cursor: args.after.as_ref().map(ToString::to_string) };
    let page = wait(args.call.client()?.workspaces(&query))?;
    args.call.show(&page.data, |views| {
        let heads = ["|workspace", "catalog", "plan", "status", ">available", ">held", "|period ends (UTC)?"];
        let mut table = output::table(&heads);
        for view in views {
            table.add_row([
                view.id.to_string(),
                view.catalog.to_string(),
                view.plan.to_string(),
                say(&view.status),
                view.balance.available.to_string(),
                view.balance.held.to_string(),
                view.period_end.map_or_else(String::new, output::instant),
            ]);
        }
        output::print_table(&table, "no workspaces")
    })
}

/// A workspace in a few lines.
///
/// # Errors
/// Stdout cannot be written to.
pub fn show(view: &WorkspaceView) -> Result<(), Failure> {
    let mut table = output::table(&["|workspace", view.id.as_str()]);
    let plan = [
        Some(view.plan.to_string()),
        view.allotment.map(|credits| format!("{credits} credits")),
        view.interval.map(|interval| format!("by the {}", say(&interval))),
        (view.seats != 1).then(|| format!("{} seats", view.seats)),
    ];
    let mut line = |name: &str, value: String| {
        table.add_row([name.to_owned(), value]);
    };
    line("catalog", format!("{} version {}", view.catalog, view.catalog_version));
    line("plan", plan.into_iter().flatten().collect::<Vec<_>>().join(", "));
    line("status", say(&view.status));
    if let Some(closed_at) = view.closed_at {
        let erased = match view.erased_at {
            Some(at) => format!("; erased at {at}"),
            None if view.erased => "; being erased".to_owned(),
            None => String::new(),
        };
        line("closed", format!("at {closed_at}{erased}"));
    }
    if let Some(due) = &view.past_due {
        line("unpaid", format!("since {}; cancelled at {}", due.since, due.until));
    }
    if let Some(change) = &view.scheduled_change {
        line("scheduled", format!("{} to {} at {}", say(&change.kind), change.plan, change.at));
    }
    if let Some(trial) = &view.trial {
        line("trial", format!("{} until {}", trial.plan, trial.until));
    }
    for (name, units) in &view.addons {
        let next = units.next_units.map_or_else(String::new, |next| format!(", then {next}"));
        line("add-on", format!("{name}: {} units{next}", units.units));
    }
    if let (Some(start), Some(end)) = (view.period_start, view.period_end) {
        line("period", format!("{} to {}", output::instant(start), output::instant(end)));
    }
    if let Some(end) = view.term_end.filter(|end| Some(*end) != view.period_end) {
        line("paid until", output::instant(end));
    }
    line("time zone", view.timezone.clone());
    line(
        "tier",
        view.max_concurrent
            .map_or_else(|| view.tier.to_string(), |max| format!("{}, {max} at once", view.tier)),
    );
    line("balance", format!("available {}, held {}", view.balance.available, view.balance.held));
    output::print_table(&table, "")
}
