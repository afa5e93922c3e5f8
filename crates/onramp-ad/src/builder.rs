//! What a client needs to know before it connects.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex};

#[cfg(feature = "dns")]
use onramp_core::DomainName;
use onramp_core::{Clock, Error, ErrorKind, Password, Result, SystemClock};
use rustls::ClientConfig;

use crate::client::AdClient;
use crate::ldap::bind::{BindMethod, Credentials};
use crate::ldap::endpoint::{Endpoint, Service};
use crate::ldap::security::{BindName, Identity, LdapSecurity, Trust};
use crate::ldap::settings::{Settings, Timeouts};
use crate::topology::Topology;
use crate::topology::dc_locator::Bootstrap;
#[cfg(feature = "dns")]
use crate::topology::discovery::Discovery;

const PAGE_SIZE: u32 = 1_000;
const MAX_IN_FLIGHT: usize = 64;

/// Builds a [`AdClient`].
///
/// ```no_run
/// use onramp_ad::{BindName, AdClient, LdapSecurity};
/// use onramp_core::Password;
/// # async fn run(password: Password) -> onramp_core::Result<()> {
/// let client = AdClient::builder("dc1.corp.example")
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
pub struct AdClientBuilder {
    hosts: Vec<String>,
    port: Option<u16>,
    #[cfg(feature = "dns")]
    domain: Option<DomainName>,
    #[cfg(feature = "dns")]
    name_server: Option<SocketAddr>,
    site: Option<String>,
    security: LdapSecurity,
    trust: Trust,
    bind: Option<Bind>,
    addresses: HashMap<(String, Service), SocketAddr>,
    timeouts: Timeouts,
    page_size: u32,
    max_in_flight: usize,
    changes_per_second: Option<f64>,
    clock: Arc<dyn Clock>,
}

/// What the caller said of signing in.
#[derive(Debug)]
enum Bind {
    Simple(BindName, Password),
    Certificate,
    #[cfg(feature = "kerberos")]
    Kerberos,
    #[cfg(feature = "ntlm")]
    Ntlm(BindName, Password),
}

impl AdClient {
    /// Starts with the DNS host name of a domain controller.
    pub fn builder(host: &str) -> AdClientBuilder {
        AdClientBuilder::from_host(host)
    }

    /// Starts with the DNS name of a domain of the forest, whose domain controllers are found in DNS.
    #[cfg(feature = "dns")]
    pub fn discover(domain: &DomainName) -> AdClientBuilder {
        AdClientBuilder::from_domain(domain)
    }
}

impl AdClientBuilder {
    fn from_host(host: &str) -> Self {
        Self { hosts: vec![plain(host)], ..Self::bare() }
    }

    #[cfg(feature = "dns")]
    fn from_domain(domain: &DomainName) -> Self {
        Self { domain: Some(domain.clone()), ..Self::bare() }
    }

    fn bare() -> Self {
        Self {
            hosts: Vec::new(),
            port: None,
            #[cfg(feature = "dns")]
            domain: None,
            #[cfg(feature = "dns")]
            name_server: None,
            site: None,
            security: LdapSecurity::default(),
            trust: Trust::default(),
            bind: None,
            addresses: HashMap::new(),
            timeouts: Timeouts::default(),
            page_size: PAGE_SIZE,
            max_in_flight: MAX_IN_FLIGHT,
            changes_per_second: None,
            clock: Arc::new(SystemClock::new()),
        }
    }

    /// Another domain controller to begin with, if those that were named before cannot be reached.
    pub fn fallback_host(mut self, host: &str) -> Self {
        self.hosts.push(plain(host));
        self
    }

