//! The lab's own certificate authority: made per run, trusted by nobody who was not told to.

use std::fmt;
use std::sync::Arc;

use onramp_core::{Error, ErrorKind, Result};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    IsCa, KeyPair, KeyUsagePurpose, date_time_ymd,
};
use rustls::ServerConfig;
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

    /// The authority's own certificate, PEM: what a client adds to its trust roots.
    #[must_use]
    pub fn certificate_pem(&self) -> String {
        self.issuer.pem()
    }

    /// The authority's own certificate, DER.
    #[must_use]
    pub fn certificate_der(&self) -> CertificateDer<'static> {
        self.issuer.der().clone()
    }

    /// The TLS configuration of a server that is reached under `names` (DNS names or IP addresses), by a leaf certificate
    /// signed for exactly those. No ALPN protocol is set; a server that needs one sets it on a clone.
    pub fn server_config(&self, names: &[&str]) -> Result<Arc<ServerConfig>> {
        // Valid for all practical time, so that a lab whose clock is set elsewhere still has a valid certificate.
        self.config_with_validity(names, (1990, 2090))
    }

    /// Like [`server_config`](Self::server_config), with a certificate that expired at the start of 2001: what a client must
    /// refuse.
    pub fn expired_server_config(&self, names: &[&str]) -> Result<Arc<ServerConfig>> {
        self.config_with_validity(names, (2000, 2001))
    }

    fn config_with_validity(&self, names: &[&str], years: (i32, i32)) -> Result<Arc<ServerConfig>> {
        let key = KeyPair::generate().map_err(refused)?;
        let mut params =
            CertificateParams::new(names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>())
                .map_err(refused)?;
        params.distinguished_name = common_name(names.first().copied().unwrap_or("onramp-lab"));
        params.not_before = date_time_ymd(years.0, 1, 1);
        params.not_after = date_time_ymd(years.1, 1, 1);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let leaf = params.signed_by(&key, &self.issuer).map_err(refused)?;
        let chain = vec![leaf.der().clone(), self.certificate_der()];
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(refused)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(refused)?;
        Ok(Arc::new(config))
    }
}

impl fmt::Debug for LabCa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LabCa").field("subject", &"Onramp Lab CA").field("key", &"***").finish()
    }
}

fn refused(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Invalid, "make a certificate for the lab").detail(error.to_string()).source(error)
}

fn common_name(name: &str) -> DistinguishedName {
    let mut dn = DistinguishedName::new();
    dn.push(DnType::CommonName, name);
    dn
}
