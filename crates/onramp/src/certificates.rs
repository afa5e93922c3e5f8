//! Certificates of applications: made by a generator, and kept with their private key as one secret.

use std::fmt::Debug;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
#[cfg(not(feature = "certificates"))]
use onramp_core::{Error, ErrorKind};
use onramp_core::{Password, Result};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

/// A request for a new key with a self-signed certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CertificateRequest {
    /// The common name of the subject.
    pub name: String,
    /// The start of the validity.
    pub not_before: OffsetDateTime,
    /// The end of the validity.
    pub not_after: OffsetDateTime,
}

impl CertificateRequest {
    /// Creates a request.
    pub fn new(name: impl Into<String>, not_before: OffsetDateTime, not_after: OffsetDateTime) -> Self {
        Self { name: name.into(), not_before, not_after }
    }
}

/// The port that makes keys and certificates for applications, such as [`RsaCertificates`] or a hardware security module.
#[async_trait]
pub trait CertificateGenerator: Debug + Send + Sync {
    /// Makes a new RSA key of at least 2,048 bits and a certificate of it that is signed with SHA-256, and returns both in PEM
    /// without a line break at the end.
    ///
    /// # Errors
    /// `Unsupported` if it makes none; errors of its work.
    async fn generate(&self, request: &CertificateRequest) -> Result<Password>;
}

/// The generator that is used unless another one is set: RSA keys of 2,048 bits, certificates by rcgen. Feature `certificates`;
/// without it, it makes none.
#[derive(Debug, Clone, Copy, Default)]
pub struct RsaCertificates;

#[async_trait]
impl CertificateGenerator for RsaCertificates {
    #[cfg(feature = "certificates")]
    async fn generate(&self, request: &CertificateRequest) -> Result<Password> {
        let request = request.clone();
        crate::blocking::run_blocking("make a key", move || rsa::generate(&request)).await
    }

    #[cfg(not(feature = "certificates"))]
    async fn generate(&self, request: &CertificateRequest) -> Result<Password> {
        Err(Error::new(ErrorKind::Unsupported, "make a certificate for")
            .with_object(&request.name)
            .with_detail("this program was built without the feature `certificates`")
            .with_hint("Bring a certificate in a PEM file."))
    }
}

#[cfg(feature = "certificates")]
mod rsa {
    use onramp_core::{Error, ErrorKind, Password, Result};
    use rcgen::{
        CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, PKCS_RSA_SHA256,
    };
    use rsa::RsaPrivateKey;
    use rsa::pkcs8::{EncodePrivateKey, LineEnding};
    use rsa::rand_core::OsRng;

    use super::CertificateRequest;

    /// The size that Entra Connect supports.
    const BITS: usize = 2048;

    pub(super) fn generate(request: &CertificateRequest) -> Result<Password> {
        let failed = |why: String| {
            Error::new(ErrorKind::Unavailable, "make a certificate for")
                .with_object(&request.name)
                .with_detail(why)
        };
        // Only made here: rcgen signs with ring, which does not make RSA keys.
        let key = RsaPrivateKey::new(&mut OsRng, BITS).map_err(|why| failed(why.to_string()))?;
        let pem = key.to_pkcs8_pem(LineEnding::LF).map_err(|why| failed(why.to_string()))?;
        let signer =
            KeyPair::from_pem_and_sign_algo(&pem, &PKCS_RSA_SHA256).map_err(|why| failed(why.to_string()))?;
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, &request.name);
        params.not_before = request.not_before;
        params.not_after = request.not_after;
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let certificate = params.self_signed(&signer).map_err(|why| failed(why.to_string()))?;
        let certificate = certificate.pem().replace("\r\n", "\n");
        // Allocated once, so that no part of the key stays behind in a smaller buffer.
        let mut both = String::with_capacity(certificate.len() + pem.len() + 1);
        both.push_str(certificate.trim_end());
        both.push('\n');
        both.push_str(pem.trim_end());
        Ok(Password::new(both))
    }
}

/// A certificate from a text in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PemCertificate {
    pub(crate) der: Vec<u8>,
    /// The SHA-256 hash in lower-case hexadecimal.
    pub(crate) thumbprint: String,
    /// True if the text has a private key, too.
    pub(crate) has_key: bool,
}

impl PemCertificate {
    /// Reads the first certificate of a text; `None` if there is none.
    pub(crate) fn read(pem: &str) -> Option<Self> {
        let lines = pem.lines().map(str::trim).skip_while(|line| *line != "-----BEGIN CERTIFICATE-----");
        let text: String = lines.skip(1).take_while(|line| *line != "-----END CERTIFICATE-----").collect();
        let der = STANDARD.decode(text).ok().filter(|der| !der.is_empty())?;
        let thumbprint = Sha256::digest(&der).iter().map(|byte| format!("{byte:02x}")).collect();
        let has_key =
            pem.lines().any(|line| line.starts_with("-----BEGIN") && line.contains("PRIVATE KEY-----"));
        Some(Self { der, thumbprint, has_key })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----";

    #[test]
    fn a_certificate_is_found_beside_a_key_in_any_order() {
        let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----";
        let alone = PemCertificate::read(CERTIFICATE).unwrap();
        assert_eq!((alone.der.as_slice(), alone.has_key), ([0x30, 0].as_slice(), false));
        assert_eq!(alone.thumbprint.len(), 64);
        for text in [format!("{CERTIFICATE}\n{key}"), format!("{key}\r\n{CERTIFICATE}\r\n")] {
            let both = PemCertificate::read(&text).unwrap();
            assert_eq!((&both.der, &both.thumbprint, both.has_key), (&alone.der, &alone.thumbprint, true));
        }
        for text in [
            "",
            key,
            "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----",
            "-----BEGIN CERTIFICATE-----\n*",
        ] {
            assert_eq!(PemCertificate::read(text), None, "{text}");
        }
    }

    #[cfg(feature = "certificates")]
    #[tokio::test]
    async fn a_generated_certificate_has_its_key_and_no_two_are_the_same() {
        let now = OffsetDateTime::UNIX_EPOCH + time::Duration::days(20_000);
        let request = CertificateRequest::new("sync", now, now + time::Duration::days(90));
        let [one, two] = [RsaCertificates.generate(&request).await, RsaCertificates.generate(&request).await]
            .map(Result::unwrap);
        let read = |key: &Password| PemCertificate::read(key.expose()).unwrap();
        assert!(read(&one).has_key && read(&one).thumbprint != read(&two).thumbprint);
        assert!(
            !one.expose().ends_with('\n') && !one.expose().contains('\r'),
            "a file gives it back as it is"
        );
    }
}
