//! Who takes part: one workspace on each of the five catalogs.

use reeve_protocol::{Owner, WorkspaceCreate};
use reeve_types::{CatalogName, NameError, PlanName, WorkspaceId};

/// A workspace of the demonstration.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    pub id: &'static str,
    pub catalog: &'static str,
    pub plan: &'static str,
    /// The tier that the plan queues in; shown before the server has said so.
    pub tier: &'static str,
}

/// All of them.
pub const CAST: [Member; 5] = [
    Member { id: "northlight", catalog: "kive", plan: "pro", tier: "pro" },
    Member { id: "pocket", catalog: "kira", plan: "free", tier: "free" },
    Member { id: "launchpad", catalog: "kreatorflow", plan: "max", tier: "instant" },
    Member { id: "classroom", catalog: "ai-studios", plan: "personal", tier: "standard" },
    Member { id: "nightfilm", catalog: "kaiber", plan: "explorer", tier: "standard" },
];

impl Member {
    /// Its id.
    ///
    /// # Errors
    /// Never with the names above; the type says otherwise.
    pub fn workspace(&self) -> Result<WorkspaceId, NameError> {
        WorkspaceId::new(self.id)
    }

    /// The request that makes it.
    ///
    /// # Errors
    /// Never with the names above; the type says otherwise.
    pub fn create(&self) -> Result<WorkspaceCreate, NameError> {
        Ok(WorkspaceCreate {
            id: Some(self.workspace()?),
            plan: Some(PlanName::new(self.plan)?),
            owner: Some(Owner { user: format!("{}-owner", self.id), identity: Some("google".to_owned()) }),
            ..WorkspaceCreate::on(CatalogName::new(self.catalog)?)
        })
    }
}
