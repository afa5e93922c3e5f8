//! The changes since a state.

use std::collections::HashSet;

use onramp_core::DistinguishedName;
use onramp_readiness::state::{StateError, StateRecord};
use onramp_readiness::{DirectoryObject, attributes};

use crate::{container, file, guid, merged, user};

/// A domain with an OU in an OU: `user` 10 in the domain, 11 in the outer OU, 12 in the inner one.
fn domain() -> Vec<u8> {
    file(&[
        user(12, r"CN=Reed\, Carl,OU=Sales\, all,OU=Staff,DC=corp,DC=local"),
        StateRecord::Container(container(1, "DC=corp,DC=local")),
        StateRecord::Container(container(2, "OU=Staff,DC=corp,DC=local")),
        StateRecord::Container(container(3, r"OU=Sales\, all,OU=Staff,DC=corp,DC=local")),
        user(10, "CN=Anna,DC=corp,DC=local"),
        user(11, "CN=Bert,OU=Staff,DC=corp,DC=local"),
    ])
}

/// The names of the users.
fn names(records: &[StateRecord]) -> Vec<&str> {
    let users = records.iter().filter_map(|record| match record {
        StateRecord::Object(object) => Some(object.dn()),
        _ => None,
    });
    users.collect()
}

fn object(number: u8, dn: &str) -> DirectoryObject {
    DirectoryObject::new(dn).with_guid(guid(number)).with_text(attributes::MAIL, "new@contoso.com")
}

fn dn(text: &str) -> DistinguishedName {
    text.parse().unwrap()
}

#[test]
fn without_a_change_all_is_as_it_was() {
    let records = merged(&domain(), |changes| assert!(changes.is_empty())).unwrap();
    assert_eq!(records.len(), 6);
    assert_eq!(names(&records)[2], r"CN=Reed\, Carl,OU=Sales\, all,OU=Staff,DC=corp,DC=local");
}

#[test]
fn objects_are_new_changed_and_gone() {
    let records = merged(&domain(), |changes| {
        changes.object(object(11, "CN=Bert,OU=Staff,DC=corp,DC=local"));
        changes.object(object(13, "CN=Dora,DC=corp,DC=local"));
        changes.deleted(guid(10), &dn("CN=x,CN=Deleted Objects,DC=corp,DC=local"));
        changes.deleted(guid(99), &dn("CN=y,CN=Deleted Objects,DC=corp,DC=local"));
        assert!(changes.has(&guid(11)) && changes.has(&guid(10)) && !changes.has(&guid(12)));
    })
    .unwrap();
    let names = names(&records);
    assert_eq!(names.len(), 3);
    assert_eq!(names[0], "CN=Bert,OU=Staff,DC=corp,DC=local");
    assert_eq!(names[2], "CN=Dora,DC=corp,DC=local");
    let mails = records.iter().filter(|record| match record {
        StateRecord::Object(object) => object.text(&attributes::MAIL) == Some("new@contoso.com"),
        _ => false,
    });
    assert_eq!(mails.count(), 2, "the object as it is now");
}

#[test]
fn what_is_below_a_renamed_container_has_another_name() {
    let renamed = |changes: &mut onramp_readiness::state::StateChanges| {
        changes.container(container(2, "OU=People,DC=corp,DC=local"));
    };
    let file = domain();
    let records = merged(&file, renamed).unwrap();
    assert_eq!(
        names(&records),
        [
            "CN=Anna,DC=corp,DC=local",
            "CN=Bert,OU=People,DC=corp,DC=local",
            r"CN=Reed\, Carl,OU=Sales\, all,OU=People,DC=corp,DC=local"
        ]
    );
    // The inner one, too, so that the next scan finds its name.
    let inner = StateRecord::Container(container(3, r"OU=Sales\, all,OU=People,DC=corp,DC=local"));
    assert!(records.contains(&inner), "{records:?}");

    // Both, and the inner one moved out of the outer one, whose old name another container has now.
    let records = merged(&file, |changes| {
        renamed(changes);
        changes.container(container(3, "OU=Buyers,DC=corp,DC=local"));
        changes.container(container(4, "OU=Staff,DC=corp,DC=local"));
        changes.object(object(13, "CN=Dora,OU=Staff,DC=corp,DC=local"));
    })
    .unwrap();
    assert_eq!(
        names(&records),
        [
            "CN=Anna,DC=corp,DC=local",
            "CN=Bert,OU=People,DC=corp,DC=local",
            r"CN=Reed\, Carl,OU=Buyers,DC=corp,DC=local",
            "CN=Dora,OU=Staff,DC=corp,DC=local"
        ]
    );
}

