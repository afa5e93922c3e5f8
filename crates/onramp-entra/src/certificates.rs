//! Certificates of applications, as Graph's `keyCredential`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use onramp_core::tenant::{CertificateCredential, NewCertificate};
use onramp_core::{Error, ErrorKind, ObjectId, Result};
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// A certificate of an application. Sent back unchanged, it stays; left out, it is removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct KeyCredential {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key_id: Option<ObjectId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    display_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) custom_key_identifier: Option<String>,
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    start_date_time: Option<OffsetDateTime>,
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    end_date_time: Option<OffsetDateTime>,
    #[serde(rename = "type")]
    kind: String,
    usage: String,
    /// The certificate itself, for a new one only: the service does not return it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
}

impl KeyCredential {
    /// Creates a new key credential. The service takes the dates from the certificate.
    pub(crate) fn new(certificate: &NewCertificate, thumbprint: &str) -> Self {
        Self {
            key_id: None,
            display_name: Some(certificate.display_name.clone()),
            custom_key_identifier: Some(thumbprint.to_owned()),
            start_date_time: None,
            end_date_time: None,
            kind: "AsymmetricX509Cert".to_owned(),
            usage: "Verify".to_owned(),
            key: Some(STANDARD.encode(&certificate.der)),
        }
    }

    pub(crate) fn into_credential(self) -> CertificateCredential {
        let mut credential = CertificateCredential::new(self.key_id.unwrap_or(ObjectId::from_u128(0)));
        credential.display_name = self.display_name;
        let identifier = self.custom_key_identifier.and_then(|text| STANDARD.decode(text).ok());
        credential.thumbprint = identifier
            .filter(|hash| hash.len() == 32)
            .map(|hash| hash.iter().map(|byte| format!("{byte:02x}")).collect());
        credential.not_before = self.start_date_time;
        credential.not_after = self.end_date_time;
        credential
    }
}

/// Returns the thumbprint of a certificate: the SHA-256 hash of the DER, in base64.
pub(crate) fn thumbprint(der: &[u8]) -> String {
    STANDARD.encode(digest(&SHA256, der))
}

/// Checks that a change removed no other certificate than `gone`.
///
/// The list has no version to compare; this detects that two administrators overwrote each other.
pub(crate) fn require_kept(
    application: &ObjectId,
    before: &[KeyCredential],
    now: &[KeyCredential],
    gone: Option<&ObjectId>,
) -> Result<()> {
    let is_lost = |held: &&KeyCredential| {
        held.key_id.as_ref() != gone && !now.iter().any(|kept| kept.key_id == held.key_id)
    };
    match before.iter().find(is_lost) {
        None => Ok(()),
        Some(lost) => Err(Error::new(ErrorKind::Stale, "change the certificates of the application")
            .with_object(application)
            .with_detail(format!(
                "the certificate {} was removed by someone else meanwhile",
                lost.display_name.as_deref().unwrap_or("without a name")
            ))
            .with_hint("Check the application's certificates, then try again.")),
    }
}

/// Returns the error for a certificate that was accepted and is not visible.
pub(crate) fn not_shown(application: &ObjectId) -> Error {
    Error::new(ErrorKind::OutcomeUnknown, "add the certificate to the application")
        .with_object(application)
        .with_detail("the tenant accepted it and does not show it yet")
        .with_hint("Check the application's certificates before adding it again.")
}
