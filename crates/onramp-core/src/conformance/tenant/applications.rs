//! The suite of [`Applications`].

use super::subjects::NOBODY;
use crate::ErrorKind;
use crate::conformance::{TenantFixture, done, expect_kind};
use crate::tenant::{AppRole, Application, Applications, NewCertificate};

/// Everything that [`Applications`] promises.
pub async fn run(port: &dyn Applications, fixture: &TenantFixture) {
    let name = format!("Contract Sync {}", fixture.tag);
    let named = async || port.find(&name).await;
    expect_kind(port.delete(&NOBODY).await, ErrorKind::NotFound, "deleting an unknown application");
    assert_eq!(
        done(named().await, "looking for an application"),
        [],
        "a name that nothing has finds nothing"
    );

    let first = done(port.create(&name).await, "registering an application");
    assert_eq!(first.display_name, name);
    assert_ne!(first.id, first.app_id, "the object is one thing, the application ID another");
    let principal = first.service_principal.expect("a new application has a service principal");
    assert!(principal != first.id && principal != first.app_id, "which is an object of its own");
    let found = fixture.poll.until("a new application is found", named, |found| !found.is_empty()).await;
    assert_eq!(found, std::slice::from_ref(&first));
    let longer = done(port.find(&format!("{name} 2")).await, "looking for another name");
    let shorter = done(port.find("Contract Sync").await, "looking for the beginning of a name");
    assert!(longer.is_empty() && !shorter.contains(&first), "only the exact name finds it");

    // Names are not unique: a second one is another application.
    let second = done(port.create(&name).await, "registering a second application of that name");
    let another = second.id != first.id && second.app_id != first.app_id;
    assert!(
        another && second.service_principal != Some(principal),
        "a second application is another one: {second:?}"
    );
    fixture.poll.until("both are found", named, |found| found.len() == 2).await;

    certificates(port, fixture, &first).await;
    permissions(port, fixture, &first).await;

    done(port.delete(&first.id).await, "deleting an application");
    let left = fixture.poll.until("a deleted application is gone", named, |found| found.len() == 1).await;
    assert_eq!(left, std::slice::from_ref(&second));
    fixture.poll.until_gone("deleting an application twice", async || port.delete(&first.id).await).await;
    done(port.delete(&second.id).await, "deleting the other application");
    fixture.poll.until("nothing is left", named, Vec::is_empty).await;
}

async fn certificates(port: &dyn Applications, fixture: &TenantFixture, application: &Application) {
    let (patience, id) = (&fixture.poll, application.id);
    expect_kind(port.certificates(&NOBODY).await, ErrorKind::NotFound, "the certificates of nothing");
    let none = done(port.certificates(&id).await, "reading the certificates of a new application");
    assert_eq!(none, [], "a new application has none");
    let nonsense = NewCertificate::new("Contract nonsense", *b"no certificate");
    expect_kind(port.add_certificate(&id, &nonsense).await, ErrorKind::Invalid, "adding no certificate");

    let held = async || port.certificates(&id).await;
    let [one, two] = [FIRST_CERTIFICATE, SECOND_CERTIFICATE]
        .map(|pem| NewCertificate::new("Contract certificate", der(pem)));
    let first = done(port.add_certificate(&id, &one).await, "adding a certificate");
    assert_eq!(first.display_name.as_deref(), Some("Contract certificate"));
    let expires = (first.not_before, first.not_after);
    assert!(
        expires.0 < expires.1 && expires.0.is_some(),
        "a certificate has a beginning and an end: {first:?}"
    );
    let found = patience.until("a certificate added is read", held, |found| !found.is_empty()).await;
    assert_eq!(found, std::slice::from_ref(&first));
    let again = done(port.add_certificate(&id, &one).await, "adding a certificate again");
    assert_eq!(again, first, "a certificate added again is the one that is there");

    let second = done(port.add_certificate(&id, &two).await, "adding another certificate");
    assert_ne!(second.key_id, first.key_id, "another certificate is another one");
    let found = patience.until("both certificates are read", held, |found| found.len() == 2).await;
    assert!(found.contains(&first) && found.contains(&second), "adding one keeps the other: {found:?}");

    expect_kind(port.remove_certificate(&id, &NOBODY).await, ErrorKind::NotFound, "removing no certificate");
    done(port.remove_certificate(&id, &first.key_id).await, "removing a certificate");
    let left = patience.until("a certificate removed is gone", held, |found| found.len() == 1).await;
    assert_eq!(left, [second], "removing one keeps the other");
}

async fn permissions(port: &dyn Applications, fixture: &TenantFixture, application: &Application) {
    let Some(principal) = application.service_principal else { return };
    let read_domains = AppRole::new(AppRole::GRAPH, "Domain.ReadWrite.All");
    expect_kind(port.app_roles_of(&NOBODY).await, ErrorKind::NotFound, "the permissions of nobody");
    let nobody = port.grant_app_role(&NOBODY, &read_domains).await;
    expect_kind(nobody, ErrorKind::NotFound, "granting nobody a permission");
    for unknown in
        [AppRole::new(AppRole::GRAPH, "No.Such.Role"), AppRole::new(NOBODY, "Domain.ReadWrite.All")]
    {
        let granted = port.grant_app_role(&principal, &unknown).await;
        expect_kind(granted, ErrorKind::NotFound, "granting a permission that does not exist");
    }

    let held = async || port.app_roles_of(&principal).await;
    assert_eq!(done(held().await, "reading the permissions of a new application"), [], "it has none");
    let granted = done(port.grant_app_role(&principal, &read_domains).await, "granting a permission");
    let found = fixture.poll.until("a permission granted is read", held, |all| !all.is_empty()).await;
    assert_eq!(found, std::slice::from_ref(&granted));
    let again = done(port.grant_app_role(&principal, &read_domains).await, "granting a permission again");
    assert_eq!(again, granted, "a permission granted again is the one that is there");
    for time in ["once", "twice"] {
        done(port.revoke_app_role(&principal, &granted.id).await, &format!("revoking a permission {time}"));
    }
    fixture.poll.until("a permission revoked is gone", held, Vec::is_empty).await;
}

/// The bytes of a certificate in PEM.
fn der(pem: &str) -> Vec<u8> {
    let text: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    base64::Engine::decode(&base64::engine::general_purpose::STANDARD, text).expect("base64")
}

// Self-signed, for this suite alone, without a key that anybody kept; valid until 2126.
const FIRST_CERTIFICATE: &str = include_str!("first-certificate.pem");
const SECOND_CERTIFICATE: &str = include_str!("second-certificate.pem");
