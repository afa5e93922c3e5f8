//! Application identities.

use std::fmt::Debug;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{ObjectId, Result};

/// An application registration and its service principal in this tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Application {
    /// Object ID of the registration.
    pub id: ObjectId,
    /// Application (client) ID.
    pub app_id: ObjectId,
    /// Display name; not unique.
    pub display_name: String,
    /// The name that the registration was created under; no other one has it, and it cannot be changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unique_name: Option<String>,
    /// The tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// The number of its client secrets.
    #[serde(default)]
    pub secrets: u32,
    /// Object ID of the service principal, which is what holds roles.
    pub service_principal: Option<ObjectId>,
}

impl Application {
    /// A registration.
    pub fn new(
        id: ObjectId,
        app_id: ObjectId,
        display_name: impl Into<String>,
        service_principal: Option<ObjectId>,
    ) -> Self {
        let (unique_name, tags, secrets) = (None, Vec::new(), 0);
        Self { id, app_id, display_name: display_name.into(), unique_name, tags, secrets, service_principal }
    }

    /// Sets the unique name.
    #[must_use]
    pub fn with_unique_name(mut self, name: impl Into<String>) -> Self {
        self.unique_name = Some(name.into());
        self
    }

    /// Sets the tags.
    #[must_use]
    pub fn with_tags(mut self, tags: Vec<String>) -> Self {
        self.tags = tags;
        self
    }

    /// Sets the number of client secrets.
    #[must_use]
    pub fn with_secrets(mut self, secrets: u32) -> Self {
        self.secrets = secrets;
        self
    }
}

/// An application to register.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewApplication {
    /// The unique name, at most 120 characters: letters, digits and hyphens are safe in every client.
    pub unique_name: String,
    /// The display name, at most 256 characters.
    pub display_name: String,
    /// The tags.
    pub tags: Vec<String>,
}

impl NewApplication {
    /// An application without tags.
    pub fn new(unique_name: impl Into<String>, display_name: impl Into<String>) -> Self {
        Self { unique_name: unique_name.into(), display_name: display_name.into(), tags: Vec::new() }
    }

    /// Sets the tags.
    #[must_use]
    pub fn with_tags<S: Into<String>>(mut self, tags: impl IntoIterator<Item = S>) -> Self {
        self.tags = tags.into_iter().map(Into::into).collect();
        self
    }
}

/// A certificate that an application signs in with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CertificateCredential {
    /// ID of the credential.
    pub key_id: ObjectId,
    /// The display name.
    pub display_name: Option<String>,
    /// The SHA-256 hash of the certificate in lower-case hexadecimal, for one that was added by this port. Other tools set
    /// other identifiers, or none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thumbprint: Option<String>,
    /// The start of its validity.
    #[serde(with = "time::serde::rfc3339::option")]
    pub not_before: Option<OffsetDateTime>,
    /// The end of its validity.
    #[serde(with = "time::serde::rfc3339::option")]
    pub not_after: Option<OffsetDateTime>,
}

impl CertificateCredential {
    /// A credential.
    pub fn new(key_id: ObjectId) -> Self {
        Self { key_id, display_name: None, thumbprint: None, not_before: None, not_after: None }
    }
}

/// A certificate to add: the public half only.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewCertificate {
    /// The display name, at most 90 characters.
    pub display_name: String,
    /// The X.509 certificate in DER. The tenant takes its dates from it.
    pub der: Vec<u8>,
}

impl NewCertificate {
    /// A certificate.
    pub fn new(display_name: impl Into<String>, der: impl Into<Vec<u8>>) -> Self {
        Self { display_name: display_name.into(), der: der.into() }
    }
}

/// A permission of an API, as an application role: which API offers it, and which role of it.
///
/// ```
/// use onramp_core::tenant::AppRole;
/// let sync = AppRole::new(AppRole::SYNCHRONIZATION_SERVICE, "ADSynchronization.ReadWrite.All");
/// assert_eq!(sync.value, "ADSynchronization.ReadWrite.All");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AppRole {
    /// Application ID of the API, the same in every tenant.
    pub resource: ObjectId,
    /// The name in the API, such as `User.Read.All`.
    pub value: String,
}

impl AppRole {
    /// Application ID of Microsoft Graph.
    pub const GRAPH: ObjectId = ObjectId::from_u128(0x00000003_0000_0000_c000_000000000000);
    /// Application ID of Microsoft Entra AD Synchronization Service, which switching synchronization on brings into
    /// the tenant.
    pub const SYNCHRONIZATION_SERVICE: ObjectId = ObjectId::from_u128(0x6bf85cfa_ac8a_4be5_b5de_425a0d0dc016);

