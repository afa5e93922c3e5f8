//! The trait of a credential: a token for a scope.

use std::fmt::Debug;

use async_trait::async_trait;
use onramp_core::{Password, Result};
use time::OffsetDateTime;

/// A source of access tokens.
///
/// The client caches tokens until shortly before they expire, so an implementation need not. There is one call per
/// scope at a time. An implementation should have its own timeouts.
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
    /// Returns a token for `scope`, such as `https://graph.microsoft.com/.default`. `claims` is the JSON of a claims
    /// challenge that the token has to satisfy; an older token is not enough then.
    ///
    /// # Errors
    /// `Unauthenticated` if the credential is refused; `Unavailable` if the service cannot be reached.
    async fn token(&self, scope: &str, claims: Option<&str>) -> Result<AccessToken>;
}

/// An access token and its expiry.
#[derive(Debug, Clone)]
pub struct AccessToken {
    secret: Password,
    expires_at: OffsetDateTime,
}

impl AccessToken {
    /// Creates a token that is valid until a time.
    pub fn new(secret: Password, expires_at: OffsetDateTime) -> Self {
        Self { secret, expires_at }
    }

    /// Returns the token itself.
    pub fn secret(&self) -> &Password {
        &self.secret
    }

    /// Returns the expiry.
    pub fn expires_at(&self) -> OffsetDateTime {
        self.expires_at
    }
}
