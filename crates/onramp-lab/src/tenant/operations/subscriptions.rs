//! Azure subscriptions: role assignments, locks and states.

use crate::tenant::AzureLock;
use crate::tenant::data::ids::is_guid;
use crate::tenant::data::refusal::{Outcome, Refusal};
use crate::tenant::data::roles::GLOBAL_ADMINISTRATOR;
use crate::tenant::data::state::State;
use crate::tenant::data::subscriptions::AZURE_ROLES;
use crate::tenant::data::subscriptions::AzureAssignment;
use crate::tenant::data::subscriptions::AzureGrant;
use crate::tenant::data::subscriptions::Subscription;
use onramp_core::tenant::SubscriptionState;
use time::OffsetDateTime;

/// An operation on a role assignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Write,
    Delete,
}

impl Act {
    fn name(self) -> &'static str {
        match self {
            Self::Write => "write",
            Self::Delete => "delete",
        }
    }
}

/// User Access Administrator.
const USER_ACCESS: &str = "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9";

impl State {
    pub(crate) fn subscription(&self, id: &str) -> Outcome<&Subscription> {
        self.subscriptions.iter().find(|s| s.id.eq_ignore_ascii_case(id)).ok_or_else(|| {
            Refusal::new(404, "SubscriptionNotFound", format!("The subscription '{id}' could not be found."))
        })
    }

    /// Returns the assignments at exactly this scope.
    pub(crate) fn azure_assignments(&self, scope: &str) -> Outcome<Vec<&AzureAssignment>> {
        let scope = self.scope(scope)?;
        Ok(self.azure_assignments.iter().filter(|held| held.scope == scope).collect())
    }

    /// Gives access; the flag says whether the assignment is new.
    pub(crate) fn azure_assign(
        &mut self,
        grant: AzureGrant<'_>,
        now: OffsetDateTime,
    ) -> Outcome<(&AzureAssignment, bool)> {
        let scope = self.scope(grant.scope)?;
        self.may_change_assignment(&scope, grant.name, Act::Write)?;
        if !is_guid(grant.name) {
            return Err(Refusal::new(
                400,
                "InvalidRoleAssignmentId",
                format!(
                    "The role assignment ID '{}' is not valid. The role assignment ID must be a GUID.",
                    grant.name
                ),
            ));
        }
        let role = grant.role.rsplit('/').next().unwrap_or_default().to_lowercase();
        if !AZURE_ROLES.iter().any(|(id, _)| *id == role) {
            return Err(Refusal::new(
                404,
                "RoleDefinitionDoesNotExist",
                format!("The specified role definition with ID '{role}' does not exist."),
            ));
        }
        let principal_type = self.azure_principal(grant.principal, now)?;
        if grant.principal_type.is_some_and(|claimed| claimed != principal_type) {
            return Err(Refusal::new(
                400,
                "UnmatchedPrincipalType",
                format!(
                    "The PrincipalId '{}' has type '{principal_type}', which is different from the one specified.",
                    grant.principal
                ),
            ));
        }
        let wanted = AzureAssignment {
            name: grant.name.to_lowercase(),
            scope,
            role,
            principal_id: grant.principal.to_lowercase(),
            principal_type: principal_type.to_owned(),
            created: now,
        };
        let same_triple = |held: &AzureAssignment| {
            (&held.scope, &held.role, &held.principal_id)
                == (&wanted.scope, &wanted.role, &wanted.principal_id)
        };
        if let Some(at) = self.azure_assignments.iter().position(|held| held.name == wanted.name) {
            return match self.azure_assignments.get(at) {
                Some(held) if same_triple(held) => Ok((held, false)),
                _ => Err(Refusal::new(
                    400,
                    "RoleAssignmentUpdateNotPermitted",
                    "Tenant ID, application ID, principal ID, and scope are not allowed to be updated.",
                )),
            };
        }
        if self.azure_assignments.iter().any(same_triple) {
            return Err(Refusal::new(409, "RoleAssignmentExists", "The role assignment already exists."));
        }
        self.azure_assignments.push(wanted);
        self.azure_assignments.last().map(|made| (made, true)).ok_or_else(|| Refusal::of_status(500))
    }

    /// Takes access away; `None` when there was no such assignment.
    pub(crate) fn azure_unassign(&mut self, scope: &str, name: &str) -> Outcome<Option<AzureAssignment>> {
        let scope = self.scope(scope)?;
        self.may_change_assignment(&scope, name, Act::Delete)?;
        let same = |held: &AzureAssignment| held.scope == scope && held.name.eq_ignore_ascii_case(name);
        Ok(self.azure_assignments.iter().position(same).map(|at| self.azure_assignments.remove(at)))
    }

