//! The suites that every implementation of the forest ports must pass.

use onramp_ad::LdapSecurity;
use onramp_core::contract::{self, ForestFixture, Patience};
use onramp_lab::forest::LabForest;

use crate::lab::{Lab, people};

async fn run(lab: &Lab, security: LdapSecurity) {
    let forest = lab.builder_as(&lab.model.administrator(), security).connect().await.unwrap().forest();
    let users = people(forest.users.as_ref(), 4).await.into_iter().map(|user| user.guid).collect();
    let fixture = ForestFixture::new("ad", users, Patience::new(lab.clock.clone()));
    contract::forest::run(&forest, &fixture).await;
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
