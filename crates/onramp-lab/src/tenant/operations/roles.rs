//! Directory roles: assigned and removed.

use crate::tenant::data::refusal::{Detail, Outcome, Refusal};
use crate::tenant::data::roles::DIRECTORY_SYNCHRONIZATION_ACCOUNTS;
use crate::tenant::data::roles::RoleAssignment;
use crate::tenant::data::roles::RoleDefinition;
use crate::tenant::data::roles::built_in;
use crate::tenant::data::state::State;
use time::OffsetDateTime;

impl State {
    pub(crate) fn role_definition(&self, id: &str) -> Outcome<RoleDefinition> {
        built_in(id).ok_or_else(|| Refusal::not_found(id))
    }

    pub(crate) fn role_assignment(&self, id: &str) -> Outcome<&RoleAssignment> {
        self.role_assignments
            .iter()
            .find(|assignment| assignment.id == id)
            .ok_or_else(|| Refusal::not_found(id))
    }

    pub(crate) fn assign_role(
        &mut self,
        role: &str,
        principal: &str,
        scope: &str,
        now: OffsetDateTime,
    ) -> Outcome<&RoleAssignment> {
        let role = built_in(role).ok_or_else(|| {
            Refusal::invalid_property(
                "roleDefinitionId",
                format!("The role definition '{role}' does not exist."),
            )
        })?;
        let principal = self.principal(principal, now)?;
        if role.id == DIRECTORY_SYNCHRONIZATION_ACCOUNTS {
            return Err(Refusal::bad_request(
                "The role 'Directory Synchronization Accounts' is assigned by the synchronization service only.",
            ));
        }
        if scope != "/" {
            // Nothing but the tenant itself can be a scope here: the lab has no administrative units.
            return Err(Refusal::not_found(scope.trim_start_matches('/')));
        }
        let same = |held: &&RoleAssignment| {
            held.role_id == role.id && held.principal_id == principal && held.scope == scope
        };
        if let Some(held) = self.role_assignments.iter().find(same) {
            let message = "A conflicting object with one or more of the specified property values is present in the directory.";
            let detail = Detail {
                code: "ConflictingObjects",
                message: message.to_owned(),
                target: format!("RoleAssignment_{}", held.id),
            };
            return Err(Refusal { details: vec![detail], ..Refusal::bad_request(message) });
        }
        let assignment = RoleAssignment {
            id: format!("{}-1", self.draw.letters(39)),
            role_id: role.id.to_owned(),
            principal_id: principal,
            scope: scope.to_owned(),
        };
        self.role_assignments.push(assignment);
        self.role_assignments.last().ok_or_else(|| Refusal::of_status(500))
    }

    pub(crate) fn unassign_role(&mut self, id: &str) -> Outcome<()> {
        let at = self.role_assignments.iter().position(|assignment| assignment.id == id);
        self.role_assignments.remove(at.ok_or_else(|| Refusal::not_found(id))?);
        Ok(())
    }

    pub(crate) fn holds_a_role(&self, principal: &str) -> bool {
        self.role_assignments.iter().any(|assignment| assignment.principal_id == principal)
    }

    /// Returns the id of a visible user or service principal.
    pub(crate) fn principal(&mut self, id: &str, now: OffsetDateTime) -> Outcome<String> {
        if let Some(sp) = self.service_principals.iter_mut().find(|sp| sp.id.eq_ignore_ascii_case(id)) {
            return if sp.seen.graph(now) { Ok(sp.id.clone()) } else { Err(Refusal::not_yet(id)) };
        }
        Ok(self.user(id, now)?.id.clone())
    }

    /// Takes away everything a principal held; called when it is gone for good.
    pub(crate) fn forget_principal(&mut self, id: &str) {
        self.role_assignments.retain(|held| held.principal_id != id);
        self.eligible_roles.retain(|held| held.principal_id != id);
        self.app_role_assignments.retain(|held| held.principal_id != id && held.resource_id != id);
    }
}
