//! The ports of a Microsoft Entra tenant: one small trait per capability.
//!
//! All are object-safe and used as `Arc<dyn …>`. Dropping a future or a stream cancels what it does; a write that
//! was already sent may still happen. Implementations retry what is safe to retry and bound every wait.

mod application_sign_in;
mod applications;
mod caller;
mod domains;
mod mfa_state;
mod password_protection;
mod roles;
mod second_factor;
mod service_records;
mod sign_in;
mod subscriptions;
mod sync;
mod users;

use std::sync::Arc;

pub use application_sign_in::{ApplicationProbe, ApplicationSignIn};
pub use applications::{
    AppRole, AppRoleAssignment, Application, Applications, CertificateCredential, NewApplication,
    NewCertificate, OfferedAppRole,
};
pub use caller::{Caller, CallerCredential, CallerCredentialKind, CallerRights};
pub use domains::{
    DomainAuthentication, DomainReference, DomainVerification, Domains, ReferenceKind, TenantDomain,
    VerificationRecord,
};
pub use mfa_state::MfaState;
pub use password_protection::{OnPremisesProtection, PasswordProtection, PasswordProtectionSettings};
pub use roles::{RoleAssignment, RoleTemplateId, Roles};
pub use second_factor::{
    Certainty, ConditionalAccessPolicy, PolicyDemand, PolicyInForce, PolicySubject, SecondFactor,
};
pub use service_records::{ServiceRecord, ServiceRecords};
pub use sign_in::{SignIn, SignInProbe};
pub use subscriptions::{
    AzureRoleId, ClassicAdministrator, PrincipalType, Subscription, SubscriptionRoleAssignment,
    SubscriptionState, Subscriptions,
};
pub use sync::{DeletionPrevention, DirectorySync, ProvisioningError, SyncFeatures, SyncState, SyncStatus};
pub use users::{DeletedUser, NewUser, TenantUser, TenantUsers, UserUpdate};

#[cfg(feature = "mock")]
pub(crate) mod mocks {
    pub use super::application_sign_in::MockApplicationSignIn;
    pub use super::applications::MockApplications;
    pub use super::caller::MockCaller;
    pub use super::domains::MockDomains;
    pub use super::password_protection::MockPasswordProtection;
    pub use super::roles::MockRoles;
    pub use super::service_records::MockServiceRecords;
    pub use super::sign_in::MockSignIn;
    pub use super::subscriptions::MockSubscriptions;
    pub use super::sync::MockDirectorySync;
    pub use super::users::MockTenantUsers;
}

/// The ports of a tenant, one implementation of each.
///
/// ```
/// # use onramp_core::tenant::{Domains, Tenant};
/// # use std::sync::Arc;
/// fn with_other_domains(tenant: &Tenant, domains: Arc<dyn Domains>) -> Tenant {
///     tenant.clone().with_domains(domains)
/// }
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Tenant {
    /// The port of the custom domains.
    pub domains: Arc<dyn Domains>,
    /// The port of the users.
    pub users: Arc<dyn TenantUsers>,
    /// The port of the directory roles.
    pub roles: Arc<dyn Roles>,
    /// The port of the sign-in proof and the multifactor state.
    pub sign_in: Arc<dyn SignIn>,
    /// The port of the switch of directory synchronization.
    pub sync: Arc<dyn DirectorySync>,
    /// The port of the Azure subscriptions and access to them.
    pub subscriptions: Arc<dyn Subscriptions>,
    /// The port of the applications.
    pub applications: Arc<dyn Applications>,
    /// The port of the password protection settings.
    pub password_protection: Arc<dyn PasswordProtection>,
    /// The optional port of the DNS records that the services of a domain need.
    pub service_records: Option<Arc<dyn ServiceRecords>>,
    /// The optional port of the identity that the program signs in with.
    pub caller: Option<Arc<dyn Caller>>,
    /// The optional port of the sign-in proof of applications: without it, the sign-in of an application is not proven.
    pub application_sign_in: Option<Arc<dyn ApplicationSignIn>>,
}

