//! The part of the suite of [`ObjectWriter`] that changes UPNs.

use std::collections::BTreeMap;

use futures_util::{StreamExt, stream};

use super::nobody::NOBODY;
use crate::conformance::{ForestFixture, done, expect_kind, refused};
use crate::forest::{
    AttributeChange, AttributeValue, ForestUser, ForestUsers, ObjectChange, ObjectChanged, ObjectWriter,
    UpnChange,
};
use crate::{AttributeName, ErrorKind, ObjectGuid, Upn};

/// Everything that [`ObjectWriter`] promises of changes of UPNs.
pub(super) async fn run(port: &dyn ObjectWriter, users: &dyn ForestUsers, fixture: &ForestFixture) {
    let suite = Suite { port, users, fixture };
    let subjects = suite.subjects().await;
    let [first, second, ..] = subjects.as_slice() else { panic!("the fixture needs two users") };
    suite.unknown_user(first).await;
    suite.swapping(first).await;
    suite.staleness(first).await;
    suite.collision(first, second).await;
    suite.spelling(first).await;
    suite.any_value(first).await;
    suite.many_changes(&subjects).await;
    suite.handing_over(first, second).await;
    suite.restore(&subjects).await;
}

/// A user and the UPN it has to get back.
struct Subject {
    user: ForestUser,
    upn: Upn,
}

struct Suite<'a> {
    port: &'a dyn ObjectWriter,
    users: &'a dyn ForestUsers,
    fixture: &'a ForestFixture,
}

