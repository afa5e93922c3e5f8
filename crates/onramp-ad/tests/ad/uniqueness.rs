//! Values that must be unique and are taken: the error names the owner, whatever the server says or omits.

use onramp_ad::AdClient;
use onramp_core::forest::{AttributeChange, AttributeValue, ObjectChange};
use onramp_core::{AttributeName, Error, ErrorKind, ObjectGuid};

use crate::scripted::{Attributes, GOOD, Script, entry};

const OTHER: &[u8] = b"fedcba9876543210";
const UPN: AttributeName = AttributeName::from_static("userPrincipalName");
/// ERROR_DS_UPN_VALUE_NOT_UNIQUE_IN_FOREST, as Windows Server 2012 R2 and later report it.
const NOT_UNIQUE: &str =
    "000021C8: AtrErr: DSID-03200BBA, #1: 0: 000021C8: problem 1005 (CONSTRAINT_ATT_TYPE)";

/// A change of the object [`GOOD`] that adds one value.
fn adding(attribute: &'static str, value: &str) -> ObjectChange {
    let attribute = AttributeName::from_static(attribute);
    let change = AttributeChange::replace(attribute, None, Some(AttributeValue::text(value)));
    ObjectChange::new(ObjectGuid::from_slice(GOOD).unwrap(), "CN=Anna,DC=corp,DC=example".parse().unwrap())
        .with(change)
}

fn object(dn: &str, guid: &[u8]) -> Vec<u8> {
    let attributes: Attributes<'_> = vec![("objectGUID", vec![guid])];
    entry(dn.as_bytes(), &attributes)
}

async fn refusal(client: AdClient, change: &ObjectChange) -> Error {
    client.forest().object_writer.change(change).await.unwrap_err()
}

/// The error of a change that the server refuses with that code and text, in a domain with these objects.
async fn refused(code: u8, text: &str, change: &ObjectChange, script: Script) -> Error {
    let modify = [(code, text.to_owned())].into();
    refusal(Script { modify, ..script }.client().await, change).await
}

#[tokio::test]
async fn the_owner_of_a_value_is_named_and_is_never_the_object_itself() {
    let change = adding("userPrincipalName", "new@corp.example");
    let itself = || object("CN=Anna,DC=corp,DC=example", GOOD);
    for (code, text) in [(68, ""), (19, NOT_UNIQUE), (19, "0000202F: samldb: already in use")] {
        let entries = vec![itself(), object("CN=Owner,DC=corp,DC=example", OTHER)];
        let error = refused(code, text, &change, Script { entries, ..Script::default() }).await;
        assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
        let expected = "CN=Owner,DC=corp,DC=example has the userPrincipalName new@corp.example already";
        assert_eq!(error.detail(), Some(expected), "{code} {text}");

        let hidden =
            refused(code, text, &change, Script { entries: vec![itself()], ..Script::default() }).await;
        assert_eq!(hidden.kind(), ErrorKind::AlreadyExists, "{hidden}");
        let expected = "another account has the userPrincipalName new@corp.example already";
        assert_eq!(hidden.detail(), Some(expected), "{code} {text}");
    }
}

#[tokio::test]
async fn every_unique_attribute_is_looked_up_under_its_own_name() {
    for attribute in ["sAMAccountName", "servicePrincipalName"] {
        let change = adding(attribute, "host/one");
        let matching = vec![(format!("{attribute}\u{4}"), object("CN=Owner,DC=corp,DC=example", OTHER))];
        let error = refused(68, "", &change, Script { matching, ..Script::default() }).await;
        let expected = format!("CN=Owner,DC=corp,DC=example has the {attribute} host/one already");
        assert_eq!(error.detail(), Some(expected.as_str()));
    }
}

#[tokio::test]
async fn an_account_name_that_implies_the_upn_is_looked_up_in_the_domains_of_the_forest() {
    // Found only by the account name.
    let script = || Script {
        matching: vec![("sAMAccountName\u{4}".to_owned(), object("CN=Owner,DC=corp,DC=example", OTHER))],
        ..Script::default()
    };
    let change = adding("userPrincipalName", "new@CORP.example");
    let error = refused(19, NOT_UNIQUE, &change, script()).await;
    let expected =
        "CN=Owner,DC=corp,DC=example has the sAMAccountName new, which implies new@CORP.example, already";
    assert_eq!(error.detail(), Some(expected));
    // No account name implies a UPN with another suffix, nor a value of another attribute.
    let elsewhere = adding("userPrincipalName", "new@contoso.com");
    let error = refused(19, NOT_UNIQUE, &elsewhere, script()).await;
    assert_eq!(error.detail(), Some("another account has the userPrincipalName new@contoso.com already"));
    let principal = adding("servicePrincipalName", "new@corp.example");
    let error = refused(68, "", &principal, script()).await;
    assert_eq!(error.detail(), Some("another account has the servicePrincipalName new@corp.example already"));
    // It counts only if the server said that the value is taken: not every server enforces it.
    let error = refused(19, "0000202F: a constraint", &change, script()).await;
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    assert!(error.detail().unwrap().contains("no other account"), "{error}");
}

#[tokio::test]
async fn an_unclear_refusal_is_about_uniqueness_only_if_an_owner_is_seen() {
    let change = adding("userPrincipalName", "new@corp.example");
    for text in ["0000202F: a constraint", "no code at all", ""] {
        let entries = vec![object("CN=Owner,DC=corp,DC=example", OTHER)];
        let error = refused(19, text, &change, Script { entries, ..Script::default() }).await;
        assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{text}: {error}");
        let unseen = refused(19, text, &change, Script::default()).await;
        assert_eq!(unseen.kind(), ErrorKind::Invalid, "{text}: {unseen}");
        assert!(unseen.detail().unwrap().contains("the userPrincipalName new@corp.example"), "{unseen}");
    }
    // Another constraint, and a change without a unique value, are not about it.
    let entries = || vec![object("CN=Owner,DC=corp,DC=example", OTHER)];
    let other = Script { entries: entries(), ..Script::default() };
    let error = refused(19, "00002082: range constraint", &change, other).await;
    assert_eq!((error.kind(), error.detail()), (ErrorKind::Invalid, None), "{error}");
    let mail = adding("mail", "new@corp.example");
    let error = refused(68, "", &mail, Script { entries: entries(), ..Script::default() }).await;
    assert_eq!((error.kind(), error.detail()), (ErrorKind::AlreadyExists, None), "{error}");
}

#[tokio::test]
async fn a_value_that_only_goes_is_nobody_elses() {
    let mut change = adding("userPrincipalName", "old@corp.example");
    change.attributes =
        vec![AttributeChange::replace(UPN, Some(AttributeValue::text("old@corp.example")), None)];
    let entries = vec![object("CN=Owner,DC=corp,DC=example", OTHER)];
    let error = refused(68, "", &change, Script { entries, ..Script::default() }).await;
    assert_eq!((error.kind(), error.detail()), (ErrorKind::AlreadyExists, None), "{error}");
}
