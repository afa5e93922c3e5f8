//! The builder of a client.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use onramp_core::{Clock, DomainName, Error, ErrorKind, ObjectId, Result, SystemClock};
use rustls_platform_verifier::Verifier;

#[cfg(feature = "interactive")]
use crate::auth::UserTokenSource;
use crate::auth::{ClientCredentialsSource, Credential, CredentialKind, Proof};
use crate::client::GraphClient;
use crate::http::endpoints::{Cloud, Endpoints};
use crate::http::exchange::{HttpClient, HttpTimeouts};
use crate::http::har::HarRecorder;
use crate::http::recently_created::RecentlyCreated;
use crate::http::retry::RetryPolicy;
use crate::http::throttle::{RateLimiter, ServiceLimits};
use crate::http::transport::Transport;
use crate::http::trust_roots::certificates;
use crate::token::{TokenCache, TokenSource};

/// The maximum time until a new object is visible on every replica, as seen in practice.
const REPLICATION_WINDOW: Duration = Duration::from_secs(120);

/// The settings of a [`GraphClient`], or of a client `C` over one. Only the credential has no default.
///
/// ```
/// use std::time::Duration;
/// use onramp_core::Password;
/// use onramp_graph::{ClientSecret, Cloud, GraphClient, HttpTimeouts, RetryPolicy};
///
/// let secret = ClientSecret::new("contoso.com", "44444444-0000-4000-8000-000000000000", Password::new("x".into()));
/// let client = GraphClient::builder(secret)
///     .cloud(Cloud::UsGovernment)
///     .timeouts(HttpTimeouts::default().with_connect(Duration::from_secs(5)))
///     .retry(RetryPolicy::default().with_max_attempts(3))
///     .build()?;
/// assert_eq!(client.tenant(), Some("contoso.com"));
/// # Ok::<(), onramp_core::Error>(())
/// ```
#[derive(Debug)]
#[must_use]
pub struct GraphClientBuilder<C = GraphClient> {
    credential: Credential,
    cloud: Cloud,
    endpoints: Option<Endpoints>,
    http: Option<reqwest::ClientBuilder>,
    trust_roots: Vec<Vec<u8>>,
    extra_trust_roots: Vec<Vec<u8>>,
    proxy: Option<reqwest::Proxy>,
    tenant: Option<String>,
    clock: Option<Arc<dyn Clock>>,
    retry: RetryPolicy,
    timeouts: HttpTimeouts,
    replication_window: Duration,
    recorder: Option<HarRecorder>,
    limits: ServiceLimits,
    client: PhantomData<fn() -> C>,
}

impl GraphClient {
    /// Starts the builder of a client with a credential: a [`ClientSecret`](crate::ClientSecret), a
    /// [`ClientCertificate`](crate::ClientCertificate) or any [`TokenSource`](crate::TokenSource).
    pub fn builder(credential: impl Into<Credential>) -> GraphClientBuilder {
        GraphClientBuilder::new(credential)
    }
}

impl<C: From<GraphClient>> GraphClientBuilder<C> {
    /// Starts the builder of a client `C` over a [`GraphClient`].
    pub fn new(credential: impl Into<Credential>) -> Self {
        Self {
            credential: credential.into(),
            cloud: Cloud::Global,
            endpoints: None,
            http: None,
            trust_roots: Vec::new(),
            extra_trust_roots: Vec::new(),
            proxy: None,
            tenant: None,
            clock: None,
            retry: RetryPolicy::default(),
            timeouts: HttpTimeouts::default(),
            replication_window: REPLICATION_WINDOW,
            recorder: None,
            limits: ServiceLimits::default(),
            client: PhantomData,
        }
    }

    /// Sets the cloud. Default: [`Cloud::Global`].
    pub fn cloud(mut self, cloud: Cloud) -> Self {
        self.cloud = cloud;
        self.endpoints = None;
        self
    }

    /// Sets the endpoints in place of those of a cloud: another cloud, a gateway, a lab.
    pub fn endpoints(mut self, endpoints: Endpoints) -> Self {
        self.endpoints = Some(endpoints);
        self
    }

    /// Sets the HTTP client, with the caller's proxy, TLS and pool settings. Redirects are switched off, because they could
    /// send a token to another server.
    pub fn http_client(mut self, http: reqwest::ClientBuilder) -> Self {
        self.http = Some(http);
        self
    }

