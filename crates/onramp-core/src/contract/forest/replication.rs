//! The suite of [`Replication`].

use crate::contract::{ForestFixture, done};
use crate::forest::{DomainController, ForestUsers, ReplicatedValue, Replication, Suffixes};
use crate::{Upn, UpnSuffix};

/// Everything that [`Replication`] promises, of a forest whose domain controllers all run. The other ports write what is
/// to be replicated.
pub async fn run(
    port: &dyn Replication,
    suffixes: &dyn Suffixes,
    users: &dyn ForestUsers,
    fixture: &ForestFixture,
) {
    let controllers = controllers(port).await;
    suffix_arrives(port, suffixes, fixture, &controllers).await;
    upn_is_seen(port, users, fixture, &controllers).await;
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

async fn suffix_arrives(
    port: &dyn Replication,
    suffixes: &dyn Suffixes,
    fixture: &ForestFixture,
    controllers: &[DomainController],
) {
    let domain = fixture.new_domain("replicated");
    let suffix = UpnSuffix::from(&domain);
    let value = ReplicatedValue::Suffix { suffix: suffix.clone() };
    let shouted = UpnSuffix::parse(&suffix.as_str().to_uppercase()).expect("a suffix");
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
                .patience
                .until(&format!("{} receives the {value}", controller.host), holds, |held| *held)
                .await;
        }
    }
    done(suffixes.force_remove(&suffix).await, "removing a suffix");
    for controller in controllers {
        let holds = async || port.holds(controller, &value).await;
        fixture
            .patience
            .until(&format!("{} forgets the {value}", controller.host), holds, |held| !held)
            .await;
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
    let respelled = if upn.as_str() == upn.as_str().to_uppercase() {
        value(&upn.as_str().to_lowercase())
    } else {
        value(&upn.as_str().to_uppercase())
    };
    let concerned: Vec<_> = controllers.iter().filter(|controller| right.concerns(controller)).collect();
    assert!(!concerned.is_empty(), "somebody holds the domain of {}", user.dn);
    for controller in concerned {
        let holds = async || port.holds(controller, &right).await;
        fixture.patience.until(&format!("{} holds the {right}", controller.host), holds, |held| *held).await;
        for other in [&wrong, &respelled] {
            let held = done(port.holds(controller, other).await, "asking for another UPN");
            assert!(!held, "{} does not hold the {other}: UPNs are compared exactly", controller.host);
        }
    }
}
