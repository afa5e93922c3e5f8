//! The suite of [`ObjectWriter`].

use std::collections::BTreeMap;

use futures_util::{StreamExt, stream};

use super::nobody::NOBODY;
use super::upn_changes;
use crate::conformance::{ForestFixture, done, expect_kind, refused};
use crate::forest::{
    AttributeChange, AttributeValue, ForestUser, ForestUsers, ObjectChange, ObjectChanged, ObjectWriter,
};
use crate::{AttributeName, ErrorKind, ObjectGuid};

/// Everything that [`ObjectWriter`] promises, tried on attributes of users, their UPNs among them.
///
/// # Panics
/// Also when the fixture has fewer than two users, or one without a UPN.
pub async fn run(port: &dyn ObjectWriter, users: &dyn ForestUsers, fixture: &ForestFixture) {
    let suite = Suite { port, users, fixture };
    let mut before = Vec::new();
    for guid in &fixture.users {
        before.push(suite.read(guid).await);
    }
    let [first, _, ..] = before.as_slice() else { panic!("the fixture needs two users") };
    suite.impossible_changes(first).await;
    suite.single_value(first).await;
    suite.stale_value(first).await;
    suite.respelling(first).await;
    suite.several_values(first).await;
    suite.all_or_nothing(first).await;
    suite.octets(first).await;
    suite.many(&before).await;
    for user in &before {
        suite.restore(user).await;
    }
    upn_changes::run(port, users, fixture).await;
}

struct Suite<'a> {
    port: &'a dyn ObjectWriter,
    users: &'a dyn ForestUsers,
    fixture: &'a ForestFixture,
}

