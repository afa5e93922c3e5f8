//! Certificate files: PEM in any encoding that Windows tools write, or DER; other files are recognized for
//! the error.

use std::borrow::Cow;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// The object identifier of signed data (PKCS #7), in DER.
const SIGNED_DATA: &[u8] = &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];
/// The version of a PKCS #12 store and the tag after it.
const STORE_VERSION: &[u8] = &[2, 1, 3, 0x30];

/// The reason why a file has no usable certificate, and a hint.
#[derive(Debug)]
pub(crate) struct UnusableFile {
    pub(crate) detail: String,
    pub(crate) hint: &'static str,
}

const GIVE_PEM: &str =
    "Give the certificate of the authority in PEM (\"-----BEGIN CERTIFICATE-----\") or DER form.";

/// Reads the certificates of a file; at least one, and all of them usable as trust roots.
pub(crate) fn certificates(octets: &[u8]) -> Result<Vec<CertificateDer<'static>>, UnusableFile> {
    let refuse = |detail: String, hint| Err(UnusableFile { detail, hint });
    if octets.is_empty() {
        return refuse("it is empty".into(), GIVE_PEM);
    }
    if octets.starts_with(&[0x30]) && octets.get(1).is_some_and(|length| *length >= 0x80) {
        return from_der(octets);
    }
    let text = text(octets);
    let found = CertificateDer::pem_slice_iter(&text).collect::<Result<Vec<_>, _>>();
    let found = match found {
        Ok(found) => found,
        Err(error) => return refuse(format!("its PEM is broken: {error}"), GIVE_PEM),
    };
    if found.is_empty() {
        let (detail, hint) = describe(&text);
        return refuse(detail, hint);
    }
    for (at, certificate) in (1..).zip(&found) {
        if let Err(why) = is_certificate(certificate) {
            return refuse(
                format!("certificate {at} of {} in it cannot be read: {why}", found.len()),
                GIVE_PEM,
            );
        }
    }
    Ok(found)
}

/// Converts text to UTF-8 without a byte order mark. PowerShell writes UTF-16 by default.
pub(crate) fn text(octets: &[u8]) -> Cow<'_, [u8]> {
    let units = |octets: &[u8], unit: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = octets.as_chunks().0.iter().copied().map(unit).collect();
        Cow::Owned(String::from_utf16_lossy(&units).into_bytes())
    };
    match octets {
        [0xef, 0xbb, 0xbf, rest @ ..] => Cow::Borrowed(rest),
        [0xff, 0xfe, rest @ ..] => units(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => units(rest, u16::from_be_bytes),
        _ => Cow::Borrowed(octets),
    }
}

fn from_der(octets: &[u8]) -> Result<Vec<CertificateDer<'static>>, UnusableFile> {
    let certificate = CertificateDer::from(octets.to_vec());
    let Err(why) = is_certificate(&certificate) else { return Ok(vec![certificate]) };
    let head = octets.get(..32).unwrap_or(octets);
    let has = |mark: &[u8]| head.windows(mark.len()).any(|part| part == mark);
    let (detail, hint) = if has(SIGNED_DATA) {
        ("it is a PKCS #7 bundle (.p7b)".into(), BUNDLE)
    } else if has(STORE_VERSION) {
        (
            "it is a PKCS #12 store (.pfx), which may hold keys".into(),
            "Export the certificate alone, without the private key, in Base-64 form.",
        )
    } else {
        (format!("it is binary and not a certificate: {why}"), GIVE_PEM)
    };
    Err(UnusableFile { detail, hint })
}

const BUNDLE: &str = "Export the certificate in Base-64 form, or convert the bundle: openssl pkcs7 -print_certs (with -inform DER for .p7b).";

/// Describes a text without certificates.
fn describe(text: &[u8]) -> (String, &'static str) {
    let text = String::from_utf8_lossy(text);
    let mut labels =
        text.lines().filter_map(|line| line.trim().strip_prefix("-----BEGIN ")?.strip_suffix("-----"));
    match labels.next() {
        Some("PKCS7" | "CMS") => ("it is a PKCS #7 bundle".into(), BUNDLE),
        Some("CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST") => (
            "it is a certificate request, not a certificate".into(),
            "Give the certificate that the authority signs with.",
        ),
        Some(key) if key.ends_with("PRIVATE KEY") => (
            "it has a private key and no certificate".into(),
            "Give the certificate of the authority, not its private key.",
        ),
        Some(label) => (format!("it has \"{}\" and no certificate", shown(label)), GIVE_PEM),
        None if text.trim().is_empty() => ("it has only white space".into(), GIVE_PEM),
        None if text.trim_start().starts_with("MII") => (
            "it is Base64 without the lines that begin and end a PEM text".into(),
            "Add \"-----BEGIN CERTIFICATE-----\" before it and \"-----END CERTIFICATE-----\" after it.",
        ),
        None => ("there is no certificate in it".into(), GIVE_PEM),
    }
}

fn shown(label: &str) -> String {
    label.chars().take(40).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

fn is_certificate(certificate: &CertificateDer<'_>) -> Result<(), rustls::Error> {
    RootCertStore::empty().add(certificate.clone().into_owned())
}
