//! What a client needs to know before it connects.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex};

use onramp_core::{Clock, Error, ErrorKind, Password, Result, SystemClock};
use rustls::ClientConfig;

use crate::client::ForestClient;
use crate::security::{BindName, Credentials, LdapSecurity, Trust};
use crate::settings::{Service, Settings, Timeouts};

const PAGE_SIZE: u32 = 1_000;
const DEPTH: usize = 64;

/// Builds a [`ForestClient`].
///
/// ```no_run
/// use onramp_ad::{BindName, ForestClient, LdapSecurity};
/// use onramp_core::Password;
/// # async fn run(password: Password) -> onramp_core::Result<()> {
/// let client = ForestClient::builder("dc1.corp.example")
///     .security(LdapSecurity::Ldaps)
///     .trust_root_pem_file("/etc/onramp/corp-ca.pem")?
///     .bind(BindName::parse(r"CORP\onramp")?, password)
///     .connect()
///     .await?;
/// for suffix in client.forest().suffixes.list().await? {
///     println!("{} ({:?})", suffix.suffix, suffix.origin);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "a builder does nothing until it is connected"]
pub struct ForestClientBuilder {
    host: String,
    port: Option<u16>,
    security: LdapSecurity,
    trust: Trust,
    bind: Option<(BindName, Password)>,
    addresses: HashMap<(String, Service), SocketAddr>,
    timeouts: Timeouts,
    page_size: u32,
    depth: usize,
    changes_per_second: Option<f64>,
    clock: Arc<dyn Clock>,
}

impl ForestClientBuilder {
    pub(crate) fn new(host: &str) -> Self {
        Self {
            host: host.trim().trim_end_matches('.').to_owned(),
            port: None,
            security: LdapSecurity::default(),
            trust: Trust::default(),
            bind: None,
            addresses: HashMap::new(),
            timeouts: Timeouts::default(),
            page_size: PAGE_SIZE,
            depth: DEPTH,
            changes_per_second: None,
            clock: Arc::new(SystemClock::new()),
        }
    }

    /// How TLS comes to every connection. LDAPS unless set.
    pub fn security(mut self, security: LdapSecurity) -> Self {
        self.security = security;
        self
    }

    /// The port of the first domain controller; that of the security unless set. The others are dialled on the
    /// port of the security, or where [`address`](Self::address) says.
    pub fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// Trusts the certificates in a PEM file, and no others. May be called several times.
    ///
    /// # Errors
    /// `Invalid` if the file cannot be read or holds no certificate.
    pub fn trust_root_pem_file(mut self, path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let pem = std::fs::read(path).map_err(|error| {
            Error::new(ErrorKind::Invalid, "read the trust root")
                .object(path.display())
                .detail(error.to_string())
                .hint("Give the path of the authority's certificate in PEM form.")
                .source(error)
        })?;
        self.trust.add_pem(&pem, &path.display().to_string())?;
        Ok(self)
    }

    /// Trusts the certificates in a PEM text, and no others. May be called several times.
    ///
    /// # Errors
    /// `Invalid` if there is no certificate in it.
    pub fn trust_root_pem(mut self, pem: impl AsRef<[u8]>) -> Result<Self> {
        self.trust.add_pem(pem.as_ref(), "that was given")?;
        Ok(self)
    }

    /// A TLS configuration of one's own, in place of one made from trust roots.
    pub fn tls_config(mut self, config: Arc<ClientConfig>) -> Self {
        self.trust.config = Some(config);
        self
    }

    /// Who signs in, on every domain controller that is talked to.
    ///
    /// Once they were refused, these credentials are not sent again by this client, since repeated attempts lock
    /// the account: repair them and build a new one.
    pub fn bind(mut self, name: BindName, password: Password) -> Self {
        self.bind = Some((name, password));
        self
    }

