//! Who may call what: the kinds of access that the table of routes names, and the judgement.

use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use reeve_journal::Role;
use reeve_protocol::Code;
use reeve_types::{KeyId, WorkspaceId};

use crate::error::ApiError;

/// What a route asks of its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Nothing.
    Open,
    /// An admin key.
    Admin,
    /// An admin key, or the key of the workspace that it is about.
    Tenant,
    /// As `Tenant`, or a signed link instead of a key.
    Link,
    /// A worker key, or an admin key.
    Worker,
    /// As `Admin`, unless the configuration opens it.
    Metrics,
    /// No key: the handler checks who signed the body.
    Signed,
}

impl Access {
    /// May a key of this role call at all? What it may see is judged with the thing itself.
    pub(crate) const fn admits(self, role: Role) -> bool {
        match (self, role) {
            (Self::Open | Self::Signed, _) | (_, Role::Admin) => true,
            (Self::Tenant | Self::Link, Role::Workspace) | (Self::Worker, Role::Worker) => true,
            (Self::Admin | Self::Worker | Self::Metrics, Role::Workspace) => false,
            (Self::Admin | Self::Tenant | Self::Link | Self::Metrics, Role::Worker) => false,
        }
    }
}

/// Who calls, as far as the key tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    pub key: KeyId,
    pub role: Role,
    /// The one workspace of a workspace key.
    pub workspace: Option<WorkspaceId>,
}

impl Caller {
    /// May it know of this workspace and of what belongs to it?
    pub(crate) fn may_see(&self, workspace: &WorkspaceId) -> bool {
        match self.role {
            Role::Admin => true,
            Role::Workspace => self.workspace.as_ref() == Some(workspace),
            Role::Worker => false,
        }
    }

    /// Refuses as if the thing did not exist: a foreign id must not be told from an unknown one.
    pub(crate) fn sees(&self, workspace: &WorkspaceId, what: &str) -> Result<(), ApiError> {
        if self.may_see(workspace) { Ok(()) } else { Err(ApiError::not_found(what)) }
    }
}

/// Proof that a signed link, not a key, opened the route.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SignedLink;

impl FromRequest for Caller {
    type Error = ApiError;
    type Future = std::future::Ready<Result<Self, ApiError>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let caller = req.extensions().get::<Arc<Self>>().map(|caller| (**caller).clone());
        std::future::ready(caller.ok_or_else(|| ApiError::new(Code::Unauthorized, "a key is needed")))
    }
}

#[cfg(test)]
mod tests {
    use reeve_types::Millis;

    use super::*;

    #[test]
    fn each_role_gets_what_the_contract_says() {
        let rows = [
            (Access::Open, [true, true, true]),
            (Access::Admin, [true, false, false]),
            (Access::Tenant, [true, true, false]),
            (Access::Link, [true, true, false]),
            (Access::Worker, [true, false, true]),
            (Access::Metrics, [true, false, false]),
            (Access::Signed, [true, true, true]),
        ];
        for (access, expected) in rows {
            let got = [Role::Admin, Role::Workspace, Role::Worker].map(|role| access.admits(role));
            assert_eq!(got, expected, "{access:?}");
        }
    }

    #[test]
    fn a_workspace_key_sees_its_own_workspace_only() {
        let own = WorkspaceId::new("own").unwrap();
        let key = KeyId::from_parts(Millis::from_millis(0), 1);
        let caller = |role, workspace| Caller { key, role, workspace };
        let tenant = caller(Role::Workspace, Some(own.clone()));
        assert!(tenant.may_see(&own));
        assert!(!tenant.may_see(&WorkspaceId::new("other").unwrap()));
        assert!(!caller(Role::Worker, None).may_see(&own));
        assert!(!caller(Role::Workspace, None).may_see(&own));
        assert!(caller(Role::Admin, None).may_see(&own));
    }
}
