//! Rule kind `source`: when credits appear, how many, for how long, and what they may pay for.

use std::collections::BTreeMap;
use std::fmt;

use reeve_types::{Credits, PlanName};
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

use super::decimal::{self, DecimalVisitor};
use super::names::ScopeName;
use super::plan::{Interval, Plan};
use crate::lot::LotClass;

/// One way in which credits appear. Its name is its key in the catalog.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// What kind of credits its lots hold.
    pub class: LotClass,
    /// How many credits it gives.
    pub amount: Amount,
    /// Multiplies an amount that is the allotment: 12 for a year granted at once (AS-04).
    #[serde(default = "one")]
    pub times: u32,
    /// Takes the place of `times` while the workspace pays by the year (KA-02).
    pub times_year: Option<u32>,
    /// The amount is for one of these. `Seat` counts only on plans sold by the seat (AS-03).
    pub per: Option<PerCount>,
    /// Who may spend what is granted by the seat (AS-11).
    #[serde(default)]
    pub pool: Pool,
    /// At most once for this subject, judged when a workspace is created, or when `on` happens (X14).
    pub once: Option<Subject>,
    /// Again at each such boundary.
    pub every: Option<Every>,
    /// When something happens.
    #[serde(default)]
    pub on: Vec<Trigger>,
    /// Whose grants share a key where `every` repeats: one live daily lot per user (KR-03).
    #[serde(default)]
    pub subject: Subject,
    /// For whom it applies.
    #[serde(rename = "if", default)]
    pub condition: Condition,
    /// How long its lots live.
    pub until: Until,
    /// What its lots may pay for; everything when left out.
    pub scope: Option<ScopeName>,
    /// Lots of a smaller number are spent first (X19).
    #[serde(default)]
    pub priority: i32,
    /// Smallest purchase, in credits (KA-03).
    #[serde(default, deserialize_with = "decimal::optional")]
    pub min: Option<Credits>,
    /// What becomes of a trial's lot when the workspace starts to pay (KV-24).
    pub on_convert: Option<OnConvert>,
    /// While a lot of this source lives, tier and entitlements are this plan's (KV-24).
    pub acts_as: Option<PlanName>,
    /// What becomes of its lots when the workspace leaves a plan that the condition names (KR-07).
    #[serde(default)]
    pub on_plan_exit: OnPlanExit,
}

const fn one() -> u32 {
    1
}

/// How many credits a source gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Amount {
    /// So many credits.
    Fixed(Credits),
    /// The workspace's allotment, times `times`.
    Allotment,
    /// What was bought.
    Purchased,
    /// By plan; a plan that is not named gets nothing.
    ByPlan(BTreeMap<PlanName, Credits>),
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_any(AmountVisitor)
    }
}

struct AmountVisitor;

impl<'de> Visitor<'de> for AmountVisitor {
    type Value = Amount;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an amount, `allotment`, `purchased`, or a table of amounts by plan")
    }

    fn visit_i64<E: Error>(self, n: i64) -> Result<Amount, E> {
        DecimalVisitor.visit_i64(n).map(Amount::Fixed)
    }

    fn visit_f64<E: Error>(self, n: f64) -> Result<Amount, E> {
        DecimalVisitor.visit_f64(n).map(Amount::Fixed)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Amount, E> {
        match text {
            "allotment" => Ok(Amount::Allotment),
            "purchased" => Ok(Amount::Purchased),
            _ => DecimalVisitor.visit_str(text).map(Amount::Fixed),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Amount, A::Error> {
        decimal::by_plan(map).map(Amount::ByPlan)
    }
}

/// What an amount is counted per.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PerCount {
    /// A seat of the subscription.
    Seat,
    /// A unit of the add-on that names the source.
    Unit,
}

/// Who may spend what is granted by the seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pool {
    /// All seats together.
    #[default]
    Workspace,
    /// Each member one seat's worth in a billing period.
    Seat,
}

/// Whom a once-only or periodic grant is keyed by (X14).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// The workspace itself.
    #[default]
    Workspace,
    /// `owner.user`, else the workspace.
    User,
    /// The friend who signed up (KA-04).
    Friend,
}

/// The boundary at which a source grants again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Every {
    /// Each local date of the workspace's zone (KR-03).
    Day,
    /// Each month from the anchor, also inside a yearly term (KV-25).
    Month,
    /// Each year from the anchor.
    Year,
    /// Each paid term: month or year, as the workspace pays.
    Interval,
}