impl Suite<'_> {
    async fn impossible_changes(&self, user: &ForestUser) {
        let empty = ObjectChange::new(user.guid, user.dn.clone());
        self.refuses(&empty, ErrorKind::Invalid, "a change of nothing").await;
        let name = || rename(None, Some("conformance"));
        let twice = empty.clone().with(name()).with(name());
        self.refuses(&twice, ErrorKind::Invalid, "a change that names an attribute twice").await;
        for secret in ["unicodePwd", "userPassword", "supplementalCredentials"] {
            let change = AttributeChange::edit(
                AttributeName::parse(secret).expect("a name"),
                vec![],
                vec![AttributeValue::text("x")],
            );
            let what = format!("a change of {secret}");
            self.refuses(&empty.clone().with(change), ErrorKind::Invalid, &what).await;
        }
        let nobody = ObjectChange::new(NOBODY, user.dn.clone()).with(name());
        self.refuses(&nobody, ErrorKind::NotFound, "a change of an unknown object").await;
        assert_eq!(self.read(&user.guid).await, *user, "nothing of that was written");
    }

    async fn single_value(&self, user: &ForestUser) {
        let wanted = self.value("single");
        let change = of(user, rename(user.display_name.as_deref(), Some(&wanted)));
        self.changes(&change, ObjectChanged::Changed, "replacing a value changes it").await;
        let expected = ForestUser { display_name: Some(wanted), ..user.clone() };
        self.shows(&expected, "nothing but that value changed").await;
        self.changes(&change, ObjectChanged::Unchanged, "replacing it again writes nothing").await;
    }

    async fn stale_value(&self, user: &ForestUser) {
        let now = self.read(&user.guid).await;
        let held = now.display_name.clone().expect("it was given one");
        for before in [Some("conformance: never there"), None] {
            let what = format!("replacing {before:?}, which is not the value,");
            let change = of(user, rename(before, Some("conformance: must not be written")));
            let error = refused(self.port.change(&change).await, &what);
            assert_eq!(error.kind(), ErrorKind::Stale, "{what}: {error}");
            assert!(error.to_string().contains(&held), "{what} names the value found, {held}: {error}");
        }
        let change = of(user, rename(Some("conformance: never there"), None));
        self.refuses(&change, ErrorKind::Stale, "removing a value that is not there while another is").await;
        assert_eq!(self.read(&user.guid).await, now, "what is stale is not written");
    }

    async fn respelling(&self, user: &ForestUser) {
        let held = self.read(&user.guid).await.display_name.expect("it was given one");
        let shouted = held.to_ascii_uppercase();
        let change = of(user, rename(Some(&held), Some(&shouted)));
        self.changes(&change, ObjectChanged::Changed, "changing only the case is a change").await;
        let expected = ForestUser { display_name: Some(shouted), ..self.read(&user.guid).await };
        self.shows(&expected, "it is spelled as it was asked for").await;
        self.changes(&change, ObjectChanged::Unchanged, "changing only the case again writes nothing").await;
    }

    async fn several_values(&self, user: &ForestUser) {
        let address = |role: &str| format!("smtp:{}", self.value(role));
        let (one, two, three) = (address("one"), address("two"), address("three"));
        let change = of(user, readdress(&[], &[&one, &two]));
        self.changes(&change, ObjectChanged::Changed, "adding values adds them").await;
        self.addresses(user, &[&one, &two], "values are added beside those there").await;
        self.changes(&change, ObjectChanged::Unchanged, "adding values that are there writes nothing").await;

        let change = of(user, readdress(&[&one], &[&three]));
        self.changes(&change, ObjectChanged::Changed, "removing one of several values and adding another")
            .await;
        self.addresses(user, &[&two, &three], "only the values named are touched").await;
        self.changes(&change, ObjectChanged::Unchanged, "doing it again writes nothing").await;

        let stale = of(user, readdress(&[&one], &[&address("four")]));
        let error = refused(self.port.change(&stale).await, "removing a value that is gone");
        assert_eq!(error.kind(), ErrorKind::Stale, "{error}");
        assert!(error.to_string().contains(&three), "the values found are named: {error}");
        self.addresses(user, &[&two, &three], "what is stale is not written").await;

        let change = of(user, readdress(&[&two, &three], &[]));
        self.changes(&change, ObjectChanged::Changed, "removing values").await;
        self.addresses(user, &[], "all is as it was").await;
        self.changes(&change, ObjectChanged::Unchanged, "removing what is gone writes nothing").await;
    }

    async fn all_or_nothing(&self, user: &ForestUser) {
        let now = self.read(&user.guid).await;
        let address = format!("smtp:{}", self.value("half"));
        let change = of(user, readdress(&[], &[&address]));
        let half = change.clone().with(rename(Some("conformance: never there"), Some("conformance: half")));
        self.refuses(&half, ErrorKind::Stale, "a change of which one half is stale").await;
        assert_eq!(self.read(&user.guid).await, now, "one half is not written without the other");
        let wanted = self.value("whole");
        let whole = change.with(rename(now.display_name.as_deref(), Some(&wanted)));
        self.changes(&whole, ObjectChanged::Changed, "a change of two attributes").await;
        let mut expected = ForestUser { display_name: Some(wanted), ..now };
        expected.proxy_addresses.push(address.clone());
        self.shows(&expected, "both attributes are written").await;
        let undone = of(user, readdress(&[&address], &[]));
        self.changes(&undone, ObjectChanged::Changed, "taking it back").await;
    }

    async fn octets(&self, user: &ForestUser) {
        let anchor: Vec<u8> = (0..16_u8).map(|at| at.wrapping_mul(0x4f) ^ 0xff).collect();
        let set = |before: Option<&[u8]>, after: Option<&[u8]>| {
            let value = |bytes: Option<&[u8]>| bytes.map(AttributeValue::bytes);
            let attribute = AttributeName::from_static("mS-DS-ConsistencyGuid");
            of(user, AttributeChange::replace(attribute, value(before), value(after)))
        };
        let held = user.consistency_guid.as_deref();
        let change = set(held, Some(&anchor));
        self.changes(&change, ObjectChanged::Changed, "writing octets that are no text").await;
        let expected = ForestUser { consistency_guid: Some(anchor.clone()), ..self.read(&user.guid).await };
        self.shows(&expected, "the octets are as they were given").await;
        self.changes(&set(Some(&anchor), held), ObjectChanged::Changed, "giving the old ones back").await;
    }

    async fn many(&self, users: &[ForestUser]) {
        let none: Vec<_> = self.port.change_all(stream::empty().boxed()).collect().await;
        assert!(none.is_empty(), "no change, no outcome");
        // Each object is changed three times in a row, among those of the others.
        let mut changes = vec![ObjectChange { guid: NOBODY, ..of(&users[0], rename(None, Some("x"))) }];
        let mut held = BTreeMap::new();
        for step in ["first", "second", "third"] {
            for user in users {
                let now = match held.get(&user.guid) {
                    Some(now) => Some(String::clone(now)),
                    None => self.read(&user.guid).await.display_name,
                };
                let next = self.value(step);
                changes.push(of(user, rename(now.as_deref(), Some(&next))));
                held.insert(user.guid, next);
            }
        }
        let outcomes: Vec<_> = self.port.change_all(stream::iter(changes.clone()).boxed()).collect().await;
        assert_eq!(outcomes.len(), changes.len(), "exactly one outcome for each change");
        for outcome in outcomes {
            let place = changes.iter().position(|change| *change == outcome.change);
            changes.swap_remove(place.expect("an outcome carries its change, once"));
            if outcome.change.guid == NOBODY {
                expect_kind(outcome.result, ErrorKind::NotFound, "one failure among many");
            } else {
                let what = "changes of one object are made in the order in which they come";
                assert!(done(outcome.result, what).is_written(), "{what}");
            }
        }
        for user in users {
            let wanted = held.get(&user.guid).map(String::as_str);
            self.until(&user.guid, "the last change of each object is the last", |now| {
                now.display_name.as_deref() == wanted
            })
            .await;
        }
    }

    async fn restore(&self, user: &ForestUser) {
        let now = self.read(&user.guid).await;
        let change = of(user, rename(now.display_name.as_deref(), user.display_name.as_deref()));
        done(self.port.change(&change).await, "giving a user its name back");
        self.shows(user, "all is as it was").await;
    }

    async fn changes(&self, change: &ObjectChange, expected: ObjectChanged, what: &str) {
        let changed = done(self.port.change(change).await, what);
        // An answer may be lost on a real network; then it was found to be so, and is as good.
        assert_eq!(changed.is_written(), expected.is_written(), "{what}: {changed:?}");
    }

    async fn refuses(&self, change: &ObjectChange, kind: ErrorKind, what: &str) {
        expect_kind(self.port.change(change).await, kind, what);
    }

    async fn addresses(&self, user: &ForestUser, added: &[&String], what: &str) {
        let mut expected: Vec<&String> = user.proxy_addresses.iter().chain(added.iter().copied()).collect();
        expected.sort();
        self.until(&user.guid, what, |now| {
            let mut held: Vec<&String> = now.proxy_addresses.iter().collect();
            held.sort();
            held == expected
        })
        .await;
    }

    async fn shows(&self, expected: &ForestUser, what: &str) {
        let sorted = |user: &ForestUser| {
            let mut user = user.clone();
            user.proxy_addresses.sort();
            user
        };
        let wanted = sorted(expected);
        self.until(&expected.guid, what, |now| sorted(now) == wanted).await;
    }

    async fn until(&self, guid: &ObjectGuid, what: &str, right: impl FnMut(&ForestUser) -> bool) {
        self.fixture.poll.until(what, async || self.users.get(guid).await, right).await;
    }

    async fn read(&self, guid: &ObjectGuid) -> ForestUser {
        done(self.users.get(guid).await, "reading a user of the fixture")
    }

    fn value(&self, role: &str) -> String {
        format!("conformance-{role}@{}", self.fixture.new_domain("writer"))
    }
}

fn of(user: &ForestUser, change: AttributeChange) -> ObjectChange {
    ObjectChange::new(user.guid, user.dn.clone()).with(change)
}

fn rename(before: Option<&str>, after: Option<&str>) -> AttributeChange {
    let value = |text: Option<&str>| text.map(AttributeValue::text);
    AttributeChange::replace(AttributeName::from_static("displayName"), value(before), value(after))
}

fn readdress(remove: &[&String], add: &[&String]) -> AttributeChange {
    let values = |texts: &[&String]| texts.iter().map(|text| AttributeValue::text(text.as_str())).collect();
    AttributeChange::edit(AttributeName::from_static("proxyAddresses"), values(remove), values(add))
}
