//! The security of a connection: TLS, trust roots, the client certificate, and the name to bind with.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use onramp_core::{Error, ErrorKind, Password, Result};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use crate::ldap::certificate_file;
use crate::ldap::guarded_tls::tls_provider;

/// The way to TLS. LDAP without TLS is not possible.
///
/// ```
/// use onramp_ad::LdapSecurity;
/// assert_eq!(LdapSecurity::Ldaps.port(), 636);
/// assert_eq!(LdapSecurity::StartTls.global_catalog_port(), 3268);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[allow(clippy::exhaustive_enums)] // LDAP knows no third way
pub enum LdapSecurity {
    /// LDAPS, TLS from the first byte: port 636, global catalog 3269.
    #[default]
    Ldaps,
    /// StartTLS before anything else is sent (RFC 4511 4.14): port 389, global catalog 3268.
    StartTls,
}

impl LdapSecurity {
    /// Returns the port of the directory.
    pub fn port(self) -> u16 {
        match self {
            Self::Ldaps => 636,
            Self::StartTls => 389,
        }
    }

    /// Returns the port of the global catalog.
    pub fn global_catalog_port(self) -> u16 {
        match self {
            Self::Ldaps => 3269,
            Self::StartTls => 3268,
        }
    }
}

/// The account name of a simple bind ([MS-ADTS] 5.1.1.1.1).
///
/// Prefer `DOMAIN\user` or a distinguished name: a UPN stops working if the run itself changes it.
///
/// ```
/// use onramp_ad::BindName;
/// assert!(BindName::parse(r"CORP\anna").is_ok());
/// assert!(BindName::parse("anna@corp.example").is_ok());
/// assert!(BindName::parse("CN=anna,OU=Staff,DC=corp,DC=example").is_ok());
/// assert_eq!(r"CORP\anna".parse::<BindName>().map(|name| name.to_string()).ok().as_deref(), Some(r"CORP\anna"));
/// assert!(BindName::parse("anna").is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BindName(String);

impl BindName {
    /// Parses `DOMAIN\user`, a UPN, a distinguished name or a canonical name.
    ///
    /// # Errors
    /// `Invalid` for an empty name, which would bind anonymously, and for a bare account name, which domain
    /// controllers refuse.
    pub fn parse(name: &str) -> Result<Self> {
        let refuse = |detail: &str| {
            Err(Error::new(ErrorKind::Invalid, "sign in as")
                .with_object(format!("\"{name}\""))
                .with_detail(detail)
                .with_hint("Give DOMAIN\\user, user@domain or a distinguished name."))
        };
        if name.trim().is_empty() {
            return refuse("an empty name would sign in anonymously");
        }
        if name.contains('\0') {
            return refuse("the name holds a NUL character");
        }
        if !name.contains(['\\', '@', '=', '/']) {
            return refuse("domain controllers do not accept an account name without its domain");
        }
        Ok(Self(name.to_owned()))
    }

    /// Returns the name as it is sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for BindName {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::parse(name)
    }
}

impl TryFrom<&str> for BindName {
    type Error = Error;

    fn try_from(name: &str) -> Result<Self> {
        Self::parse(name)
    }
}

impl AsRef<str> for BindName {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for BindName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The trust in server certificates.
#[derive(Debug, Default)]
pub(crate) struct Trust {
    pub(crate) roots: Vec<CertificateDer<'static>>,
    pub(crate) config: Option<Arc<ClientConfig>>,
    /// The client certificate.
    pub(crate) identity: Option<Identity>,
}

/// A client certificate with its chain and private key.
#[derive(Debug)]
pub(crate) struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Identity {
    /// Parses both from PEM.
    pub(crate) fn from_pem(certificates: &[u8], key: &Password) -> Result<Self> {
        let refuse = |detail: String| {
            Error::new(ErrorKind::Invalid, "read the client certificate").with_detail(detail).with_hint(
                "Give the certificate and its unencrypted key (PKCS#8, PKCS#1 or SEC1) in PEM form.",
            )
        };
        let certificates = certificate_file::text(certificates);
        let chain = CertificateDer::pem_slice_iter(&certificates).collect::<Result<Vec<_>, _>>();
        let chain = chain.map_err(|error| refuse(format!("it is not PEM: {error:?}")))?;
        if chain.is_empty() {
            return Err(refuse("there is no certificate in it".into()));
        }
        // The error of the library is dropped: it may quote the key.
        let key = PrivateKeyDer::from_pem_slice(key.expose().trim_start_matches('\u{feff}').as_bytes())
            .map_err(|_| refuse("there is no key that can be read in the key's text".into()))?;
        Ok(Self { chain, key })
    }
}

impl Trust {
    /// Adds every certificate of a file or a text.
    pub(crate) fn add(&mut self, octets: &[u8], origin: &str) -> Result<()> {
        let found = certificate_file::certificates(octets).map_err(|refusal| {
            Error::new(ErrorKind::Invalid, "read the trust root")
                .with_object(origin)
                .with_detail(refusal.detail)
                .with_hint(refusal.hint)
        })?;
        self.roots.extend(found);
        Ok(())
    }

    /// Builds the TLS configuration: the given one, else one that trusts only the given roots, else one that
    /// trusts the roots of the operating system.
    pub(crate) fn into_config(self) -> Result<Arc<ClientConfig>> {
        if let (Some(config), None) = (&self.config, &self.identity) {
            return Ok(Arc::clone(config));
        }
        if self.config.is_some() {
            return Err(Error::new(ErrorKind::Invalid, "set up TLS")
                .with_detail("a TLS configuration and a client certificate were both given")
                .with_hint("Put the certificate into the configuration, and call bind_external."));
        }
        let refuse = |detail: String| {
            Error::new(ErrorKind::Invalid, "set up TLS").with_detail(detail).with_hint(
                "Give the certificate of the authority that issued the domain controllers' certificates.",
            )
        };
        let mut store = RootCertStore::empty();
        if self.roots.is_empty() {
            // An unreadable root certificate of the operating system must not hide the others.
            store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        } else {
            for root in self.roots {
                store.add(root).map_err(|error| refuse(format!("a trust root was not accepted: {error}")))?;
            }
        }
        if store.is_empty() {
            return Err(refuse("no trust root was given and this computer has none".into()));
        }
        let config = ClientConfig::builder_with_provider(tls_provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| refuse(error.to_string()))?
            .with_root_certificates(store);
        let config = match self.identity {
            None => config.with_no_client_auth(),
            Some(Identity { chain, key }) => config.with_client_auth_cert(chain, key).map_err(|error| {
                refuse(format!("the client certificate and its key were not accepted: {error}"))
                    .with_hint("Check that the key belongs to the certificate.")
            })?,
        };
        Ok(Arc::new(config))
    }
}