    /// Dials that address whenever that host is meant; the host name is still what TLS verifies. For laboratories,
    /// tunnels and split DNS. May be called for several hosts. The global catalog is dialled at the same IP
    /// address on its own port, unless [`global_catalog_address`](Self::global_catalog_address) says otherwise.
    pub fn address(mut self, host: &str, address: SocketAddr) -> Self {
        self.addresses.insert((host.to_ascii_lowercase(), Service::Directory), address);
        self
    }

    /// Dials that address for the global catalog of that host.
    pub fn global_catalog_address(mut self, host: &str, address: SocketAddr) -> Self {
        self.addresses.insert((host.to_ascii_lowercase(), Service::GlobalCatalog), address);
        self
    }

    /// How long to wait for what.
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// Entries per page of a search, 1000 unless set, which is also what Windows allows at most by default.
    pub fn page_size(mut self, entries: u32) -> Self {
        self.page_size = entries;
        self
    }

    /// Changes under way at a time on one domain controller, at most. 64 unless set. It begins with 16, and what it gets
    /// to follows how well the server answers.
    pub fn depth(mut self, changes: usize) -> Self {
        self.depth = changes;
        self
    }

    /// Changes that begin in a second on one domain controller, at most. As many as the server answers well unless
    /// set. For servers that have other things to do.
    pub fn changes_per_second(mut self, changes: f64) -> Self {
        self.changes_per_second = Some(changes);
        self
    }

    /// Where waits between attempts come from. The machine's clock unless set.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Checks the settings and makes the client, without connecting yet.
    ///
    /// # Errors
    /// `Invalid`: a host that is none, no or an empty password, trust roots that cannot be used.
    pub fn build(self) -> Result<ForestClient> {
        let refuse = |detail: &str, hint: &str| {
            Err(Error::new(ErrorKind::Invalid, "set up the client of")
                .object(if self.host.is_empty() { "a forest" } else { &self.host })
                .detail(detail)
                .hint(hint))
        };
        if !is_host(&self.host) {
            return refuse(
                "this is no host name",
                "Give the DNS host name of a domain controller, without scheme and port.",
            );
        }
        if self.page_size == 0 || self.depth == 0 {
            return refuse("page size and depth must be at least 1", "Leave them out to use the defaults.");
        }
        if self.changes_per_second.is_some_and(|rate| !(1e-3..=1e6).contains(&rate)) {
            let hint = "Give a number between 0.001 and 1000000, or leave it out.";
            return refuse("this is no number of changes per second", hint);
        }
        let Some((name, password)) = self.bind else {
            return refuse("nobody signs in", "Call bind with a name and a password.");
        };
        let settings = Settings {
            security: self.security,
            credentials: Credentials::new(name, password)?,
            tls: self.trust.into_config()?,
            timeouts: self.timeouts,
            page_size: self.page_size,
            depth: self.depth,
            changes_per_second: self.changes_per_second,
            addresses: self.addresses,
            clock: self.clock,
            refused: Mutex::default(),
        };
        Ok(ForestClient::new(self.host, self.port, settings))
    }

    /// Makes the client, connects, signs in and looks whom it talks to.
    ///
    /// # Errors
    /// As [`build`](Self::build); `Unavailable` if the host cannot be reached; `Unauthenticated` if the name or
    /// password was not accepted; `Invalid` with the reason if the server's certificate was not accepted.
    pub async fn connect(self) -> Result<ForestClient> {
        let client = self.build()?;
        client.root_dse().await?;
        Ok(client)
    }
}

/// Whether a text can stand as host in a URL and be verified by TLS: a DNS name or an IPv4 address. (An IPv6
/// address cannot: TLS libraries do not verify its bracketed form.)
fn is_host(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    let label = |label: &str| !label.is_empty() && label.len() <= 63 && label.chars().all(plain);
    text.len() <= 253
        && text.split('.').all(label)
        && (text.parse::<IpAddr>().is_ok() || text.contains(|c: char| c.is_ascii_alphabetic()))
}
