//! The suite of [`ForestObjects`].

use std::collections::BTreeSet;

use futures_util::{StreamExt, TryStreamExt};

use super::nobody::NOBODY;
use crate::conformance::{ForestFixture, done, expect_kind};
use crate::forest::{
    AttributeValue, ForestObject, ForestObjects, ForestUser, ForestUsers, ObjectQuery, ObjectRef, SearchScope,
};
use crate::{AttributeName, DistinguishedName, ErrorKind, LdapFilter, ObjectGuid, Upn};

/// Everything that [`ForestObjects`] promises. The users are those of the fixture, as the port for users sees them.
///
/// # Panics
/// Also when the fixture's first user has no UPN.
pub async fn run(port: &dyn ForestObjects, users: &dyn ForestUsers, fixture: &ForestFixture) {
    let user = done(users.get(&fixture.users[0]).await, "reading a user of the fixture");
    let upn = user.upn.as_deref().and_then(|upn| Upn::parse(upn).ok());
    let upn = upn.unwrap_or_else(|| panic!("{} needs a UPN to be of use here", user.dn));
    names(port, &user, &upn).await;
    strangers(port, &user).await;
    attributes(port, &user).await;
    searching(port, &user).await;
    scopes(port, &user).await;
    many_values(port).await;
}

fn name(text: &str) -> AttributeName {
    AttributeName::parse(text).expect("an attribute name")
}

/// Attributes that every account has, octets among them.
fn basics() -> Vec<AttributeName> {
    ["sAMAccountName", "objectSid", "objectGUID", "userPrincipalName", "objectClass"].map(name).to_vec()
}

async fn get(port: &dyn ForestObjects, object: &ObjectRef, what: &str) -> ForestObject {
    done(port.get(object, &basics()).await, what)
}

async fn names(port: &dyn ForestObjects, user: &ForestUser, upn: &Upn) {
    let by_guid = get(port, &ObjectRef::Guid(user.guid), "reading an object by its GUID").await;
    assert_eq!((by_guid.guid, &by_guid.dn), (user.guid, &user.dn), "an object has its own name");
    assert_eq!(by_guid.text(&name("samaccountname")), Some(user.sam_account_name.as_str()));
    assert_eq!(by_guid.values(&name("objectGUID")), [AttributeValue::bytes(*user.guid.as_bytes())], "octets");
    let domain = user.dn.domain_name().expect("a user stands in a domain");
    let sid = user.sid.clone().expect("a user has a SID");
    let sam = |name: &str| ObjectRef::SamAccountName { domain: domain.clone(), name: name.to_owned() };
    // Of other letters, not every server knows the pairs: those of “ß” and “ı” are not what Rust takes them for.
    let upper = Upn::parse(&upn.as_str().to_ascii_uppercase()).expect("a UPN");
    let respelled = DistinguishedName::parse(&user.dn.as_str().to_ascii_uppercase()).expect("a name");
    for (what, object) in [
        ("by its name", ObjectRef::Dn(user.dn.clone())),
        ("by its name in capitals", ObjectRef::Dn(respelled)),
        ("by its SID", ObjectRef::Sid(sid)),
        ("by its UPN", ObjectRef::Upn(upn.clone())),
        ("by its UPN in capitals", ObjectRef::Upn(upper)),
        ("by its account name", sam(&user.sam_account_name)),
        ("by its account name in capitals", sam(&user.sam_account_name.to_ascii_uppercase())),
    ] {
        let what = format!("an object is the same {what}");
        assert_eq!(get(port, &object, &what).await, by_guid, "{what}");
    }
}

async fn strangers(port: &dyn ForestObjects, user: &ForestUser) {
    let domain = user.dn.domain_name().expect("a user stands in a domain");
    let elsewhere = "nowhere.onramp-conformance.example".parse().expect("a domain name");
    let sam = |domain, name: &str| ObjectRef::SamAccountName { domain, name: name.to_owned() };
    for object in [
        ObjectRef::Guid(NOBODY),
        ObjectRef::Dn(
            user.dn.parent().expect("a user stands somewhere").child("CN", "onramp conformance: nobody"),
        ),
        ObjectRef::Sid("S-1-5-21-1-2-3-4242".parse().expect("a SID")),
        ObjectRef::Upn("nobody@nowhere.onramp-conformance.example".parse().expect("a UPN")),
        sam(domain.clone(), "onramp-nobody"),
        // A filter that is pasted together would take these for more than a name.
        sam(domain, "*"),
        sam(elsewhere, &user.sam_account_name),
    ] {
        let what = format!("reading {object}, which nobody is");
        expect_kind(port.get(&object, &[]).await, ErrorKind::NotFound, &what);
    }
}

