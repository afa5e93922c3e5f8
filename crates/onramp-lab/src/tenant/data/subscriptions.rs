//! Azure subscriptions and role assignments in them, as Azure Resource Manager keeps them.

use onramp_core::tenant::SubscriptionState;
use time::OffsetDateTime;

/// A lock on an Azure scope, by the changes that it bars there and below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AzureLock {
    /// Deletion is blocked.
    CannotDelete,
    /// Creation, change and deletion are blocked.
    ReadOnly,
}

/// A subscription.
#[derive(Clone, Debug)]
pub(crate) struct Subscription {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) state: SubscriptionState,
    /// Classic administrators that are left: mail address and role.
    pub(crate) classic: Vec<(String, String)>,
}

/// A role assignment at an Azure scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AzureAssignment {
    /// The name of the assignment, a GUID.
    pub(crate) name: String,
    /// The scope, such as `/subscriptions/<id>`, lower case.
    pub(crate) scope: String,
    /// The GUID of the role definition.
    pub(crate) role: String,
    pub(crate) principal_id: String,
    pub(crate) principal_type: String,
    pub(crate) created: OffsetDateTime,
}

/// Built-in Azure roles, by definition id.
pub(crate) const AZURE_ROLES: [(&str, &str); 5] = [
    ("8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "Owner"),
    ("b24988ac-6180-42a0-ab88-20f7382dd24c", "Contributor"),
    ("acdd72a7-3385-48ef-bd42-f606fba81ae7", "Reader"),
    ("18d7d88d-d35e-4fb5-a5c3-7773c20a72d9", "User Access Administrator"),
    ("f58310d9-a9f6-439a-9e8d-f62e7b41a168", "Role Based Access Control Administrator"),
];

/// An assignment as a request names it.
#[derive(Clone, Debug)]
pub(crate) struct AzureGrant<'a> {
    pub(crate) scope: &'a str,
    pub(crate) name: &'a str,
    /// The role definition's id, as a GUID or as a full path.
    pub(crate) role: &'a str,
    pub(crate) principal: &'a str,
    pub(crate) principal_type: Option<&'a str>,
}

/// A state of a subscription as Azure Resource Manager writes it.
pub(crate) fn state_name(state: &SubscriptionState) -> &'static str {
    match state {
        SubscriptionState::Warned => "Warned",
        SubscriptionState::PastDue => "PastDue",
        SubscriptionState::Disabled => "Disabled",
        SubscriptionState::Deleted => "Deleted",
        _ => "Enabled",
    }
}
