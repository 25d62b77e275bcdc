//! Usage: what jobs took and gave back, summed by member, action and day.

use actix_web::HttpRequest;
use actix_web::web::Data;
use reeve_journal::{DAY_MS, USAGE_ROWS_MAX, UsageFilter, UsageKey};
use reeve_protocol::{Amount, Page, Problem, UsageQuery, UsageRow};
use reeve_types::Millis;

use crate::error::{Answer, ApiError};
use crate::json::ok;
use crate::query::query;
use crate::resources::workspaces::folded;
use crate::state::ApiState;

/// Totals, one row per group; one row in all without `group_by`.
#[utoipa::path(get, path = "/v1/workspaces/{ws}/usage", tag = "workspaces",
    params(("ws" = String, Path, description = "Workspace id"), UsageQuery),
    responses((status = 200, description = "All groups", body = Page<UsageRow>)))]
pub(crate) async fn get(state: Data<ApiState>, req: HttpRequest) -> Answer {
    let UsageQuery { group_by, from, to, member } = query(&req)?;
    let keys = keys(group_by.as_deref().unwrap_or_default())?;
    let workspace = folded(&state, &req).await?;
    let filter = UsageFilter { from: from.map(Into::into), to: to.map(Into::into), member };
    let rows = state.engine.reader().usage(&workspace, &filter, &keys).await?;
    // A cut list of totals would be taken for all of them.
    if rows.len() >= USAGE_ROWS_MAX as usize {
        let detail = format!("there are more than {USAGE_ROWS_MAX} groups; narrow `from` and `to`");
        return Err(Problem::invalid(detail, Vec::new()).into());
    }
    ok(&Page::only(rows.into_iter().map(view).collect()))
}

/// The keys of a list such as `member,day`.
fn keys(text: &str) -> Result<Vec<UsageKey>, ApiError> {
    let mut keys = Vec::new();
    for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
        let key = match word {
            "member" => UsageKey::Member,
            "action" => UsageKey::Action,
            "day" => UsageKey::Day,
            _ => {
                let detail = format!("`{word}` is not one of member, action, day");
                return Err(ApiError::field("group_by", detail));
            }
        };
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    Ok(keys)
}

fn view(row: reeve_journal::UsageRow) -> UsageRow {
    let date = |day: i64| {
        Millis::from_millis(day.saturating_mul(DAY_MS)).to_string().chars().take(10).collect::<String>()
    };
    UsageRow {
        member: row.member,
        action: row.action,
        day: row.day.map(date),
        settled: Amount(row.settled),
        released: Amount(row.released),
        refunded: Amount(row.refunded),
        jobs: row.jobs,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_named_once_each() {
        assert_eq!(keys("").unwrap(), []);
        assert_eq!(keys("day, member,day").unwrap(), [UsageKey::Day, UsageKey::Member]);
        assert!(keys("member,week").is_err());
    }

    #[test]
    fn a_day_is_a_date() {
        let row = reeve_journal::UsageRow { day: Some(20_454), ..Default::default() };
        assert_eq!(view(row).day.as_deref(), Some("2026-01-01"));
    }
}
