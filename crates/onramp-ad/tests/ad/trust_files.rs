//! Certificate files of Windows tools and others.

use std::path::PathBuf;

use onramp_ad::{AdClient, BindName};
use onramp_core::{ErrorKind, Password};
use onramp_lab::tls::LabCa;

use crate::connecting::HOST;
use crate::lab::Lab;

fn file(name: &str, octets: &[u8]) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("trust-{name}"));
    std::fs::write(&path, octets).unwrap();
    path
}

fn utf_16(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
    std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(unit).collect()
}

#[tokio::test]
async fn an_authority_is_trusted_however_its_certificate_was_saved() {
    let lab = Lab::small().await;
    let pem = lab.ca.certificate_pem();
    let crlf = pem.replace('\n', "\r\n");
    let other = LabCa::new().unwrap().certificate_pem();
    for (name, octets) in [
        ("plain.pem", pem.clone().into_bytes()),
        ("bom.pem", format!("\u{feff}{pem}").into_bytes()),
        ("crlf.pem", crlf.clone().into_bytes()),
        ("bom-crlf.pem", format!("\u{feff}{crlf}").into_bytes()),
        ("utf-16-le.pem", utf_16(&crlf, u16::to_le_bytes)),
        ("utf-16-be.pem", utf_16(&crlf, u16::to_be_bytes)),
        ("several.pem", format!("subject=CN = Other\r\n{other}\r\nsubject=CN = Ours\r\n{crlf}").into_bytes()),
        ("binary.cer", lab.ca.certificate_der().to_vec()),
    ] {
        let login = lab.model.administrator();
        let mut builder = AdClient::builder(lab.host(0))
            .trust_root_pem_file(file(name, &octets))
            .unwrap_or_else(|error| panic!("{name}: {error}"))
            .bind(BindName::parse(&login.name).unwrap(), login.password.clone());
        for controller in lab.servers.controllers() {
            builder = builder.address(&controller.host, controller.ldaps);
        }
        builder.connect().await.unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[test]
fn another_file_is_refused_by_the_name_of_what_it_is() {
    let ca = LabCa::new().unwrap();
    let key = ca.client_certificate("anna").unwrap().key_pem;
    let pem = ca.certificate_pem();
    let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let sequence = |content: &[u8]| [&[0x30, 0x82, 0x01, 0x00], content, &[0; 240]].concat();
    let signed_data = sequence(&[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2]);
    let store = sequence(&[2, 1, 3, 0x30, 0x82]);
    let block = |label: &str| format!("-----BEGIN {label}-----\nMIIB\n-----END {label}-----\n").into_bytes();
    for (name, octets, says) in [
        ("empty.pem", Vec::new(), "it is empty"),
        ("blank.pem", b"\r\n \r\n".to_vec(), "it has only white space"),
        ("key.pem", key.expose().as_bytes().to_vec(), "a private key and no certificate"),
        ("bundle.pem", block("PKCS7"), "a PKCS #7 bundle"),
        ("bundle.p7b", signed_data, "a PKCS #7 bundle"),
        ("store.pfx", store, "a PKCS #12 store"),
        ("request.pem", block("NEW CERTIFICATE REQUEST"), "a certificate request"),
        ("list.pem", block("X509 CRL"), "it has \"X509 CRL\""),
        ("bare.txt", base64.into_bytes(), "Base64 without the lines"),
        ("binary.bin", sequence(b"anything else"), "it is binary and not a certificate"),
        ("page.html", b"<html><body>Sign in</body></html>".to_vec(), "there is no certificate in it"),
        ("cut.pem", pem.as_bytes()[..200].to_vec(), "its PEM is broken"),
        (
            "garbage.pem",
            [pem.as_bytes(), &block("CERTIFICATE")].concat(),
            "certificate 2 of 2 in it cannot be read",
        ),
    ] {
        let error = AdClient::builder(HOST).trust_root_pem_file(file(name, &octets)).unwrap_err();
        let told = error.to_string();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(told.contains(name) && told.contains(says) && error.hint().is_some(), "{name}: {told}");
        assert!(!told.contains("MII"), "what is in a file is not shown: {told}");
    }
}

#[test]
fn a_client_certificate_and_its_key_may_have_byte_order_marks() {
    let anna = LabCa::new().unwrap().client_certificate("anna").unwrap();
    let marked = |pem: &str| format!("\u{feff}{}", pem.replace('\n', "\r\n"));
    let key = Password::new(marked(anna.key_pem.expose()));
    let builder = AdClient::builder(HOST).bind_with_certificate(marked(&anna.certificate_pem), &key);
    assert!(builder.is_ok(), "{:?}", builder.err());
}
