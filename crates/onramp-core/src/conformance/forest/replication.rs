//! The suites of [`Replication`] and [`ReplicationMetadata`].

use futures_util::TryStreamExt;

use super::nobody::NOBODY;
use crate::conformance::{ForestFixture, done, expect_kind};
use crate::forest::{
    AttributeValue, ChangedObject, ChangesQuery, DomainController, ForestUsers, ReplicatedValue, Replication,
    ReplicationMetadata, Suffixes, UpnChange,
};
use crate::{AttributeName, DistinguishedName, ErrorKind, Forest, Upn, UpnSuffix};

/// Everything that [`Replication`] promises, of a forest whose domain controllers all run. The other ports write what is
/// to be replicated.
pub async fn run(forest: &Forest, fixture: &ForestFixture) {
    let port = &*forest.replication;
    let controllers = controllers(port).await;
    suffix_arrives(port, &*forest.suffixes, fixture, &controllers).await;
    upn_is_seen(port, &*forest.users, fixture, &controllers).await;
    no_host_name_is_unavailable(port, fixture, &controllers).await;
    if let Some(metadata) = &forest.replication_metadata {
        change_is_followed(forest, &**metadata, fixture, &controllers).await;
    }
}

async fn change_is_followed(
    forest: &Forest,
    port: &dyn ReplicationMetadata,
    fixture: &ForestFixture,
    controllers: &[DomainController],
) {
    let (replication, users) = (&*forest.replication, &*forest.users);
    let user = done(users.get(&fixture.users[1]).await, "reading a user");
    let old = Upn::parse(user.upn.as_deref().expect("the fixture's users have UPNs")).expect("a UPN");
    let context = DistinguishedName::of_domain(&user.dn.domain_name().expect("a domain"));
    let writer = done(port.writer(&context).await, "asking who is written to");
    assert!(!writer.is_read_only && writer.holds(&context), "it takes changes: {writer:?}");
    assert!(controllers.iter().any(|one| one.settings == writer.settings), "{} is listed", writer.host);
    let before = done(port.position(&writer, &context).await, "asking how far the writer is");
    let identity = before.invocation_id.expect("one that is written to shows its identity");
    assert_eq!(before.cursor(&identity), None, "it has no cursor of its own");
    let attribute = AttributeName::from_static("userPrincipalName");
    let stamp = async || done(port.stamp(&writer, &user.guid, &attribute).await, "asking who wrote a value");
    let unchanged = stamp().await;
    assert_eq!(unchanged.value, Some(AttributeValue::text(old.as_str())), "a stamp has the value");
    expect_kind(port.stamp(&writer, &NOBODY, &attribute).await, ErrorKind::NotFound, "the stamp of nobody");

    let new = Upn::parse(&format!("followed-{}@{}", fixture.tag, old.suffix_str())).expect("a UPN");
    let change = async |from: &Upn, to: &Upn| {
        let (guid, dn, before) = (user.guid, user.dn.clone(), Some(from.to_string()));
        let change = UpnChange { guid, dn, before, after: to.clone() };
        forest.object_writer.change(&change.into()).await
    };
    done(change(&old, &new).await, "changing a UPN");
    let changes = async |from_usn: u64| {
        let query = ChangesQuery::new(context.clone(), attribute.clone(), from_usn);
        let read: Vec<ChangedObject> =
            done(port.changes(&writer, query).try_collect().await, "reading what changed");
        read.into_iter().filter(|object| object.guid == user.guid).collect::<Vec<_>>()
    };
    let found = changes(before.highest_usn + 1).await;
    let [found] = found.as_slice() else { panic!("it comes once among the changes: {found:?}") };
    assert_eq!(found.value, Some(AttributeValue::text(new.as_str())), "with the value that it has now");
    assert!(found.usn > before.highest_usn, "with a USN of its own: {found:?}");
    assert!(changes(found.usn + 1).await.is_empty(), "what changed before is not among the changes");
    if let (Some(first), Some(second)) = (unchanged.written, stamp().await.written) {
        assert_eq!(second.by, identity, "the stamp says who wrote it");
        assert!(second.usn > before.highest_usn && second.usn <= found.usn, "and when: {second:?}");
        assert!(second.wins_over(&first), "a later write outranks an earlier one: {first:?}, {second:?}");
    }
    let value = ReplicatedValue::user_upn(&user, new.clone());
    for controller in controllers.iter().filter(|controller| controller.holds(&context)) {
        let arrived = async || {
            let behind = port.position(controller, &context).await?.behind(&identity, found.usn);
            let held = replication.holds(controller, &value).await?;
            let (host, claims) = (&controller.host, behind == Some(0));
            assert!(held || !claims, "{host} says that everything has arrived, so it holds the value");
            Ok(held && behind.unwrap_or_default() == 0)
        };
        let what = format!("{} says that the {value} has arrived", controller.host);
        fixture.poll.until(&what, arrived, |arrived| *arrived).await;
    }

    done(change(&new, &old).await, "changing a UPN back");
    let back = ReplicatedValue::user_upn(&user, old);
    for controller in controllers.iter().filter(|controller| controller.holds(&context)) {
        let holds = async || replication.holds(controller, &back).await;
        fixture.poll.until(&format!("{} receives the {back}", controller.host), holds, |held| *held).await;
        let held = done(replication.holds(controller, &value).await, "asking for the UPN before");
        assert!(!held, "{} does not hold the {value} any more", controller.host);
    }
}

