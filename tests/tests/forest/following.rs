//! Tests that follow the changes of a real forest: by the DirSync control, and by `uSNChanged` where that is not used.

use std::collections::BTreeSet;

use futures_util::TryStreamExt;
use onramp_ad::{AdClient, ChangeCursor, DirectoryChange, DirectoryChangeQuery};
use onramp_core::forest::ForestObject;
use onramp_core::{AttributeName, DistinguishedName, LdapFilter, ObjectGuid};
use onramp_samba::{Forest, Rights, attribute_line};

use crate::crowd::added;
use crate::relay::Relay;
use crate::shared::{client, client_of, forest, run};

const MAIL: AttributeName = AttributeName::from_static("mail");

#[test]
#[ignore = "needs root and Samba AD"]
fn what_changed_is_told_to_an_administrator_and_to_an_ordinary_account() {
    let forest = forest();
    let users = users(&forest, 3);
    let nobody = forest.add_login("reads-changes", Rights::Ordinary).unwrap();
    let query = query(&forest).with_deleted();
    run(async {
        let admin = client(&forest, 0).build().unwrap();
        let plain = client_of(&forest, 0, &nobody).build().unwrap();
        set_mail(&forest, &users[1].1, Some("before@x.example"));
        let by_usn = query.clone().without_dir_sync();
        let questions = [
            (&admin, &query, "dir-sync"),
            (&plain, &query, "dir-sync"),
            (&admin, &by_usn, "usn"),
            (&plain, &by_usn, "usn"),
        ];
        let mut cursors = Vec::new();
        for (client, query, way) in questions {
            let first = told(client, query, None).await;
            assert!(!first.restarted && first.of(users[0].0).is_some());
            assert_eq!(first.way(), way);
            let none = told(client, query, first.cursor.clone()).await;
            assert!(none.objects.is_empty() && none.deleted.is_empty() && !none.restarted, "{none:?}");
            // Kept in a file between two runs.
            let kept = serde_json::to_string(&first.cursor).unwrap();
            cursors.push(serde_json::from_str(&kept).unwrap());
        }
        set_mail(&forest, &users[0].1, Some("after@x.example"));
        set_mail(&forest, &users[1].1, None);
        delete(&forest, &users[2].1);
        for ((client, query, way), cursor) in questions.into_iter().zip(cursors) {
            let second = told(client, query, cursor).await;
            assert!(!second.restarted, "{way}");
            let mail = |guid| second.of(guid).map(|object| object.text(&MAIL).map(str::to_owned));
            assert_eq!(mail(users[0].0), Some(Some("after@x.example".to_owned())), "{way}");
            assert_eq!(mail(users[1].0), Some(None), "a value that is taken away is a change: {way}");
            assert_eq!(mail(users[2].0), None, "{way}");
            // Ordinary accounts do not see what is left of a deleted object.
            let expected = if std::ptr::eq(client, &plain) { vec![] } else { vec![users[2].0] };
            let deleted: Vec<_> = second
                .deleted
                .iter()
                .copied()
                .filter(|guid| users.iter().any(|user| user.0 == *guid))
                .collect();
            assert_eq!(deleted, expected, "{way}");
        }
    });
}

#[test]
#[ignore = "needs root and Samba AD"]
fn objects_that_are_moved_are_told_and_deleted_ones_only_on_request() {
    let forest = forest();
    run(async {
        let client = client(&forest, 0).build().unwrap();
        for query in [query(&forest), query(&forest).without_dir_sync()] {
            let [(moved, from), (gone, at)] = users(&forest, 2).try_into().unwrap();
            let before = told(&client, &query, None).await;
            let parent = format!("CN=Users,{}", forest.base_dn());
            let rdn = format!("CN=moved-{moved}");
            let dn = attribute_line("dn", from.as_str());
            let ldif =
                format!("{dn}\nchangetype: modrdn\nnewrdn: {rdn}\ndeleteoldrdn: 1\nnewsuperior: {parent}\n");
            forest.ldapmodify(0, &ldif).unwrap();
            set_mail(&forest, &at, Some("soon-gone@x.example"));
            delete(&forest, &at);
            let after = told(&client, &query, before.cursor).await;
            let found = after.of(moved).map(|object| object.dn.to_string());
            assert_eq!(found, Some(format!("{rdn},{parent}")), "{}", after.way());
            assert!(after.of(gone).is_none() && after.deleted.is_empty(), "nobody asked for them: {after:?}");
        }
    });
}

