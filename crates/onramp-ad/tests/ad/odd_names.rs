//! Forests with names that are not host names.

use futures_util::TryStreamExt;
use onramp_core::conformance::{self, ForestFixture, PollTimeout};
use onramp_core::forest::{ReplicatedValue, UpnOwner, UserQuery};
use onramp_core::{DistinguishedName, Upn};
use onramp_lab::forest::{LabDomain, LabForest, LabForestBuilder};

use crate::lab::{Lab, people};

fn forest() -> LabForestBuilder {
    LabForest::builder().domain("corp_ad.local").users(30).controllers(2)
}

#[tokio::test]
async fn the_contract_holds_in_a_forest_with_an_underscore() {
    let lab = Lab::start(forest()).await;
    let forest = lab.connect().await.forest();
    let users = people(&*forest.users, 4).await.into_iter().map(|user| user.guid).collect();
    let fixture = ForestFixture::new("ad", users, PollTimeout::new(lab.clock.clone()));
    conformance::forest::run(&forest, &fixture).await;
}

#[tokio::test]
async fn a_forest_with_an_underscore_is_read_whole() {
    let child = LabDomain::new("emea_1.corp_ad.local").users(10);
    let lab = Lab::start(forest().add_domain(child)).await;
    let client = lab.connect().await;
    let names: Vec<String> =
        client.domains().await.unwrap().into_iter().map(|domain| domain.dns_name.to_string()).collect();
    assert_eq!(names, ["corp_ad.local", "emea_1.corp_ad.local"]);
    let forest = client.forest();
    let controllers = forest.replication.controllers().await.unwrap();
    let hosts: Vec<&str> = controllers.iter().map(|controller| controller.host.as_str()).collect();
    assert_eq!(hosts, ["dc1.corp_ad.local", "dc1.emea_1.corp_ad.local", "dc2.corp_ad.local"]);

    let holders: Vec<UpnOwner> = forest.users.upn_owners().try_collect().await.unwrap();
    assert!(holders.iter().all(|holder| holder.implied_upn().is_some()), "every account implies a UPN");
    for (domain, suffix, served_by) in [
        ("DC=corp_ad,DC=local", "@corp_ad.local", 2),
        ("DC=emea_1,DC=corp_ad,DC=local", "@emea_1.corp_ad.local", 1),
    ] {
        let base = DistinguishedName::parse(domain).unwrap();
        let users: Vec<_> = forest.users.search(UserQuery::below(base)).try_collect().await.unwrap();
        let user = users.into_iter().find(|user| user.upn.is_some()).unwrap();
        let holder = holders.iter().find(|holder| holder.guid == user.guid).unwrap();
        assert!(holder.implied_upn().unwrap().as_str().ends_with(suffix));
        let upn = Upn::parse(user.upn.as_deref().unwrap()).unwrap();
        let value = ReplicatedValue::user_upn(&user, upn);
        let concerned = controllers.iter().filter(|controller| value.concerns(controller)).count();
        assert_eq!(concerned, served_by, "{domain}");
    }
}

#[tokio::test]
async fn one_odd_name_costs_no_other_domain() {
    let lab = Lab::start(LabForest::builder().users(10).add_domain(LabDomain::new("emea.corp.local"))).await;
    let cross_reference = "CN=EMEA,CN=Partitions,CN=Configuration,DC=corp,DC=local";
    let guid = lab.model.find(&DistinguishedName::parse(cross_reference).unwrap()).unwrap();
    lab.model.set_on(lab.host(0), &guid, "dnsRoot", &["emea..corp.local"]).unwrap();
    let domains = lab.connect().await.domains().await.unwrap();
    let names: Vec<&str> = domains.iter().map(|domain| domain.dns_name.as_str()).collect();
    assert_eq!(names, ["corp.local", "emea.corp.local"]);
}