    /// Application ID of the Microsoft password reset service, which writes passwords back.
    pub const PASSWORD_RESET_SERVICE: ObjectId = ObjectId::from_u128(0x93625bc8_bfe2_437a_97e0_3d0060024faa);

    /// A permission.
    pub fn new(resource: ObjectId, value: impl Into<String>) -> Self {
        Self { resource, value: value.into() }
    }
}

/// A permission as an API in this tenant offers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OfferedAppRole {
    /// Object ID of the API's service principal in this tenant.
    pub resource_principal: ObjectId,
    /// ID of the role.
    pub role: ObjectId,
}

impl OfferedAppRole {
    /// A permission that is offered.
    pub fn new(resource_principal: ObjectId, role: ObjectId) -> Self {
        Self { resource_principal, role }
    }

    /// Returns true if an assignment gives it.
    pub fn is_given_by(&self, assignment: &AppRoleAssignment) -> bool {
        assignment.resource_principal == self.resource_principal && assignment.role == self.role
    }
}

/// A permission that an application holds in this tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AppRoleAssignment {
    /// Opaque ID of the assignment.
    pub id: String,
    /// Object ID of the API's service principal in this tenant.
    pub resource_principal: ObjectId,
    /// ID of the role.
    pub role: ObjectId,
}

impl AppRoleAssignment {
    /// An assignment.
    pub fn new(id: impl Into<String>, resource_principal: ObjectId, role: ObjectId) -> Self {
        Self { id: id.into(), resource_principal, role }
    }
}

/// The port of the application identities of a tenant.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Applications: Debug + Send + Sync {
    /// The application that was created under that unique name.
    async fn find(&self, unique_name: &str) -> Result<Option<Application>>;

    /// Registers an application, without a service principal. If there is one of that unique name, its display name and
    /// tags are set and nothing else, and it is the answer: so the call can be repeated, and never makes a second one.
    ///
    /// # Errors
    /// `Invalid`; `Forbidden`.
    async fn create(&self, application: &NewApplication) -> Result<Application>;

    /// Creates the service principal of a registration in this tenant, and answers its object ID. If there is one already,
    /// that is the answer.
    ///
    /// # Errors
    /// `NotFound` or `Invalid` if no registration has that application ID; `Forbidden`.
    async fn create_service_principal(&self, app_id: &ObjectId) -> Result<ObjectId>;

    /// Deletes a service principal, with everything that was granted to it.
    ///
    /// # Errors
    /// `NotFound`.
    async fn delete_service_principal(&self, id: &ObjectId) -> Result<()>;

    /// Deletes a registration, and its service principal with it. It can be restored for 30 days by other means.
    ///
    /// # Errors
    /// `NotFound`.
    async fn delete(&self, id: &ObjectId) -> Result<()>;

    /// The certificates that an application signs in with.
    ///
    /// # Errors
    /// `NotFound` if there is no registration of that object ID.
    async fn certificates(&self, id: &ObjectId) -> Result<Vec<CertificateCredential>>;

    /// Adds a certificate and keeps those that are there. Adding one that is there already answers it.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` if it is no certificate, or expired; `Stale` if the credentials were changed by somebody
    /// else meanwhile.
    async fn add_certificate(
        &self,
        id: &ObjectId,
        certificate: &NewCertificate,
    ) -> Result<CertificateCredential>;

    /// Removes a certificate and keeps the others.
    ///
    /// # Errors
    /// `NotFound` if the registration or the credential is not there.
    async fn remove_certificate(&self, id: &ObjectId, key_id: &ObjectId) -> Result<()>;

    /// A permission as its API offers it in this tenant; `None` if the tenant does not have the API, or if that does not
    /// offer the permission.
    async fn app_role(&self, role: &AppRole) -> Result<Option<OfferedAppRole>>;

    /// The permissions that a service principal holds.
    ///
    /// # Errors
    /// `NotFound` if there is no such service principal.
    async fn app_roles_of(&self, service_principal: &ObjectId) -> Result<Vec<AppRoleAssignment>>;

    /// Gives a service principal a permission, with the tenant's consent. One that it holds already is no error.
    ///
    /// # Errors
    /// `NotFound` if there is no such service principal, API or role; `Forbidden`.
    async fn grant_app_role(&self, service_principal: &ObjectId, role: &AppRole)
    -> Result<AppRoleAssignment>;

    /// Takes a permission back; one that is gone already is no error.
    async fn revoke_app_role(&self, service_principal: &ObjectId, assignment_id: &str) -> Result<()>;
}
