//! The section of the service account.

use onramp_core::tenant::{
    AzureRoleId, ClassicAdministrator, MfaState, RoleAssignment, SecondFactor, Subscription, TenantUser,
};
use serde::{Deserialize, Serialize};

/// The state of the service account.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ServiceAccountState {
    /// The account, if it exists.
    pub user: Option<TenantUser>,
    /// True if an earlier run created it or set its password.
    pub is_known: bool,
    /// The per-user MFA state; `None` if there is no account, or without the right to read it.
    pub mfa: Option<MfaState>,
    /// The directory roles of the account.
    pub roles: Vec<RoleAssignment>,
    /// The policies that require a second factor or block the sign-in; `None` without the right to read them.
    pub second_factor: Option<SecondFactor>,
    /// The subscriptions that the spec names, found or not.
    pub subscriptions: Vec<SubscriptionAccess>,
}

/// A subscription that the spec names.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SubscriptionAccess {
    /// The name or ID in the spec.
    pub wanted: String,
    /// The visible subscriptions with that ID or, if there is none, with that display name.
    pub found: Vec<Subscription>,
    /// A visible subscription with a similar name, if none was found.
    pub similar: Option<String>,
    /// The role that the account is to get.
    pub role: AzureRoleId,
    /// True if the account has the role.
    pub granted: bool,
    /// The classic administrators that the one subscription still names; `None` without the right to read them.
    #[serde(default)]
    pub classic: Option<Vec<ClassicAdministrator>>,
}