    /// Makes a Global Administrator a User Access Administrator of everything.
    pub(crate) fn elevate(&mut self, user_id: &str, now: OffsetDateTime) -> Outcome<()> {
        let is_global = self
            .role_assignments
            .iter()
            .any(|held| held.principal_id == user_id && held.role_id == GLOBAL_ADMINISTRATOR);
        if !is_global {
            return Err(Refusal::new(
                403,
                "AuthorizationFailed",
                "Only a Global Administrator can elevate access.",
            ));
        }
        let held = |held: &AzureAssignment| {
            held.scope == "/" && held.role == USER_ACCESS && held.principal_id == user_id
        };
        if !self.azure_assignments.iter().any(held) {
            let assignment = AzureAssignment {
                name: self.draw.guid(),
                scope: "/".to_owned(),
                role: USER_ACCESS.to_owned(),
                principal_id: user_id.to_owned(),
                principal_type: "User".to_owned(),
                created: now,
            };
            self.azure_assignments.push(assignment);
        }
        Ok(())
    }

    /// Locks a scope, or takes its lock away.
    pub(crate) fn set_azure_lock(&mut self, scope: &str, lock: Option<AzureLock>) -> Outcome<()> {
        let scope = self.scope(scope)?;
        self.azure_locks.retain(|(locked, _)| *locked != scope);
        self.azure_locks.extend(lock.map(|lock| (scope, lock)));
        Ok(())
    }

    /// Lets nobody change role assignments at a scope and below, or lets everybody again.
    pub(crate) fn deny_azure_scope(&mut self, scope: &str, denied: bool) -> Outcome<()> {
        let scope = self.scope(scope)?;
        self.azure_denied.retain(|other| *other != scope);
        self.azure_denied.extend(denied.then_some(scope));
        Ok(())
    }

    pub(crate) fn set_subscription_state(&mut self, id: &str, state: SubscriptionState) -> Outcome<()> {
        let found = self.subscriptions.iter_mut().find(|s| s.id.eq_ignore_ascii_case(id));
        found
            .ok_or_else(|| Refusal::new(404, "SubscriptionNotFound", "There is no such subscription."))?
            .state = state;
        Ok(())
    }

    /// Checks a change of an assignment: first the caller's rights, then the subscription's state, then locks.
    fn may_change_assignment(&self, scope: &str, name: &str, act: Act) -> Outcome<()> {
        let within = |outer: &str| {
            let rest = scope.strip_prefix(outer.trim_end_matches('/'));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let what = act.name();
        if self.azure_denied.iter().any(|denied| within(denied)) {
            let message = format!(
                "The client does not have authorization to perform action 'Microsoft.Authorization/roleAssignments/{what}' over scope '{scope}/providers/Microsoft.Authorization/roleAssignments/{name}' or the scope is invalid. If access was recently granted, please refresh your credentials."
            );
            return Err(Refusal::new(403, "AuthorizationFailed", message));
        }
        let id = scope.strip_prefix("/subscriptions/").and_then(|rest| rest.split('/').next());
        if let Some(id) = id
            && matches!(
                self.subscription(id)?.state,
                SubscriptionState::Disabled | SubscriptionState::Deleted
            )
        {
            let message = format!(
                "The subscription '{id}' is disabled and therefore marked as read only. You cannot perform any write actions on this subscription until it is re-enabled."
            );
            return Err(Refusal::new(409, "ReadOnlyDisabledSubscription", message));
        }
        let bars = |lock: AzureLock| act == Act::Delete || lock == AzureLock::ReadOnly;
        let locked = self.azure_locks.iter().find(|(locked, lock)| within(locked) && bars(*lock));
        locked.map_or(Ok(()), |(locked, _)| {
            let message = format!(
                "The scope '{scope}/providers/Microsoft.Authorization/roleAssignments/{name}' cannot perform {what} operation because following scope(s) are locked: '{locked}'. Please remove the lock and try again."
            );
            Err(Refusal::new(409, "ScopeLocked", message))
        })
    }

    /// Returns the scope in its canonical form, if what it names exists.
    fn scope(&self, scope: &str) -> Outcome<String> {
        let scope = format!("/{}", scope.trim_matches('/').to_lowercase());
        let mut parts = scope.split('/').skip(1);
        match (parts.next(), parts.next()) {
            (Some("subscriptions"), Some(id)) => self.subscription(id).map(|_| scope.clone()),
            (Some(""), None) | (Some("providers"), Some("microsoft.management")) => Ok(scope.clone()),
            _ => Err(Refusal::new(400, "InvalidScope", format!("The scope '{scope}' is not valid."))),
        }
    }

    fn azure_principal(&mut self, id: &str, now: OffsetDateTime) -> Outcome<&'static str> {
        let tenant = &self.tenant_id;
        let missing = |not_yet| Refusal {
            not_yet,
            ..Refusal::new(
                400,
                "PrincipalNotFound",
                format!(
                    "Principal {} does not exist in the directory {tenant}. If the principal was just created, retry after it has replicated.",
                    id.replace('-', "")
                ),
            )
        };
        if let Some(sp) = self.service_principals.iter_mut().find(|sp| sp.id.eq_ignore_ascii_case(id)) {
            return if sp.seen.arm(now) { Ok("ServicePrincipal") } else { Err(missing(true)) };
        }
        // A UPN is no principal id, so only a GUID may be looked up.
        let seq = if is_guid(id) { self.users.find(id) } else { None };
        let user = seq.and_then(|seq| self.users.touch(seq)).ok_or_else(|| missing(false))?;
        if user.seen.arm(now) { Ok("User") } else { Err(missing(true)) }
    }
}
