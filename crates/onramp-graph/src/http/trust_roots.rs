//! Parsing of trust roots: PEM or DER, one or several certificates, in the encodings of Windows too.

use std::borrow::Cow;

use onramp_core::{Error, ErrorKind, Result};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

const HINT: &str = "Save it as \"Base-64 encoded X.509 (.CER)\" or as DER.";

/// Returns the certificates in a file, at least one.
pub(crate) fn certificates(file: &[u8]) -> Result<Vec<CertificateDer<'static>>> {
    let refuse = |why: String| {
        Err(Error::new(ErrorKind::Invalid, "read the trust root").with_detail(why).with_hint(HINT))
    };
    if file.is_empty() {
        return refuse("the file is empty, so there is no certificate in it".into());
    }
    if let Some(what) = other_than_a_certificate(file) {
        return refuse(format!("it is {what}, and no certificate by itself"));
    }
    if file.first() == Some(&SEQUENCE) {
        return Ok(vec![CertificateDer::from(file.to_vec())]);
    }
    let text = as_text(file);
    let mut found = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(text.as_bytes()) {
        match certificate {
            Ok(certificate) => found.push(certificate),
            Err(why) => return refuse(format!("certificate {} in it is damaged: {why}", found.len() + 1)),
        }
    }
    if !found.is_empty() {
        return Ok(found);
    }
    let sections: Vec<&str> = text.lines().filter_map(section).collect();
    match sections.as_slice() {
        [] if is_base64(&text) => refuse(
            "it is Base-64 without the line \"-----BEGIN CERTIFICATE-----\", so no certificate is found in it"
                .into(),
        ),
        [] => refuse("there is no certificate in it".into()),
        kinds => refuse(format!("there is no certificate in it, but {}", kinds.join(", "))),
    }
}

/// Returns PEM text without the encodings of Windows: byte order mark, UTF-16.
pub(crate) fn as_text(file: &[u8]) -> Cow<'_, str> {
    let wide = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units = bytes.chunks_exact(2).filter_map(|pair| <[u8; 2]>::try_from(pair).ok()).map(unit);
        char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect::<String>()
    };
    match file {
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest),
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes).into(),
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes).into(),
        other => String::from_utf8_lossy(other),
    }
}

/// The tag of a DER sequence, with which certificates, keys and stores begin.
const SEQUENCE: u8 = 0x30;

/// Returns the name of a DER structure that is not a certificate.
fn other_than_a_certificate(der: &[u8]) -> Option<&'static str> {
    const SIGNED_DATA: [u8; 11] = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
    let content = content_of(der)?;
    match content {
        [0x02, 0x01, 0x03, ..] => Some("a PKCS #12 store with a private key (.pfx, .p12)"),
        [0x02, 0x01, 0x00 | 0x01, ..] => Some("a private key"),
        other if other.starts_with(&SIGNED_DATA) => Some("a PKCS #7 bundle (.p7b)"),
        _ => None,
    }
}

/// Returns the content of a DER sequence.
fn content_of(der: &[u8]) -> Option<&[u8]> {
    match der {
        [SEQUENCE, length, rest @ ..] if *length < 0x80 => Some(rest),
        [SEQUENCE, length, rest @ ..] => rest.get(usize::from(length & 0x7f)..),
        _ => None,
    }
}

fn section(line: &str) -> Option<&str> {
    line.trim().strip_prefix("-----BEGIN ")?.strip_suffix("-----")
}

fn is_base64(text: &str) -> bool {
    let mut digits = text.chars().filter(|c| !c.is_whitespace()).peekable();
    text.trim_start().starts_with("MII") && digits.all(|c| c.is_ascii_alphanumeric() || "+/=".contains(c))
}

#[cfg(test)]
mod tests {
    use onramp_lab::tls::LabCa;
    use rustls_pki_types::PrivateKeyDer;

    use super::*;

    fn pem() -> String {
        LabCa::new().unwrap().certificate_pem().to_owned()
    }

    fn utf16(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
        format!("\u{feff}{text}").encode_utf16().flat_map(unit).collect()
    }

    #[test]
    fn certificates_are_read_however_they_were_saved() {
        let (pem, other) = (pem(), pem());
        let der = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
        let both = format!("Subject: a comment\r\n{pem}\n{other}");
        for (what, file, count) in [
            ("PEM", pem.clone().into_bytes(), 1),
            ("a byte order mark", format!("\u{feff}{pem}").into_bytes(), 1),
            ("CR LF", pem.replace('\n', "\r\n").into_bytes(), 1),
            ("UTF-16, little end first", utf16(&pem.replace('\n', "\r\n"), u16::to_le_bytes), 1),
            ("UTF-16, big end first", utf16(&pem, u16::to_be_bytes), 1),
            ("DER", der.to_vec(), 1),
            ("two", both.into_bytes(), 2),
        ] {
            let found = certificates(&file).unwrap();
            assert_eq!((found.len(), &found[0]), (count, &der), "{what}");
        }
    }

    #[test]
    fn what_is_no_certificate_is_named() {
        let key = rcgen_key();
        let damaged = pem().replacen("MII", "M!I", 1);
        let base64: String = pem().lines().filter(|line| !line.starts_with('-')).collect();
        for (file, words) in [
            (Vec::new(), "empty"),
            (b"no certificate at all".to_vec(), "no certificate"),
            (key.clone(), "a private key"),
            (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n".to_vec(), "PRIVATE KEY"),
            (vec![0x30, 0x82, 0x01, 0x00, 0x02, 0x01, 0x03, 0x30], "PKCS #12"),
            (
                [&[0x30, 0x80][..], &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02]]
                    .concat(),
                "PKCS #7",
            ),
            (base64.into_bytes(), "Base-64 without"),
            (damaged.into_bytes(), "damaged"),
        ] {
            let error = certificates(&file).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid);
            assert!(error.to_string().contains(words), "{words}: {error}");
            assert!(error.hint().is_some());
        }
    }

    /// A key in PKCS #8.
    fn rcgen_key() -> Vec<u8> {
        let random = ring::rand::SystemRandom::new();
        let key = ring::signature::Ed25519KeyPair::generate_pkcs8(&random).unwrap();
        PrivateKeyDer::try_from(key.as_ref().to_vec()).unwrap().secret_der().to_vec()
    }

    proptest::proptest! {
        #[test]
        fn nothing_makes_reading_panic(file in proptest::collection::vec(0_u8.., 0..80)) {
            let _ = certificates(&file);
            let _ = certificates(&[&[SEQUENCE], file.as_slice()].concat());
        }
    }
}
