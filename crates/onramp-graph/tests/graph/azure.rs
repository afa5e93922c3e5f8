//! Credentials of `azure_core` through the adapter.

use std::sync::{Arc, Mutex};

use azure_core::credentials::{AccessToken, TokenCredential, TokenRequestOptions};
use azure_core::error::ErrorKind as AzureErrorKind;
use onramp_core::ErrorKind;
use onramp_graph::{AzureTokenSource, TokenSource};

use crate::support::FAR_FUTURE;

/// Gives a token, or the error it was made with.
#[derive(Debug, Default)]
struct Canned {
    fails: Mutex<Option<AzureErrorKind>>,
    asked: Mutex<Vec<String>>,
}

#[async_trait::async_trait]
impl TokenCredential for Canned {
    async fn get_token(
        &self,
        scopes: &[&str],
        _options: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        self.asked.lock().unwrap().extend(scopes.iter().map(|&scope| scope.to_owned()));
        match self.fails.lock().unwrap().take() {
            Some(kind) => Err(azure_core::Error::with_message(kind, "AADSTS7000215: Invalid client secret")),
            None => Ok(AccessToken::new("from-azure".to_owned(), FAR_FUTURE)),
        }
    }
}

#[tokio::test]
async fn a_token_of_an_azure_credential_is_passed_on_with_its_end() {
    let credential = Arc::new(Canned::default());
    let source = AzureTokenSource::new(credential.clone());
    let token = source.token("https://graph.microsoft.com/.default", None).await.unwrap();
    assert_eq!(token.secret().expose(), "from-azure");
    assert_eq!(token.expires_at(), FAR_FUTURE);
    assert_eq!(*credential.asked.lock().unwrap(), ["https://graph.microsoft.com/.default"]);
}

#[tokio::test]
async fn a_credential_that_cannot_reach_its_server_is_told_from_one_that_is_refused() {
    for (azure, kind) in [
        (AzureErrorKind::Io, ErrorKind::Unavailable),
        (AzureErrorKind::Connection, ErrorKind::Unavailable),
        (AzureErrorKind::Credential, ErrorKind::Unauthenticated),
    ] {
        let credential = Canned { fails: Mutex::new(Some(azure)), ..Canned::default() };
        let error = AzureTokenSource::new(Arc::new(credential)).token("scope", None).await.unwrap_err();
        assert_eq!(error.kind(), kind);
        assert!(error.to_string().contains("AADSTS7000215"), "{error}");
    }
}
