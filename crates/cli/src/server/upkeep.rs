//! Figures of the upkeep, as the API asks for them.

use reeve_api::{UpkeepFigures, UpkeepPart, UpkeepPort};
use reeve_upkeep::{Figures, PartView};

/// The upkeep behind the API's port.
pub(super) struct Port(pub(super) Figures);

impl UpkeepPort for Port {
    fn figures(&self) -> UpkeepFigures {
        let part =
            |PartView { name, done, failed, age_ms }: PartView| UpkeepPart { name, done, failed, age_ms };
        UpkeepFigures { parts: self.0.parts().map(part).to_vec(), removed: self.0.taken().to_vec() }
    }
}