impl Tenant {
    /// Creates a bundle of the ports that every tenant has; the optional ones are added with
    /// [`with_service_records`](Self::with_service_records), [`with_caller`](Self::with_caller) and
    /// [`with_application_sign_in`](Self::with_application_sign_in).
    #[allow(clippy::too_many_arguments)] // one per port
    #[must_use]
    pub fn new(
        domains: Arc<dyn Domains>,
        users: Arc<dyn TenantUsers>,
        roles: Arc<dyn Roles>,
        sign_in: Arc<dyn SignIn>,
        sync: Arc<dyn DirectorySync>,
        subscriptions: Arc<dyn Subscriptions>,
        applications: Arc<dyn Applications>,
        password_protection: Arc<dyn PasswordProtection>,
    ) -> Self {
        Self {
            domains,
            users,
            roles,
            sign_in,
            sync,
            subscriptions,
            applications,
            password_protection,
            service_records: None,
            caller: None,
            application_sign_in: None,
        }
    }

    /// Creates a bundle from one value that implements all ports, the optional ones included, except for the sign-in proof of
    /// applications.
    #[must_use]
    pub fn from_ports<P>(ports: Arc<P>) -> Self
    where
        P: Domains
            + TenantUsers
            + Roles
            + SignIn
            + DirectorySync
            + Subscriptions
            + Applications
            + PasswordProtection
            + ServiceRecords
            + Caller
            + 'static,
    {
        Self {
            domains: Arc::<P>::clone(&ports),
            users: Arc::<P>::clone(&ports),
            roles: Arc::<P>::clone(&ports),
            sign_in: Arc::<P>::clone(&ports),
            sync: Arc::<P>::clone(&ports),
            subscriptions: Arc::<P>::clone(&ports),
            applications: Arc::<P>::clone(&ports),
            password_protection: Arc::<P>::clone(&ports),
            service_records: Some(Arc::<P>::clone(&ports) as Arc<dyn ServiceRecords>),
            caller: Some(ports),
            application_sign_in: None,
        }
    }

    /// Replaces the port of the custom domains.
    #[must_use]
    pub fn with_domains(mut self, port: Arc<dyn Domains>) -> Self {
        self.domains = port;
        self
    }

    /// Replaces the port of the users.
    #[must_use]
    pub fn with_users(mut self, port: Arc<dyn TenantUsers>) -> Self {
        self.users = port;
        self
    }

    /// Replaces the port of the directory roles.
    #[must_use]
    pub fn with_roles(mut self, port: Arc<dyn Roles>) -> Self {
        self.roles = port;
        self
    }

    /// Replaces the port of the sign-in proof and the multifactor state.
    #[must_use]
    pub fn with_sign_in(mut self, port: Arc<dyn SignIn>) -> Self {
        self.sign_in = port;
        self
    }

    /// Replaces the port of the switch of directory synchronization.
    #[must_use]
    pub fn with_sync(mut self, port: Arc<dyn DirectorySync>) -> Self {
        self.sync = port;
        self
    }

    /// Replaces the port of the Azure subscriptions and access to them.
    #[must_use]
    pub fn with_subscriptions(mut self, port: Arc<dyn Subscriptions>) -> Self {
        self.subscriptions = port;
        self
    }

    /// Replaces the port of the applications.
    #[must_use]
    pub fn with_applications(mut self, port: Arc<dyn Applications>) -> Self {
        self.applications = port;
        self
    }

    /// Replaces the port of the password protection settings.
    #[must_use]
    pub fn with_password_protection(mut self, port: Arc<dyn PasswordProtection>) -> Self {
        self.password_protection = port;
        self
    }

    /// Sets the optional port of the DNS records that the services of a domain need.
    #[must_use]
    pub fn with_service_records(mut self, port: Arc<dyn ServiceRecords>) -> Self {
        self.service_records = Some(port);
        self
    }

    /// Removes the optional port of the DNS records that the services of a domain need.
    #[must_use]
    pub fn without_service_records(mut self) -> Self {
        self.service_records = None;
        self
    }

    /// Sets the optional port of the identity that the program signs in with.
    #[must_use]
    pub fn with_caller(mut self, port: Arc<dyn Caller>) -> Self {
        self.caller = Some(port);
        self
    }

    /// Removes the optional port of the identity that the program signs in with.
    #[must_use]
    pub fn without_caller(mut self) -> Self {
        self.caller = None;
        self
    }

    /// Sets the optional port of the sign-in proof of applications.
    #[must_use]
    pub fn with_application_sign_in(mut self, port: Arc<dyn ApplicationSignIn>) -> Self {
        self.application_sign_in = Some(port);
        self
    }
}
