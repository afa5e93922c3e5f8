//! The suites of [`Applications`] and [`ApplicationSignIn`].

use super::subjects::NOBODY;
use crate::conformance::{TenantFixture, done, expect_kind};
use crate::tenant::{
    AppRole, Application, ApplicationProbe, ApplicationSignIn, Applications, NewApplication, NewCertificate,
};
use crate::{ErrorKind, Password};

/// Everything that [`Applications`] promises.
pub async fn run(port: &dyn Applications, fixture: &TenantFixture) {
    let name = format!("contract-sync-{}", fixture.tag);
    let named = async || port.find(&name).await;
    expect_kind(port.delete(&NOBODY).await, ErrorKind::NotFound, "deleting an unknown application");
    let gone = port.delete_service_principal(&NOBODY).await;
    expect_kind(gone, ErrorKind::NotFound, "deleting an unknown service principal");
    assert_eq!(
        done(named().await, "looking for an application"),
        None,
        "a name that nothing has finds nothing"
    );

    let new = NewApplication::new(&name, "Contract Sync").with_tags(["contract:1"]);
    let first = done(port.create(&new).await, "registering an application");
    assert_eq!((first.display_name.as_str(), first.unique_name.as_deref()), ("Contract Sync", Some(&*name)));
    assert_eq!((first.tags.as_slice(), first.secrets), (["contract:1".to_owned()].as_slice(), 0));
    assert_ne!(first.id, first.app_id, "the object is one thing, the application ID another");
    assert_eq!(
        first.service_principal, None,
        "a registration is not in use before it has a service principal"
    );
    let found = fixture.poll.until("a new application is found", named, Option::is_some).await;
    assert_eq!(found.as_ref(), Some(&first));
    let longer = done(port.find(&format!("{name}-2")).await, "looking for another name");
    let shorter = done(port.find("contract-sync").await, "looking for the beginning of a name");
    assert!(longer.is_none() && shorter.is_none(), "only the exact name finds it");

    // A repetition makes no second one.
    let again = NewApplication::new(&name, "Contract Sync again").with_tags(["contract:2"]);
    let same = done(port.create(&again).await, "registering an application again");
    assert_eq!((same.id, same.app_id), (first.id, first.app_id), "the same name is the same application");
    let is_renamed = |found: &Option<Application>| {
        found
            .as_ref()
            .is_some_and(|found| found.display_name == again.display_name && found.tags == again.tags)
    };
    fixture.poll.until("its display name and tags are set", named, is_renamed).await;

    let principal = done(port.create_service_principal(&first.app_id).await, "creating a service principal");
    assert!(principal != first.id && principal != first.app_id, "which is an object of its own");
    let same = done(port.create_service_principal(&first.app_id).await, "creating a service principal again");
    assert_eq!(same, principal, "there is one for an application");
    let has_it = |found: &Option<Application>| {
        found.as_ref().is_some_and(|found| found.service_principal == Some(principal))
    };
    let found = fixture.poll.until("a service principal is shown with its application", named, has_it).await;
    let Some(application) = found else { panic!("it was found") };
    let nobody = port.create_service_principal(&NOBODY).await;
    assert!(
        matches!(nobody.as_ref().map_err(crate::Error::kind), Err(ErrorKind::Invalid | ErrorKind::NotFound)),
        "a service principal of nothing: {nobody:?}"
    );

    // Display names are not unique: another unique name is another application.
    let other = NewApplication::new(format!("{name}-other"), "Contract Sync again");
    let second = done(port.create(&other).await, "registering a second application of that display name");
    assert!(second.id != first.id && second.app_id != first.app_id, "a second application is another one");

    certificates(port, fixture, &application).await;
    permissions(port, fixture, &application).await;

    done(port.delete_service_principal(&principal).await, "deleting a service principal");
    let has_none =
        |found: &Option<Application>| found.as_ref().is_some_and(|found| found.service_principal.is_none());
    fixture.poll.until("the application stays without it", named, has_none).await;
    done(port.delete(&first.id).await, "deleting an application");
    fixture.poll.until("a deleted application is gone", named, Option::is_none).await;
    fixture.poll.until_gone("deleting an application twice", async || port.delete(&first.id).await).await;
    done(port.delete(&second.id).await, "deleting the other application");
}

