//! Putting a client together.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use onramp_core::{Clock, DomainName, Error, ErrorKind, ObjectId, Result, SystemClock};
use rustls_platform_verifier::Verifier;

#[cfg(feature = "interactive")]
use crate::auth::PersonSource;
use crate::auth::{ClientCredentialsSource, Credential, CredentialKind, Proof, TokenCache, TokenSource};
use crate::client::GraphClient;
use crate::endpoints::{Cloud, Endpoints};
use crate::http::fresh::Fresh;
use crate::http::har::WireRecorder;
use crate::http::pacer::{Pacer, ServiceLimits};
use crate::http::retry::RetryPolicy;
use crate::http::transport::Transport;
use crate::http::trust::certificates;
use crate::http::wire::{Timeouts, Wire};

/// How long a new object may stay invisible, as seen in practice.
const FRESH_WINDOW: Duration = Duration::from_secs(120);

/// Settings of an [`GraphClient`]; every one but the credential has a default.
#[derive(Debug)]
#[must_use]
pub struct GraphClientBuilder<C = GraphClient> {
    credential: Credential,
    endpoints: Result<Endpoints>,
    http: Option<reqwest::Client>,
    trust_roots: Vec<Vec<u8>>,
    tenant: Option<String>,
    clock: Option<Arc<dyn Clock>>,
    retry: RetryPolicy,
    timeouts: Timeouts,
    fresh_window: Duration,
    recorder: Option<WireRecorder>,
    limits: ServiceLimits,
    client: PhantomData<fn() -> C>,
}

impl GraphClient {
    /// Starts a client that signs in with that credential: a [`TokenSource`](crate::TokenSource) or a
    /// [`ClientSecret`](crate::ClientSecret).
    pub fn builder(credential: impl Into<Credential>) -> GraphClientBuilder {
        GraphClientBuilder::new(credential)
    }
}

impl<C: From<GraphClient>> GraphClientBuilder<C> {
    /// Starts the builder of a client `C` over a [`GraphClient`].
    pub fn new(credential: impl Into<Credential>) -> Self {
        Self {
            credential: credential.into(),
            endpoints: Cloud::Global.endpoints(),
            http: None,
            trust_roots: Vec::new(),
            tenant: None,
            clock: None,
            retry: RetryPolicy::default(),
            timeouts: Timeouts::default(),
            fresh_window: FRESH_WINDOW,
            recorder: None,
            limits: ServiceLimits::default(),
            client: PhantomData,
        }
    }

    /// Talks to that cloud. Default: [`Cloud::Global`].
    pub fn cloud(mut self, cloud: Cloud) -> Self {
        self.endpoints = cloud.endpoints();
        self
    }

    /// Talks to those endpoints: another cloud, a gateway, a laboratory.
    pub fn endpoints(mut self, endpoints: Endpoints) -> Self {
        self.endpoints = Ok(endpoints);
        self
    }

    /// Sends through that HTTP client, whose proxy, TLS and pool are the caller's business. It must not follow
    /// redirects: with `reqwest::redirect::Policy::none()`.
    pub fn http(mut self, http: reqwest::Client) -> Self {
        self.http = Some(http);
        self
    }

