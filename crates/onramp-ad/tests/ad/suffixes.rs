//! UPN suffixes.

use onramp_ad::LdapSecurity;
use onramp_core::forest::SuffixOrigin;
use onramp_core::{DomainName, ErrorKind, UpnSuffix};
use onramp_lab::forest::{Fault, Operation};

use crate::lab::Lab;

fn domain(name: &str) -> DomainName {
    name.parse().unwrap()
}

#[tokio::test]
async fn both_origins_are_listed() {
    let lab = Lab::small().await;
    let suffixes = lab.connect().await.forest().suffixes;
    suffixes.add(&domain("Contoso.com")).await.unwrap();
    let listed: Vec<_> = suffixes
        .list()
        .await
        .unwrap()
        .into_iter()
        .map(|s| (s.suffix.as_str().to_owned(), s.origin))
        .collect();
    assert_eq!(
        listed,
        [
            (lab.model.domain().as_str().to_owned(), SuffixOrigin::Domain),
            ("Contoso.com".to_owned(), SuffixOrigin::Explicit)
        ]
    );
}

#[tokio::test]
async fn an_international_name_is_one_suffix_in_both_spellings() {
    let lab = Lab::small().await;
    let suffixes = lab.connect().await.forest().suffixes;
    suffixes.add(&domain("bücher.example")).await.unwrap();
    let again = suffixes.add(&domain("xn--bcher-kva.example")).await.unwrap_err();
    assert!(again.is_already_exists(), "{again}");
    suffixes.remove(&UpnSuffix::parse("xn--bcher-kva.example").unwrap()).await.unwrap();
    assert_eq!(suffixes.list().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_change_whose_answer_was_lost_is_looked_up() {
    let lab = Lab::small().await;
    let suffixes = lab.connect().await.forest().suffixes;
    lab.model.inject(Operation::Modify, Fault::LostReply, 1);
    suffixes.add(&domain("contoso.com")).await.unwrap();
    lab.model.inject(Operation::Modify, Fault::LostReply, 1);
    suffixes.remove(&UpnSuffix::parse("contoso.com").unwrap()).await.unwrap();
    lab.model.inject(Operation::Modify, Fault::LostRequest, 1);
    let error = suffixes.add(&domain("contoso.com")).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Unavailable);
    assert_eq!(suffixes.list().await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_account_without_the_right_is_told_which_it_needs() {
    let lab = Lab::small().await;
    let login = lab.model.plain_user().unwrap();
    let client = lab.builder_as(&login, LdapSecurity::Ldaps).connect().await.unwrap();
    let error = client.forest().suffixes.add(&domain("contoso.com")).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Forbidden);
    assert_eq!(error.server_reply().ldap_code, Some(50));
    assert!(error.to_string().contains("Enterprise Admins"), "{error}");
}
