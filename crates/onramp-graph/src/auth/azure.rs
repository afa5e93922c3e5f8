//! An adapter for every `azure_core` credential.

use std::sync::Arc;

use async_trait::async_trait;
use azure_core::credentials::TokenCredential;
use azure_core::error::ErrorKind as AzureErrorKind;
use onramp_core::{Error, ErrorKind, Password, Result};

use crate::token::{AccessToken, TokenSource};

/// A token source over any `azure_core::credentials::TokenCredential`, such as those of `azure_identity`.
///
/// The feature `azure` brings 27 crates. No HTTP client and no TLS stack is among them; `azure_identity` itself is the
/// program's own dependency.
///
/// `azure_core` cannot pass on a claims challenge (continuous access evaluation), so a challenge ends in
/// `Unauthenticated` until the credential returns another token. It also does not zeroize its own copy of a token.
///
/// ```no_run
/// # fn run(credential: std::sync::Arc<dyn azure_core::credentials::TokenCredential>) -> onramp_core::Result<()> {
/// use onramp_graph::{AzureTokenSource, GraphClient};
/// let client = GraphClient::builder(AzureTokenSource::new(credential)).build()?;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct AzureTokenSource(Arc<dyn TokenCredential>);

impl AzureTokenSource {
    /// Creates the adapter of a credential.
    pub fn new(credential: Arc<dyn TokenCredential>) -> Self {
        Self(credential)
    }
}

#[async_trait]
impl TokenSource for AzureTokenSource {
    async fn token(&self, scope: &str, _claims: Option<&str>) -> Result<AccessToken> {
        let token = self.0.get_token(&[scope], None).await.map_err(|why| {
            let kind = match why.kind() {
                AzureErrorKind::Io | AzureErrorKind::Connection => ErrorKind::Unavailable,
                _ => ErrorKind::Unauthenticated,
            };
            // The error is not kept as a source: its Debug form holds the raw response.
            Error::new(kind, "get an access token for")
                .with_object(scope)
                .with_detail(why.to_string())
                .with_hint("Check the credential, the tenant and the cloud.")
        })?;
        Ok(AccessToken::new(Password::new(token.token.secret().to_owned()), token.expires_on))
    }
}
