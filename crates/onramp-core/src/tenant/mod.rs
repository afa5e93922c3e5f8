//! The ports of a Microsoft Entra tenant: one small trait per capability.
//!
//! All are object-safe and used as `Arc<dyn …>`. Dropping a future or a stream cancels what it does; a write that
//! was already sent may still happen. Implementations retry what is safe to retry and bound every wait.

mod applications;
mod domains;
mod password_protection;
mod roles;
mod second_factor;
mod sign_in;
mod subscriptions;
mod sync;
mod users;

use std::sync::Arc;

pub use applications::{
    AppRole, AppRoleAssignment, Application, Applications, CertificateCredential, NewCertificate,
};
pub use domains::{
    DomainAuthentication, DomainReference, Domains, ReferenceKind, TenantDomain, Verification,
    VerificationRecord,
};
pub use password_protection::{OnPremisesProtection, PasswordProtection, PasswordProtectionSettings};
pub use roles::{RoleAssignment, RoleTemplateId, Roles};
pub use second_factor::{
    ConditionalAccessPolicy, Forecast, PolicyDemand, PolicyInForce, PolicySubject, SecondFactor,
};
pub use sign_in::{MfaState, SignIn, SignInProbe};
pub use subscriptions::{
    AzureRoleId, ClassicAdministrator, PrincipalType, Subscription, SubscriptionRoleAssignment,
    SubscriptionState, Subscriptions,
};
pub use sync::{DeletionPrevention, DirectorySync, ProvisioningError, SyncFeatures, SyncState, SyncStatus};
pub use users::{DeletedUser, NewUser, TenantUser, TenantUsers, UserUpdate};

#[cfg(feature = "mock")]
pub(crate) mod mocks {
    pub use super::applications::MockApplications;
    pub use super::domains::MockDomains;
    pub use super::password_protection::MockPasswordProtection;
    pub use super::roles::MockRoles;
    pub use super::sign_in::MockSignIn;
    pub use super::subscriptions::MockSubscriptions;
    pub use super::sync::MockDirectorySync;
    pub use super::users::MockTenantUsers;
}

/// A tenant: one implementation of each of its ports.
///
/// ```
/// # use onramp_core::tenant::{Domains, Tenant};
/// # use std::sync::Arc;
/// fn with_other_domains(tenant: &Tenant, domains: Arc<dyn Domains>) -> Tenant {
///     Tenant { domains, ..tenant.clone() }
/// }
/// ```
#[derive(Debug, Clone)]
#[allow(clippy::exhaustive_structs)] // replacing one field of it is the point
pub struct Tenant {
    /// Custom domains.
    pub domains: Arc<dyn Domains>,
    /// Users.
    pub users: Arc<dyn TenantUsers>,
    /// Directory roles.
    pub roles: Arc<dyn Roles>,
    /// Multi-factor state and proof of sign-in.
    pub sign_in: Arc<dyn SignIn>,
    /// The directory synchronisation switch.
    pub sync: Arc<dyn DirectorySync>,
    /// Azure subscriptions and access to them.
    pub subscriptions: Arc<dyn Subscriptions>,
    /// Application identities.
    pub applications: Arc<dyn Applications>,
    /// The tenant's own password rules.
    pub password_protection: Arc<dyn PasswordProtection>,
}
