//! Assertions: what an application signs with the key of its certificate in place of sending a secret (RFC 7523).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls_pki_types::CertificateDer;
use serde_json::Value;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use webpki::EndEntityCert;
use webpki::ring::RSA_PSS_2048_8192_SHA256_LEGACY_KEY;

use super::tokens::Aadsts;
use crate::tenant::data::applications::Application;

/// The tolerated clock difference in seconds.
const SKEW: i64 = 300;

/// The parts of a signed assertion (a JWT).
pub(crate) struct Assertion<'a> {
    signed: &'a str,
    header: Value,
    claims: Value,
    signature: Vec<u8>,
}

impl<'a> Assertion<'a> {
    pub(crate) fn parse(text: &'a str) -> Result<Self, Aadsts> {
        let malformed = || Aadsts::new(50_027, "JWT token is invalid or malformed.");
        let (signed, signature) = text.rsplit_once('.').ok_or_else(malformed)?;
        let (header, claims) = signed.split_once('.').ok_or_else(malformed)?;
        let bytes = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| malformed());
        let json = |part: &str| serde_json::from_slice(&bytes(part)?).map_err(|_| malformed());
        Ok(Self { signed, header: json(header)?, claims: json(claims)?, signature: bytes(signature)? })
    }

    /// Verifies that the application signed the assertion for the token endpoint, and that it is valid now.
    pub(crate) fn proves(
        &self,
        app: &Application,
        endpoints: &[String],
        now: OffsetDateTime,
    ) -> Result<(), Aadsts> {
        let text = |part: &Value, name: &str| part.get(name).and_then(Value::as_str).map(str::to_owned);
        if text(&self.header, "alg").as_deref() != Some("PS256") {
            return Err(Aadsts::new(
                5_002_730,
                "Invalid JWT token. Unsupported key for the signing algorithm.",
            ));
        }
        let thumbprint = text(&self.header, "x5t#S256").unwrap_or_default();
        let known = app
            .certificates
            .iter()
            .find(|held| URL_SAFE_NO_PAD.encode(Sha256::digest(&held.der)) == thumbprint);
        let unverified = |why: &str| {
            let why = format!("Client assertion contains an invalid signature. [Reason - {why}]");
            Aadsts::new(700_027, why)
        };
        let known = known.ok_or_else(|| unverified("The key was not found."))?;
        if known.not_after <= now {
            return Err(unverified("The key used is expired."));
        }
        let der = CertificateDer::from(known.der.as_slice());
        let certificate =
            EndEntityCert::try_from(&der).map_err(|_| unverified("The key used is not a certificate."))?;
        certificate
            .verify_signature(RSA_PSS_2048_8192_SHA256_LEGACY_KEY, self.signed.as_bytes(), &self.signature)
            .map_err(|_| {
                unverified("The provided signature value did not match the expected signature value.")
            })?;
        let is_app = |name: &str| {
            text(&self.claims, name).is_some_and(|claim| claim.eq_ignore_ascii_case(&app.app_id))
        };
        if !is_app("iss") || !is_app("sub") {
            return Err(Aadsts::new(
                700_021,
                "Client assertion application identifier doesn't match 'client_id'.",
            ));
        }
        let audience = text(&self.claims, "aud").unwrap_or_default();
        if !endpoints.iter().any(|endpoint| endpoint.eq_ignore_ascii_case(&audience)) {
            return Err(Aadsts::new(700_023, "Client assertion audience claim does not match Realm issuer."));
        }
        let second = |name: &str| self.claims.get(name).and_then(Value::as_i64);
        let now = now.unix_timestamp();
        let in_time = second("exp").is_some_and(|exp| now < exp + SKEW)
            && second("nbf").is_none_or(|nbf| now + SKEW >= nbf);
        if !in_time {
            return Err(Aadsts::new(
                700_024,
                "Client assertion is not within its valid time range. Current time and the assertion's times differ.",
            ));
        }
        Ok(())
    }
}
