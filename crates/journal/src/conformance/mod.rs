//! The promises of a journal and its reader, as tests that every adapter runs.
//!
//! An adapter's test calls [`run_all`] with a function that makes an empty store. Each case drives real
//! commands through the real core, so what is stored is what production stores.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a conformance case fails by panicking")]

mod claims;
mod commits;
mod credits;
mod desk;
mod insight;
mod jobs;
mod platform;
mod tidy;
mod webhooks;

use std::sync::Arc;

use crate::{Journal, Reader};
use desk::Desk;

/// An empty store.
#[derive(Clone)]
pub struct Subject {
    pub journal: Arc<dyn Journal>,
    pub reader: Arc<dyn Reader>,
}

/// Runs every case on a store of its own.
pub async fn run_all<F: Future<Output = Subject>>(make: impl Fn() -> F) {
    credits::a_workspace_reads_back_as_it_was(Desk::new(make().await)).await;
    credits::the_ledger_is_a_hash_chain_that_folds_to_the_balance(Desk::new(make().await)).await;
    credits::due_workspaces_come_from_the_index(Desk::new(make().await)).await;
    credits::every_step_of_a_purchase_reads_back(Desk::new(make().await)).await;
    credits::members_read_back_with_their_counts(Desk::new(make().await)).await;
    credits::a_change_that_waits_is_due_at_its_boundary(Desk::new(make().await)).await;
    credits::what_time_alone_does_reads_back(Desk::new(make().await)).await;
    jobs::every_step_of_a_job_reads_back(Desk::new(make().await)).await;
    jobs::waiting_jobs_and_leases_are_found_without_their_workspaces(Desk::new(make().await)).await;
    jobs::jobs_are_introduced_many_at_once(Desk::new(make().await)).await;
    jobs::lists_are_paged_without_gaps(Desk::new(make().await)).await;
    jobs::hostile_text_reads_back_unchanged(Desk::new(make().await)).await;
    commits::an_outdated_version_is_aborted_and_writes_nothing(Desk::new(make().await)).await;
    commits::change_sets_of_one_workspace_in_flight_stay_in_order(Desk::new(make().await)).await;
    commits::many_workspaces_in_flight_do_not_disturb_each_other(Desk::new(make().await)).await;
    commits::an_idempotency_key_is_recorded_once(Desk::new(make().await)).await;
    claims::a_claim_is_taken_once_in_the_whole_store(Desk::new(make().await)).await;
    claims::a_claim_given_up_can_be_taken_by_another(Desk::new(make().await)).await;
    claims::giving_up_a_claim_of_another_changes_nothing(Desk::new(make().await)).await;
    claims::a_change_set_that_aborts_gives_nothing_up(Desk::new(make().await)).await;
    claims::claims_in_flight_change_hands_in_the_order_submitted(Desk::new(make().await)).await;
    platform::keys_read_back_and_are_revoked_once(Desk::new(make().await)).await;
    platform::the_latest_use_of_a_key_stands(Desk::new(make().await)).await;
    platform::a_catalog_version_is_published_once(Desk::new(make().await)).await;
    platform::promotions_read_back_at_their_latest_values(Desk::new(make().await)).await;
    tidy::a_closed_job_loses_content_and_keeps_its_figures(Desk::new(make().await)).await;
    tidy::jobs_are_found_by_what_they_are(Desk::new(make().await)).await;
    tidy::the_end_of_a_workspace_is_found_until_it_is_over(Desk::new(make().await)).await;
    tidy::answers_are_forgotten_after_their_time(Desk::new(make().await)).await;
    tidy::days_are_reconciled_from_both_sides(Desk::new(make().await)).await;
    webhooks::endpoints_read_back_and_are_deleted(Desk::new(make().await)).await;
    webhooks::a_job_tells_its_own_address_with_its_events(Desk::new(make().await)).await;
    webhooks::deliveries_are_made_once_tried_and_asked_for_again(Desk::new(make().await)).await;
    webhooks::what_is_old_is_pruned_a_few_rows_at_a_time(Desk::new(make().await)).await;
    insight::usage_is_grouped_as_asked(Desk::new(make().await)).await;
    insight::an_old_balance_is_what_was_shown_then(Desk::new(make().await)).await;
    insight::sums_beyond_an_amount_do_not_fail(Desk::new(make().await)).await;
    insight::a_members_spending_comes_with_the_last_sequence_number(Desk::new(make().await)).await;
    insight::the_newest_instant_is_that_of_any_workspace(Desk::new(make().await)).await;
    insight::the_ledger_rows_of_a_job_come_in_order(Desk::new(make().await)).await;
}
