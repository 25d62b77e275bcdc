//! Members with a limit of their own: what they may spend in a window, held credits counted.

use chrono::NaiveDate;
use reeve_credits::calendar::{self, Period};
use reeve_types::{Credits, Millis};

use crate::profile::Profile;

/// Over which time a member's spending is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemberWindow {
    /// A local date of the workspace's zone.
    Day,
    /// A calendar month in UTC.
    Month,
    /// From one monthly anniversary of the anchor to the next.
    BillingMonth,
}

impl MemberWindow {
    /// Every window, for parsing.
    pub const ALL: [Self; 3] = [Self::Day, Self::Month, Self::BillingMonth];

    /// The start of the window that `at` lies in; for `BillingMonth` the one that is folded.
    pub fn start(self, at: Millis, profile: &Profile) -> Millis {
        match self {
            Self::Day => {
                let date = calendar::local_date(at, profile.timezone);
                calendar::day_start(date, profile.timezone).unwrap_or(at)
            }
            Self::Month => calendar::month_start(at),
            Self::BillingMonth => profile.cycle.month_start,
        }
    }

    /// When the window that `at` lies in ends; `None` at the end of the calendar.
    pub fn end(self, at: Millis, profile: &Profile) -> Option<Millis> {
        match self {
            Self::Day => calendar::next_day_boundary(at, profile.timezone).map(|(_, start)| start),
            Self::Month => Some(calendar::boundary(calendar::month_start(at), Period::Month, 1)),
            Self::BillingMonth => Some(profile.cycle.month_end),
        }
    }

    /// The stored and shown word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Month => "month",
            Self::BillingMonth => "billing_month",
        }
    }

    /// The window of a stored word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|window| window.as_str() == word)
    }
}

/// A ceiling on one member's spending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct MemberLimit {
    /// Most credits, held ones counted.
    pub amount: Credits,
    /// Over which time.
    pub window: MemberWindow,
}

/// A member who has, or had, a limit. What they hold is counted from the live jobs.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Member {
    /// The ceiling; `None` once it was lifted.
    pub limit: Option<MemberLimit>,
    /// The start of the window that `settled` is about.
    pub window_start: Millis,
    /// Credits settled in that window.
    pub settled: Credits,
    /// What they used of their own seat, where seats are not pooled (AS-11).
    pub seat: Option<SeatUse>,
}

/// A member's use of one seat in a billing period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SeatUse {
    /// The billing period that `settled` is about.
    pub period_start: Millis,
    /// Credits settled in it.
    pub settled: Credits,
}

impl Member {
    /// What is settled in the window that `at` lies in.
    pub fn settled_at(&self, at: Millis, profile: &Profile) -> Credits {
        let same = self.limit.is_some_and(|limit| limit.window.start(at, profile) == self.window_start);
        if same { self.settled } else { Credits::ZERO }
    }

    /// Counts credits settled at `at`, in a new window when the old one is over.
    pub(crate) fn settle(&mut self, credits: Credits, at: Millis, profile: &Profile) {
        if let Some(seat) = &mut self.seat {
            let before = if seat.period_start == profile.period_start { seat.settled } else { Credits::ZERO };
            let settled = before.checked_add(credits).unwrap_or(before);
            *seat = SeatUse { period_start: profile.period_start, settled };
        }
        let Some(limit) = self.limit else { return };
        self.settled = self.settled_at(at, profile).checked_add(credits).unwrap_or(self.settled);
        self.window_start = limit.window.start(at, profile);
    }
}

/// Small counts of a workspace that change more often than its profile.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Tallies {
    /// The local date that `free_jobs` is about.
    pub free_date: Option<NaiveDate>,
    /// Jobs of price zero admitted on that date (X25).
    pub free_jobs: u32,
    /// Available credits after the latest grant: what `low` is a share of (KF-04).
    pub full: Credits,
    /// Alerts of the catalog that are told and not armed again, one bit each by their place.
    pub told: u32,
    /// Notices that come at an instant are told up to this one.
    pub told_to: Millis,
}
