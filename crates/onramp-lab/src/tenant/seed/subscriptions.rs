//! The Azure subscriptions of a new tenant.

use onramp_core::ObjectId;
use onramp_core::tenant::SubscriptionState;
use time::OffsetDateTime;

use crate::tenant::data::state::State;
use crate::tenant::data::subscriptions::{AZURE_ROLES, AzureAssignment, Subscription};

/// An Azure subscription that the tenant has from the start. Names need not differ, as in Azure.
///
/// ```
/// use onramp_core::tenant::SubscriptionState;
/// use onramp_lab::tenant::{LabSubscription, LabTenant};
/// # fn main() -> onramp_core::Result<()> {
/// let lab = LabTenant::builder()
///     .subscription(LabSubscription::new("Pay-As-You-Go").with_state(SubscriptionState::Disabled))
///     .subscription(LabSubscription::new("Pay-As-You-Go"))
///     .build()?;
/// assert_eq!(lab.subscription_ids().len(), 2);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct LabSubscription {
    name: String,
    id: Option<ObjectId>,
    state: SubscriptionState,
}

impl LabSubscription {
    /// Creates an enabled subscription with that display name.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), id: None, state: SubscriptionState::Enabled }
    }

    /// Sets the ID; without one it is drawn from the seed.
    #[must_use]
    pub fn with_id(mut self, id: ObjectId) -> Self {
        self.id = Some(id);
        self
    }

    /// Sets the state.
    #[must_use]
    pub fn with_state(mut self, state: SubscriptionState) -> Self {
        self.state = state;
        self
    }
}

/// Adds subscriptions, of which the administrator is Owner.
pub(crate) fn add_subscriptions(
    state: &mut State,
    wanted: impl IntoIterator<Item = LabSubscription>,
    admin: &str,
    now: OffsetDateTime,
) {
    let admin = state.users.with_upn(admin).map(|user| user.id.clone()).unwrap_or_default();
    for LabSubscription { name, id, state: how } in wanted {
        let id = id.map_or_else(|| state.draw.guid(), |id| id.to_string());
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
        state.subscriptions.push(Subscription { id, name, state: how, classic: Vec::new() });
    }
}
