//! Reading a real forest: every object once, whatever happens to the controller meanwhile, and what changed since.

use std::collections::BTreeSet;

use futures_util::{StreamExt, TryStreamExt};
use onramp_ad::{ChangeCursor, ChangeQuery, DirectoryChange, ForestClient};
use onramp_core::forest::{ForestObject, ObjectQuery, ObjectRef};
use onramp_core::{AttributeName, DistinguishedName, LdapFilter, ObjectGuid};
use onramp_tests::forest::{Forest, Rights, Scope};

use crate::crowd::crowd;
use crate::shared::{client, client_of, forest, run};

const MAIL: AttributeName = AttributeName::from_static("mail");
const NAME: AttributeName = AttributeName::from_static("sAMAccountName");

fn base(forest: &Forest) -> DistinguishedName {
    DistinguishedName::parse(forest.base_dn()).unwrap()
}

/// What the independent client counts.
fn count(forest: &Forest, filter: &str) -> usize {
    forest.ldapsearch(0, forest.base_dn(), Scope::Subtree, filter, &["objectGUID"]).unwrap().len()
}

#[test]
#[ignore = "needs root and Samba AD"]
fn every_object_has_a_number_of_its_own() {
    let forest = forest();
    crowd(&forest, 600);
    let filter = "(uSNCreated=*)";
    let entries = forest.ldapsearch(0, forest.base_dn(), Scope::Subtree, filter, &["uSNCreated"]).unwrap();
    let numbers: BTreeSet<_> =
        entries.iter().map(|entry| entry.text("uSNCreated").unwrap().to_owned()).collect();
    assert!(entries.len() > 600);
    assert_eq!(numbers.len(), entries.len(), "a search that goes on after a loss relies on it");
}

#[test]
#[ignore = "needs root and Samba AD"]
fn a_search_goes_on_when_its_controller_is_killed_and_started_again() {
    let forest = forest();
    crowd(&forest, 600);
    let filter = "(&(objectCategory=person)(objectClass=user))";
    let expected = count(&forest, filter);
    run(async {
        let objects = client(&forest, 1).page_size(50).build().unwrap().forest().objects;
        let query = ObjectQuery::all([NAME]).with_filter(LdapFilter::parse(filter).unwrap());
        let mut found = objects.search(query);
        let mut seen: Vec<ForestObject> = Vec::new();
        while let Some(object) = found.next().await {
            seen.push(object.unwrap());
            if seen.len() == 120 {
                forest.stop_controller(1).unwrap();
                forest.start_controller(1).unwrap();
            }
        }
        let guids: BTreeSet<ObjectGuid> = seen.iter().map(|object| object.guid).collect();
        assert_eq!(guids.len(), seen.len(), "none comes twice");
        assert_eq!(seen.len(), expected, "and none is lost");
    });
}

#[derive(Debug, Default)]
struct Told {
    restarted: bool,
    objects: Vec<ForestObject>,
    deleted: Vec<ObjectGuid>,
    cursor: Option<ChangeCursor>,
}

async fn told(client: &ForestClient, query: &ChangeQuery, since: Option<ChangeCursor>) -> Told {
    let mut told = Told::default();
    let mut changes = client.changes(query.clone(), since);
    while let Some(change) = changes.try_next().await.unwrap() {
        match change {
            DirectoryChange::Restarted { .. } => told.restarted = true,
            DirectoryChange::Object(object) => told.objects.push(object),
            DirectoryChange::Deleted { guid, .. } => told.deleted.push(guid),
            DirectoryChange::Checkpoint(cursor) => told.cursor = Some(cursor),
            other => panic!("{other:?}"),
        }
    }
    told
}

fn set_mail(forest: &Forest, dn: &DistinguishedName, mail: &str) {
    let value = if mail.is_empty() { String::new() } else { format!("mail: {mail}\n") };
    forest.ldapmodify(0, &format!("dn: {dn}\nchangetype: modify\nreplace: mail\n{value}\n")).unwrap();
}

#[test]
#[ignore = "needs root and Samba AD"]
fn what_changed_is_told_to_an_administrator_and_to_an_ordinary_account() {
    let forest = forest();
    let users = forest.add_users(3, &[onramp_tests::forest::UserShape::Plain]).unwrap();
    let dns: Vec<DistinguishedName> =
        users.iter().map(|user| DistinguishedName::parse(&user.dn).unwrap()).collect();
    let nobody = forest.add_login("reads-changes", Rights::Ordinary).unwrap();
    let filter = LdapFilter::parse("(&(objectCategory=person)(objectClass=user))").unwrap();
    let query = ChangeQuery::new(base(&forest), [MAIL]).with_filter(filter).with_deleted();
    run(async {
        let admin = client(&forest, 0).build().unwrap();
        let plain = client_of(&forest, 0, &nobody).build().unwrap();
        let objects = admin.forest().objects;
        let guid =
            async |dn: &DistinguishedName| objects.get(&ObjectRef::Dn(dn.clone()), &[]).await.unwrap().guid;
        let guids = [guid(&dns[0]).await, guid(&dns[1]).await, guid(&dns[2]).await];
        set_mail(&forest, &dns[1], "before@x.example");
        let questions =
            [(&admin, query.clone()), (&plain, query.clone()), (&admin, query.clone().without_dir_sync())];
        let mut cursors = Vec::new();
        for (client, query) in &questions {
            let first = told(client, query, None).await;
            assert!(!first.restarted && first.objects.iter().any(|object| object.guid == guids[0]));
            let cursor = first.cursor.clone();
            let none = told(client, query, cursor).await;
            assert!(none.objects.is_empty() && none.deleted.is_empty() && !none.restarted, "{none:?}");
            cursors.push(first.cursor);
        }
        set_mail(&forest, &dns[0], "after@x.example");
        set_mail(&forest, &dns[1], "");
        forest.ldapmodify(0, &format!("dn: {}\nchangetype: delete\n\n", dns[2])).unwrap();
        for ((client, query), cursor) in questions.iter().zip(cursors) {
            let second = told(client, query, cursor).await;
            let mail = |guid| {
                let object = second.objects.iter().find(|object| object.guid == guid);
                object.map(|object| object.text(&MAIL).map(str::to_owned))
            };
            assert!(!second.restarted, "{query:?}");
            assert_eq!(mail(guids[0]), Some(Some("after@x.example".to_owned())), "{query:?}");
            assert_eq!(mail(guids[1]), Some(None), "a value that is taken away is a change: {query:?}");
            // Ordinary accounts do not see what is left of a deleted object.
            let expected: &[ObjectGuid] = if std::ptr::eq(*client, &plain) { &[] } else { &guids[2..] };
            let deleted: Vec<_> =
                second.deleted.iter().copied().filter(|guid| guids.contains(guid)).collect();
            assert_eq!(deleted, expected, "{query:?}");
        }
    });
}
