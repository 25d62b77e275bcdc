//! Query parameters and path ids.

use std::str::FromStr;

use actix_web::HttpRequest;
use actix_web::web::Query;
use reeve_protocol::Page;
use serde::de::DeserializeOwned;

use crate::error::ApiError;

/// Entries of a list when the query does not say.
pub(crate) const LIMIT_SHIPPED: u32 = 50;
/// Most entries of one page.
pub(crate) const LIMIT_MAX: u32 = 500;
/// Longest cursor, in bytes: ours are ids and numbers.
pub(crate) const CURSOR_BYTES_MAX: usize = 128;

/// The query of a request; names that are not known are passed over.
pub(crate) fn query<T: DeserializeOwned>(req: &HttpRequest) -> Result<T, ApiError> {
    let wrong = |e| {
        ApiError::from(reeve_protocol::Problem::invalid(format!("the query cannot be read: {e}"), Vec::new()))
    };
    let query = Query::<T>::from_query(req.query_string()).map(Query::into_inner).map_err(wrong)?;
    // A NUL can reach no column, so it must reach no look-up either.
    if req.query_string().contains("%00") {
        return Err(reeve_protocol::Problem::invalid(
            "the query must not contain the character U+0000",
            Vec::new(),
        )
        .into());
    }
    Ok(query)
}

/// An id in the path. One that cannot be an id names nothing: 404, not 422.
pub(crate) fn path_id<T: FromStr>(req: &HttpRequest, name: &str, what: &str) -> Result<T, ApiError> {
    req.match_info().get(name).and_then(|text| text.parse().ok()).ok_or_else(|| ApiError::not_found(what))
}

/// A part of a list as the reader takes it: one entry more than wanted tells whether there is a next page.
pub(crate) struct Part {
    limit: u32,
    pub page: reeve_journal::Page,
}

impl Part {
    /// From the query. `is_cursor` tells whether a text can have come from us.
    pub(crate) fn new(
        limit: Option<u32>,
        cursor: Option<String>,
        is_cursor: impl Fn(&str) -> bool,
    ) -> Result<Self, ApiError> {
        if cursor.as_deref().is_some_and(|cursor| cursor.len() > CURSOR_BYTES_MAX || !is_cursor(cursor)) {
            return Err(ApiError::field("cursor", "is not one that a list answered with"));
        }
        if limit == Some(0) {
            return Err(ApiError::field("limit", format!("must be 1 to {LIMIT_MAX}")));
        }
        let limit = limit.unwrap_or(LIMIT_SHIPPED).min(LIMIT_MAX);
        Ok(Self { limit, page: reeve_journal::Page { after: cursor, limit: limit + 1 } })
    }

    /// The page of what was read.
    pub(crate) fn page<R, T>(
        &self,
        rows: Vec<R>,
        cursor: impl Fn(&R) -> String,
        view: impl FnMut(&R) -> T,
    ) -> Page<T> {
        let limit = self.limit as usize;
        let shown = rows.get(..limit.min(rows.len())).unwrap_or_default();
        let next_cursor = if rows.len() > limit { shown.last().map(cursor) } else { None };
        Page { data: shown.iter().map(view).collect(), next_cursor }
    }
}

/// True for a text that parses as `T`.
pub(crate) fn parses<T: FromStr>(text: &str) -> bool {
    text.parse::<T>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_page_has_a_next_one_only_when_there_is_more() {
        let part = Part::new(Some(2), None, |_| true).unwrap();
        assert_eq!(part.page.limit, 3);
        let page = part.page(vec![1, 2, 3], ToString::to_string, |n| *n);
        assert_eq!((page.data, page.next_cursor.as_deref()), (vec![1, 2], Some("2")));
        assert_eq!(part.page(vec![1, 2], ToString::to_string, |n| *n).next_cursor, None);
        assert_eq!(part.page(Vec::<i32>::new(), ToString::to_string, |n| *n).next_cursor, None);
    }

    #[test]
    fn a_foreign_cursor_or_a_page_of_nothing_is_refused() {
        assert!(Part::new(None, Some("x".into()), parses::<u64>).is_err());
        assert!(Part::new(Some(0), None, |_| true).is_err());
        assert_eq!(Part::new(Some(u32::MAX), None, |_| true).unwrap().page.limit, LIMIT_MAX + 1);
    }
}
