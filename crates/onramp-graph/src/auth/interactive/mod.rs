//! Interactive sign-in of a user: in a browser on this machine, or with a device code.
//!
//! Some operations exist for signed-in users only: reading the synchronization features, elevating access to Azure,
//! changing one's own password.

mod browser;
mod device_code;
mod exchange;
mod loopback;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use oauth2::{Scope, TokenResponse};
use onramp_core::{ErrorKind, Password, Result};
use url::Url;

use self::exchange::{Exchange, Tokens};
use crate::http::transport::Transport;
use crate::token::{AccessToken, TokenSource};

/// The default timeout of a sign-in in the browser.
const SIGN_IN_TIMEOUT: Duration = Duration::from_secs(5 * 60);

/// Sign-in of a user with the browser of this machine (authorization code with PKCE, redirected to a loopback
/// address). Feature `interactive`.
///
/// The application must be registered as a public client with the redirect URI `http://localhost`. The user signs in
/// when a token is first needed, and again only after the session ends (expiry, policy, revocation).
///
/// ```no_run
/// use onramp_graph::{BrowserSignIn, GraphClient};
///
/// let sign_in = BrowserSignIn::new("55555555-0000-4000-8000-000000000000", |address| {
///     println!("Open this address in your browser: {address}");
/// });
/// let client = GraphClient::builder(sign_in).tenant("contoso.com").build()?;
/// # Ok::<(), onramp_core::Error>(())
/// ```
#[derive(Clone)]
pub struct BrowserSignIn {
    client_id: String,
    login_hint: Option<String>,
    timeout: Duration,
    open: Arc<dyn Fn(&Url) + Send + Sync>,
}

impl BrowserSignIn {
    /// Creates a sign-in through the public client application of an ID. `open` shows the URL to the user: it starts a
    /// browser or prints it.
    pub fn new(client_id: impl Into<String>, open: impl Fn(&Url) + Send + Sync + 'static) -> Self {
        Self { client_id: client_id.into(), login_hint: None, timeout: SIGN_IN_TIMEOUT, open: Arc::new(open) }
    }

    /// Sets the UPN that the sign-in page suggests.
    #[must_use]
    pub fn with_login_hint(mut self, upn: impl Into<String>) -> Self {
        self.login_hint = Some(upn.into());
        self
    }

    /// Sets the timeout for the user. Default: five minutes.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

impl fmt::Debug for BrowserSignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BrowserSignIn").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

/// Sign-in of a user on any device, with a code that is shown here (RFC 8628). Feature `interactive`.
///
/// The application must allow public client flows. Many tenants block device codes by policy; use [`BrowserSignIn`]
/// if a browser is available.
///
/// ```no_run
/// use onramp_graph::{DeviceCodeSignIn, GraphClient};
///
/// let sign_in = DeviceCodeSignIn::new("55555555-0000-4000-8000-000000000000", |prompt| println!("{prompt}"));
/// let client = GraphClient::builder(sign_in).tenant("contoso.com").build()?;
/// # Ok::<(), onramp_core::Error>(())
/// ```
#[derive(Clone)]
pub struct DeviceCodeSignIn {
    client_id: String,
    show: Arc<dyn Fn(&DevicePrompt) + Send + Sync>,
}

impl DeviceCodeSignIn {
    /// Creates a sign-in through the public client application of an ID. `show` shows the prompt to the user.
    pub fn new(client_id: impl Into<String>, show: impl Fn(&DevicePrompt) + Send + Sync + 'static) -> Self {
        Self { client_id: client_id.into(), show: Arc::new(show) }
    }
}

impl fmt::Debug for DeviceCodeSignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceCodeSignIn").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

/// The prompt of a device code sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DevicePrompt {
    /// The URL to open.
    pub address: String,
    /// The code to enter there. Useless once entered, and not a secret of this machine.
    pub code: String,
    /// The lifetime of the code.
    pub expires_in: Duration,
}

impl fmt::Display for DevicePrompt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let minutes = self.expires_in.as_secs().div_ceil(60);
        write!(
            f,
            "Open {} in a browser and enter the code {} within {minutes} minutes.",
            self.address, self.code
        )
    }
}

/// A method of interactive sign-in.
#[derive(Debug, Clone)]
pub(crate) enum InteractiveMethod {
    Browser(BrowserSignIn),
    DeviceCode(DeviceCodeSignIn),
}

impl InteractiveMethod {
    fn client_id(&self) -> &str {
        match self {
            Self::Browser(way) => &way.client_id,
            Self::DeviceCode(way) => &way.client_id,
        }
    }
}

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

/// Returns the scopes of a sign-in: that of the resource, and the one for refresh tokens.
fn scopes(scope: &str) -> [Scope; 2] {
    [Scope::new(scope.to_owned()), Scope::new("offline_access".to_owned())]
}
