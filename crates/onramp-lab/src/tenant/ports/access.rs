//! Directory roles and Azure subscriptions.

use async_trait::async_trait;
use onramp_core::tenant::{
    AzureRoleId, ClassicAdministrator, PrincipalType, RoleAssignment, RoleTemplateId, Roles, Subscription,
    SubscriptionRoleAssignment, Subscriptions,
};
use onramp_core::{ObjectId, Result};

use super::{Operation, Ports};
use crate::tenant::data::refusal::Refusal;
use crate::tenant::data::roles;
use crate::tenant::data::state::State;
use crate::tenant::data::subscriptions::{AzureAssignment, AzureGrant};

const ASSIGNMENTS: &str = "/v1.0/roleManagement/directory/roleAssignments";

#[async_trait]
impl Roles for Ports {
    async fn assignments(&self) -> Result<Vec<RoleAssignment>> {
        let operation = Operation::new("GET", ASSIGNMENTS, "list the tenant's role assignments", "");
        let held = self.run(&operation, |state, _| Ok(assignments(state, |_| true))).await?;
        held.iter().map(role_assignment).collect()
    }

    async fn assignments_of(&self, principal: &ObjectId) -> Result<Vec<RoleAssignment>> {
        let operation = Operation::new("GET", ASSIGNMENTS, "list the roles of", principal)
            .with_query(format!("$filter=principalId eq '{principal}'"));
        let id = principal.to_string();
        let held =
            self.run(&operation, |state, _| Ok(assignments(state, |held| held.principal_id == id))).await?;
        held.iter().map(role_assignment).collect()
    }

    async fn eligibilities_of(&self, principal: &ObjectId) -> Result<Vec<RoleAssignment>> {
        let path = "/v1.0/roleManagement/directory/roleEligibilityScheduleInstances";
        let operation = Operation::new("GET", path, "list the roles that may be activated by", principal)
            .with_query(format!("$filter=principalId eq '{principal}'"));
        let id = principal.to_string();
        let eligible = self.run(&operation, |state, _| {
            Ok(state
                .eligible_roles
                .iter()
                .filter(|held| held.principal_id == id)
                .cloned()
                .collect::<Vec<_>>())
        });
        eligible.await?.iter().map(role_assignment).collect()
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
        all.iter().map(|s| Ok(Subscription::new(ObjectId::parse(&s.id)?, &s.name, s.state.clone()))).collect()
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

    async fn classic_administrators(&self, subscription: &ObjectId) -> Result<Vec<ClassicAdministrator>> {
        let path = format!("{}/providers/Microsoft.Authorization/classicAdministrators", scope(subscription));
        let operation = Operation::new("GET", path, "list the classic administrators of", subscription);
        self.run(&operation, |state, _| {
            let subscription = state.subscription(&subscription.to_string())?;
            let left = subscription.classic.iter();
            Ok(left.map(|(email, role)| ClassicAdministrator::new(email, role)).collect())
        })
        .await
    }

    async fn elevate_access(&self) -> Result<()> {
        let path = "/providers/Microsoft.Authorization/elevateAccess";
        let operation = Operation::new("POST", path, "elevate access to Azure", "");
        // The ports speak for an application, and only a user can be a Global Administrator by itself.
        self.run(&operation, |_, _| Err(Refusal::forbidden())).await
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
