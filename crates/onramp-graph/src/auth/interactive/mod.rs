//! A person signs in: in a browser on this machine, or with a code on another one.
//!
//! Some operations exist for signed-in users only: reading the synchronisation features, elevating access to Azure,
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
use super::source::{AccessToken, TokenSource};
use crate::http::transport::Transport;

/// How long a person may take in the browser.
const PATIENCE: Duration = Duration::from_secs(5 * 60);

/// A person signs in with the browser of this machine (authorization code with PKCE, answered on a loopback
/// address). Feature `interactive`.
///
/// The application must be registered as a public client with the redirect address `http://localhost`. The person is
/// asked when a token is first needed, and again only if the sign-in ends (by time, by policy, by revocation).
///
/// ```no_run
/// use onramp_graph::{BrowserSignIn, GraphClient};
///
/// let person = BrowserSignIn::new("55555555-0000-4000-8000-000000000000", |address| {
///     println!("Open this address in your browser: {address}");
/// });
/// let client = GraphClient::builder(person).tenant("contoso.com").build()?;
/// # Ok::<(), onramp_core::Error>(())
/// ```
#[derive(Clone)]
pub struct BrowserSignIn {
    client_id: String,
    login_hint: Option<String>,
    patience: Duration,
    open: Arc<dyn Fn(&Url) + Send + Sync>,
}

impl BrowserSignIn {
    /// Through the public client application of that ID. `open` shows the address to the person: it starts a browser
    /// or prints it.
    pub fn new(client_id: impl Into<String>, open: impl Fn(&Url) + Send + Sync + 'static) -> Self {
        Self { client_id: client_id.into(), login_hint: None, patience: PATIENCE, open: Arc::new(open) }
    }

    /// Suggests who is to sign in.
    #[must_use]
    pub fn with_login_hint(mut self, upn: impl Into<String>) -> Self {
        self.login_hint = Some(upn.into());
        self
    }

    /// How long the person may take. Five minutes unless set.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }
}

impl fmt::Debug for BrowserSignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BrowserSignIn").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

/// A person signs in on any device, with a code that is shown here (RFC 8628). Feature `interactive`.
///
/// The application must allow public client flows. Many tenants block this way by policy; use [`BrowserSignIn`] where
/// a browser is at hand.
///
/// ```no_run
/// use onramp_graph::{DeviceCodeSignIn, GraphClient};
///
/// let person = DeviceCodeSignIn::new("55555555-0000-4000-8000-000000000000", |prompt| println!("{prompt}"));
/// let client = GraphClient::builder(person).tenant("contoso.com").build()?;
/// # Ok::<(), onramp_core::Error>(())
/// ```
#[derive(Clone)]
pub struct DeviceCodeSignIn {
    client_id: String,
    show: Arc<dyn Fn(&DevicePrompt) + Send + Sync>,
}

impl DeviceCodeSignIn {
    /// Through the public client application of that ID. `show` tells the person what to do.
    pub fn new(client_id: impl Into<String>, show: impl Fn(&DevicePrompt) + Send + Sync + 'static) -> Self {
        Self { client_id: client_id.into(), show: Arc::new(show) }
    }
}

impl fmt::Debug for DeviceCodeSignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceCodeSignIn").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

/// What a person has to do to sign in with a code.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DevicePrompt {
    /// Where to go.
    pub address: String,
    /// The code to enter there. Not a secret of this machine, and of no use to anybody once entered.
    pub code: String,
    /// How long it can be entered.
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

/// The way a person signs in.
#[derive(Debug, Clone)]
pub(crate) enum Way {
    Browser(BrowserSignIn),
    DeviceCode(DeviceCodeSignIn),
}

impl Way {
    fn client_id(&self) -> &str {
        match self {
            Self::Browser(way) => &way.client_id,
            Self::DeviceCode(way) => &way.client_id,
        }
    }
}

/// Tokens of a person who signed in, renewed without asking again as long as that works.
pub(crate) struct PersonSource {
    exchange: Exchange,
    way: Way,
    /// What renews tokens, for every scope.
    refresh_token: Mutex<Option<Password>>,
    /// Held while the person is asked, so that two scopes do not ask twice.
    asking: tokio::sync::Mutex<()>,
}

impl PersonSource {
    pub(crate) fn new(transport: Transport, tenant: &str, way: Way) -> Result<Self> {
        let exchange = Exchange::new(transport, tenant, way.client_id())?;
        Ok(Self { exchange, way, refresh_token: Mutex::default(), asking: tokio::sync::Mutex::default() })
    }

    fn kept(&self) -> Option<Password> {
        self.refresh_token.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, tokens: Tokens) -> AccessToken {
        if let Some(token) = tokens.refresh_token() {
            let token = Password::new(token.secret().clone());
            *self.refresh_token.lock().unwrap_or_else(PoisonError::into_inner) = Some(token);
        }
        self.exchange.access_token(&tokens)
    }

    /// Renews without asking; `None` if the person has to be asked.
    async fn renew(&self, scope: &str, claims: Option<&str>) -> Result<Option<AccessToken>> {
        let Some(refresh_token) = self.kept() else { return Ok(None) };
        match self.exchange.refresh(&refresh_token, scope, claims).await {
            Ok(tokens) => Ok(Some(self.keep(tokens))),
            // The sign-in has ended, or wants something that only a person can give.
            Err(error) if error.kind() == ErrorKind::Unauthenticated => {
                *self.refresh_token.lock().unwrap_or_else(PoisonError::into_inner) = None;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

#[async_trait]
impl TokenSource for PersonSource {
    async fn token(&self, scope: &str, claims: Option<&str>) -> Result<AccessToken> {
        if let Some(token) = self.renew(scope, claims).await? {
            return Ok(token);
        }
        let _asking = self.asking.lock().await;
        // Somebody else may have asked meanwhile.
        if let Some(token) = self.renew(scope, claims).await? {
            return Ok(token);
        }
        let tokens = match &self.way {
            Way::Browser(way) => browser::sign_in(&self.exchange, way, scope, claims).await?,
            Way::DeviceCode(way) => device_code::sign_in(&self.exchange, way, scope, claims).await?,
        };
        Ok(self.keep(tokens))
    }
}

impl fmt::Debug for PersonSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PersonSource").field("way", &self.way).finish_non_exhaustive()
    }
}

/// The scopes to ask a person for: the resource's, and the one that lets tokens be renewed.
fn scopes(scope: &str) -> [Scope; 2] {
    [Scope::new(scope.to_owned()), Scope::new("offline_access".to_owned())]
}
