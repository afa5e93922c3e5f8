//! The suites of the forest's ports, run against the client over Samba, so that the lab and an independent directory
//! pass the same tests.

use std::sync::Arc;

use onramp_ad::LdapSecurity;
use onramp_core::conformance::{self, ForestFixture, PollTimeout};
use onramp_core::{Forest as Ports, SystemClock};
use onramp_samba::Forest;

use crate::crowd::added;
use crate::shared::{client, forest, run};

#[test]
#[ignore = "needs root and Samba AD"]
fn suffixes() {
    let forest = forest();
    let (ports, fixture) = (ports(&forest), fixture(&forest, "suffixes", 1));
    run(conformance::forest::suffixes::run(&*ports.suffixes, &fixture));
    run(conformance::forest::suffixes::run_in_use(&ports, &fixture));
}

#[test]
#[ignore = "needs root and Samba AD"]
fn users() {
    let forest = forest();
    let (ports, fixture) = (ports(&forest), fixture(&forest, "users", 6));
    run(conformance::forest::users::run(&*ports.users, &fixture));
}

#[test]
#[ignore = "needs root and Samba AD"]
fn suffixes_in_use() {
    let forest = forest();
    let (ports, fixture) = (ports(&forest), fixture(&forest, "in-use", 2));
    run(conformance::forest::suffixes::run_in_use(&ports, &fixture));
}

#[test]
#[ignore = "needs root and Samba AD"]
fn objects() {
    let forest = forest();
    let (ports, fixture) = (ports(&forest), fixture(&forest, "objects", 2));
    run(conformance::forest::objects::run(&*ports.objects, &*ports.users, &fixture));
}

#[test]
#[ignore = "needs root and Samba AD"]
fn changes_of_any_attributes() {
    let forest = forest();
    let (ports, fixture) = (ports(&forest), fixture(&forest, "writer", 6));
    run(conformance::forest::object_writer::run(&*ports.object_writer, &*ports.users, &fixture));
}

#[test]
#[ignore = "needs root and Samba AD"]
fn replication() {
    let forest = forest();
    let (ports, fixture) = (ports(&forest), fixture(&forest, "replication", 2));
    run(conformance::forest::replication::run(&ports, &fixture));
}

#[test]
#[ignore = "needs root and Samba AD"]
fn password_policies() {
    let forest = forest();
    let (ports, fixture) = (ports(&forest), fixture(&forest, "policies", 2));
    run(conformance::forest::password_policies::run(&*ports.password_policies, &*ports.suffixes, &fixture));
}

#[test]
#[ignore = "needs root and Samba AD"]
fn every_suite_over_start_tls_on_the_second_controller() {
    let forest = forest();
    let fixture = fixture(&forest, "starttls", 3);
    for context in [forest.base_dn().to_owned(), format!("CN=Configuration,{}", forest.base_dn())] {
        forest.replicate(0, 1, &context).unwrap();
    }
    let builder = client(&forest, 1).security(LdapSecurity::StartTls);
    let builder =
        forest.controllers().iter().fold(builder, |builder, each| builder.address(each.fqdn(), each.ldap()));
    let client = builder.build().unwrap();
    run(conformance::forest::run(&client.forest(), &fixture));
}

fn ports(forest: &Forest) -> Ports {
    client(forest, 0).build().unwrap().forest()
}

fn fixture(forest: &Forest, tag: &str, count: usize) -> ForestFixture {
    let guids = added(forest, count).into_iter().map(|(_, guid)| guid).collect();
    ForestFixture::new(tag, guids, PollTimeout::new(Arc::new(SystemClock::new())))
}