/// Everything that [`ApplicationSignIn`] promises. The applications' port lends one.
pub async fn sign_in(port: &dyn ApplicationSignIn, applications: &dyn Applications, fixture: &TenantFixture) {
    let key = Password::new(APPLICATION_KEY.to_owned());
    let nonsense = port.probe(&NOBODY, &Password::new("no key".to_owned()), &AppRole::GRAPH).await;
    expect_kind(nonsense, ErrorKind::Invalid, "signing in without a key");
    let nobody = done(port.probe(&NOBODY, &key, &AppRole::GRAPH).await, "trying a sign-in of no application");
    let is_unknown = matches!(nobody, ApplicationProbe::UnknownApplication { .. });
    assert!(is_unknown, "no application is an unknown one: {nobody:?}");

    let new = NewApplication::new(format!("contract-probe-{}", fixture.tag), "Contract Probe");
    let application = done(applications.create(&new).await, "registering an application");
    let principal = done(
        applications.create_service_principal(&application.app_id).await,
        "creating a service principal",
    );
    let probe = async || port.probe(&application.app_id, &key, &AppRole::GRAPH).await;
    let refused = |probe: &ApplicationProbe| matches!(probe, ApplicationProbe::UnknownCertificate { .. });
    fixture.poll.until("a certificate that was not added is unknown", probe, refused).await;

    let certificate = NewCertificate::new("Contract certificate", der(APPLICATION_KEY));
    let added =
        done(applications.add_certificate(&application.id, &certificate).await, "adding a certificate");
    let bare = |probe: &ApplicationProbe| matches!(probe, ApplicationProbe::Accepted { roles } if roles.iter().all(Vec::is_empty));
    fixture.poll.until("a certificate that was added is accepted", probe, bare).await;

    let role = AppRole::new(AppRole::GRAPH, "Domain.ReadWrite.All");
    done(applications.grant_app_role(&principal, &role).await, "granting a permission");
    let holds = |probe: &ApplicationProbe| match probe {
        ApplicationProbe::Accepted { roles } => {
            roles.as_ref().is_none_or(|roles| *roles == ["Domain.ReadWrite.All"])
        }
        _ => false,
    };
    fixture.poll.until("a permission granted is in the token", probe, holds).await;
    let elsewhere =
        done(port.probe(&application.app_id, &key, &NOBODY).await, "asking for a token of no API");
    let is_unknown = matches!(elsewhere, ApplicationProbe::UnknownResource { .. });
    assert!(is_unknown, "no API is an unknown one: {elsewhere:?}");

    done(applications.remove_certificate(&application.id, &added.key_id).await, "removing a certificate");
    fixture.poll.until("a certificate that was removed is not accepted", probe, refused).await;
    done(applications.delete(&application.id).await, "deleting an application");
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
    let is_hash =
        |text: &String| text.len() == 64 && text.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
    assert!(first.thumbprint.as_ref().is_some_and(is_hash), "a certificate has a SHA-256 hash: {first:?}");
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
    assert_ne!(second.thumbprint, first.thumbprint, "with another hash");
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
        let offered = done(port.app_role(&unknown).await, "looking up a permission that does not exist");
        assert_eq!(offered, None, "a permission that does not exist is not offered");
    }
    let offered = done(port.app_role(&read_domains).await, "looking up a permission");
    let Some(offered) = offered else { panic!("Graph offers {}", read_domains.value) };

    let held = async || port.app_roles_of(&principal).await;
    assert_eq!(done(held().await, "reading the permissions of a new application"), [], "it has none");
    let granted = done(port.grant_app_role(&principal, &read_domains).await, "granting a permission");
    let found = fixture.poll.until("a permission granted is read", held, |all| !all.is_empty()).await;
    assert_eq!(found, std::slice::from_ref(&granted));
    assert!(offered.is_given_by(&granted), "the permission that is offered is the one granted: {granted:?}");
    let again = done(port.grant_app_role(&principal, &read_domains).await, "granting a permission again");
    assert_eq!(again, granted, "a permission granted again is the one that is there");
    for time in ["once", "twice"] {
        done(port.revoke_app_role(&principal, &granted.id).await, &format!("revoking a permission {time}"));
    }
    fixture.poll.until("a permission revoked is gone", held, Vec::is_empty).await;
}

/// The bytes of a certificate in PEM.
fn der(pem: &str) -> Vec<u8> {
    let lines = pem.lines().skip_while(|line| !line.starts_with("-----BEGIN CERTIFICATE")).skip(1);
    let text: String = lines.take_while(|line| !line.starts_with('-')).collect();
    base64::Engine::decode(&base64::engine::general_purpose::STANDARD, text).expect("base64")
}

// Self-signed, for this suite alone, without a key that anybody kept; valid until 2126.
const FIRST_CERTIFICATE: &str = include_str!("first-certificate.pem");
const SECOND_CERTIFICATE: &str = include_str!("second-certificate.pem");
// With its key, because an application signs in with it; for this suite alone.
const APPLICATION_KEY: &str = include_str!("application-key.pem");
