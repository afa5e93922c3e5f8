//! Directory roles through Graph's unified role management.

use async_trait::async_trait;
use onramp_core::tenant::{RoleAssignment, RoleTemplateId, Roles};
use onramp_core::{ErrorKind, ObjectId, Result};
use reqwest::Method;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::endpoints::Audience;
use crate::filter;
use crate::paging;
use crate::request::{Reply, Request};
use crate::transport::Transport;

const READ: &str = "RoleManagement.Read.Directory";
const WRITE: &str =
    "RoleManagement.ReadWrite.Directory (a signed-in user also needs the role Privileged Role Administrator)";
const TENANT_WIDE: &str = "/";

/// [`Roles`] on Microsoft Graph v1.0, by role template ID.
///
/// | method | least permission, delegated and application |
/// |---|---|
/// | `assignments_of`, `holders_of` | RoleManagement.Read.Directory |
/// | `assign`, `unassign` | RoleManagement.ReadWrite.Directory |
///
/// A signed-in user also needs the role Privileged Role Administrator to change anything. An application that
/// holds RoleManagement.ReadWrite.Directory can make itself Global Administrator: guard it like one.
#[derive(Debug, Clone)]
pub struct EntraRoles(pub(crate) Transport);

impl EntraRoles {
    fn url(&self, rest: &[&str]) -> Result<Url> {
        self.0.endpoints().url(Audience::Graph, &[&["v1.0", "roleManagement", "directory"], rest].concat())
    }

    async fn list(&self, property: &str, id: &ObjectId) -> Result<Vec<RoleAssignment>> {
        let filter = format!("{property} eq {}", filter::literal(&id.to_string()));
        let request = Request::new(
            "list the role assignments of",
            Audience::Graph,
            Method::GET,
            self.url(&["roleAssignments"])?,
        )
        .object(id)
        .query("$filter", &filter)
        .needs(READ);
        let found: Vec<AssignmentJson> = paging::all(self.0.clone(), request).await?;
        Ok(found.into_iter().map(AssignmentJson::into_assignment).collect())
    }

    /// Whether the tenant has a role of that ID. "No" only if it says so.
    async fn lacks(&self, role: &RoleTemplateId) -> bool {
        let Ok(url) = self.url(&["roleDefinitions", &role.id().to_string()]) else { return false };
        let request =
            Request::new("read the role", Audience::Graph, Method::GET, url).object(role).needs(READ);
        self.0.send(&request).await.is_err_and(|error| error.is_not_found())
    }
}

#[async_trait]
impl Roles for EntraRoles {
    /// `GET /roleManagement/directory/roleAssignments` by principal. RoleManagement.Read.Directory.
    async fn assignments_of(&self, principal: &ObjectId) -> Result<Vec<RoleAssignment>> {
        self.list("principalId", principal).await
    }

    /// `GET /roleManagement/directory/roleAssignments` by role. RoleManagement.Read.Directory.
    async fn holders_of(&self, role: &RoleTemplateId) -> Result<Vec<RoleAssignment>> {
        self.list("roleDefinitionId", role.id()).await
    }

    /// `POST /roleManagement/directory/roleAssignments`. RoleManagement.ReadWrite.Directory.
    async fn assign(&self, role: &RoleTemplateId, principal: &ObjectId) -> Result<RoleAssignment> {
        let body = NewAssignment {
            role_definition_id: *role.id(),
            principal_id: *principal,
            directory_scope_id: TENANT_WIDE,
        };
        let request =
            Request::new("assign the role", Audience::Graph, Method::POST, self.url(&["roleAssignments"])?)
                .object(format_args!("{role} to {principal}"))
                .concerns(principal)
                .needs(WRITE)
                .json(&body)?;
        let read = |reply: &Reply| Ok(reply.json::<AssignmentJson>(&request)?.into_assignment());
        let look_up = || async {
            let held = self.assignments_of(principal).await?;
            Ok(held.into_iter().find(|held| held.role == *role && held.scope == TENANT_WIDE))
        };
        match self.0.create(&request, look_up, read).await {
            Ok(assignment) => {
                self.0.created(&assignment.id, &[]);
                Ok(assignment)
            }
            // "Not found" may be about the principal or about the role.
            Err(error) if error.is_not_found() && self.lacks(role).await => Err(request
                .error(ErrorKind::Invalid)
                .detail("the tenant has no role of that template ID")
                .reply(error.server_reply().clone())),
            Err(error) => Err(error),
        }
    }

    /// `DELETE /roleManagement/directory/roleAssignments/{id}`. RoleManagement.ReadWrite.Directory.
    async fn unassign(&self, assignment_id: &str) -> Result<()> {
        let url = self.url(&["roleAssignments", assignment_id])?;
        let request = Request::new("take back the role assignment", Audience::Graph, Method::DELETE, url)
            .object(assignment_id)
            .concerns(assignment_id)
            .needs(WRITE);
        self.0.send(&request).await?;
        self.0.fresh.forget(assignment_id);
        Ok(())
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewAssignment<'a> {
    role_definition_id: ObjectId,
    principal_id: ObjectId,
    directory_scope_id: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AssignmentJson {
    id: String,
    role_definition_id: ObjectId,
    principal_id: ObjectId,
    #[serde(default)]
    directory_scope_id: Option<String>,
    #[serde(default)]
    app_scope_id: Option<String>,
}

impl AssignmentJson {
    fn into_assignment(self) -> RoleAssignment {
        let role = RoleTemplateId::new(self.role_definition_id);
        let mut assignment = RoleAssignment::tenant_wide(self.id, role, self.principal_id);
        if let Some(scope) = self.directory_scope_id.or(self.app_scope_id) {
            assignment.scope = scope;
        }
        assignment
    }
}
