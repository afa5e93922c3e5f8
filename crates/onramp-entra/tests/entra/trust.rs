//! Certificate authorities however their certificates were saved.

use onramp_core::ErrorKind;
use onramp_lab::tenant::LabTenant;
use onramp_lab::tls::LabCa;

use crate::laboratory::Lab;

#[tokio::test]
async fn a_certificate_authority_is_trusted_however_its_certificate_was_saved() {
    let lab = Lab::start(LabTenant::builder().users(0)).await;
    let pem = lab.ca.certificate_pem().to_owned();
    let other = LabCa::new().unwrap().certificate_pem().to_owned();
    let wide: Vec<u8> = format!("\u{feff}{pem}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (what, file) in [
        ("with a byte order mark and CR LF", format!("\u{feff}{}", pem.replace('\n', "\r\n")).into_bytes()),
        ("as UTF-16", wide),
        ("as DER", lab.ca.certificate_der().to_vec()),
        ("after another one", format!("{other}{pem}").into_bytes()),
    ] {
        let client = lab.stranger(lab.secret()).trust_root_pem(file).build().unwrap();
        assert!(!client.tenant().domains.list().await.unwrap().is_empty(), "{what}");
    }
    let error = lab.stranger(lab.secret()).trust_root_pem(vec![0x30, 3, 2, 1, 3]).build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("PKCS #12"), "{error}");
}
