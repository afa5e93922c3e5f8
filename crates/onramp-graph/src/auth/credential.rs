//! Credentials of a client.

use std::sync::Arc;

use onramp_core::Password;

use super::client_certificate::ClientCertificate;
use crate::token::TokenSource;

/// A credential of a client: any [`TokenSource`], or a [`ClientSecret`] or [`ClientCertificate`] that the client
/// exchanges for tokens itself.
#[derive(Debug, Clone)]
pub struct Credential(pub(crate) CredentialKind);

#[derive(Debug, Clone)]
pub(crate) enum CredentialKind {
    Source(Arc<dyn TokenSource>),
    ClientSecret(ClientSecret),
    ClientCertificate(ClientCertificate),
    #[cfg(feature = "interactive")]
    Interactive(super::InteractiveMethod),
}

/// A client secret of an application (client credentials grant).
///
/// ```
/// use onramp_core::Password;
/// use onramp_graph::ClientSecret;
///
/// let application_id = "44444444-0000-4000-8000-000000000000";
/// let secret = ClientSecret::new("contoso.com", application_id, Password::new("from a vault".into()));
/// assert!(!format!("{secret:?}").contains("vault"));
/// ```
#[derive(Debug, Clone)]
pub struct ClientSecret {
    pub(crate) tenant: String,
    pub(crate) client_id: String,
    pub(crate) secret: Password,
}

impl ClientSecret {
    /// Creates the credential of an application: tenant (its ID or one of its domains), client ID and client secret.
    pub fn new(tenant: impl Into<String>, client_id: impl Into<String>, secret: Password) -> Self {
        Self { tenant: tenant.into(), client_id: client_id.into(), secret }
    }
}

impl CredentialKind {
    /// Returns the tenant that the credential names.
    pub(crate) fn tenant(&self) -> Option<&str> {
        match self {
            Self::ClientSecret(secret) => Some(&secret.tenant),
            Self::ClientCertificate(certificate) => Some(&certificate.tenant),
            Self::Source(_) => None,
            #[cfg(feature = "interactive")]
            Self::Interactive(_) => None,
        }
    }
}

impl From<ClientSecret> for Credential {
    fn from(secret: ClientSecret) -> Self {
        Self(CredentialKind::ClientSecret(secret))
    }
}
impl From<ClientCertificate> for Credential {
    fn from(certificate: ClientCertificate) -> Self {
        Self(CredentialKind::ClientCertificate(certificate))
    }
}
#[cfg(feature = "interactive")]
impl From<super::BrowserSignIn> for Credential {
    fn from(method: super::BrowserSignIn) -> Self {
        Self(CredentialKind::Interactive(super::InteractiveMethod::Browser(method)))
    }
}
#[cfg(feature = "interactive")]
impl From<super::DeviceCodeSignIn> for Credential {
    fn from(method: super::DeviceCodeSignIn) -> Self {
        Self(CredentialKind::Interactive(super::InteractiveMethod::DeviceCode(method)))
    }
}
impl From<Arc<dyn TokenSource>> for Credential {
    fn from(source: Arc<dyn TokenSource>) -> Self {
        Self(CredentialKind::Source(source))
    }
}
impl<S: TokenSource + 'static> From<S> for Credential {
    fn from(source: S) -> Self {
        Self(CredentialKind::Source(Arc::new(source)))
    }
}
