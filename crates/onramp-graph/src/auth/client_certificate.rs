//! The certificate of an application, and the assertions signed with its key.

use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use onramp_core::{Error, ErrorKind, Password, Result};
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::rsa::KeyPair;
use ring::signature::RSA_PSS_SHA256;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use serde::Serialize;
use time::{Duration, OffsetDateTime};
use url::Url;
use zeroize::Zeroizing;

use crate::http::trust_roots::as_text;
use crate::uuid;

/// The lifetime of an assertion. Microsoft recommends five to ten minutes.
const LIFETIME: Duration = Duration::minutes(5);
/// The tolerance for clock differences: an assertion is valid from this long before it was made.
const SKEW: Duration = Duration::seconds(30);

/// A certificate of an application (client credentials grant with a signed assertion).
///
/// The key must be RSA of 2,048 bits or more: Entra accepts no other for assertions. The key is never sent; the
/// assertions that it signs are valid for five minutes, for one token endpoint.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use onramp_core::Password;
/// use onramp_graph::{ClientCertificate, GraphClient};
///
/// let certificate = std::fs::read_to_string("onramp.crt")?;
/// let key = Password::new(std::fs::read_to_string("onramp.key")?);
/// let credential =
///     ClientCertificate::from_pem("contoso.com", "44444444-0000-4000-8000-000000000000", &certificate, &key)?;
/// let client = GraphClient::builder(credential).build()?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct ClientCertificate {
    pub(crate) tenant: String,
    pub(crate) client_id: String,
    /// The SHA-256 hash of the DER, by which the tenant finds the certificate.
    thumbprint: String,
    key: Arc<KeyPair>,
}

impl ClientCertificate {
    /// Creates the credential of an application: tenant (its ID or one of its domains), client ID, certificate and
    /// private key. Both are PEM; the key is PKCS #8 or PKCS #1, not encrypted.
    ///
    /// # Errors
    /// `Invalid` if one of them cannot be read, or is not RSA of at least 2,048 bits.
    pub fn from_pem(
        tenant: impl Into<String>,
        client_id: impl Into<String>,
        certificate: &str,
        key: &Password,
    ) -> Result<Self> {
        let client_id = client_id.into();
        let refuse = |detail: &str| {
            Error::new(ErrorKind::Invalid, "read the certificate of the application")
                .with_object(&client_id)
                .with_detail(detail)
                .with_hint("Give the certificate and its RSA key (2,048 bits or more, not encrypted) in PEM.")
        };
        let der = CertificateDer::from_pem_slice(as_text(certificate.as_bytes()).as_bytes())
            .map_err(|_| refuse("no certificate was found in the PEM"))?;
        let key = PrivateKeyDer::from_pem_slice(key.expose().as_bytes())
            .map_err(|_| refuse("no private key was found in the PEM"))?;
        let key = match &key {
            PrivateKeyDer::Pkcs8(key) => KeyPair::from_pkcs8(key.secret_pkcs8_der()),
            PrivateKeyDer::Pkcs1(key) => KeyPair::from_der(key.secret_pkcs1_der()),
            _ => return Err(refuse("the private key is not RSA")),
        };
        // The reason is a word such as "TooSmall" and holds nothing of the key.
        let key = key.map_err(|why| refuse(&format!("the private key was refused: {why}")))?;
        let thumbprint = URL_SAFE_NO_PAD.encode(digest(&SHA256, &der));
        Ok(Self { tenant: tenant.into(), client_id, thumbprint, key: Arc::new(key) })
    }

    /// Signs an assertion that authenticates this application at a token endpoint.
    pub(crate) fn assertion(&self, endpoint: &Url, now: OffsetDateTime) -> Result<Password> {
        let refuse = |why: &str| {
            Error::new(ErrorKind::Invalid, "sign an assertion for the application")
                .with_object(&self.client_id)
                .with_detail(why)
        };
        let encode = |part: serde_json::Result<Vec<u8>>| {
            part.map(|part| URL_SAFE_NO_PAD.encode(part)).map_err(|why| refuse(&why.to_string()))
        };
        let header = Header { alg: "PS256", typ: "JWT", thumbprint: &self.thumbprint };
        let claims = Claims {
            aud: endpoint.as_str(),
            iss: &self.client_id,
            sub: &self.client_id,
            jti: uuid::random_v4()?.to_string(),
            iat: now.unix_timestamp(),
            nbf: (now - SKEW).unix_timestamp(),
            exp: (now + LIFETIME).unix_timestamp(),
        };
        let mut token = Zeroizing::new(format!(
            "{}.{}",
            encode(serde_json::to_vec(&header))?,
            encode(serde_json::to_vec(&claims))?
        ));
        let mut signature = vec![0; self.key.public().modulus_len()];
        self.key
            .sign(&RSA_PSS_SHA256, &SystemRandom::new(), token.as_bytes(), &mut signature)
            .map_err(|_| refuse("the key could not sign"))?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(Password::new(std::mem::take(&mut *token)))
    }
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCertificate")
            .field("client_id", &self.client_id)
            .field("thumbprint", &self.thumbprint)
            .finish_non_exhaustive()
    }
}

#[derive(Serialize)]
struct Header<'a> {
    alg: &'static str,
    typ: &'static str,
    #[serde(rename = "x5t#S256")]
    thumbprint: &'a str,
}

#[derive(Serialize)]
struct Claims<'a> {
    aud: &'a str,
    iss: &'a str,
    sub: &'a str,
    jti: String,
    iat: i64,
    nbf: i64,
    exp: i64,
}
