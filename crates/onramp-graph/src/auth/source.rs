//! The one thing a credential must do: give a token for a scope.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use onramp_core::{Password, Result};
use time::OffsetDateTime;

use super::client_certificate::ClientCertificate;

/// A source of access tokens.
///
/// The client keeps what it gets until shortly before it expires, so an implementation need not cache. It is
/// asked by one caller at a time per scope. It should bound its own waits.
///
/// ```
/// use onramp_core::{Password, Result};
/// use onramp_graph::{AccessToken, TokenSource};
/// # use time::OffsetDateTime;
///
/// #[derive(Debug)]
/// struct Fixed(Password, OffsetDateTime);
///
/// #[async_trait::async_trait]
/// impl TokenSource for Fixed {
///     async fn token(&self, _scope: &str, _claims: Option<&str>) -> Result<AccessToken> {
///         Ok(AccessToken::new(self.0.clone(), self.1))
///     }
/// }
/// ```
#[async_trait]
pub trait TokenSource: Debug + Send + Sync {
    /// A token for `scope`, such as `https://graph.microsoft.com/.default`. `claims` is the JSON of a claims
    /// challenge that the new token must answer; a token issued before will not do then.
    ///
    /// # Errors
    /// `Unauthenticated` if the credential is refused; `Unavailable` if nobody answers.
    async fn token(&self, scope: &str, claims: Option<&str>) -> Result<AccessToken>;
}

/// An access token and when it ends.
#[derive(Debug, Clone)]
pub struct AccessToken {
    secret: Password,
    expires_at: OffsetDateTime,
}

impl AccessToken {
    /// A token that is valid until that time.
    pub fn new(secret: Password, expires_at: OffsetDateTime) -> Self {
        Self { secret, expires_at }
    }

    /// The token itself.
    pub fn secret(&self) -> &Password {
        &self.secret
    }

    /// When it ends.
    pub fn expires_at(&self) -> OffsetDateTime {
        self.expires_at
    }
}

/// What the client signs in with: any [`TokenSource`], or a [`ClientSecret`] or [`ClientCertificate`] that it
/// exchanges itself.
#[derive(Debug, Clone)]
pub struct Credential(pub(crate) CredentialKind);

#[derive(Debug, Clone)]
pub(crate) enum CredentialKind {
    Source(Arc<dyn TokenSource>),
    ClientSecret(ClientSecret),
    ClientCertificate(ClientCertificate),
    #[cfg(feature = "interactive")]
    Person(super::Way),
}

/// An application's ID and secret (client credentials grant), exchanged for tokens through the client's own
/// transport. Needs the client's tenant to be set.
#[derive(Debug, Clone)]
pub struct ClientSecret {
    pub(crate) client_id: String,
    pub(crate) secret: Password,
}

impl ClientSecret {
    /// The application of that ID with that secret.
    pub fn new(client_id: impl Into<String>, secret: Password) -> Self {
        Self { client_id: client_id.into(), secret }
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
    fn from(way: super::BrowserSignIn) -> Self {
        Self(CredentialKind::Person(super::Way::Browser(way)))
    }
}
#[cfg(feature = "interactive")]
impl From<super::DeviceCodeSignIn> for Credential {
    fn from(way: super::DeviceCodeSignIn) -> Self {
        Self(CredentialKind::Person(super::Way::DeviceCode(way)))
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