#[test]
#[ignore = "needs root and Samba AD"]
fn another_controller_goes_on_from_a_cookie_and_starts_anew_from_a_number() {
    let forest = forest();
    let users = users(&forest, 1);
    run(async {
        let (first, second) = (client(&forest, 0).build().unwrap(), client(&forest, 1).build().unwrap());
        let query = query(&forest);
        let by_usn = query.clone().without_dir_sync();
        let cookie = told(&first, &query, None).await.cursor;
        let number = told(&first, &by_usn, None).await.cursor;
        set_mail(&forest, &users[0].1, Some("elsewhere@x.example"));
        forest.replicate(0, 1, forest.base_dn()).unwrap();

        let after = told(&second, &query, cookie.clone()).await;
        assert_eq!(after.of(users[0].0).and_then(|user| user.text(&MAIL)), Some("elsewhere@x.example"));
        let direct = told(&first, &query, cookie).await;
        assert_eq!(direct.of(users[0].0).and_then(|user| user.text(&MAIL)), Some("elsewhere@x.example"));
        assert!(!after.restarted && !direct.restarted);

        let anew = told(&second, &by_usn, number).await;
        assert!(anew.restarted, "the numbers of one controller say nothing of another's");
        assert_eq!(anew.of(users[0].0).and_then(|user| user.text(&MAIL)), Some("elsewhere@x.example"));
    });
}

#[test]
#[ignore = "needs root and Samba AD"]
fn changes_are_all_told_once_when_the_connection_is_cut_in_the_middle_of_them() {
    const CHANGED: usize = 400;
    let forest = forest();
    let users = users(&forest, CHANGED);
    run(async {
        let direct = client(&forest, 0).build().unwrap();
        let queries = [query(&forest), query(&forest).without_dir_sync()];
        let mut cursors = Vec::new();
        for query in &queries {
            cursors.push(told(&direct, query, None).await.cursor);
        }
        let records = users.iter().map(|(guid, dn)| mail_record(dn, Some(&format!("{guid}@x.example"))));
        forest.ldapmodify(0, &records.collect::<String>()).unwrap();
        for (query, cursor) in queries.iter().zip(cursors) {
            let controller = &forest.controllers()[0];
            let relay = Relay::cutting(1, 40_000, controller.ldaps()).await;
            let cut = client(&forest, 0).address(controller.fqdn(), relay.address()).build().unwrap();
            let changes = told(&cut, query, cursor).await;
            assert!(relay.opened() > 1 && !changes.restarted, "{relay:?}");
            let expected: BTreeSet<ObjectGuid> = users.iter().map(|user| user.0).collect();
            let told: Vec<ObjectGuid> = changes.objects.iter().map(|object| object.guid).collect();
            assert_eq!(told.len(), CHANGED, "none comes twice: {}", changes.way());
            assert_eq!(BTreeSet::from_iter(told), expected, "and none is lost: {}", changes.way());
        }
    });
}

/// The changes that a reader got until it was up to date.
#[derive(Debug, Default)]
struct Told {
    restarted: bool,
    objects: Vec<ForestObject>,
    deleted: Vec<ObjectGuid>,
    cursor: Option<ChangeCursor>,
}

impl Told {
    fn of(&self, guid: ObjectGuid) -> Option<&ForestObject> {
        self.objects.iter().find(|object| object.guid == guid)
    }

    /// Returns the name of the cursor's kind.
    fn way(&self) -> &'static str {
        let cursor = serde_json::to_value(&self.cursor).unwrap();
        ["dir-sync", "usn"].into_iter().find(|way| cursor["position"].get(way).is_some()).unwrap()
    }
}

async fn told(client: &AdClient, query: &DirectoryChangeQuery, since: Option<ChangeCursor>) -> Told {
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

fn query(forest: &Forest) -> DirectoryChangeQuery {
    let base = DistinguishedName::parse(forest.base_dn()).unwrap();
    let filter = LdapFilter::parse("(&(objectCategory=person)(objectClass=user))").unwrap();
    DirectoryChangeQuery::new(base, [MAIL]).with_filter(filter)
}

fn users(forest: &Forest, count: usize) -> Vec<(ObjectGuid, DistinguishedName)> {
    let users = added(forest, count).into_iter();
    users.map(|(user, guid)| (guid, DistinguishedName::parse(&user.dn).unwrap())).collect()
}

fn set_mail(forest: &Forest, dn: &DistinguishedName, mail: Option<&str>) {
    forest.ldapmodify(0, &mail_record(dn, mail)).unwrap();
}

/// Returns the LDIF record that gives an object a mail address, or removes it.
fn mail_record(dn: &DistinguishedName, mail: Option<&str>) -> String {
    let value = mail.map(|mail| format!("mail: {mail}\n")).unwrap_or_default();
    format!("{}\nchangetype: modify\nreplace: mail\n{value}\n", attribute_line("dn", dn.as_str()))
}

fn delete(forest: &Forest, dn: &DistinguishedName) {
    forest.ldapmodify(0, &format!("{}\nchangetype: delete\n\n", attribute_line("dn", dn.as_str()))).unwrap();
}
