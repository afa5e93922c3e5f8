//! The token source of a signed-in user.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use oauth2::TokenResponse;
use onramp_core::{ErrorKind, Password, Result};

use super::exchange::{Exchange, Tokens};
use super::method::InteractiveMethod;
use super::{browser, device_code};
use crate::http::transport::Transport;
use crate::token::{AccessToken, TokenSource};

/// The token source of a signed-in user: renews tokens without another sign-in as long as that works.
pub(crate) struct UserTokenSource {
    exchange: Exchange,
    method: InteractiveMethod,
    /// The refresh token, for every scope.
    refresh_token: Mutex<Option<Password>>,
    /// Locked during a sign-in, so that two scopes do not start two.
    sign_in: tokio::sync::Mutex<()>,
}

impl UserTokenSource {
    pub(crate) fn new(transport: Transport, tenant: &str, method: InteractiveMethod) -> Result<Self> {
        let exchange = Exchange::new(transport, tenant, method.client_id())?;
        Ok(Self { exchange, method, refresh_token: Mutex::default(), sign_in: tokio::sync::Mutex::default() })
    }

    fn refresh_token(&self) -> Option<Password> {
        self.refresh_token.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn store(&self, tokens: Tokens) -> AccessToken {
        if let Some(token) = tokens.refresh_token() {
            let token = Password::new(token.secret().clone());
            *self.refresh_token.lock().unwrap_or_else(PoisonError::into_inner) = Some(token);
        }
        self.exchange.access_token(&tokens)
    }

    /// Renews a token without a sign-in; `None` if the user has to sign in.
    async fn renew(&self, scope: &str, claims: Option<&str>) -> Result<Option<AccessToken>> {
        let Some(refresh_token) = self.refresh_token() else { return Ok(None) };
        match self.exchange.refresh(&refresh_token, scope, claims).await {
            Ok(tokens) => Ok(Some(self.store(tokens))),
            // The session has ended, or the policy requires an interactive sign-in.
            Err(error) if error.kind() == ErrorKind::Unauthenticated => {
                *self.refresh_token.lock().unwrap_or_else(PoisonError::into_inner) = None;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

#[async_trait]
impl TokenSource for UserTokenSource {
    async fn token(&self, scope: &str, claims: Option<&str>) -> Result<AccessToken> {
        if let Some(token) = self.renew(scope, claims).await? {
            return Ok(token);
        }
        let _sign_in = self.sign_in.lock().await;
        // Another caller may have signed in meanwhile.
        if let Some(token) = self.renew(scope, claims).await? {
            return Ok(token);
        }
        let tokens = match &self.method {
            InteractiveMethod::Browser(way) => browser::sign_in(&self.exchange, way, scope, claims).await?,
            InteractiveMethod::DeviceCode(way) => {
                device_code::sign_in(&self.exchange, way, scope, claims).await?
            }
        };
        Ok(self.store(tokens))
    }
}

impl fmt::Debug for UserTokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserTokenSource").field("method", &self.method).finish_non_exhaustive()
    }
}
