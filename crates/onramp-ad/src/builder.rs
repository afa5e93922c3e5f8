//! The builder of a client.

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
use crate::ldap::settings::{LdapTimeouts, Settings};
use crate::topology::Topology;
use crate::topology::dc_locator::Bootstrap;
#[cfg(feature = "dns")]
use crate::topology::discovery::Discovery;

const PAGE_SIZE: u32 = 1_000;
const MAX_IN_FLIGHT: usize = 64;

/// A builder of an [`AdClient`].
///
/// ```no_run
/// use onramp_ad::{AdClient, BindName, LdapSecurity};
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
    timeouts: LdapTimeouts,
    page_size: u32,
    max_in_flight: usize,
    changes_per_second: Option<f64>,
    clock: Arc<dyn Clock>,
}

/// The configured bind method.
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
            timeouts: LdapTimeouts::default(),
            page_size: PAGE_SIZE,
            max_in_flight: MAX_IN_FLIGHT,
            changes_per_second: None,
            clock: Arc::new(SystemClock::new()),
        }
    }

    /// Adds a domain controller to start with if the earlier ones cannot be reached.
    ///
    /// ```no_run
    /// # use onramp_ad::AdClient;
    /// let builder = AdClient::builder("dc1.corp.example").fallback_host("dc2.corp.example");
    /// ```
    pub fn fallback_host(mut self, host: &str) -> Self {
        self.hosts.push(plain(host));
        self
    }

    /// Sets the site whose domain controllers and global catalogs are preferred. The default is that of the
    /// first domain controller that answers.
    #[cfg_attr(
        feature = "dns",
        doc = "With [`AdClient::discover`], its domain controllers are asked for first."
    )]
    pub fn site(mut self, site: &str) -> Self {
        self.site = Some(site.to_owned());
        self
    }

    /// Sets the name server for domain controllers and their addresses, instead of those of the operating
    /// system. It may be one of the domain controllers.
    #[cfg(feature = "dns")]
    pub fn name_server(mut self, address: SocketAddr) -> Self {
        self.name_server = Some(address);
        self
    }

    /// Sets LDAPS or StartTLS for every connection. The default is LDAPS.
    pub fn security(mut self, security: LdapSecurity) -> Self {
        self.security = security;
        self
    }

    /// Sets the port of the first domain controller. The others are connected to at the standard port, or at
    /// their [`address`](Self::address).
    pub fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// Trusts only the certificates in a file. May be called several times.
    ///
    /// The file is PEM with one or several certificates, in UTF-8 or UTF-16, with or without a byte order
    /// mark; or one certificate in DER, as the tools of Windows export it.
    ///
    /// # Errors
    /// `Invalid` if the file cannot be read or has no certificate; the error names the type of the file, if
    /// it is known.
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

    /// Trusts only the certificates in a PEM text. May be called several times.
    ///
    /// # Errors
    /// `Invalid` if there is no certificate in it.
    pub fn trust_root_pem(mut self, pem: impl AsRef<[u8]>) -> Result<Self> {
        self.trust.add(pem.as_ref(), "that was given")?;
        Ok(self)
    }

    /// Sets a TLS configuration, instead of one from trust roots. Build it with
    /// [`tls_provider`](crate::tls_provider), which limits what a server may send.
    pub fn tls_config(mut self, config: Arc<ClientConfig>) -> Self {
        self.trust.config = Some(config);
        self
    }

    /// Binds by name and password (simple bind) on every domain controller. TLS protects the password;
    /// neither LDAP signing nor channel binding, which hardened domain controllers require, apply to it.
    ///
    /// Refused credentials are not sent again by this client, since repeated attempts lock the account:
    /// correct them and build a new client.
    pub fn bind(mut self, name: BindName, password: Password) -> Self {
        self.bind = Some(Bind::Simple(name, password));
        self
    }

    /// Binds by a client certificate that the domain controllers map to an account, instead of a password: by
    /// SASL EXTERNAL after StartTLS, and by the TLS handshake over LDAPS. Takes the certificate with its
    /// chain, and its unencrypted private key, both in PEM.
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

    /// Binds by SASL EXTERNAL, with the client certificate in the TLS configuration of [`tls_config`](Self::tls_config).
    pub fn bind_external(mut self) -> Self {
        self.bind = Some(Bind::Certificate);
        self
    }

    /// Binds by Kerberos (SASL GSSAPI), with the ticket of the user that runs the program, from `kinit` or a
    /// keytab. The domain controllers must be named by their full DNS names. The channel binding token of the
    /// TLS connection is sent along, as hardened domain controllers require.
    ///
    /// Kerberos runs within TLS, and no further security layer is negotiated. Building this feature needs the
    /// headers of MIT Kerberos and libclang (`libkrb5-dev` and `libclang-dev` on Debian).
    #[cfg(feature = "kerberos")]
    pub fn bind_with_kerberos(mut self) -> Self {
        self.bind = Some(Bind::Kerberos);
        self
    }

    /// Binds by NTLM (SASL GSS-SPNEGO), with a name of the form `DOMAIN\user` or a UPN, where nothing better
    /// is available. The password is not sent, but an observer of the exchange could try passwords against
    /// it, so that it runs only within TLS. The channel binding token of the TLS connection is sent along.
    /// Microsoft is withdrawing NTLM; prefer Kerberos, a client certificate or [`bind`](Self::bind).
    ///
    /// Building this feature needs no library of the system, but more than a hundred crates. Two of them are
    /// pinned to release candidates, because the NTLM library builds with no others.
    #[cfg(feature = "ntlm")]
    pub fn bind_with_ntlm(mut self, name: BindName, password: Password) -> Self {
        self.bind = Some(Bind::Ntlm(name, password));
        self
    }

    /// Sets the address of a host; TLS still verifies the host name. For labs, tunnels and split DNS. May be
    /// called for several hosts. The global catalog is at the same IP address and its own port, unless
    /// [`global_catalog_address`](Self::global_catalog_address) is set.
    pub fn address(mut self, host: &str, address: SocketAddr) -> Self {
        self.addresses.insert((host.to_ascii_lowercase(), Service::Directory), address);
        self
    }

    /// Sets the address of the global catalog of a host.
    pub fn global_catalog_address(mut self, host: &str, address: SocketAddr) -> Self {
        self.addresses.insert((host.to_ascii_lowercase(), Service::GlobalCatalog), address);
        self
    }

    /// Sets the network timeouts.
    pub fn timeouts(mut self, timeouts: LdapTimeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// Sets the page size of searches. The default is 1000, the maximum that Windows allows by default.
    pub fn page_size(mut self, entries: u32) -> Self {
        self.page_size = entries;
        self
    }

    /// Sets the maximum number of changes in flight on one domain controller. The default is 64. The number
    /// starts at 32 and follows the latency of the server.
    pub fn max_in_flight(mut self, changes: usize) -> Self {
        self.max_in_flight = changes;
        self
    }

    /// Sets the maximum number of changes per second on one domain controller, for servers with other work.
    /// There is no limit by default.
    pub fn changes_per_second(mut self, changes: f64) -> Self {
        self.changes_per_second = Some(changes);
        self
    }

    /// Sets the clock of the delays between attempts. The default is the system clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Checks the settings and creates the client, without connecting yet.
    ///
    /// # Errors
    /// `Invalid` for an invalid host name, a missing or empty password, and trust roots that cannot be used.
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
                &format!("\"{host}\" is not a host name"),
                "Give the DNS host name of a domain controller, without scheme and port.",
            );
        }
        if self.site.as_deref().is_some_and(|site| !is_site(site)) {
            return refuse("the name of the site is not valid", "Give the name of an Active Directory site.");
        }
        if self.page_size == 0 || self.max_in_flight == 0 {
            return refuse(
                "page size and the number of changes in flight must be at least 1",
                "Leave them out to use the defaults.",
            );
        }
        if self.changes_per_second.is_some_and(|rate| !(1e-3..=1e6).contains(&rate)) {
            let hint = "Give a number between 0.001 and 1000000, or leave it out.";
            return refuse("the number of changes per second is not valid", hint);
        }
        let bind_method = match self.bind {
            None => return refuse("no bind method is set", "Call bind with a name and a password."),
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

    /// Creates the client, connects, binds and reads the root DSE.
    ///
    /// # Errors
    /// Those of [`build`](Self::build); `Unavailable` if the host cannot be reached; `Unauthenticated` if the
    /// name or the password was not accepted; `Invalid` with the reason if the server's certificate was not
    /// accepted.
    pub async fn connect(self) -> Result<AdClient> {
        let client = self.build()?;
        client.root_dse().await?;
        Ok(client)
    }
}

fn plain(host: &str) -> String {
    host.trim().trim_end_matches('.').to_owned()
}

/// Returns true if a text can be the name of a site in a DNS record.
fn is_site(text: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    !text.is_empty() && text.len() <= 63 && text.chars().all(plain)
}

/// Returns true if TLS can verify the host: a DNS name or an IPv4 address. (TLS libraries do not verify the
/// bracketed form of an IPv6 address.)
fn is_host(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    let label = |label: &str| !label.is_empty() && label.len() <= 63 && label.chars().all(plain);
    text.len() <= 253
        && text.split('.').all(label)
        && (text.parse::<IpAddr>().is_ok() || text.contains(|c: char| c.is_ascii_alphabetic()))
}
