//! `reeve catalog publish|list|show|move`: the catalogs of a server.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use reeve_client::IdempotencyKey;
use reeve_protocol::{CatalogMove, CatalogPublish, CatalogPublished, CatalogQuery, CatalogView};
use reeve_types::{CatalogName, WorkspaceId};

use super::call::{Call, wait};
use super::catalog::CatalogCommand;
use super::workspace;
use crate::exit::Failure;
use crate::{catalogs, output};

/// All commands about catalogs: of files here, and of a server.
#[derive(Debug, Subcommand)]
pub enum CatalogGroup {
    #[command(flatten)]
    Local(CatalogCommand),
    #[command(flatten)]
    Remote(RemoteCommand),
}

/// Commands about a server's catalogs.
#[derive(Debug, Subcommand)]
pub enum RemoteCommand {
    /// Publish a new version on a server, once its examples come out
    Publish(PublishArgs),
    /// List a server's catalogs
    List(ListArgs),
    /// Show a server's catalog
    #[command(disable_version_flag = true)]
    Show(ShowArgs),
    /// Move a workspace to another version or catalog
    #[command(disable_version_flag = true)]
    Move(MoveArgs),
}

/// Options of `catalog publish`.
#[derive(Args, Debug)]
pub struct PublishArgs {
    /// Catalog file, with its examples in the folder `examples` beside it
    file: PathBuf,
    /// Only try it: judge it, run its examples, publish nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    call: Call,
}

/// Options of `catalog list`.
#[derive(Args, Debug)]
pub struct ListArgs {
    #[command(flatten)]
    call: Call,
}

/// Options of `catalog show`.
#[derive(Args, Debug)]
pub struct ShowArgs {
    name: CatalogName,
    /// The newest when left out
    #[arg(long, value_name = "N")]
    version: Option<u32>,
    #[command(flatten)]
    call: Call,
}

/// Options of `catalog move`.
#[derive(Args, Debug)]
pub struct MoveArgs {
    workspace: WorkspaceId,
    name: CatalogName,
    version: u32,
    #[command(flatten)]
    call: Call,
}

/// Runs the command.
///
/// # Errors
/// The server refuses or cannot be reached; or, of files, what `catalog check` says.
pub fn run(group: CatalogGroup) -> Result<(), Failure> {
    match group {
        CatalogGroup::Local(command) => super::catalog::run(command),
        CatalogGroup::Remote(RemoteCommand::Publish(args)) => publish(&args),
        CatalogGroup::Remote(RemoteCommand::List(ListArgs { call })) => {
            let page = wait(call.client()?.catalogs())?;
            call.show(&page.data, |views| list(views))
        }
        CatalogGroup::Remote(RemoteCommand::Show(ShowArgs { name, version, call })) => {
            let view = wait(call.client()?.catalog(&name, &CatalogQuery { version }))?;
            call.show(&view, show)
        }
        CatalogGroup::Remote(RemoteCommand::Move(MoveArgs { workspace, name, version, call })) => {
            let body = CatalogMove { name, version };
            let view = wait(call.client()?.move_catalog(&workspace, &body, IdempotencyKey::Fresh))?;
            call.show(&view, workspace::show)
        }
    }
}

fn publish(args: &PublishArgs) -> Result<(), Failure> {
    let source = catalogs::from_file(&args.file)?;
    // Judged here first: what is wrong is told with the file's name, and the path needs the catalog's.
    let catalog = reeve_credits::Catalog::parse(&source.file, &source.text)
        .map_err(|error| Failure::no(error.to_string()))?;
    let body = CatalogPublish { catalog: source.text, examples: source.examples.map(|(_, text)| text) };
    let done = wait(args.call.client()?.publish_catalog(&catalog.name, &body, args.dry_run))?;
    args.call.show(&done, |CatalogPublished { published, examples, catalog }| {
        let what = if *published { "is published" } else { "could be published" };
        let count = examples.len();
        output::print(&format!(
            "{} version {} {what}; {count} examples came out",
            catalog.name, catalog.version
        ))
    })
}

fn list(views: &[CatalogView]) -> Result<(), Failure> {
    let heads = ["|catalog", "title?", ">version", "plans", ">actions", "packs", "add-ons"];
    let mut table = output::table(&heads);
    for view in views {
        let names = |names: Vec<&str>| names.join(" ");
        table.add_row([
            view.name.clone(),
            view.title.clone(),
            view.version.to_string(),
            names(view.plans.iter().map(|plan| plan.name.as_str()).collect()),
            view.actions.len().to_string(),
            names(view.packs.iter().map(|pack| pack.name.as_str()).collect()),
            names(view.addons.iter().map(|addon| addon.name.as_str()).collect()),
        ]);
    }
    output::print_table(&table, "no catalogs")
}

fn show(view: &CatalogView) -> Result<(), Failure> {
    output::print(&format!(
        "{} ({}) version {}, renewal {}\n",
        view.title, view.name, view.version, view.renewal
    ))?;
    let mut plans = output::table(&["|plan", ">rank", "tier", "credits", "sold by the", "paid"]);
    for plan in &view.plans {
        let offered: Vec<String> = plan.allotments.iter().map(ToString::to_string).collect();
        let agreed = plan.allotment_min.map(|min| format!("agreed, from {min}"));
        let per = if plan.per_seat { " a seat" } else { "" };
        plans.add_row([
            plan.name.clone(),
            plan.rank.to_string(),
            plan.tier.clone(),
            agreed.unwrap_or_else(|| format!("{}{per}", offered.join(" "))),
            plan.intervals.join(" "),
            if plan.paid { "yes" } else { "no" }.to_owned(),
        ]);
    }
    output::print_table(&plans, "no plans")?;
    output::print("")?;
    let mut actions = output::table(&["|action", "pool", "price", ">outputs", "plans"]);
    for action in &view.actions {
        let stages = action.price.iter().filter_map(|stage| Some(format!("{} a {}", stage.rate?, stage.per)));
        let stages: Vec<String> = stages.collect();
        let price = if action.free { "free".to_owned() } else { stages.join(" + ") };
        actions.add_row([
            action.name.clone(),
            action.pool.clone(),
            if price.is_empty() { "by parameters".to_owned() } else { price },
            format!("{} to {}", action.outputs_default, action.outputs_max),
            action.plans.as_ref().map_or_else(|| "all".to_owned(), |plans| plans.join(" ")),
        ]);
    }
    output::print_table(&actions, "no actions")
}