#[test]
fn another_case_of_a_name_is_another_name_to_a_report() {
    let records = merged(&domain(), |changes| {
        changes.container(container(2, "OU=STAFF,DC=corp,DC=local"));
    })
    .unwrap();
    assert_eq!(names(&records)[1], "CN=Bert,OU=STAFF,DC=corp,DC=local");
}

#[test]
fn an_object_that_moved_to_another_domain_stays() {
    let gone = dn("CN=x,CN=Deleted Objects,DC=corp,DC=local");
    let moved = object(10, "CN=Anna,DC=corp,DC=local");
    let there = || object(10, "CN=Anna,DC=other,DC=local");
    let other = || container(7, "DC=other,DC=local");
    for is_told_first in [true, false] {
        let records = merged(&domain(), |changes| {
            changes.container(other());
            if is_told_first {
                changes.object(there());
                changes.deleted(guid(10), &gone);
            } else {
                changes.deleted(guid(10), &gone);
                changes.object(there());
            }
        })
        .unwrap();
        assert_eq!(names(&records)[0], "CN=Anna,DC=other,DC=local");
    }
    // In the same domain, the last one counts: it was deleted, and restored.
    let records = merged(&domain(), |changes| {
        changes.object(moved.clone());
        changes.deleted(guid(10), &gone);
    })
    .unwrap();
    assert_eq!(names(&records).len(), 2);
    let records = merged(&domain(), |changes| {
        changes.deleted(guid(10), &gone);
        changes.object(moved);
    })
    .unwrap();
    assert_eq!(names(&records).len(), 3);
}

#[test]
fn what_is_not_present_is_gone() {
    let present = HashSet::from([guid(1), guid(2), guid(3), guid(11)]);
    let records = merged(&domain(), |changes| changes.keep_only(present)).unwrap();
    assert_eq!(names(&records), ["CN=Bert,OU=Staff,DC=corp,DC=local"]);
    assert_eq!(records.len(), 4);
}

#[test]
fn an_object_in_a_container_that_nobody_knows_is_refused() {
    let refused = |result: Result<_, StateError>| {
        let error = result.map(|_: Vec<StateRecord>| ()).unwrap_err();
        assert!(matches!(&error, StateError::UnknownContainer(name) if name.contains("CN=")), "{error}");
    };
    // The account may not see the OU.
    refused(merged(&file(&[user(10, "CN=Anna,OU=Hidden,DC=corp,DC=local")]), |_| ()));
    // The OU is gone, and nobody told of its user.
    refused(merged(&domain(), |changes| {
        changes.deleted(guid(3), &dn("OU=x,CN=Deleted Objects,DC=corp,DC=local"));
    }));
    let without = HashSet::from([guid(1), guid(2), guid(10), guid(11), guid(12)]);
    refused(merged(&domain(), |changes| changes.keep_only(without)));
    // The OU was renamed after the user was read.
    refused(merged(&domain(), |changes| {
        changes.object(object(11, "CN=Bert,OU=Staff,DC=corp,DC=local"));
        changes.container(container(2, "OU=People,DC=corp,DC=local"));
    }));
}