    /// Trusts a certificate authority in place of those of the operating system. The file is PEM with one or several
    /// certificates, in any encoding that Windows writes, or DER. Further calls add more authorities.
    pub fn trust_root_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.trust_roots.push(pem.into());
        self
    }

    /// Trusts a certificate authority beside those of the operating system: that of a proxy that inspects TLS. Hosts that the
    /// proxy does not inspect are verified as before. The forms of the file are those of
    /// [`GraphClientBuilder::trust_root_pem`], which has precedence. Further calls add more authorities.
    pub fn extra_trust_root_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.extra_trust_roots.push(pem.into());
        self
    }

    /// Sets the proxy for every request. Default: that of the environment variables `HTTPS_PROXY`, `HTTP_PROXY`,
    /// `ALL_PROXY` and `NO_PROXY`.
    pub fn proxy(mut self, proxy: reqwest::Proxy) -> Self {
        self.proxy = Some(proxy);
        self
    }

    /// Sets the tenant (its ID or one of its domains) for a credential that does not name one: a
    /// [`TokenSource`](crate::TokenSource) or an interactive sign-in. Without it, users sign in to their own tenant.
    pub fn tenant(mut self, tenant: impl Into<String>) -> Self {
        self.tenant = Some(tenant.into());
        self
    }

    /// Sets the clock for time, delays and jitter. Default: the system's, with tokio's timer.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Sets the retry policy.
    pub fn retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = retry;
        self
    }

    /// Sets the timeouts. With [`GraphClientBuilder::http_client`], the connect timeout is that of the HTTP client.
    pub fn timeouts(mut self, timeouts: HttpTimeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// Sets the replication window: for this time after the creation of an object, a refusal that may be due to
    /// replication is retried. Default: two minutes.
    pub fn replication_window(mut self, window: Duration) -> Self {
        self.replication_window = window;
        self
    }

    /// Sets the recorder of every exchange.
    pub fn recorder(mut self, recorder: HarRecorder) -> Self {
        self.recorder = Some(recorder);
        self
    }

    /// Sets the limits for bulk writes. Default: those that Microsoft documents.
    pub fn limits(mut self, limits: ServiceLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Builds the client. Sends no request.
    ///
    /// # Errors
    /// `Invalid` if the tenant, a trust root or the HTTP client is not valid.
    pub fn build(self) -> Result<C> {
        let tenant = self.credential.0.tenant().map(str::to_owned).or(self.tenant);
        if let Some(tenant) = &tenant {
            check_tenant(tenant)?;
        }
        let http = match self.http {
            Some(http) => http,
            None => http_client(&self.trust_roots, &self.extra_trust_roots, &self.timeouts)?,
        };
        let http = match self.proxy {
            Some(proxy) => http.proxy(proxy),
            None => http,
        };
        let endpoints = match self.endpoints {
            Some(endpoints) => endpoints,
            None => self.cloud.endpoints()?,
        };
        let clock = self.clock.unwrap_or_else(|| Arc::new(SystemClock::new()));
        let http = Arc::new(HttpClient {
            client: build_http_client(http)?,
            endpoints,
            clock: Arc::clone(&clock),
            timeouts: self.timeouts,
            recorder: self.recorder,
        });
        let recently_created = Arc::new(RecentlyCreated::new(self.replication_window));
        let plain = Transport {
            http,
            retry: self.retry,
            tokens: None,
            recently_created,
            backoff: Arc::default(),
            rate_limiter: Arc::new(RateLimiter::new(self.limits)),
        };
        let application = |proof| -> Arc<dyn TokenSource> {
            Arc::new(ClientCredentialsSource { transport: plain.clone(), proof })
        };
        let source: Arc<dyn TokenSource> = match self.credential.0 {
            CredentialKind::Source(source) => source,
            CredentialKind::ClientSecret(secret) => application(Proof::Secret(secret)),
            CredentialKind::ClientCertificate(certificate) => application(Proof::Certificate(certificate)),
            #[cfg(feature = "interactive")]
            CredentialKind::Interactive(method) => {
                let tenant = tenant.as_deref().unwrap_or("organizations");
                Arc::new(UserTokenSource::new(plain.clone(), tenant, method)?)
            }
        };
        let tokens = Arc::new(TokenCache::new(source, clock));
        let transport = Transport { tokens: Some(tokens), ..plain };
        Ok(C::from(GraphClient { transport, tenant }))
    }
}

fn check_tenant(tenant: &str) -> Result<()> {
    if ObjectId::parse(tenant).is_err() {
        DomainName::parse(tenant).map_err(|why| {
            Error::new(ErrorKind::Invalid, "use the tenant")
                .with_object(tenant)
                .with_detail(why.to_string())
                .with_hint("Give the tenant's ID or one of its domains.")
        })?;
    }
    Ok(())
}

fn invalid(what: &str, why: String) -> Error {
    Error::new(ErrorKind::Invalid, format!("set up {what}")).with_detail(why)
}

/// Builds the HTTP client without redirects, which could send a token to another server.
fn build_http_client(http: reqwest::ClientBuilder) -> Result<reqwest::Client> {
    let http = http.redirect(reqwest::redirect::Policy::none());
    http.build().map_err(|why| invalid("the HTTP client", why.to_string()))
}

/// Returns the default HTTP client, on rustls with ring.
fn http_client(
    trust_roots: &[Vec<u8>],
    extra_trust_roots: &[Vec<u8>],
    timeouts: &HttpTimeouts,
) -> Result<reqwest::ClientBuilder> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|why| invalid("TLS", why.to_string()))?;
    let mut tls = if trust_roots.is_empty() {
        let mut extra = Vec::new();
        for pem in extra_trust_roots {
            extra.extend(certificates(pem)?);
        }
        let system = match extra.is_empty() {
            true => Verifier::new(provider),
            false => Verifier::new_with_extra_roots(extra, provider),
        };
        let system = system.map_err(|why| invalid("the system's trust roots", why.to_string()))?;
        tls.dangerous().with_custom_certificate_verifier(Arc::new(system)).with_no_client_auth()
    } else {
        let mut roots = rustls::RootCertStore::empty();
        for pem in trust_roots {
            for certificate in certificates(pem)? {
                roots.add(certificate).map_err(|why| invalid("the trust root", why.to_string()))?;
            }
        }
        tls.with_root_certificates(roots).with_no_client_auth()
    };
    let protocols: &[&[u8]] = if cfg!(feature = "http2") { &[b"h2", b"http/1.1"] } else { &[b"http/1.1"] };
    tls.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    Ok(reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .connect_timeout(timeouts.connect)
        .user_agent(concat!("onramp/", env!("CARGO_PKG_VERSION"))))
}