    /// Trusts only those certificate authorities instead of those of the operating system: a file in PEM, with one or
    /// several certificates and in whatever encoding Windows wrote it, or in DER. May be called again to add more.
    pub fn trust_root_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.trust_roots.push(pem.into());
        self
    }

    /// The tenant's ID or one of its domains. A [`ClientSecret`](crate::ClientSecret) needs it; sign-in probes
    /// are made in the user's own tenant without it.
    pub fn tenant(mut self, tenant: impl Into<String>) -> Self {
        self.tenant = Some(tenant.into());
        self
    }

    /// Takes time, waiting and jitter from that clock. Default: the machine's, on tokio's timer.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Retries by that policy.
    pub fn retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = retry;
        self
    }

    /// Waits that long for connections and replies. With an own HTTP client, the connect timeout is that client's.
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// For that long after creating an object, a refusal that may be due to its being new is retried. Default:
    /// two minutes.
    pub fn fresh_window(mut self, window: Duration) -> Self {
        self.fresh_window = window;
        self
    }

    /// Records every exchange there.
    pub fn recorder(mut self, recorder: WireRecorder) -> Self {
        self.recorder = Some(recorder);
        self
    }

    /// Keeps writing in bulk under those limits. Default: what Microsoft documents.
    pub fn limits(mut self, limits: ServiceLimits) -> Self {
        self.limits = limits;
        self
    }

    /// The client. Nothing is sent yet.
    ///
    /// # Errors
    /// `Invalid` if an endpoint, the tenant or a trust root is not valid, or a client secret has no tenant.
    pub fn build(self) -> Result<C> {
        let tenant = self.tenant.as_deref().map(checked_tenant).transpose()?;
        let http = match self.http {
            Some(http) => http,
            None => http_client(&self.trust_roots, &self.timeouts)?,
        };
        let clock = self.clock.unwrap_or_else(|| Arc::new(SystemClock::new()));
        let wire = Arc::new(Wire {
            http,
            endpoints: self.endpoints?,
            clock: Arc::clone(&clock),
            timeouts: self.timeouts,
            recorder: self.recorder,
        });
        let fresh = Arc::new(Fresh::new(self.fresh_window));
        let plain = Transport {
            wire,
            retry: self.retry,
            tokens: None,
            fresh,
            gate: Arc::default(),
            pacer: Arc::new(Pacer::new(self.limits)),
        };
        let by_itself = |proof| -> Result<Arc<dyn TokenSource>> {
            let tenant = tenant.clone().ok_or_else(|| {
                Error::new(ErrorKind::Invalid, "sign in as the application")
                    .with_detail("the tenant is not set")
                    .with_hint("Give the builder the tenant's ID or one of its domains.")
            })?;
            Ok(Arc::new(ClientCredentialsSource { transport: plain.clone(), tenant, proof }))
        };
        let source: Arc<dyn TokenSource> = match self.credential.0 {
            CredentialKind::Source(source) => source,
            CredentialKind::ClientSecret(secret) => by_itself(Proof::Secret(secret))?,
            CredentialKind::ClientCertificate(certificate) => by_itself(Proof::Certificate(certificate))?,
            #[cfg(feature = "interactive")]
            CredentialKind::Person(way) => {
                let tenant = tenant.as_deref().unwrap_or("organizations");
                Arc::new(PersonSource::new(plain.clone(), tenant, way)?)
            }
        };
        let tokens = Arc::new(TokenCache::new(source, clock));
        let transport = Transport { tokens: Some(tokens), ..plain };
        Ok(C::from(GraphClient { transport, tenant }))
    }
}

fn checked_tenant(tenant: &str) -> Result<String> {
    if ObjectId::parse(tenant).is_err() {
        DomainName::parse(tenant)?;
    }
    Ok(tenant.to_owned())
}

/// An HTTP client on rustls with ring, which follows no redirect.
fn http_client(trust_roots: &[Vec<u8>], timeouts: &Timeouts) -> Result<reqwest::Client> {
    let refuse =
        |what: &str, why: String| Error::new(ErrorKind::Invalid, format!("set up {what}")).with_detail(why);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|why| refuse("TLS", why.to_string()))?;
    let mut tls = if trust_roots.is_empty() {
        let system =
            Verifier::new(provider).map_err(|why| refuse("the system's trust roots", why.to_string()))?;
        tls.dangerous().with_custom_certificate_verifier(Arc::new(system)).with_no_client_auth()
    } else {
        let mut roots = rustls::RootCertStore::empty();
        for pem in trust_roots {
            for certificate in certificates(pem)? {
                roots.add(certificate).map_err(|why| refuse("the trust root", why.to_string()))?;
            }
        }
        tls.with_root_certificates(roots).with_no_client_auth()
    };
    let protocols: &[&[u8]] = if cfg!(feature = "http2") { &[b"h2", b"http/1.1"] } else { &[b"http/1.1"] };
    tls.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(timeouts.connect)
        .user_agent(concat!("onramp/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|why| refuse("the HTTP client", why.to_string()))
}
