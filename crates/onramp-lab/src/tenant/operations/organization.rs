//! The organization: directory synchronization switched, conditional access policies applied.

use crate::tenant::ConditionalAccess;
use crate::tenant::data::organization::SYNC_SERVICE;
use crate::tenant::data::refusal::{Outcome, Refusal};
use crate::tenant::data::state::State;
use crate::tenant::data::users::User;
use time::{Duration, OffsetDateTime};

/// The time that disabling synchronization takes; it cannot be enabled again before.
const SWITCHING_OFF: Duration = Duration::hours(72);

impl State {
    pub(crate) fn set_sync_enabled(&mut self, enabled: bool, now: OffsetDateTime) -> Outcome<()> {
        let sync = &mut self.synchronization;
        if sync.enabled == Some(enabled) || (sync.enabled.is_none() && !enabled) {
            return Ok(());
        }
        if enabled {
            if sync.switched_off.is_some_and(|at| now < at + SWITCHING_OFF) {
                return Err(Refusal::bad_request(
                    "Directory synchronization is being disabled, which can take up to 72 hours, and cannot be enabled until that is finished.",
                ));
            }
            sync.switched_off = None;
            sync.enabled = Some(true);
            self.ensure_service_principal(SYNC_SERVICE, "Microsoft Entra AD Synchronization Service", now);
        } else {
            sync.enabled = Some(false);
            sync.switched_off = Some(now);
        }
        Ok(())
    }

    /// A policy as the tenant keeps it: with an ID, and users by object ID.
    pub(crate) fn resolve_policy(&mut self, mut policy: ConditionalAccess) -> ConditionalAccess {
        policy.id = self.draw.guid();
        for name in policy.included.iter_mut().chain(&mut policy.excluded) {
            if let Some(user) = self.users.with_upn(name) {
                name.clone_from(&user.id);
            }
        }
        policy
    }

    /// Returns the first enabled policy that covers the user and stops its sign-in (`stops`), or asks for a second factor.
    pub(crate) fn policy_for(&self, user: &User, stops: bool) -> Option<&ConditionalAccess> {
        let holds = |role: &str| {
            self.role_assignments.iter().any(|held| held.principal_id == user.id && held.role_id == role)
        };
        let covers =
            |policy: &&ConditionalAccess| policy.code.is_some() == stops && policy.covers(user, holds);
        self.conditional_access.iter().find(covers)
    }
}
