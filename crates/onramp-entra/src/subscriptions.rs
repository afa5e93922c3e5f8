//! Azure subscriptions and their role assignments, over Azure Resource Manager.

use async_trait::async_trait;
use onramp_core::tenant::{
    AzureRoleId, ClassicAdministrator, PrincipalType, Subscription, SubscriptionRoleAssignment,
    SubscriptionState, Subscriptions,
};
use onramp_core::{ErrorKind, ObjectId, Result};
use onramp_graph::http::{Effect, Request};
use onramp_graph::reqwest::Method;
use onramp_graph::{Capability, GraphClient};
use serde::{Deserialize, Serialize};

use crate::uuid_v5;

const SUBSCRIPTIONS_VERSION: &str = "2022-12-01";
const ASSIGNMENTS_VERSION: &str = "2022-04-01";
/// The API version of classic administrators and of elevated access, which have no newer one.
const CLASSIC_VERSION: &str = "2015-07-01";
const ACCESS: &str =
    "an Azure role with roleAssignments/write on the subscription, such as User Access Administrator";

/// [`Subscriptions`] on Azure Resource Manager.
///
/// | method | needs |
/// |---|---|
/// | `list` | any role on a subscription to see it |
/// | `assignments` | `Microsoft.Authorization/roleAssignments/read`, which every built-in role has |
/// | `assign`, `unassign` | Owner, User Access Administrator or Role Based Access Control Administrator |
/// | `classic_administrators` | `Microsoft.Authorization/classicAdministrators/read`, which Reader has |
/// | `elevate_access` | the directory role Global Administrator, of a signed-in user |
///
/// The permission is the same for signed-in users (delegated `user_impersonation`) and applications. Azure requires a
/// second factor for writes of users, not of applications.
#[derive(Debug, Clone)]
pub struct EntraSubscriptions(pub(crate) GraphClient);

impl EntraSubscriptions {
    fn request(&self, action: &'static str, method: Method, path: &[&str], version: &str) -> Result<Request> {
        self.0.endpoints().require(Capability::AzureSubscriptions, action, "")?;
        let url = self.0.endpoints().arm().url(path)?;
        Ok(Request::new(action, method, url).query("api-version", version))
    }

    fn on_assignment(
        &self,
        action: &'static str,
        method: Method,
        subscription: &ObjectId,
        name: &ObjectId,
    ) -> Result<Request> {
        let (subscription, name) = (subscription.to_string(), name.to_string());
        let path = [
            "subscriptions",
            &subscription,
            "providers",
            "Microsoft.Authorization",
            "roleAssignments",
            &name,
        ];
        Ok(self.request(action, method, &path, ASSIGNMENTS_VERSION)?.needs(ACCESS))
    }
}

#[async_trait]
impl Subscriptions for EntraSubscriptions {
    /// `GET /subscriptions`.
    async fn list(&self) -> Result<Vec<Subscription>> {
        let request = self.request(
            "list the Azure subscriptions",
            Method::GET,
            &["subscriptions"],
            SUBSCRIPTIONS_VERSION,
        )?;
        let found: Vec<SubscriptionJson> = self.0.list_all(request).await?;
        Ok(found.into_iter().map(SubscriptionJson::into_subscription).collect())
    }

    /// `GET /subscriptions/{id}/providers/Microsoft.Authorization/roleAssignments` by principal.
    async fn assignments(
        &self,
        subscription: &ObjectId,
        principal: &ObjectId,
    ) -> Result<Vec<SubscriptionRoleAssignment>> {
        let id = subscription.to_string();
        let path = ["subscriptions", &id, "providers", "Microsoft.Authorization", "roleAssignments"];
        let request = self
            .request(
                "list the role assignments on the subscription",
                Method::GET,
                &path,
                ASSIGNMENTS_VERSION,
            )?
            .object(subscription)
            .filter_eq("principalId", principal);
        let found: Vec<AssignmentJson> = self.0.list_all(request).await?;
        // Azure also lists assignments inherited from above, and assignments of scopes below.
        let scope = scope(subscription);
        Ok(found
            .into_iter()
            .filter(|held| held.properties.scope.eq_ignore_ascii_case(&scope))
            .filter_map(|held| held.into_assignment(subscription))
            .filter(|held| held.principal == *principal)
            .collect())
    }

    /// `PUT /subscriptions/{id}/providers/Microsoft.Authorization/roleAssignments/{name}`. The name follows from
    /// subscription, principal and role, so that a repetition cannot assign twice.
    async fn assign(
        &self,
        subscription: &ObjectId,
        role: &AzureRoleId,
        principal: &ObjectId,
        principal_type: PrincipalType,
    ) -> Result<SubscriptionRoleAssignment> {
        let name = assignment_name(subscription, role, principal);
        let body = NewAssignment {
            properties: NewProperties {
                role_definition_id: format!(
                    "{}/providers/Microsoft.Authorization/roleDefinitions/{}",
                    scope(subscription),
                    role.id()
                ),
                principal_id: *principal,
                principal_type,
            },
        };
        let request = self
            .on_assignment("assign the Azure role", Method::PUT, subscription, &name)?
            .object(format_args!("{role} on the subscription {subscription} to {principal}"))
            .refers_to(principal)
            .json(&body)?;
        let reply = self.0.send(&request).await?;
        // 200 instead of 201: the same assignment existed. After a lost response it is this client's own.
        if reply.status() == 200 && !reply.follows_lost_reply() {
            return Err(request.error(ErrorKind::AlreadyExists).with_reply(reply.server_reply(&request)));
        }
        Ok(SubscriptionRoleAssignment::new(name, *subscription, *role, *principal))
    }

