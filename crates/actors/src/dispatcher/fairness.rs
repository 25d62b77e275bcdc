//! How evenly the workspaces of one tier were served: Jain's index over one window of time.
//!
//! The index is (sum of x)^2 / (n x sum of x^2) for n workspaces that were charged x each: 1 when all had the same,
//! 1/n when one had everything. Both sums are kept as service is charged, so that a look costs nothing and the number
//! of waiting jobs does not matter. Only workspaces that were served count: one that asks for little lowers the index
//! without being wronged, so it is read beside the waits. Figures only, no clock: who calls says when it is.

use reeve_queue::WorkspaceKey;
use rustc_hash::FxHashMap;

/// Length of a window, in milliseconds.
pub(crate) const WINDOW_MS: u64 = 60_000;
/// Workspaces that one window tells apart; the service of further ones does not count.
const WORKSPACES_MAX: usize = 65_536;
/// The index of perfectly even service.
const EVEN_PERMILLE: u128 = 1_000;

/// How evenly a tier was served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Jain {
    /// 1,000 when every workspace had the same; 1,000 / n when one of n had everything.
    pub permille: u32,
    /// Workspaces that were served.
    pub workspaces: u32,
}

/// One tier of one pool.
#[derive(Clone, Debug, Default)]
pub(super) struct Fairness {
    /// Number of the present window since the clock's zero.
    window: u64,
    served_ms: FxHashMap<WorkspaceKey, u64>,
    sum_ms: u128,
    squares: u128,
    /// Of the window before.
    ended: Option<Jain>,
}

impl Fairness {
    /// Books service at this instant of a clock that never goes back.
    pub(super) fn serve(&mut self, workspace: WorkspaceKey, charge_ms: u32, now_ms: u64) {
        self.turn(now_ms);
        if self.served_ms.len() >= WORKSPACES_MAX && !self.served_ms.contains_key(&workspace) {
            return;
        }
        let served_ms = self.served_ms.entry(workspace).or_default();
        let (before, more) = (u128::from(*served_ms), u128::from(charge_ms));
        *served_ms = served_ms.saturating_add(u64::from(charge_ms));
        self.sum_ms += more;
        // (a + b)^2 - a^2
        self.squares += (2 * before + more) * more;
    }

    /// Opens the window of this instant; what was served in the one before becomes what is shown.
    pub(super) fn turn(&mut self, now_ms: u64) {
        let window = now_ms / WINDOW_MS;
        if window == self.window {
            return;
        }
        let ended = if window == self.window + 1 { self.present() } else { None };
        // A new map: a rush of workspaces shall not keep its memory for ever.
        *self = Self { window, ended, ..Self::default() };
    }

    /// Of the last whole window; of the present one when nothing was served in that.
    pub(super) fn jain(&self) -> Option<Jain> {
        self.ended.or_else(|| self.present())
    }

    fn present(&self) -> Option<Jain> {
        let n = self.served_ms.len() as u128;
        let even = self.sum_ms.saturating_mul(self.sum_ms).saturating_mul(EVEN_PERMILLE);
        let permille = even.checked_div(n.saturating_mul(self.squares))?.min(EVEN_PERMILLE);
        let permille = u32::try_from(permille).ok()?;
        Some(Jain { permille, workspaces: u32::try_from(n).unwrap_or(u32::MAX) })
    }
}

#[cfg(test)]
mod tests {
    use reeve_queue::{FairQueue, Settings, TierIndex, TierSettings, WorkspaceFacts};
    use reeve_types::WorkspaceId;

    use super::*;

    /// Keys of so many workspaces.
    fn keys(n: usize) -> Vec<WorkspaceKey> {
        let tier =
            TierSettings { name: "free".parse().unwrap(), weight: 1, floor_permille: 0, express_permille: 0 };
        let mut queue = FairQueue::new(Settings { tiers: vec![tier], pools: Vec::new() }).unwrap();
        let facts = WorkspaceFacts { tier: TierIndex(0), cap_running: 1, paused: false };
        let id = |n| WorkspaceId::new(&format!("w-{n}")).unwrap();
        (0..n).map(|n| queue.set_workspace(&id(n), facts).unwrap()).collect()
    }

    fn of(served: &[(usize, u32)]) -> Option<Jain> {
        let keys = keys(8);
        let mut fairness = Fairness::default();
        served.iter().for_each(|(workspace, ms)| fairness.serve(keys[*workspace], *ms, 0));
        fairness.jain()
    }

    #[test]
    fn even_service_is_one_and_one_that_has_everything_is_a_share() {
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[(1, 5)]), Some(Jain { permille: 1_000, workspaces: 1 }));
        assert_eq!(of(&[(1, 5), (2, 5), (3, 5)]), Some(Jain { permille: 1_000, workspaces: 3 }));
        // 1, 1 and 4: 36 / (3 x 18).
        assert_eq!(of(&[(1, 1), (2, 1), (3, 4)]), Some(Jain { permille: 666, workspaces: 3 }));
        // Charged in parts or at once is the same.
        assert_eq!(of(&[(3, 1), (1, 1), (3, 2), (2, 1), (3, 1)]), of(&[(1, 1), (2, 1), (3, 4)]));
    }

    #[test]
    fn a_whole_window_is_shown_until_the_next_one_ended() {
        let keys = keys(3);
        let mut fairness = Fairness::default();
        fairness.serve(keys[1], 10, 0);
        fairness.serve(keys[2], 30, WINDOW_MS - 1);
        let first = fairness.jain();
        fairness.serve(keys[1], 10, WINDOW_MS);
        assert_eq!(fairness.jain(), first, "the new window has just begun");
        fairness.turn(2 * WINDOW_MS);
        assert_eq!(fairness.jain(), Some(Jain { permille: 1_000, workspaces: 1 }));
        fairness.turn(3 * WINDOW_MS);
        assert_eq!(fairness.jain(), None, "nothing was served in it");
        fairness.serve(keys[0], 1, 9 * WINDOW_MS);
        assert_eq!(fairness.jain().map(|jain| jain.workspaces), Some(1), "after a pause the present one");
    }

    #[test]
    fn a_rush_of_workspaces_is_bounded() {
        let mut fairness = Fairness::default();
        keys(WORKSPACES_MAX + 10).into_iter().for_each(|key| fairness.serve(key, u32::MAX, 0));
        let workspaces = u32::try_from(WORKSPACES_MAX).unwrap();
        assert_eq!(fairness.jain(), Some(Jain { permille: 1_000, workspaces }));
    }
}
