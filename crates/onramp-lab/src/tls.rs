//! The lab's own certificate authority: made per run, trusted by nobody who was not told to.

use std::fmt;
use std::sync::Arc;

use onramp_core::{Error, ErrorKind, Password, Result};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, date_time_ymd,
};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// A certificate authority that signs the certificates of the lab's servers (LDAPS and HTTPS alike).
///
/// The key is generated when the value is made and never leaves it. Clients of a lab server trust it by
/// [`certificate_pem`](Self::certificate_pem) or [`certificate_der`](Self::certificate_der).
pub struct LabCa {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl LabCa {
    /// Makes a new authority with a key of its own.
    pub fn new() -> Result<Self> {
        let mut params = CertificateParams::default();
        params.distinguished_name = common_name("Onramp Lab CA");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages =
            vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
        let issuer =
            CertifiedIssuer::self_signed(params, KeyPair::generate().map_err(refused)?).map_err(refused)?;
        Ok(Self { issuer })
    }

    /// Returns the authority's own certificate, PEM: what a client adds to its trust roots.
    #[must_use]
    pub fn certificate_pem(&self) -> String {
        self.issuer.pem()
    }

    /// Returns the authority's own certificate, DER.
    #[must_use]
    pub fn certificate_der(&self) -> CertificateDer<'static> {
        self.issuer.der().clone()
    }

    /// Returns the TLS configuration of a server that is reached under `names` (DNS names or IP addresses), by a leaf certificate
    /// signed for exactly those. No ALPN protocol is set; a server that needs one sets it on a clone.
    pub fn server_config(&self, names: &[&str]) -> Result<Arc<ServerConfig>> {
        // Valid for all practical time, so that a lab whose clock is set elsewhere still has a valid certificate.
        self.config_with_validity(names, (1990, 2090), Certificates::NotAsked)
    }

    /// Like [`server_config`](Self::server_config), for a server that also takes certificates of clients, if they show one and
    /// this authority signed it.
    pub fn server_config_taking_certificates(&self, names: &[&str]) -> Result<Arc<ServerConfig>> {
        self.config_with_validity(names, (1990, 2090), Certificates::Taken)
    }

    /// A certificate for a client that is called so, signed by this authority.
    pub fn client_certificate(&self, name: &str) -> Result<LabClientCertificate> {
        let (leaf, key) = self.leaf(&[], name, (1990, 2090), ExtendedKeyUsagePurpose::ClientAuth)?;
        Ok(LabClientCertificate {
            certificate_der: leaf.der().clone(),
            certificate_pem: leaf.pem(),
            key_pem: Password::new(key.serialize_pem()),
        })
    }

    /// Like [`server_config`](Self::server_config), with a certificate that expired at the start of 2001: what a client must
    /// refuse.
    pub fn expired_server_config(&self, names: &[&str]) -> Result<Arc<ServerConfig>> {
        self.config_with_validity(names, (2000, 2001), Certificates::NotAsked)
    }

    fn leaf(
        &self,
        names: &[&str],
        called: &str,
        years: (i32, i32),
        purpose: ExtendedKeyUsagePurpose,
    ) -> Result<(Certificate, KeyPair)> {
        let key = KeyPair::generate().map_err(refused)?;
        let mut params =
            CertificateParams::new(names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>())
                .map_err(refused)?;
        params.distinguished_name = common_name(called);
        params.not_before = date_time_ymd(years.0, 1, 1);
        params.not_after = date_time_ymd(years.1, 1, 1);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![purpose];
        params.use_authority_key_identifier_extension = true;
        Ok((params.signed_by(&key, &self.issuer).map_err(refused)?, key))
    }

    fn config_with_validity(
        &self,
        names: &[&str],
        years: (i32, i32),
        certificates: Certificates,
    ) -> Result<Arc<ServerConfig>> {
        let called = names.first().copied().unwrap_or("onramp-lab");
        let (leaf, key) = self.leaf(names, called, years, ExtendedKeyUsagePurpose::ServerAuth)?;
        let chain = vec![leaf.der().clone(), self.certificate_der()];
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = match certificates {
            Certificates::NotAsked => WebPkiClientVerifier::no_client_auth(),
            Certificates::Taken => {
                let mut roots = RootCertStore::empty();
                roots.add(self.certificate_der()).map_err(refused)?;
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
                    .allow_unauthenticated()
                    .build()
                    .map_err(refused)?
            }
        };
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(refused)?
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain, key)
            .map_err(refused)?;
        Ok(Arc::new(config))
    }
}

/// The handling of client certificates.
enum Certificates {
    NotAsked,
    Taken,
}

/// A certificate by which a client shows who it is, and its key.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LabClientCertificate {
    /// The certificate.
    pub certificate_der: CertificateDer<'static>,
    /// The same in PEM.
    pub certificate_pem: String,
    /// The private key in PEM (PKCS#8).
    pub key_pem: Password,
}

impl fmt::Debug for LabCa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LabCa").field("subject", &"Onramp Lab CA").field("key", &"***").finish()
    }
}

fn refused(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Invalid, "make a certificate for the lab")
        .with_detail(error.to_string())
        .with_source(error)
}

fn common_name(name: &str) -> DistinguishedName {
    let mut dn = DistinguishedName::new();
    dn.push(DnType::CommonName, name);
    dn
}
