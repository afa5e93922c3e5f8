//! The section of the application identity.

use onramp_core::tenant::{AppRole, Application, CertificateCredential, OfferedAppRole};
use serde::{Deserialize, Serialize};

/// The state of the application identity.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ApplicationState {
    /// The registration with the unique name of the spec, if it exists.
    pub application: Option<Application>,
    /// True if an earlier run created it or changed it.
    pub is_known: bool,
    /// All of its certificates.
    pub certificates: Vec<CertificateCredential>,
    /// The permissions that the spec wants.
    pub roles: Vec<AppRoleAccess>,
    /// The number of permissions that it holds besides those.
    pub other_roles: u32,
    /// The certificate that the spec brings.
    pub brought: Option<BroughtCertificate>,
}

/// A permission that the spec wants for the application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AppRoleAccess {
    /// The permission.
    pub role: AppRole,
    /// The permission as its API offers it; `None` if the tenant does not have the API, or if that does not offer it.
    pub offered: Option<OfferedAppRole>,
    /// True if the application holds it.
    pub granted: bool,
}

/// A certificate in a file that the spec names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BroughtCertificate {
    /// The SHA-256 hash of the certificate in lower-case hexadecimal.
    pub thumbprint: String,
    /// True if the file has the private key, too.
    pub has_key: bool,
}
