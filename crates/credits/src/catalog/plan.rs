//! Rule kind `tier` and the plans themselves: what a workspace subscribes to, and where its jobs queue.

use std::fmt;

use reeve_types::{Credits, PlanName, TierName};
use serde::Deserialize;

use super::decimal;

/// How long a paid term is. A year is above a month when changes are judged (X22).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Interval {
    /// Paid by the month.
    #[default]
    Month,
    /// Paid by the year.
    Year,
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Month => "month",
            Self::Year => "year",
        })
    }
}

/// What a workspace may subscribe to.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// How workspaces name it.
    pub name: PlanName,
    /// For people.
    pub title: String,
    /// Place among the plans, lowest first; unique. An upgrade goes to a higher one (X22).
    pub rank: u32,
    /// The queue tier of its jobs. Which weight that has is the scheduler's configuration, not the catalog's.
    pub tier: TierName,
    /// Most jobs of one workspace that run at once, where the plan differs from its tier.
    pub max_concurrent: Option<u32>,
    /// Whether it is paid for.
    pub paid: bool,
    /// The credits that it comes with.
    pub allotment: Allotment,
    /// The allotment is for one seat (AS-03).
    pub per_seat: bool,
    /// Terms it is sold for. Never empty.
    pub intervals: Vec<Interval>,
}

/// How many credits a month the plan comes with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Allotment {
    /// None: such a plan lives on one-time credits.
    None,
    /// One of these, ascending; left out it is the smallest.
    Choice(Vec<Credits>),
    /// Agreed with each workspace (KV-28).
    Custom {
        /// The least that may be agreed, in credits a month.
        min: Credits,
        /// What holds where nothing was agreed, in credits a month.
        default: Credits,
    },
}

/// Why an allotment cannot be had on a plan (422).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AllotmentRefusal {
    /// The plan has no allotment.
    #[error("plan `{plan}` has no allotment to choose; leave `allotment` out")]
    NotSold {
        /// The plan.
        plan: PlanName,
    },
    /// Not one of the plan's sizes.
    #[error("plan `{plan}` is not sold with {asked} credits; choose one of {}", list(.offered))]
    NotOffered {
        /// The plan.
        plan: PlanName,
        /// What was asked for.
        asked: Credits,
        /// Its sizes, ascending.
        offered: Vec<Credits>,
    },
    /// Less than the plan starts at.
    #[error("plan `{plan}` starts at {min} credits, `{asked}` is less")]
    BelowMinimum {
        /// The plan.
        plan: PlanName,
        /// What was asked for.
        asked: Credits,
        /// What it starts at.
        min: Credits,
    },
    /// More than one grant can be: a mistake of the input.
    #[error("{asked} credits are beyond what one grant can be")]
    TooLarge {
        /// What was asked for.
        asked: Credits,
    },
}

fn list(amounts: &[Credits]) -> String {
    amounts.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

impl Plan {
    /// The allotment that results from what was asked: `None` on a plan without one, the smallest when left out.
    ///
    /// # Errors
    /// An amount that is not on the plan's list, below its minimum, or absurd.
    pub fn allotment(&self, asked: Option<Credits>) -> Result<Option<Credits>, AllotmentRefusal> {
        let plan = || self.name.clone();
        let Some(asked) = asked else {
            return Ok(match &self.allotment {
                Allotment::None => None,
                Allotment::Choice(offered) => offered.first().copied(),
                Allotment::Custom { default, .. } => Some(*default),
            });
        };
        match &self.allotment {
            Allotment::None => Err(AllotmentRefusal::NotSold { plan: plan() }),
            Allotment::Choice(offered) if offered.contains(&asked) => Ok(Some(asked)),
            Allotment::Choice(offered) => {
                Err(AllotmentRefusal::NotOffered { plan: plan(), asked, offered: offered.clone() })
            }
            Allotment::Custom { min, .. } if asked < *min => {
                Err(AllotmentRefusal::BelowMinimum { plan: plan(), asked, min: *min })
            }
            Allotment::Custom { .. }
                if asked.micros() / Credits::SCALE > reeve_types::limits::CREDITS_MAX =>
            {
                Err(AllotmentRefusal::TooLarge { asked })
            }
            Allotment::Custom { .. } => Ok(Some(asked)),
        }
    }
}

/// A plan as the file writes it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPlan {
    pub title: Option<String>,
    pub rank: u32,
    pub tier: TierName,
    pub max_concurrent: Option<u32>,
    pub paid: bool,
    #[serde(default, deserialize_with = "decimal::list")]
    pub allotments: Vec<Credits>,
    pub custom: Option<RawCustom>,
    #[serde(default)]
    pub per_seat: bool,
    pub intervals: Option<Vec<Interval>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCustom {
    #[serde(deserialize_with = "decimal::credits")]
    pub min: Credits,
    #[serde(deserialize_with = "decimal::credits")]
    pub default: Credits,
}

impl RawPlan {
    pub(super) fn into_plan(self, name: PlanName) -> Plan {
        let allotment = match self.custom {
            Some(custom) => Allotment::Custom { min: custom.min, default: custom.default },
            None if self.allotments.is_empty() => Allotment::None,
            None => Allotment::Choice(self.allotments),
        };
        Plan {
            title: self.title.unwrap_or_else(|| name.to_string()),
            rank: self.rank,
            tier: self.tier,
            max_concurrent: self.max_concurrent,
            paid: self.paid,
            allotment,
            per_seat: self.per_seat,
            intervals: self.intervals.unwrap_or_else(|| vec![Interval::Month, Interval::Year]),
            name,
        }
    }
}
