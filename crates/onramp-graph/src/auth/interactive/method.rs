//! The methods of interactive sign-in.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

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
    pub(super) client_id: String,
    pub(super) login_hint: Option<String>,
    pub(super) timeout: Duration,
    pub(super) open: Arc<dyn Fn(&Url) + Send + Sync>,
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
    pub(super) client_id: String,
    pub(super) show: Arc<dyn Fn(&DevicePrompt) + Send + Sync>,
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
    pub(super) fn client_id(&self) -> &str {
        match self {
            Self::Browser(way) => &way.client_id,
            Self::DeviceCode(way) => &way.client_id,
        }
    }
}