/// What makes a source grant outside the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// A purchase's payment is confirmed (KV-08).
    PaymentConfirmed,
    /// A purchase is confirmed inside a promotion's window (KV-27).
    Promotion,
    /// Units of an add-on are added (AS-07).
    AddonBought,
    /// A user signed up through the workspace's owner (KA-04).
    FriendSignedUp,
    /// A trial begins (KV-24).
    TrialStarted,
}

/// When a source applies: every field that is given must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Condition {
    /// The workspace's plan is one of these.
    pub plan: Option<Vec<PlanName>>,
    /// The plan is paid for, or is not.
    pub paid: Option<bool>,
    /// The owner's identity, as the platform verified it, is one of these (KV-03).
    pub identity: Option<Vec<String>>,
    /// The workspace pays by this term.
    pub interval: Option<Interval>,
    /// The workspace never paid (KV-24).
    pub never_paid: bool,
}

impl Condition {
    /// True when the condition holds for that plan, term and identity. `never_paid` is the caller's to judge: it
    /// needs the workspace's history.
    pub fn holds(&self, plan: &Plan, interval: Interval, identity: Option<&str>) -> bool {
        self.plan.as_ref().is_none_or(|plans| plans.contains(&plan.name))
            && self.paid.is_none_or(|paid| paid == plan.paid)
            && self.interval.is_none_or(|wanted| wanted == interval)
            && self.identity.as_ref().is_none_or(|wanted| {
                identity.is_some_and(|identity| wanted.iter().any(|name| name == identity))
            })
    }
}

/// How long a lot lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Until {
    /// It has no end of its own.
    Never,
    /// The end of the period it was granted for; without `every`, of the billing period.
    PeriodEnd,
    /// The end of the paid term: a year where the workspace pays by the year (AS-10).
    TermEnd,
    /// The end of the local date.
    DayEnd,
    /// So long after it appears.
    After {
        /// Milliseconds.
        ms: i64,
    },
}

impl TryFrom<String> for Until {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.as_str() {
            "never" => return Ok(Self::Never),
            "period_end" => return Ok(Self::PeriodEnd),
            "term_end" => return Ok(Self::TermEnd),
            "day_end" => return Ok(Self::DayEnd),
            _ => {}
        }
        text.strip_prefix("after ").and_then(duration_ms).map(|ms| Self::After { ms }).ok_or_else(|| {
            format!("`{text}` is not a lifetime; write `never`, `period_end`, `term_end`, `day_end`, or `after 7d` (h, m, s)")
        })
    }
}

/// `7d`, `36h`, `10m`, `5s` in milliseconds; nothing else, and nothing beyond a hundred years.
fn duration_ms(text: &str) -> Option<i64> {
    const DAY_MS: i64 = 86_400_000;
    let unit = text.chars().last()?;
    let count: i64 = text.strip_suffix(unit)?.parse().ok()?;
    let unit_ms = match unit {
        'd' => DAY_MS,
        'h' => 3_600_000,
        'm' => 60_000,
        's' => 1_000,
        _ => return None,
    };
    count.checked_mul(unit_ms).filter(|ms| *ms > 0 && *ms <= 36_525 * DAY_MS)
}

/// What becomes of a trial's lot when the workspace starts to pay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnConvert {
    /// It stays until its own end.
    Keep,
    /// It ends with the first payment.
    Expire,
}

/// What becomes of a source's lots when the workspace leaves the plan they came with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnPlanExit {
    /// They live on until their own end.
    #[default]
    Keep,
    /// The rest goes at the change, later releases too; running holds keep theirs.
    Forfeit,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes_read_as_written() {
        let until = |text: &str| Until::try_from(text.to_owned()).ok();
        assert_eq!(until("after 7d"), Some(Until::After { ms: 604_800_000 }));
        assert_eq!(until("after 36h"), Some(Until::After { ms: 129_600_000 }));
        assert_eq!(until("day_end"), Some(Until::DayEnd));
        for bad in [
            "",
            "after",
            "after 0d",
            "after -1d",
            "after 7",
            "after 7w",
            "after 99999999999d",
            "later",
            "after ä",
        ] {
            assert_eq!(until(bad), None, "{bad:?}");
        }
    }
}