    /// `DELETE /subscriptions/{id}/providers/Microsoft.Authorization/roleAssignments/{name}`.
    async fn unassign(&self, assignment: &SubscriptionRoleAssignment) -> Result<()> {
        let SubscriptionRoleAssignment { subscription, name, .. } = assignment;
        let request = self
            .on_assignment("remove the Azure role assignment", Method::DELETE, subscription, name)?
            .object(format_args!("{} on the subscription {subscription}", assignment.role));
        match self.0.send(&request).await {
            Err(error) if error.reply().code.as_deref() == Some("RoleAssignmentNotFound") => Ok(()),
            other => other.map(drop),
        }
    }

    /// `GET /subscriptions/{id}/providers/Microsoft.Authorization/classicAdministrators`.
    async fn classic_administrators(&self, subscription: &ObjectId) -> Result<Vec<ClassicAdministrator>> {
        let id = subscription.to_string();
        let path = ["subscriptions", &id, "providers", "Microsoft.Authorization", "classicAdministrators"];
        let request = self
            .request("list the classic administrators of", Method::GET, &path, CLASSIC_VERSION)?
            .object(subscription);
        let found: Vec<ClassicJson> = self.0.list_all(request).await?;
        let found = found.into_iter().map(|held| held.properties);
        Ok(found.map(|held| ClassicAdministrator::new(held.email_address, held.role)).collect())
    }

    /// `POST /providers/Microsoft.Authorization/elevateAccess`. Idempotent.
    async fn elevate_access(&self) -> Result<()> {
        let path = ["providers", "Microsoft.Authorization", "elevateAccess"];
        let request = self
            .request("elevate access to Azure", Method::POST, &path, CLASSIC_VERSION)?
            .effect(Effect::Idempotent)
            .needs("the directory role Global Administrator to the signed-in user (an application cannot do this)");
        self.0.send(&request).await.map(drop)
    }
}

fn scope(subscription: &ObjectId) -> String {
    format!("/subscriptions/{subscription}")
}

/// Returns the name of an assignment: a UUID of version 5 over scope, principal and role.
fn assignment_name(subscription: &ObjectId, role: &AzureRoleId, principal: &ObjectId) -> ObjectId {
    let text = format!("{}|{principal}|{}", scope(subscription), role.id());
    uuid_v5::of_url(&text)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SubscriptionJson {
    subscription_id: ObjectId,
    #[serde(default)]
    display_name: Option<String>,
    #[serde(default)]
    state: Option<String>,
}

impl SubscriptionJson {
    fn into_subscription(self) -> Subscription {
        let state = match self.state.as_deref().unwrap_or_default() {
            "Warned" => SubscriptionState::Warned,
            "PastDue" => SubscriptionState::PastDue,
            "Disabled" => SubscriptionState::Disabled,
            "Deleted" => SubscriptionState::Deleted,
            _ => SubscriptionState::Enabled,
        };
        Subscription::new(self.subscription_id, self.display_name.unwrap_or_default(), state)
    }
}

#[derive(Deserialize)]
struct ClassicJson {
    properties: ClassicProperties,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClassicProperties {
    email_address: String,
    role: String,
}

#[derive(Serialize)]
struct NewAssignment {
    properties: NewProperties,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewProperties {
    role_definition_id: String,
    principal_id: ObjectId,
    /// The type, with which Azure accepts a principal that is still replicating.
    principal_type: PrincipalType,
}

#[derive(Deserialize)]
struct AssignmentJson {
    name: ObjectId,
    properties: Properties,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Properties {
    role_definition_id: String,
    principal_id: ObjectId,
    scope: String,
}

impl AssignmentJson {
    fn into_assignment(self, subscription: &ObjectId) -> Option<SubscriptionRoleAssignment> {
        let role = self.properties.role_definition_id.rsplit('/').next()?;
        let role = AzureRoleId::new(ObjectId::parse(role).ok()?);
        Some(SubscriptionRoleAssignment::new(self.name, *subscription, role, self.properties.principal_id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_follows_from_what_is_assigned_and_from_nothing_else() {
        let id = ObjectId::from_u128;
        let name = assignment_name(&id(1), &AzureRoleId::OWNER, &id(2));
        assert_eq!(name, assignment_name(&id(1), &AzureRoleId::OWNER, &id(2)));
        // Held for good: another name would make a second assignment of what an older version assigned.
        assert_eq!(name.as_bytes()[6] >> 4, 5);
        for other in [
            assignment_name(&id(3), &AzureRoleId::OWNER, &id(2)),
            assignment_name(&id(1), &AzureRoleId::READER, &id(2)),
            assignment_name(&id(1), &AzureRoleId::OWNER, &id(3)),
        ] {
            assert_ne!(name, other);
        }
    }
}