    /// The site whose domain controllers and global catalogs are preferred; that of the first one that answers unless set.
    #[cfg_attr(
        feature = "dns",
        doc = "With [`AdClient::discover`], its domain controllers are asked for first."
    )]
    pub fn site(mut self, site: &str) -> Self {
        self.site = Some(site.to_owned());
        self
    }

    /// Asks that name server for domain controllers and their addresses, instead of whom the machine asks. It may be one of
    /// the domain controllers.
    #[cfg(feature = "dns")]
    pub fn name_server(mut self, address: SocketAddr) -> Self {
        self.name_server = Some(address);
        self
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

    /// Trusts the certificates in a file, and no others. May be called several times. The file is PEM, with one or several
    /// certificates, in UTF-8 or UTF-16, with or without a byte order mark; or one certificate in DER, as the tools of Windows
    /// export it.
    ///
    /// # Errors
    /// `Invalid` if the file cannot be read or holds no certificate; says what it is instead.
    pub fn trust_root_pem_file(mut self, path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let pem = std::fs::read(path).map_err(|error| {
            Error::new(ErrorKind::Invalid, "read the trust root")
                .with_object(path.display())
                .with_detail(error.to_string())
                .with_hint("Give the path of the authority's certificate in PEM form.")
                .with_source(error)
        })?;
        self.trust.add(&pem, &path.display().to_string())?;
        Ok(self)
    }

    /// Trusts the certificates in a PEM text, and no others. May be called several times.
    ///
    /// # Errors
    /// `Invalid` if there is no certificate in it.
    pub fn trust_root_pem(mut self, pem: impl AsRef<[u8]>) -> Result<Self> {
        self.trust.add(pem.as_ref(), "that was given")?;
        Ok(self)
    }

    /// A TLS configuration of one's own, in place of one made from trust roots. Build it with
    /// [`tls_provider`](crate::tls_provider), so that what a server sends is bounded.
    pub fn tls_config(mut self, config: Arc<ClientConfig>) -> Self {
        self.trust.config = Some(config);
        self
    }

    /// Who signs in by simple bind, on every domain controller that is talked to. TLS protects the password on its way;
    /// neither LDAP signing nor channel binding, which hardened domain controllers demand, apply to it.
    ///
    /// Once they were refused, these credentials are not sent again by this client, since repeated attempts lock
    /// the account: repair them and build a new one.
    pub fn bind(mut self, name: BindName, password: Password) -> Self {
        self.bind = Some(Bind::Simple(name, password));
        self
    }

    /// Signs in by a certificate that the domain controllers map to an account, instead of a password: SASL EXTERNAL after
    /// StartTLS, and by TLS alone over LDAPS. Takes the certificate, followed by those that lead to its authority, and its
    /// unencrypted key, both in PEM.
    ///
    /// # Errors
    /// `Invalid` if one of them cannot be read.
    pub fn bind_with_certificate(
        mut self,
        certificate_pem: impl AsRef<[u8]>,
        key_pem: &Password,
    ) -> Result<Self> {
        self.trust.identity = Some(Identity::from_pem(certificate_pem.as_ref(), key_pem)?);
        Ok(self.bind_external())
    }

    /// Signs in by the certificate that the TLS configuration of [`tls_config`](Self::tls_config) shows.
    pub fn bind_external(mut self) -> Self {
        self.bind = Some(Bind::Certificate);
        self
    }

    /// Signs in by Kerberos (SASL GSSAPI), with the ticket of whoever runs the program, as `kinit` or a keytab gave it. The
    /// domain controllers must be named by their full DNS names. The token that binds the ticket to the TLS connection
    /// is sent along, as hardened domain controllers demand.
    ///
    /// Within TLS alone, so that no further layer is negotiated. Building this needs the headers of MIT Kerberos and
    /// libclang (`libkrb5-dev` and `libclang-dev` on Debian).
    #[cfg(feature = "kerberos")]
    pub fn bind_with_kerberos(mut self) -> Self {
        self.bind = Some(Bind::Kerberos);
        self
    }

    /// Signs in by NTLM (SASL GSS-SPNEGO), named `DOMAIN\user` or by UPN, where nothing better is to be had: the password
    /// stays here, but whoever sees the exchange can try passwords against it, which is why it runs within TLS alone. The
    /// token that binds it to the TLS connection is sent along. Microsoft is withdrawing NTLM; prefer Kerberos, a client
    /// certificate or [`bind`](Self::bind).
    ///
    /// Building this needs no library of the system, but more than a hundred crates, two of which are pinned to release
    /// candidates, because the library for it builds with no others.
    #[cfg(feature = "ntlm")]
    pub fn bind_with_ntlm(mut self, name: BindName, password: Password) -> Self {
        self.bind = Some(Bind::Ntlm(name, password));
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
    pub fn max_in_flight(mut self, changes: usize) -> Self {
        self.max_in_flight = changes;
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
    pub fn build(self) -> Result<AdClient> {
        let named = self.hosts.first().cloned().filter(|host| !host.is_empty());
        let refuse = |detail: &str, hint: &str| {
            Err(Error::new(ErrorKind::Invalid, "set up the client of")
                .with_object(named.as_deref().unwrap_or("a forest"))
                .with_detail(detail)
                .with_hint(hint))
        };
        if let Some(host) = self.hosts.iter().find(|host| !is_host(host)) {
            return refuse(
                &format!("“{host}” is no host name"),
                "Give the DNS host name of a domain controller, without scheme and port.",
            );
        }
        if self.site.as_deref().is_some_and(|site| !is_site(site)) {
            return refuse("this is no name of a site", "Give the name of an Active Directory site.");
        }
        if self.page_size == 0 || self.max_in_flight == 0 {
            return refuse(
                "page size and the number of changes in flight must be at least 1",
                "Leave them out to use the defaults.",
            );
        }
        if self.changes_per_second.is_some_and(|rate| !(1e-3..=1e6).contains(&rate)) {
            let hint = "Give a number between 0.001 and 1000000, or leave it out.";
            return refuse("this is no number of changes per second", hint);
        }
        let bind_method = match self.bind {
            None => return refuse("nobody signs in", "Call bind with a name and a password."),
            Some(Bind::Simple(name, password)) => BindMethod::Simple(Credentials::new(name, password)?),
            Some(Bind::Certificate) => BindMethod::Certificate,
            #[cfg(feature = "kerberos")]
            Some(Bind::Kerberos) => BindMethod::Kerberos,
            #[cfg(feature = "ntlm")]
            Some(Bind::Ntlm(name, password)) => BindMethod::Ntlm(Credentials::for_ntlm(name, password)?),
        };
        let hosts = || {
            let ports = std::iter::once(self.port).chain(std::iter::repeat(None));
            let target = |(host, port): (&String, _)| Endpoint { port, ..Endpoint::directory(host) };
            Bootstrap::Hosts(self.hosts.iter().zip(ports).map(target).collect())
        };
        #[cfg(feature = "dns")]
        let start = match self.domain {
            None => hosts(),
            Some(domain) => Bootstrap::Domain(Discovery {
                domain,
                site: self.site.clone(),
                name_server: self.name_server,
                limit: self.timeouts.connect,
            }),
        };
        #[cfg(not(feature = "dns"))]
        let start = hosts();
        let settings = Settings {
            security: self.security,
            bind: bind_method,
            site: self.site,
            #[cfg(feature = "dns")]
            name_server: self.name_server,
            tls: self.trust.into_config()?,
            timeouts: self.timeouts,
            page_size: self.page_size,
            max_in_flight: self.max_in_flight,
            changes_per_second: self.changes_per_second,
            addresses: self.addresses,
            clock: self.clock,
            refused: Mutex::default(),
        };
        Ok(AdClient::new(Topology::new(start, settings)))
    }

    /// Makes the client, connects, signs in and looks whom it talks to.
    ///
    /// # Errors
    /// As [`build`](Self::build); `Unavailable` if the host cannot be reached; `Unauthenticated` if the name or
    /// password was not accepted; `Invalid` with the reason if the server's certificate was not accepted.
    pub async fn connect(self) -> Result<AdClient> {
        let client = self.build()?;
        client.root_dse().await?;
        Ok(client)
    }
}

fn plain(host: &str) -> String {
    host.trim().trim_end_matches('.').to_owned()
}

/// Whether a text can stand as a site in the name of a DNS record.
fn is_site(text: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    !text.is_empty() && text.len() <= 63 && text.chars().all(plain)
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
