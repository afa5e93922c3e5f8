//! Explanations of failed TLS handshakes.

use std::io;

use onramp_core::ErrorKind;
use rustls::CertificateError;

/// The hint for a server that does not speak TLS.
pub(crate) const WRONG_PORT: &str = "Check that the port speaks LDAPS (636, global catalog 3269) or that StartTLS is \
     used on 389 or 3268, and that the domain controller has a certificate.";

/// A TLS failure, explained.
#[derive(Debug)]
pub(crate) struct TlsError {
    pub(crate) kind: ErrorKind,
    pub(crate) detail: String,
    pub(crate) hint: String,
}

/// Explains the TLS error inside an I/O error.
pub(crate) fn explain(host: &str, error: &io::Error) -> TlsError {
    let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) else {
        return TlsError {
            kind: ErrorKind::Unavailable,
            detail: format!("the connection broke while it was being secured: {error}"),
            hint: WRONG_PORT.to_owned(),
        };
    };
    let (detail, hint) = match tls {
        rustls::Error::InvalidCertificate(certificate) => from_certificate(host, certificate),
        rustls::Error::InvalidMessage(_) => {
            ("the server does not speak TLS on this port".into(), WRONG_PORT.into())
        }
        other => (
            format!("TLS failed: {other}"),
            "Check which TLS versions and algorithms the domain controller allows.".into(),
        ),
    };
    TlsError { kind: ErrorKind::Invalid, detail, hint }
}

fn from_certificate(host: &str, error: &CertificateError) -> (String, String) {
    match error {
        // A certificate authority that was created again under its old name gives a bad signature.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => (
            "the server's certificate was issued by an authority that is not trusted here".into(),
            format!("Give the certificate of the authority that issued the one of {host} as trust root."),
        ),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => (
            "the server's certificate has expired".into(),
            format!("Renew the certificate of {host}; if it was renewed, check the clocks."),
        ),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            ("the server's certificate is not valid yet".into(), "Check the clocks of both machines.".into())
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => (
            format!("the server's certificate is not for the name {host}{}", presented(error)),
            "Connect by a name that the certificate carries as subject alternative name, or issue one that has it."
                .into(),
        ),
        CertificateError::Revoked => {
            ("the server's certificate was revoked".into(), format!("Give {host} a new certificate."))
        }
        other => (
            format!("the server's certificate was not accepted: {other:?}"),
            format!("Issue a server certificate for {host} by an authority that is trusted here."),
        ),
    }
}

fn presented(error: &CertificateError) -> String {
    match error {
        CertificateError::NotValidForNameContext { presented, .. } if presented.is_empty() => {
            "; it has no subject alternative name".into()
        }
        CertificateError::NotValidForNameContext { presented, .. } => {
            format!(" but for {}", presented.join(", "))
        }
        _ => String::new(),
    }
}
