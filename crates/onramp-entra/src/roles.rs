//! Directory roles over Graph's unified role management.

use async_trait::async_trait;
use onramp_core::tenant::{RoleAssignment, RoleTemplateId, Roles};
use onramp_core::{Error, ErrorKind, ObjectId, Result};
use onramp_graph::http::{Reply, Request, ServiceUrl};
use onramp_graph::reqwest::Method;
use onramp_graph::{Capability, GraphClient};
use serde::{Deserialize, Serialize};

use crate::directory_roles::{self, DirectoryRoles};

const READ: &str = "RoleManagement.Read.Directory";
const READ_ELIGIBLE: &str = "RoleEligibilitySchedule.Read.Directory";
const WRITE: &str =
    "RoleManagement.ReadWrite.Directory (a signed-in user also needs the role Privileged Role Administrator)";
const TENANT_WIDE: &str = "/";

/// [`Roles`] on Microsoft Graph v1.0, by role template ID.
///
/// | method | least permission, delegated and application |
/// |---|---|
/// | `assignments`, `assignments_of`, `holders_of` | RoleManagement.Read.Directory |
/// | `eligibilities_of` | RoleEligibilitySchedule.Read.Directory |
/// | `assign`, `unassign` | RoleManagement.ReadWrite.Directory |
///
/// A signed-in user also needs the role Privileged Role Administrator to change anything. An application that
/// has RoleManagement.ReadWrite.Directory can make itself Global Administrator: protect it like one.
///
/// In a tenant without unified role management the older `directoryRoles` are used, with the same permissions. Their
/// assignments are identified by role and member, and apply to the whole tenant.
#[derive(Debug, Clone)]
pub struct EntraRoles(pub(crate) GraphClient);

impl EntraRoles {
    fn url(&self, rest: &[&str]) -> Result<ServiceUrl> {
        self.0.endpoints().graph().url(&[&["v1.0", "roleManagement", "directory"], rest].concat())
    }

    async fn list(&self, property: &str, id: &ObjectId) -> Result<Vec<RoleAssignment>> {
        let request = self.list_request("list the role assignments of")?.object(id);
        self.read(request.filter_eq(property, id)).await
    }

    fn list_request(&self, action: &'static str) -> Result<Request> {
        Ok(Request::new(action, Method::GET, self.url(&["roleAssignments"])?).needs(READ))
    }

    async fn read(&self, request: Request) -> Result<Vec<RoleAssignment>> {
        let found: Vec<AssignmentJson> = self.0.list_all(request).await?;
        Ok(found.into_iter().map(AssignmentJson::into_assignment).collect())
    }

    fn older(&self) -> DirectoryRoles<'_> {
        DirectoryRoles(&self.0)
    }

    /// Returns true if the tenant responds that it has no role of this ID.
    async fn lacks(&self, role: &RoleTemplateId) -> bool {
        let Ok(url) = self.url(&["roleDefinitions", &role.id().to_string()]) else { return false };
        let request = Request::new("read the role", Method::GET, url).object(role).needs(READ);
        self.0.send(&request).await.is_err_and(|error| error.is_not_found())
    }
}

#[async_trait]
impl Roles for EntraRoles {
    /// `GET /roleManagement/directory/roleAssignments`, all pages. RoleManagement.Read.Directory.
    async fn assignments(&self) -> Result<Vec<RoleAssignment>> {
        match self.read(self.list_request("list the tenant's role assignments")?).await {
            Err(error) if is_not_offered(&error) => self.older().assignments().await,
            other => other,
        }
    }

    /// `GET /roleManagement/directory/roleAssignments` by principal. RoleManagement.Read.Directory.
    async fn assignments_of(&self, principal: &ObjectId) -> Result<Vec<RoleAssignment>> {
        match self.list("principalId", principal).await {
            Err(error) if is_not_offered(&error) => self.older().assignments_of(principal).await,
            other => other,
        }
    }

