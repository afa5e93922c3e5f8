//! Unreadable objects: each is reported and skipped, and ends no stream.

use futures_util::{Stream, StreamExt};
use onramp_ad::{AdClient, DirectoryChange, DirectoryChangeQuery};
use onramp_core::forest::{ChangesQuery, ObjectQuery, UserQuery};
use onramp_core::{AttributeName, DistinguishedName, ErrorKind, Result, UpnSuffix};

use crate::connecting::HOST;
use crate::scripted::{Attributes, DOMAIN, GOOD, Script, entry};

const SECOND: &[u8] = b"fedcba9876543210";

fn user<'a>(guid: &'a [u8], name: &'a [u8], more: Attributes<'a>) -> Attributes<'a> {
    let mut all: Attributes<'a> = vec![
        ("objectGUID", vec![guid]),
        ("sAMAccountName", vec![name]),
        ("uSNChanged", vec![b"7"]),
        ("objectClass", vec![b"top", b"user"]),
    ];
    all.extend(more);
    all
}

/// The objects of a domain: unreadable ones between two good ones. Each unreadable one with its error text.
fn domain() -> (Vec<Vec<u8>>, Vec<(&'static str, &'static str)>) {
    let mut entries = vec![entry(b"CN=First,DC=corp,DC=example", &user(GOOD, b"first", vec![]))];
    let mut odd = |dn: &'static [u8], attributes: Attributes<'_>| entries.push(entry(dn, &attributes));
    odd(
        b"CN=NoGuid,DC=corp,DC=example",
        vec![("sAMAccountName", vec![b"noguid"]), ("uSNChanged", vec![b"7"])],
    );
    odd(b"CN=ShortGuid,DC=corp,DC=example", user(b"short", b"shortguid", vec![]));
    odd(b"no name at all", user(SECOND, b"noname", vec![]));
    odd(b"CN=\xff\xfe,DC=corp,DC=example", user(SECOND, b"octets", vec![]));
    // With more values than in the answer, and no name to request them by.
    odd(b"neither", vec![("sAMAccountName;range=0-0", vec![b"rest"]), ("uSNChanged", vec![b"7"])]);
    entries.push(entry(b"CN=Last,DC=corp,DC=example", &user(SECOND, b"last", vec![])));
    let told = vec![
        ("CN=NoGuid", "objectGUID is not visible"),
        ("CN=ShortGuid", "instead of 16"),
        ("no name at all", "not a valid distinguished name"),
        ("CN=\u{fffd}\u{fffd},DC=corp", "not UTF-8"),
        ("neither", "objectGUID is not visible"),
    ];
    (entries, told)
}

async fn client(entries: Vec<Vec<u8>>) -> AdClient {
    Script { entries, ..Script::default() }.client().await
}

/// Returns the names of the good ones in a stream, after a check of the errors.
async fn good<T>(
    stream: impl Stream<Item = Result<T>>,
    told: &[(&str, &str)],
    dn: impl Fn(&T) -> &DistinguishedName,
) -> Vec<String> {
    let (mut found, mut errors) = (Vec::new(), Vec::new());
    for item in stream.collect::<Vec<_>>().await {
        match item {
            Ok(object) => found.push(dn(&object).to_string()),
            Err(error) => errors.push(error),
        }
    }
    assert_eq!(errors.len(), told.len(), "{errors:?}");
    for (error, (name, why)) in errors.iter().zip(told) {
        assert_eq!(error.kind(), ErrorKind::Unreadable, "{error}");
        assert!(error.object().is_some_and(|shown| shown.starts_with(name)), "{name}: {error}");
        assert!(error.to_string().contains(why) && error.hint().is_some(), "{why}: {error}");
    }
    found
}

const BOTH: [&str; 2] = ["CN=First,DC=corp,DC=example", "CN=Last,DC=corp,DC=example"];

#[tokio::test]
async fn every_stream_passes_over_what_it_cannot_understand() {
    let (entries, told) = domain();
    let client = client(entries).await;
    let forest = client.forest();
    let users = good(forest.users.search(UserQuery::all()), &told, |user| &user.dn).await;
    assert_eq!(users, BOTH);
    let below = UserQuery::below(DOMAIN.parse().unwrap());
    assert_eq!(good(forest.users.search(below), &told, |user| &user.dn).await, BOTH);
    assert_eq!(good(forest.users.upn_owners(), &told, |holder| &holder.dn).await, BOTH);
    let objects = forest.objects.search(ObjectQuery::all([AttributeName::from_static("sAMAccountName")]));
    assert_eq!(good(objects, &told, |object| &object.dn).await, BOTH);
    let controller = onramp_core::forest::DomainController::new(
        HOST,
        "CN=NTDS Settings,CN=DC1".parse().unwrap(),
        "S",
        vec![DOMAIN.parse().unwrap()],
    );
    let query =
        ChangesQuery::new(DOMAIN.parse().unwrap(), AttributeName::from_static("userPrincipalName"), 0);
    let metadata = forest.replication_metadata.as_ref().unwrap();
    assert_eq!(good(metadata.changes(&controller, query), &told, |change| &change.dn).await, BOTH);
    let query =
        DirectoryChangeQuery::new(DOMAIN.parse().unwrap(), [AttributeName::from_static("sAMAccountName")]);
    let changes = client
        .changes(query, None)
        .filter(|change| std::future::ready(!matches!(change, Ok(DirectoryChange::Checkpoint(_)))));
    let changes = good(changes, &told, |change| match change {
        DirectoryChange::Object(object) => &object.dn,
        other => panic!("{other:?}"),
    });
    assert_eq!(changes.await, BOTH);
    // A principal with the suffix counts, even if its name is unreadable.
    let usage = forest.suffixes.usage(&UpnSuffix::parse("contoso.com").unwrap()).await.unwrap();
    assert_eq!((usage.principals, usage.examples.len()), (7, 2));
}

#[tokio::test]
async fn a_value_that_decides_is_never_guessed() {
    for (attribute, value) in [
        ("sAMAccountName", &b"n\xff"[..]),
        ("userPrincipalName", b"\xffanna@corp.example"),
        ("mail", b"anna\xc3@corp.example"),
        ("proxyAddresses", b"SMTP:\xfe@corp.example"),
        ("objectSid", b"no sid"),
        ("userAccountControl", b"many"),
        ("adminCount", b"one"),
    ] {
        let mut attributes = user(SECOND, b"odd", vec![]);
        attributes.retain(|(name, _)| *name != attribute);
        attributes.push((attribute, vec![value]));
        let entries = vec![
            entry(b"CN=Odd,DC=corp,DC=example", &attributes),
            entry(BOTH[1].as_bytes(), &user(GOOD, b"last", vec![("displayName", vec![b"\xff"])])),
        ];
        let forest = client(entries).await.forest();
        let told = [("CN=Odd,DC=corp,DC=example", attribute)];
        let users = forest.users.search(UserQuery::all());
        assert_eq!(good(users, &told, |user| &user.dn).await, [BOTH[1]], "{attribute}");
        let named = ["sAMAccountName", "userPrincipalName"].contains(&attribute);
        let holders = forest.users.upn_owners().collect::<Vec<_>>().await;
        assert_eq!(
            holders.iter().filter(|holder| holder.is_err()).count(),
            usize::from(named),
            "{attribute}"
        );
        assert_eq!(holders.len(), 2, "{attribute}");
    }
}
