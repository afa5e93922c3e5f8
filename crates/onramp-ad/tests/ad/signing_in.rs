//! Bind methods.

use onramp_ad::{AdClient, LdapSecurity};
use onramp_core::{ErrorKind, Password};

use crate::lab::Lab;

#[tokio::test]
async fn a_client_certificate_signs_in_by_both_ways_of_tls() {
    let lab = Lab::small().await;
    let administrator = lab.model.find_account("Administrator").unwrap();
    let certificate = lab.model.client_certificate(&lab.ca, &administrator).unwrap();
    for security in [LdapSecurity::Ldaps, LdapSecurity::StartTls] {
        let builder = lab.complete(AdClient::builder(lab.host(0)), security);
        let builder =
            builder.bind_with_certificate(&certificate.certificate_pem, &certificate.key_pem).unwrap();
        assert!(!format!("{builder:?}").contains("PRIVATE KEY"));
        let client = builder.connect().await.unwrap();
        let domain = if security == LdapSecurity::Ldaps { "contoso.com" } else { "fabrikam.com" };
        client.forest().suffixes.add(&domain.parse().unwrap()).await.unwrap();
    }
}

#[tokio::test]
async fn a_certificate_that_no_account_has_signs_nobody_in() {
    let lab = Lab::small().await;
    let stranger = lab.ca.client_certificate("somebody").unwrap();
    for security in [LdapSecurity::Ldaps, LdapSecurity::StartTls] {
        let builder = lab.complete(AdClient::builder(lab.host(0)), security);
        let builder = builder.bind_with_certificate(&stranger.certificate_pem, &stranger.key_pem).unwrap();
        let error = builder.connect().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
        assert!(error.to_string().contains("client certificate"), "{error}");
    }
}

#[tokio::test]
async fn a_certificate_that_cannot_be_used_is_refused_before_connecting() {
    let lab = Lab::small().await;
    let one = lab.ca.client_certificate("one").unwrap();
    let other = lab.ca.client_certificate("other").unwrap();
    let builder = || lab.complete(AdClient::builder(lab.host(0)), LdapSecurity::Ldaps);
    let secret = "c2VjcmV0LW9mLWFubmE=";
    let broken = Password::new(format!("-----BEGIN PRIVATE KEY-----\n{secret}\n"));
    for (certificate, key) in [("", &one.key_pem), (one.certificate_pem.as_str(), &broken)] {
        let error = builder().bind_with_certificate(certificate, key).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(!format!("{error} {error:?}").contains(secret));
    }
    let mixed = builder().bind_with_certificate(&one.certificate_pem, &other.key_pem).unwrap();
    let error = mixed.build().unwrap_err();
    assert!(error.to_string().contains("key"), "{error}");
}

#[cfg(feature = "ntlm")]
#[tokio::test]
async fn ntlm_knows_accounts_by_two_forms_of_their_name_and_says_so_when_the_server_has_none() {
    use onramp_ad::BindName;

    let lab = Lab::small().await;
    let connect = |name: &str| {
        let builder = lab.complete(AdClient::builder(lab.host(0)), LdapSecurity::Ldaps);
        builder.bind_with_ntlm(BindName::parse(name).unwrap(), Password::new("Correct.Horse.7".into()))
    };
    for name in ["CN=anna,DC=corp,DC=example", r"CORP\", r"\anna", "@corp.example", r"A\B\c"] {
        let error = connect(name).build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{name}: {error}");
    }
    for name in [r"CORP\anna", "anna@corp.example"] {
        let error = connect(name).connect().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
        assert!(error.to_string().contains("by NTLM as"), "{error}");
    }
}
