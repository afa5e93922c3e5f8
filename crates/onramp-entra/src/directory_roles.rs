//! Directory roles in their older form (`/directoryRoles`), for tenants without unified role management.
//!
//! A role exists only after its activation, and its ID differs from that of its template; so it is always addressed by
//! its template.

use onramp_core::tenant::{RoleAssignment, RoleTemplateId};
use onramp_core::{ErrorKind, ObjectId, Result};
use onramp_graph::GraphClient;
use onramp_graph::http::{Effect, Request, ServiceUrl};
use onramp_graph::reqwest::Method;
use serde::{Deserialize, Serialize};

const READ: &str = "RoleManagement.Read.Directory";
const WRITE: &str =
    "RoleManagement.ReadWrite.Directory (a signed-in user also needs the role Privileged Role Administrator)";
/// The prefix of the IDs of these assignments, which have no ID in Graph.
const ID: &str = "directoryRole:";

/// The older form of [`EntraRoles`](crate::EntraRoles).
pub(crate) struct DirectoryRoles<'a>(pub(crate) &'a GraphClient);

/// Parses role and member from the ID of an assignment of the older form.
pub(crate) fn parse_id(id: &str) -> Option<(RoleTemplateId, ObjectId)> {
    let (role, member) = id.strip_prefix(ID)?.split_once(':')?;
    Some((RoleTemplateId::new(ObjectId::parse(role).ok()?), ObjectId::parse(member).ok()?))
}

fn assignment(role: RoleTemplateId, member: ObjectId) -> RoleAssignment {
    RoleAssignment::tenant_wide(format!("{ID}{}:{member}", role.id()), role, member)
}

impl DirectoryRoles<'_> {
    fn url(&self, segments: &[&str]) -> Result<ServiceUrl> {
        self.0.endpoints().graph().url(&[&["v1.0"], segments].concat())
    }

    /// Returns the activated roles. The service returns them in one page.
    async fn active(&self) -> Result<Vec<RoleJson>> {
        let url = self.url(&["directoryRoles"])?;
        let request = Request::new("list the active directory roles", Method::GET, url).needs(READ);
        self.0.list_all(request).await
    }

    async fn members(&self, role: &RoleJson) -> Result<Vec<RoleAssignment>> {
        let url = self.url(&["directoryRoles", &role.id.to_string(), "members"])?;
        let template = RoleTemplateId::new(role.role_template_id);
        let request = Request::new("list the members of the role", Method::GET, url)
            .object(template)
            .query("$select", "id")
            .needs(READ);
        let members: Vec<MemberJson> = self.0.list_all(request).await?;
        Ok(members.into_iter().map(|member| assignment(template, member.id)).collect())
    }

    pub(crate) async fn assignments(&self) -> Result<Vec<RoleAssignment>> {
        let mut held = Vec::new();
        for role in self.active().await? {
            held.extend(self.members(&role).await?);
        }
        Ok(held)
    }

    pub(crate) async fn assignments_of(&self, principal: &ObjectId) -> Result<Vec<RoleAssignment>> {
        let mut held = self.assignments().await?;
        held.retain(|held| held.principal == *principal);
        Ok(held)
    }

    pub(crate) async fn holders_of(&self, role: &RoleTemplateId) -> Result<Vec<RoleAssignment>> {
        match self.find(role).await? {
            Some(role) => self.members(&role).await,
            None => Ok(Vec::new()),
        }
    }

    async fn find(&self, role: &RoleTemplateId) -> Result<Option<RoleJson>> {
        Ok(self.active().await?.into_iter().find(|active| active.role_template_id == *role.id()))
    }

    /// Adds a member to a role, after activating it if necessary.
    pub(crate) async fn assign(&self, role: &RoleTemplateId, principal: &ObjectId) -> Result<RoleAssignment> {
        let active = match self.find(role).await? {
            Some(active) => active,
            None => self.activate(role).await?,
        };
        let member = self.url(&["directoryObjects", &principal.to_string()])?;
        let url = self.url(&["directoryRoles", &active.id.to_string(), "members", "$ref"])?;
        let request = Request::new("assign the directory role", Method::POST, url)
            .object(format_args!("{role} to {principal}"))
            .refers_to(principal)
            .needs(WRITE)
            .json(&Reference { id: member.as_str() })?;
        let look_up = || async {
            let held = self.members(&active).await?;
            Ok(held.into_iter().find(|held| held.principal == *principal))
        };
        self.0.create(&request, look_up, |_| Ok(assignment(*role, *principal))).await
    }

    async fn activate(&self, role: &RoleTemplateId) -> Result<RoleJson> {
        let url = self.url(&["directoryRoles"])?;
        let request = Request::new("activate the directory role", Method::POST, url)
            .object(role)
            .effect(Effect::Idempotent)
            .needs(WRITE)
            .json(&Activation { role_template_id: *role.id() })?;
        match self.0.json(&request).await {
            Ok(active) => Ok(active),
            // Another client was faster, or an earlier attempt did it and its response was lost.
            Err(error) if error.is_already_exists() => self.find(role).await?.ok_or(error),
            Err(error) if error.is_not_found() => Err(request
                .error(ErrorKind::Invalid)
                .with_detail("the tenant has no role of that template ID")
                .with_reply(error.reply().clone())),
            Err(error) => Err(error),
        }
    }

    pub(crate) async fn remove_member(&self, role: RoleTemplateId, member: &ObjectId) -> Result<()> {
        const ACTION: &str = "take back the directory role";
        let Some(active) = self.find(&role).await? else {
            return Err(onramp_core::Error::new(ErrorKind::NotFound, ACTION)
                .with_object(role)
                .with_detail("no user or group has the role"));
        };
        let (id, member) = (active.id.to_string(), member.to_string());
        let url = self.url(&["directoryRoles", &id, "members", &member, "$ref"])?;
        let request = Request::new(ACTION, Method::DELETE, url)
            .object(format_args!("{role} of {member}"))
            .refers_to(&member)
            .needs(WRITE);
        self.0.send(&request).await.map(drop)
    }
}

#[derive(Serialize)]
struct Reference<'a> {
    #[serde(rename = "@odata.id")]
    id: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Activation {
    role_template_id: ObjectId,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RoleJson {
    id: ObjectId,
    role_template_id: ObjectId,
}

#[derive(Deserialize)]
struct MemberJson {
    id: ObjectId,
}