async fn controllers(port: &dyn Replication) -> Vec<DomainController> {
    let controllers = done(port.controllers().await, "listing domain controllers");
    assert!(!controllers.is_empty(), "a forest has a domain controller");
    for controller in &controllers {
        let twins = controllers.iter().filter(|other| other.settings == controller.settings).count();
        assert_eq!(twins, 1, "{} is listed once", controller.host);
        assert!(
            !controller.host.is_empty() && !controller.site.is_empty(),
            "it has a name and a site: {controller:?}"
        );
        let contexts = &controller.naming_contexts;
        assert!(!contexts.is_empty(), "{} holds naming contexts", controller.host);
        let configuration = controller.settings.as_str().to_ascii_lowercase().contains("cn=configuration,");
        assert!(configuration, "{} has its settings in the Configuration partition", controller.host);
    }
    controllers
}

/// Checks the answer for what a domain controller that was removed leaves behind.
async fn no_host_name_is_unavailable(
    port: &dyn Replication,
    fixture: &ForestFixture,
    controllers: &[DomainController],
) {
    let value = ReplicatedValue::Suffix { suffix: UpnSuffix::from(&fixture.new_domain("unasked")) };
    for controller in controllers {
        let gone = DomainController { host: "ONRAMP-GONE".to_owned(), ..controller.clone() };
        let asked = port.holds(&gone, &value).await;
        expect_kind(asked, ErrorKind::Unavailable, "asking one that has no host name");
    }
}

async fn suffix_arrives(
    port: &dyn Replication,
    suffixes: &dyn Suffixes,
    fixture: &ForestFixture,
    controllers: &[DomainController],
) {
    let domain = fixture.new_domain("replicated");
    let suffix = UpnSuffix::from(&domain);
    let value = ReplicatedValue::Suffix { suffix: suffix.clone() };
    let shouted = UpnSuffix::parse(&suffix.as_str().to_ascii_uppercase()).expect("a suffix");
    let shouted = ReplicatedValue::Suffix { suffix: shouted };
    for controller in controllers {
        let early = done(port.holds(controller, &value).await, "asking for a suffix nobody added");
        assert!(!early, "{} does not hold what nobody added", controller.host);
    }
    done(suffixes.add(&domain).await, "adding a suffix");
    for controller in controllers {
        for value in [&value, &shouted] {
            let holds = async || port.holds(controller, value).await;
            fixture
                .poll
                .until(&format!("{} receives the {value}", controller.host), holds, |held| *held)
                .await;
        }
    }
    done(suffixes.force_remove(&suffix).await, "removing a suffix");
    for controller in controllers {
        let holds = async || port.holds(controller, &value).await;
        fixture.poll.until(&format!("{} forgets the {value}", controller.host), holds, |held| !held).await;
    }
}

async fn upn_is_seen(
    port: &dyn Replication,
    users: &dyn ForestUsers,
    fixture: &ForestFixture,
    controllers: &[DomainController],
) {
    let user = done(users.get(&fixture.users[0]).await, "reading a user");
    let upn =
        user.upn.as_deref().and_then(|upn| Upn::parse(upn).ok()).expect("the fixture's users have UPNs");
    let value = |upn: &str| ReplicatedValue::UserUpn {
        guid: user.guid,
        dn: user.dn.clone(),
        upn: Upn::parse(upn).expect("a UPN"),
    };
    let (right, wrong) = (value(upn.as_str()), value(&format!("not-{upn}")));
    let respelled = if upn.as_str() == upn.as_str().to_ascii_uppercase() {
        value(&upn.as_str().to_lowercase())
    } else {
        value(&upn.as_str().to_ascii_uppercase())
    };
    let concerned: Vec<_> = controllers.iter().filter(|controller| right.concerns(controller)).collect();
    assert!(!concerned.is_empty(), "somebody holds the domain of {}", user.dn);
    for controller in concerned {
        let holds = async || port.holds(controller, &right).await;
        fixture.poll.until(&format!("{} holds the {right}", controller.host), holds, |held| *held).await;
        for other in [&wrong, &respelled] {
            let held = done(port.holds(controller, other).await, "asking for another UPN");
            assert!(!held, "{} does not hold the {other}: UPNs are compared exactly", controller.host);
        }
    }
}
