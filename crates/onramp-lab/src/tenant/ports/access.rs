//! Directory roles, Azure subscriptions, application identities.

use async_trait::async_trait;
use onramp_core::tenant::{
    Application, Applications, AzureRoleId, PrincipalType, RoleAssignment, RoleTemplateId, Roles,
    Subscription, SubscriptionRoleAssignment, SubscriptionState, Subscriptions,
};
use onramp_core::{ObjectId, Result};

use super::{Operation, Ports};
use crate::tenant::applications;
use crate::tenant::roles;
use crate::tenant::state::State;
use crate::tenant::subscriptions::{AzureAssignment, AzureGrant};

const ASSIGNMENTS: &str = "/v1.0/roleManagement/directory/roleAssignments";

#[async_trait]
impl Roles for Ports {
    async fn assignments_of(&self, principal: &ObjectId) -> Result<Vec<RoleAssignment>> {
        let operation = Operation::new("GET", ASSIGNMENTS, "list the roles of", principal)
            .with_query(format!("$filter=principalId eq '{principal}'"));
        let id = principal.to_string();
        let held =
            self.run(&operation, |state, _| Ok(assignments(state, |held| held.principal_id == id))).await?;
        held.iter().map(role_assignment).collect()
    }

    async fn holders_of(&self, role: &RoleTemplateId) -> Result<Vec<RoleAssignment>> {
        let operation = Operation::new("GET", ASSIGNMENTS, "list the holders of the role", role)
            .with_query(format!("$filter=roleDefinitionId eq '{}'", role.id()));
        let id = role.id().to_string();
        let held = self.run(&operation, |state, _| Ok(assignments(state, |held| held.role_id == id))).await?;
        held.iter().map(role_assignment).collect()
    }

    async fn assign(&self, role: &RoleTemplateId, principal: &ObjectId) -> Result<RoleAssignment> {
        let operation = Operation::new("POST", ASSIGNMENTS, "assign a directory role to", principal);
        let (role, principal) = (role.id().to_string(), principal.to_string());
        let held = self
            .run(&operation, |state, now| state.assign_role(&role, &principal, "/", now).cloned())
            .await?;
        role_assignment(&held)
    }

    async fn unassign(&self, assignment_id: &str) -> Result<()> {
        let path = format!("{ASSIGNMENTS}/{assignment_id}");
        let operation = Operation::new("DELETE", path, "remove the role assignment", assignment_id);
        self.run(&operation, |state, _| state.unassign_role(assignment_id)).await
    }
}

fn assignments(state: &State, wanted: impl Fn(&roles::RoleAssignment) -> bool) -> Vec<roles::RoleAssignment> {
    state.role_assignments.iter().filter(|held| wanted(held)).cloned().collect()
}

fn role_assignment(held: &roles::RoleAssignment) -> Result<RoleAssignment> {
    let role = RoleTemplateId::new(ObjectId::parse(&held.role_id)?);
    let mut assignment = RoleAssignment::tenant_wide(&held.id, role, ObjectId::parse(&held.principal_id)?);
    assignment.scope.clone_from(&held.scope);
    Ok(assignment)
}

#[async_trait]
impl Subscriptions for Ports {
    async fn list(&self) -> Result<Vec<Subscription>> {
        let operation = Operation::new("GET", "/subscriptions", "list the Azure subscriptions", "");
        let all = self.run(&operation, |state, _| Ok(state.subscriptions.clone())).await?;
        // The lab's subscriptions are all in use.
        all.iter()
            .map(|s| Ok(Subscription::new(ObjectId::parse(&s.id)?, &s.name, SubscriptionState::Enabled)))
            .collect()
    }

    async fn assignments(
        &self,
        subscription: &ObjectId,
        principal: &ObjectId,
    ) -> Result<Vec<SubscriptionRoleAssignment>> {
        let operation =
            Operation::new("GET", assignments_path(subscription), "list the Azure roles of", principal)
                .with_query(format!("$filter=principalId eq '{principal}'"));
        let (scope, id) = (scope(subscription), principal.to_string());
        let held: Vec<AzureAssignment> = self
            .run(&operation, |state, _| {
                let at_scope = state.azure_assignments(&scope)?.into_iter();
                Ok(at_scope.filter(|held| held.principal_id == id).cloned().collect())
            })
            .await?;
        held.iter().map(|held| azure_assignment(held, subscription)).collect()
    }