impl Suite<'_> {
    async fn subjects(&self) -> Vec<Subject> {
        let mut subjects = Vec::new();
        for guid in &self.fixture.users {
            let user = self.read(guid).await;
            let upn = user.upn.as_deref().and_then(|upn| Upn::parse(upn).ok());
            let upn = upn.unwrap_or_else(|| panic!("{} needs a UPN to be of use here", user.dn));
            subjects.push(Subject { user, upn });
        }
        subjects
    }

    async fn unknown_user(&self, subject: &Subject) {
        let change = UpnChange { guid: NOBODY, ..self.change_of(subject, "nobody").await };
        let what = "changing the UPN of an unknown user";
        expect_kind(self.change(&change).await, ErrorKind::NotFound, what);
    }

    async fn swapping(&self, subject: &Subject) {
        let change = self.change_of(subject, "swapped").await;
        let what = "changing a UPN changes it";
        assert_eq!(done(self.change(&change).await, what), ObjectChanged::Changed, "{what}");
        self.shows(&subject.user.guid, Some(change.after.as_str())).await;
        let what = "changing a UPN again writes nothing";
        assert_eq!(done(self.change(&change).await, what), ObjectChanged::Unchanged, "{what}");
        let user = self.read(&subject.user.guid).await;
        let expected = ForestUser { upn: user.upn.clone(), ..subject.user.clone() };
        assert_eq!(user, expected, "nothing but the UPN changed");
    }

    async fn staleness(&self, subject: &Subject) {
        let change = self.change_of(subject, "stale").await;
        let current = change.before.clone();
        let held = current.as_deref().expect("it has a UPN");
        let other = self.upn("somebody-else");
        for before in [Some(other.to_string()), None] {
            let what = format!("a change from {before:?}, which is not the UPN");
            let stale = UpnChange { before, ..change.clone() };
            let error = refused(self.change(&stale).await, &what);
            assert_eq!(error.kind(), ErrorKind::Stale, "{what}: {error}");
            assert!(error.to_string().contains(held), "{what} names the UPN found, {held}: {error}");
            assert_eq!(self.read(&subject.user.guid).await.upn, current, "{what} writes nothing");
        }
    }

    async fn collision(&self, subject: &Subject, other: &Subject) {
        let change = self.change_of(subject, "unused").await;
        let current = change.before.clone();
        let taken = self.read(&other.user.guid).await.upn.expect("it has a UPN");
        for spelling in [taken.clone(), taken.to_ascii_uppercase()] {
            let change = UpnChange { after: Upn::parse(&spelling).expect("a UPN"), ..change.clone() };
            let what = "taking another principal's UPN";
            expect_kind(self.change(&change).await, ErrorKind::AlreadyExists, what);
            assert_eq!(self.read(&subject.user.guid).await.upn, current, "{what} writes nothing");
        }
    }

    async fn spelling(&self, subject: &Subject) {
        let change = self.change_of(subject, "unused").await;
        let current = change.before.clone().expect("it has a UPN");
        let respelled = Upn::parse(&current.to_ascii_uppercase()).expect("a UPN");
        let change = UpnChange { after: respelled.clone(), ..change };
        let what = "changing only the case of a UPN is a change";
        assert_eq!(done(self.change(&change).await, what), ObjectChanged::Changed, "{what}");
        self.shows(&subject.user.guid, Some(respelled.as_str())).await;
        let what = "changing only the case of a UPN again writes nothing";
        assert_eq!(done(self.change(&change).await, what), ObjectChanged::Unchanged, "{what}");
    }

    /// Checks what it takes to give every user back what it had: a text that is no UPN, and no value.
    async fn any_value(&self, subject: &Subject) {
        let guid = &subject.user.guid;
        let odd = format!("conformance {} without suffix", self.fixture.tag);
        assert!(Upn::parse(&odd).is_err(), "{odd} is no UPN");
        let mut held = self.read(guid).await.upn;
        for (after, what) in [
            (Some(odd.as_str()), "writing a UPN that is none"),
            (None, "removing a UPN that is none"),
            (Some(subject.upn.as_str()), "giving a user without a UPN one"),
            (None, "removing a UPN"),
            (Some(odd.as_str()), "giving a user without a UPN a text that is none"),
            (Some(subject.upn.as_str()), "replacing a text that is no UPN"),
        ] {
            let value = |text: Option<&str>| text.map(AttributeValue::text);
            let name = AttributeName::from_static("userPrincipalName");
            let change = AttributeChange::replace(name, value(held.as_deref()), value(after));
            let change = ObjectChange::new(*guid, subject.user.dn.clone()).with(change);
            assert_eq!(done(self.port.change(&change).await, what), ObjectChanged::Changed, "{what}");
            self.shows(guid, after).await;
            let again = format!("{what}, again,");
            assert_eq!(done(self.port.change(&change).await, &again), ObjectChanged::Unchanged, "{again}");
            held = after.map(str::to_owned);
        }
    }

    async fn many_changes(&self, subjects: &[Subject]) {
        let mut changes = Vec::new();
        for (index, subject) in subjects.iter().enumerate() {
            changes.push(self.change_of(subject, &format!("many{index}")).await);
        }
        let nobody = UpnChange { guid: NOBODY, ..changes[0].clone() };
        let all: Vec<ObjectChange> = changes.iter().chain([&nobody]).map(ObjectChange::from).collect();
        let outcomes: Vec<_> = self.port.change_all(stream::iter(all.clone()).boxed()).collect().await;
        assert_eq!(outcomes.len(), all.len(), "exactly one outcome for each change of a UPN");
        let mut by_user = BTreeMap::new();
        for outcome in outcomes {
            assert!(all.contains(&outcome.change), "an outcome carries its change: {:?}", outcome.change);
            by_user.insert(outcome.change.guid, outcome.result);
        }
        let failed = by_user.remove(&NOBODY).expect("the unknown user has an outcome");
        expect_kind(failed, ErrorKind::NotFound, "one failure among many");
        for change in &changes {
            let result = by_user.remove(&change.guid).expect("every change has its outcome");
            assert_eq!(done(result, "one change of many"), ObjectChanged::Changed);
            self.shows(&change.guid, Some(change.after.as_str())).await;
        }
        let again = self.port.change_all(stream::iter(changes).map(ObjectChange::from).boxed());
        let repeated: Vec<_> = again.map(|outcome| done(outcome.result, "repeating changes")).collect().await;
        let written = repeated.iter().any(|changed| changed.is_written());
        assert!(!written, "repeating writes nothing");
    }

    async fn handing_over(&self, giver: &Subject, taker: &Subject) {
        let gives = self.change_of(giver, "handed-on").await;
        let name = gives.before.clone().expect("it has a UPN");
        let takes = self.change_of(taker, "unused").await;
        let takes = UpnChange { after: Upn::parse(&name.to_ascii_uppercase()).expect("a UPN"), ..takes };
        let order = [&gives, &takes].map(ObjectChange::from);
        let mut outcomes = self.port.change_all(stream::iter(order).boxed());
        while let Some(outcome) = outcomes.next().await {
            done(outcome.result, "who takes a UPN waits for who gives it up before in the stream");
        }
        self.shows(&giver.user.guid, Some(gives.after.as_str())).await;
        self.shows(&taker.user.guid, Some(takes.after.as_str())).await;
        // Back to names of their own, the taker first.
        let again = self.change_of(taker, "taker").await;
        done(self.change(&again).await, "giving it up again");
    }

    async fn restore(&self, subjects: &[Subject]) {
        for subject in subjects {
            let change = UpnChange { after: subject.upn.clone(), ..self.change_of(subject, "unused").await };
            done(self.change(&change).await, "giving a user its UPN back");
            self.shows(&subject.user.guid, Some(subject.upn.as_str())).await;
        }
    }

    async fn change(&self, change: &UpnChange) -> crate::Result<ObjectChanged> {
        self.port.change(&change.into()).await
    }

    /// A change from what is there now to a name of its own.
    async fn change_of(&self, subject: &Subject, role: &str) -> UpnChange {
        let user = self.read(&subject.user.guid).await;
        UpnChange { guid: user.guid, dn: user.dn, before: user.upn, after: self.upn(role) }
    }

    fn upn(&self, role: &str) -> Upn {
        Upn::new(&format!("conformance-{role}"), &self.fixture.new_domain("users")).expect("a UPN")
    }

    async fn read(&self, guid: &ObjectGuid) -> ForestUser {
        done(self.users.get(guid).await, "reading a user of the fixture")
    }

    async fn shows(&self, guid: &ObjectGuid, upn: Option<&str>) {
        let read = async || Ok(self.users.get(guid).await?.upn);
        let what = format!("reads show {upn:?}, spelled like that");
        self.fixture.poll.until(&what, read, |now| now.as_deref() == upn).await;
    }
}
