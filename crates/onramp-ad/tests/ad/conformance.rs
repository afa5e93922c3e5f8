//! The conformance suites of the forest ports.

use std::time::Duration;

use onramp_ad::LdapSecurity;
use onramp_core::ObjectGuid;
use onramp_core::conformance::{self, ForestFixture, PollTimeout};
use onramp_core::forest::{FineGrainedPolicy, Lockout, PasswordSettings};
use onramp_lab::forest::LabForest;

use crate::lab::{Lab, people};

async fn run(lab: &Lab, security: LdapSecurity) {
    let forest = lab.builder_as(&lab.model.administrator(), security).connect().await.unwrap().forest();
    let users = people(forest.users.as_ref(), 4).await.into_iter().map(|user| user.guid).collect();
    let ordinary = lab.builder_as(&lab.model.plain_user().unwrap(), security).connect().await.unwrap();
    let fixture = ForestFixture::new("ad", users, PollTimeout::new(lab.clock.clone()))
        .with_bound(bound(lab))
        .with_ordinary(ordinary.forest().password_policies);
    conformance::forest::run(&forest, &fixture).await;
}

/// A user with a policy of its own, and one with a group's.
fn bound(lab: &Lab) -> Vec<(ObjectGuid, FineGrainedPolicy)> {
    let [own, member] = ["Guest", "krbtgt"].map(|name| lab.model.find_account(name).unwrap());
    let group = lab.model.add_group("Bound", &[own, member]).unwrap();
    let mut rules = PasswordSettings::windows_default();
    let wide = lab.model.add_fine_grained_policy("For the group", 1, &rules, &[group]).unwrap();
    rules.min_length = 20;
    rules.max_age = None;
    rules.reversible_encryption = true;
    rules.lockout = Some(Lockout { threshold: 5, window: Some(Duration::from_secs(600)), duration: None });
    let narrow = lab.model.add_fine_grained_policy("For one", 9, &rules, &[own]).unwrap();
    vec![(own, narrow), (member, wide)]
}

#[tokio::test]
async fn over_ldaps() {
    run(&Lab::small().await, LdapSecurity::Ldaps).await;
}

#[tokio::test]
async fn over_start_tls() {
    run(&Lab::small().await, LdapSecurity::StartTls).await;
}

#[tokio::test]
async fn with_several_domain_controllers_and_a_delay_between_them() {
    let delay = std::time::Duration::from_secs(3);
    let forest =
        LabForest::builder().users(30).controllers(2).read_only_controllers(1).replication_delay(delay);
    run(&Lab::start(forest).await, LdapSecurity::Ldaps).await;
}
