//! The errors of the client for faults of the forest, the network, the rights or the certificate.

use std::time::Duration;

use onramp_ad::{BindName, LdapTimeouts};
use onramp_core::forest::{ObjectChanged, UpnChange};
use onramp_core::{DistinguishedName, DomainName, Error, ErrorKind, Password, Upn};
use onramp_samba::{Rights, ServerCertificate, attribute_line};

use crate::crowd::added;
use crate::shared::{client, client_of, client_trusting, forest, partitions, run, seen};

#[test]
#[ignore = "needs root and Samba AD"]
fn a_certificate_that_proves_nothing_is_refused() {
    let forest = forest();
    let connect = |builder: onramp_ad::AdClientBuilder| run(builder.connect()).map(drop);
    assert!(connect(client(&forest, 0)).is_ok());
    let other_roots = client_trusting(forest.wrong_ca_file(), &forest, 0, forest.admin());
    refused(connect(other_roots), ErrorKind::Invalid, "an authority that is not trusted");
    for kind in [ServerCertificate::Expired, ServerCertificate::OtherName, ServerCertificate::OtherAuthority]
    {
        forest.use_certificate(0, kind).unwrap();
        let answer = connect(client(&forest, 0));
        forest.use_certificate(0, ServerCertificate::Valid).unwrap();
        refused(answer, ErrorKind::Invalid, &format!("{kind:?}"));
    }
    assert!(connect(client(&forest, 0)).is_ok());
}

#[test]
#[ignore = "needs root and Samba AD"]
fn a_wrong_password_is_not_accepted() {
    let forest = forest();
    let name = BindName::parse(forest.admin_upn()).unwrap();
    let builder = client(&forest, 0).bind(name, Password::new("not this one".to_owned()));
    let error = refused(run(builder.connect()).map(drop), ErrorKind::Unauthenticated, "a wrong password");
    assert!(!format!("{error} {error:?}").contains("not this one"), "no password in an error: {error:?}");
}

#[test]
#[ignore = "needs root and Samba AD"]
fn rights_that_are_missing_are_named_and_nothing_is_written() {
    let forest = forest();
    let [(user, guid)] = added(&forest, 1).try_into().unwrap();
    let change = UpnChange {
        guid,
        dn: DistinguishedName::parse(&user.dn).unwrap(),
        before: user.user_principal_name.clone(),
        after: Upn::parse("renamed@rights.example").unwrap(),
    };
    let suffix = DomainName::parse("rights.example").unwrap();
    let ordinary = forest.add_login("fault-ordinary", Rights::Ordinary).unwrap();
    let ports = client_of(&forest, 0, &ordinary).build().unwrap().forest();
    refused(
        run(ports.object_writer.change(&(&change).into())),
        ErrorKind::Forbidden,
        "renaming without the right",
    );
    assert_eq!(seen(&forest, 0, &user.dn, "userPrincipalName"), [user.user_principal_name.clone().unwrap()]);
    refused(run(ports.suffixes.add(&suffix)), ErrorKind::Forbidden, "adding a suffix without the right");
    assert!(!seen(&forest, 0, &partitions(&forest), "uPNSuffixes").contains(&suffix.to_string()));

    let delegate = forest.add_login("fault-delegate", Rights::WriteUpn).unwrap();
    let ports = client_of(&forest, 0, &delegate).build().unwrap().forest();
    assert_eq!(run(ports.object_writer.change(&(&change).into())).unwrap(), ObjectChanged::Changed);
    assert_eq!(seen(&forest, 0, &user.dn, "userPrincipalName"), ["renamed@rights.example"]);
    refused(run(ports.suffixes.add(&suffix)), ErrorKind::Forbidden, "the right to rename gives no other");
}

#[test]
#[ignore = "needs root and Samba AD"]
fn a_value_somebody_else_changed_is_left_alone() {
    let forest = forest();
    let [(user, guid)] = added(&forest, 1).try_into().unwrap();
    let change = UpnChange {
        guid,
        dn: DistinguishedName::parse(&user.dn).unwrap(),
        before: user.user_principal_name.clone(),
        after: Upn::parse("ours@stale.example").unwrap(),
    };
    // Another administrator was faster.
    let dn = attribute_line("dn", &user.dn);
    let ldif = "changetype: modify\nreplace: userPrincipalName\nuserPrincipalName: theirs@stale.example\n";
    forest.ldapmodify(0, &format!("{dn}\n{ldif}")).unwrap();
    let ports = client(&forest, 0).build().unwrap().forest();
    refused(
        run(ports.object_writer.change(&(&change).into())),
        ErrorKind::Stale,
        "a change from a value that is gone",
    );
    assert_eq!(seen(&forest, 0, &user.dn, "userPrincipalName"), ["theirs@stale.example"]);
}

#[test]
#[ignore = "needs root and Samba AD"]
fn a_controller_that_is_gone_is_unavailable_and_found_again() {
    let forest = forest();
    let limit = Duration::from_secs(2);
    let timeouts = LdapTimeouts::default().with_connect(limit).with_operation(limit).with_first_page(limit);
    let client = client(&forest, 1).timeouts(timeouts).build().unwrap();
    let ports = client.forest();
    run(async {
        ports.suffixes.list().await.unwrap();

        forest.cut_network(1).unwrap();
        let cut = ports.suffixes.list().await;
        forest.restore_network(1).unwrap();
        refused(cut, ErrorKind::Unavailable, "a cut cable");
        ports.suffixes.list().await.unwrap();

        forest.stop_controller(1).unwrap();
        let killed = ports.suffixes.list().await;
        forest.start_controller(1).unwrap();
        refused(killed, ErrorKind::Unavailable, "a killed controller");
        ports.suffixes.list().await.unwrap();
    });
}

/// Returns the error of a call that must fail with this kind.
#[track_caller]
fn refused<T: std::fmt::Debug>(answer: onramp_core::Result<T>, kind: ErrorKind, what: &str) -> Error {
    let error = answer.expect_err(what);
    assert_eq!(error.kind(), kind, "{what}: {error}");
    error
}