    async fn assign(
        &self,
        subscription: &ObjectId,
        role: &AzureRoleId,
        principal: &ObjectId,
        principal_type: PrincipalType,
    ) -> Result<SubscriptionRoleAssignment> {
        let name = self.lab.with_state(|state| state.draw.guid());
        let path = format!("{}/{name}", assignments_path(subscription));
        let operation = Operation::new("PUT", path, "assign an Azure role to", principal);
        let (scope, role, principal) = (scope(subscription), role.id().to_string(), principal.to_string());
        let kind = match principal_type {
            PrincipalType::User => Some("User"),
            PrincipalType::ServicePrincipal => Some("ServicePrincipal"),
            PrincipalType::Group => Some("Group"),
            _ => None,
        };
        let made = self
            .run(&operation, |state, now| {
                let grant = AzureGrant {
                    scope: &scope,
                    name: &name,
                    role: &role,
                    principal: &principal,
                    principal_type: kind,
                };
                state.azure_assign(grant, now).map(|(made, _)| made.clone())
            })
            .await?;
        azure_assignment(&made, subscription)
    }

    async fn unassign(&self, assignment: &SubscriptionRoleAssignment) -> Result<()> {
        let path = format!("{}/{}", assignments_path(&assignment.subscription), assignment.name);
        let operation = Operation::new("DELETE", path, "remove the Azure role assignment", assignment.name);
        let (scope, name) = (scope(&assignment.subscription), assignment.name.to_string());
        self.run(&operation, |state, _| state.azure_unassign(&scope, &name).map(drop)).await
    }
}

fn scope(subscription: &ObjectId) -> String {
    format!("/subscriptions/{subscription}")
}

fn assignments_path(subscription: &ObjectId) -> String {
    format!("{}/providers/Microsoft.Authorization/roleAssignments", scope(subscription))
}

fn azure_assignment(held: &AzureAssignment, subscription: &ObjectId) -> Result<SubscriptionRoleAssignment> {
    let role = AzureRoleId::new(ObjectId::parse(&held.role)?);
    let (name, principal) = (ObjectId::parse(&held.name)?, ObjectId::parse(&held.principal_id)?);
    Ok(SubscriptionRoleAssignment::new(name, *subscription, role, principal))
}

#[async_trait]
impl Applications for Ports {
    async fn find(&self, display_name: &str) -> Result<Vec<Application>> {
        let operation = Operation::new("GET", "/v1.0/applications", "find the application", display_name)
            .with_query(format!("$filter=displayName eq '{}'", display_name.replace('\'', "''")));
        self.run(&operation, |state, _| {
            let found = state.applications.iter().filter(|app| app.display_name == display_name);
            Ok(found.map(|app| application(app, state)).collect::<Vec<_>>())
        })
        .await?
        .into_iter()
        .collect()
    }

    async fn create(&self, display_name: &str) -> Result<Application> {
        let register = Operation::new("POST", "/v1.0/applications", "register the application", display_name);
        let app = self
            .run(&register, |state, now| state.create_application(display_name, Vec::new(), now).cloned())
            .await?;
        let admit = Operation::new(
            "POST",
            "/v1.0/servicePrincipals",
            "create the service principal of",
            display_name,
        );
        self.run(&admit, |state, now| {
            state.create_service_principal(&app.app_id, Vec::new(), now)?;
            Ok(application(&app, state))
        })
        .await?
    }

    async fn delete(&self, id: &ObjectId) -> Result<()> {
        let operation =
            Operation::new("DELETE", format!("/v1.0/applications/{id}"), "delete the application", id);
        self.run(&operation, |state, now| state.delete_application(&id.to_string(), now)).await
    }
}

fn application(app: &applications::Application, state: &State) -> Result<Application> {
    let principal = state.service_principals.iter().find(|sp| sp.app_id == app.app_id);
    let principal = principal.map(|sp| ObjectId::parse(&sp.id)).transpose()?;
    Ok(Application::new(
        ObjectId::parse(&app.id)?,
        ObjectId::parse(&app.app_id)?,
        &app.display_name,
        principal,
    ))
}
