//! Directory roles and subscriptions whose ports break a promise.

use async_trait::async_trait;
use onramp_core::tenant::{
    AzureRoleId, ClassicAdministrator, PrincipalType, RoleAssignment, RoleTemplateId, Roles, Subscription,
    SubscriptionRoleAssignment, Subscriptions,
};
use onramp_core::{Error, ErrorKind, ObjectId, Result};

use super::{Broken, Mutant, hide};

#[async_trait]
impl Roles for Mutant {
    async fn assignments(&self) -> Result<Vec<RoleAssignment>> {
        let all = self.sound.roles.assignments().await?;
        Ok(if self.is(Broken::HidesAssignments) { Vec::new() } else { all })
    }

    async fn assignments_of(&self, principal: &ObjectId) -> Result<Vec<RoleAssignment>> {
        self.sound.roles.assignments_of(principal).await
    }

    async fn eligibilities_of(&self, principal: &ObjectId) -> Result<Vec<RoleAssignment>> {
        if self.is(Broken::CallsEverybodyEligible) {
            let role = RoleTemplateId::GLOBAL_ADMINISTRATOR;
            return Ok(vec![RoleAssignment::tenant_wide("made-up", role, *principal)]);
        }
        self.sound.roles.eligibilities_of(principal).await
    }

    async fn holders_of(&self, role: &RoleTemplateId) -> Result<Vec<RoleAssignment>> {
        let holders = self.sound.roles.holders_of(role).await?;
        Ok(if self.is(Broken::HidesHolders) { Vec::new() } else { holders })
    }

    async fn assign(&self, role: &RoleTemplateId, principal: &ObjectId) -> Result<RoleAssignment> {
        match self.sound.roles.assign(role, principal).await {
            Err(error) if self.is(Broken::AssignsAgain) && error.is_already_exists() => {
                Ok(self.assignments_of(principal).await?.remove(0))
            }
            other => other,
        }
    }

    async fn unassign(&self, assignment_id: &str) -> Result<()> {
        if self.is(Broken::KeepsRoles) && assignment_id != "no-such-assignment" {
            return Ok(());
        }
        self.sound.roles.unassign(assignment_id).await
    }
}

#[async_trait]
impl Subscriptions for Mutant {
    async fn list(&self) -> Result<Vec<Subscription>> {
        self.sound.subscriptions.list().await
    }

    async fn assignments(
        &self,
        subscription: &ObjectId,
        principal: &ObjectId,
    ) -> Result<Vec<SubscriptionRoleAssignment>> {
        self.sound.subscriptions.assignments(subscription, principal).await
    }

    async fn assign(
        &self,
        subscription: &ObjectId,
        role: &AzureRoleId,
        principal: &ObjectId,
        principal_type: PrincipalType,
    ) -> Result<SubscriptionRoleAssignment> {
        let made = SubscriptionRoleAssignment::new(*principal, *subscription, *role, *principal);
        let given = self.sound.subscriptions.assign(subscription, role, principal, principal_type).await;
        if self.is(Broken::GivesNobodyAccess) { hide(given, ErrorKind::NotFound, made) } else { given }
    }

    async fn unassign(&self, assignment: &SubscriptionRoleAssignment) -> Result<()> {
        let held = Subscriptions::assignments(self, &assignment.subscription, &assignment.principal).await?;
        if self.is(Broken::RefusesASecondUnassign) && !held.contains(assignment) {
            return Err(Error::new(ErrorKind::NotFound, "take access back").with_object(assignment.name));
        }
        self.sound.subscriptions.unassign(assignment).await
    }

    async fn classic_administrators(&self, subscription: &ObjectId) -> Result<Vec<ClassicAdministrator>> {
        let found = self.sound.subscriptions.classic_administrators(subscription).await;
        if self.is(Broken::KnowsEverySubscription) { Ok(found.unwrap_or_default()) } else { found }
    }

    async fn elevate_access(&self) -> Result<()> {
        self.sound.subscriptions.elevate_access().await
    }
}
