//! The Azure subscriptions of a new tenant.

use time::OffsetDateTime;

use crate::tenant::data::state::State;
use crate::tenant::data::subscriptions::{AZURE_ROLES, AzureAssignment, Subscription};

/// Subscriptions, of which the administrator is Owner.
pub(crate) fn add_subscriptions(state: &mut State, count: usize, admin: &str, now: OffsetDateTime) {
    let admin = state.users.with_upn(admin).map(|user| user.id.clone()).unwrap_or_default();
    for n in 1..=count {
        let id = state.draw.guid();
        let name = format!("{} subscription {n}", state.display_name);
        let owner = AZURE_ROLES.first().map(|(id, _)| (*id).to_owned()).unwrap_or_default();
        let assignment = AzureAssignment {
            name: state.draw.guid(),
            scope: format!("/subscriptions/{id}"),
            role: owner,
            principal_id: admin.clone(),
            principal_type: "User".to_owned(),
            created: now,
        };
        state.azure_assignments.push(assignment);
        state.subscriptions.push(Subscription { id, name, state: "Enabled", classic: Vec::new() });
    }
}