async fn attributes(port: &dyn ForestObjects, user: &ForestUser) {
    let guid = ObjectRef::Guid(user.guid);
    let bare = done(port.get(&guid, &[]).await, "reading an object without attributes");
    assert_eq!(bare, ForestObject::new(user.guid, user.dn.clone()), "nothing comes that nobody asked for");
    let asked = [name("SAMACCOUNTNAME"), name("onrampNoSuchAttribute"), name("dNSHostName")];
    let object = done(port.get(&guid, &asked).await, "reading with attributes that are not there");
    let found: Vec<&AttributeName> = object.attributes.keys().collect();
    assert_eq!(found, [&name("sAMAccountName")], "what has no value is not in it");
    let classes = get(port, &guid, "reading all values").await;
    let classes: Vec<String> = classes.values(&name("objectClass")).iter().map(ToString::to_string).collect();
    assert!(classes.iter().any(|class| class == "top") && classes.iter().any(|class| class == "user"));
}

async fn searching(port: &dyn ForestObjects, user: &ForestUser) {
    let everything: Vec<ForestObject> =
        done(port.search(ObjectQuery::all(basics())).try_collect().await, "reading all objects");
    let guids: BTreeSet<ObjectGuid> = everything.iter().map(|object| object.guid).collect();
    assert_eq!(guids.len(), everything.len(), "every object comes once");
    let single = get(port, &ObjectRef::Guid(user.guid), "reading one object").await;
    assert!(everything.contains(&single), "a search and a single read agree on {single:?}");

    let by_name = LdapFilter::equal(&name("sAMAccountName"), &user.sam_account_name);
    let by_guid = LdapFilter::equal_bytes(&name("objectGUID"), user.guid.as_bytes());
    for filter in [by_name, by_guid] {
        let query = ObjectQuery::all(basics()).with_filter(filter.clone());
        let found: Vec<ForestObject> = done(port.search(query).try_collect().await, "filtering");
        assert_eq!(found, std::slice::from_ref(&single), "{filter} selects one object");
    }
    let deleted: Vec<ForestObject> = done(
        port.search(ObjectQuery::all([]).with_deleted()).try_collect().await,
        "reading deleted objects too",
    );
    let with_deleted: BTreeSet<ObjectGuid> = deleted.iter().map(|object| object.guid).collect();
    assert!(guids.is_subset(&with_deleted), "whoever asks for deleted objects gets the others too");

    let nowhere =
        user.dn.parent().expect("a user stands somewhere").child("OU", "onramp conformance: no such place");
    let mut stream = port.search(ObjectQuery::all([]).below(nowhere));
    let failure = stream.next().await.expect("an unknown base is an error");
    expect_kind(failure, ErrorKind::NotFound, "searching objects below an unknown base");
    assert!(stream.next().await.is_none(), "the stream ends after its first error");
    drop(port.search(ObjectQuery::all([])).next().await); // dropping a stream early is fine
}

async fn scopes(port: &dyn ForestObjects, user: &ForestUser) {
    let parent = user.dn.parent().expect("a user stands somewhere");
    let grandparent = parent.parent().expect("and that somewhere too");
    let below = async |base: &DistinguishedName, scope| -> Vec<ForestObject> {
        let query = ObjectQuery::all([]).below(base.clone()).with_scope(scope);
        done(port.search(query).try_collect().await, "reading what is below an object")
    };
    let children = below(&parent, SearchScope::OneLevel).await;
    assert!(children.iter().any(|child| child.guid == user.guid), "a user is right below its container");
    assert!(
        children.iter().all(|child| child.dn.parent().as_ref() == Some(&parent)),
        "one level is what is right below"
    );
    let upper = below(&grandparent, SearchScope::OneLevel).await;
    assert!(upper.iter().all(|child| child.guid != user.guid), "one level goes no deeper");
    let subtree = below(&parent, SearchScope::Subtree).await;
    assert!(subtree.iter().any(|object| object.dn == parent), "a subtree holds its base");
    assert!(subtree.iter().all(|object| object.dn.is_within(&parent)), "and nothing beside it");
}

/// An attribute is whole however many values it has, read alone or in a search.
async fn many_values(port: &dyn ForestObjects) {
    let member = name("member");
    let query = ObjectQuery::all([member.clone()]).with_filter(LdapFilter::present(&member));
    let groups: Vec<ForestObject> =
        done(port.search(query).try_collect().await, "reading groups with members");
    assert!(!groups.is_empty(), "a forest has groups with members");
    for group in groups {
        let single = done(
            port.get(&ObjectRef::Guid(group.guid), std::slice::from_ref(&member)).await,
            "reading one group",
        );
        let mut both = [single.values(&member).to_vec(), group.values(&member).to_vec()];
        both.iter_mut().for_each(|values| values.sort());
        assert_eq!(both[0], both[1], "a search gives all members of {}", group.dn);
    }
}
