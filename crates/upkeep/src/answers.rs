//! Remembered answers: forgotten after their time, the oldest first.

use reeve_journal::Tidy;

use crate::{Upkeep, UpkeepError};

const HOUR_MS: i64 = 3_600_000;
/// Answers that one change forgets.
const AT_ONCE: u32 = 1_000;
/// Changes of one round.
const CHANGES_MAX: u32 = 10;
/// Rounds without a look once none was old: they come in by the second and are kept for hours.
const REST_ROUNDS: u32 = 10;

/// Rounds to wait.
#[derive(Default)]
pub(crate) struct Place(u32);

impl Upkeep {
    pub(crate) async fn forget_answers(&mut self) -> Result<(), UpkeepError> {
        if self.answers.0 > 0 {
            self.answers.0 -= 1;
            return Ok(());
        }
        let at = self.engine.now().plus_ms(-i64::from(self.settings.answers_hours) * HOUR_MS);
        for _ in 0..CHANGES_MAX {
            if !self.engine.reader().has_answers_before(at).await? {
                self.answers.0 = REST_ROUNDS;
                return Ok(());
            }
            if !self.is_calm() {
                return Ok(());
            }
            self.engine.tidy(Tidy::AnswersBefore { at, count_max: AT_ONCE }).await?;
        }
        Ok(())
    }
}