    /// `GET /roleManagement/directory/roleEligibilityScheduleInstances` by principal.
    /// RoleEligibilitySchedule.Read.Directory.
    async fn eligibilities_of(&self, principal: &ObjectId) -> Result<Vec<RoleAssignment>> {
        const ACTION: &str = "list the eligible roles of";
        self.0.endpoints().require(Capability::RoleEligibility, ACTION, principal)?;
        let url = self.url(&["roleEligibilityScheduleInstances"])?;
        let request = Request::new(ACTION, Method::GET, url)
            .object(principal)
            .filter_eq("principalId", principal)
            .needs(READ_ELIGIBLE);
        let found: Result<Vec<AssignmentJson>> = self.0.list_all(request.clone()).await;
        match found {
            Ok(found) => Ok(found.into_iter().map(AssignmentJson::into_assignment).collect()),
            Err(error) if error.kind() == ErrorKind::Unsupported => Err(request
                .error(ErrorKind::Unsupported)
                .with_detail("the tenant has no license for Privileged Identity Management")
                .with_reply(error.reply().clone())
                .with_hint(
                    "Without it there are no eligible assignments; check the active assignments only.",
                )),
            Err(error) if is_not_offered(&error) => Err(request
                .error(ErrorKind::Unsupported)
                .with_detail("the tenant does not offer Privileged Identity Management")
                .with_reply(error.reply().clone())),
            Err(error) => Err(error),
        }
    }

    /// `GET /roleManagement/directory/roleAssignments` by role. RoleManagement.Read.Directory.
    async fn holders_of(&self, role: &RoleTemplateId) -> Result<Vec<RoleAssignment>> {
        match self.list("roleDefinitionId", role.id()).await {
            Err(error) if is_not_offered(&error) => self.older().holders_of(role).await,
            other => other,
        }
    }

    /// `POST /roleManagement/directory/roleAssignments`. RoleManagement.ReadWrite.Directory.
    async fn assign(&self, role: &RoleTemplateId, principal: &ObjectId) -> Result<RoleAssignment> {
        let body = NewAssignment {
            role_definition_id: *role.id(),
            principal_id: *principal,
            directory_scope_id: TENANT_WIDE,
        };
        let request = Request::new("assign the role", Method::POST, self.url(&["roleAssignments"])?)
            .object(format_args!("{role} to {principal}"))
            .refers_to(principal)
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
            Err(error) if is_not_offered(&error) => self.older().assign(role, principal).await,
            // "Not found" may concern the principal or the role.
            Err(error) if error.is_not_found() && self.lacks(role).await => Err(request
                .error(ErrorKind::Invalid)
                .with_detail("the tenant has no role of that template ID")
                .with_reply(error.reply().clone())),
            Err(error) => Err(error),
        }
    }

    /// `DELETE /roleManagement/directory/roleAssignments/{id}`. RoleManagement.ReadWrite.Directory.
    async fn unassign(&self, assignment_id: &str) -> Result<()> {
        if let Some((role, member)) = directory_roles::parse_id(assignment_id) {
            return self.older().remove_member(role, &member).await;
        }
        let url = self.url(&["roleAssignments", assignment_id])?;
        let request = Request::new("take back the role assignment", Method::DELETE, url)
            .object(assignment_id)
            .refers_to(assignment_id)
            .needs(WRITE);
        match self.0.send(&request).await {
            // No assignment of the newer form can exist then.
            Err(error) if is_not_offered(&error) => {
                return Err(request.error(ErrorKind::NotFound).with_reply(error.reply().clone()));
            }
            other => other?,
        };
        self.0.deleted(assignment_id);
        Ok(())
    }
}

/// Returns true if the service does not offer unified role management, as opposed to a missing role or principal.
fn is_not_offered(error: &Error) -> bool {
    let reply = error.reply();
    let says = |words: &str| reply.diagnostic.as_deref().is_some_and(|text| text.contains(words));
    error.kind() == ErrorKind::Unsupported || says("Resource not found for the segment")
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
