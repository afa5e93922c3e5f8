//! A forest of several domains, each with domain controllers of its own.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use onramp_core::conformance::{self, ForestFixture, PollTimeout};
use onramp_core::forest::{
    AttributeChange, AttributeValue, ForestUser, ObjectChange, ObjectChanged, SuffixesExt, UpnChange,
    UpnOwner, UserQuery,
};
use onramp_core::{AttributeName, DistinguishedName, DomainName, ErrorKind, Upn, UpnSuffix};
use onramp_lab::forest::{LabDomain, LabForest, LabForestBuilder};

use crate::lab::Lab;

const CHILD: &str = "DC=emea,DC=corp,DC=local";
const TREE: &str = "DC=tree,DC=example";

fn forest() -> LabForestBuilder {
    let emea = LabDomain::new("emea.corp.local").users(30).controllers(2).read_only_controllers(1);
    let tree = LabDomain::new("tree.example").users(20).global_catalogs(0);
    LabForest::builder().users(40).seed(5).add_domain(emea).add_domain(tree)
}

/// A forest in which a change stays on its domain controller until the clock moves.
fn slow_forest() -> LabForestBuilder {
    forest().replication_delay(Duration::from_secs(3600))
}

fn dn(text: &str) -> DistinguishedName {
    DistinguishedName::parse(text).unwrap()
}

/// An ordinary user of a domain.
async fn user_of(lab: &Lab, domain: &str) -> ForestUser {
    let users = lab.model.forest().users.search(UserQuery::below(dn(domain)));
    let users: Vec<ForestUser> = users.try_collect().await.unwrap();
    users.into_iter().find(|user| user.upn.is_some() && !user.is_critical).unwrap()
}

fn renamed(user: &ForestUser, upn: &str) -> UpnChange {
    UpnChange {
        guid: user.guid,
        dn: user.dn.clone(),
        before: user.upn.clone(),
        after: Upn::parse(upn).unwrap(),
    }
}

fn upn_on(lab: &Lab, host: &str, user: &ForestUser) -> String {
    lab.model.values_on(host, &user.guid, "userPrincipalName").unwrap().remove(0)
}

#[tokio::test]
async fn the_contract_holds_in_every_domain() {
    let lab = Lab::start(forest()).await;
    let client = lab.connect().await;
    for domain in [CHILD, TREE] {
        let users = client.forest().users.search(UserQuery::below(dn(domain)));
        let users: Vec<ForestUser> = users.try_collect().await.unwrap();
        let named = users.iter().filter(|user| user.upn.is_some() && !user.is_critical);
        let guids = named.map(|user| user.guid).take(4).collect();
        let fixture = ForestFixture::new("lab", guids, PollTimeout::new(lab.clock.clone()));
        conformance::forest::run(&client.forest(), &fixture).await;
    }
}

#[tokio::test]
async fn each_domain_is_read_from_and_written_to_on_its_own_controller() {
    let lab = Lab::start(slow_forest()).await;
    let client = lab.connect().await;
    let names: Vec<String> =
        client.domains().await.unwrap().into_iter().map(|domain| domain.dns_name.to_string()).collect();
    assert_eq!(names.len(), 3, "{names:?}");
    let users: Vec<ForestUser> = client.forest().users.search(UserQuery::all()).try_collect().await.unwrap();
    let model: Vec<ForestUser> =
        lab.model.forest().users.search(UserQuery::all()).try_collect().await.unwrap();
    let guids = |users: &[ForestUser]| users.iter().map(|user| user.guid).collect::<HashSet<_>>();
    assert_eq!(guids(&users), guids(&model));
    for (domain, host) in [(CHILD, "dc1.emea.corp.local"), (TREE, "dc1.tree.example")] {
        let user = user_of(&lab, domain).await;
        let change = renamed(&user, "anna.new@corp.local");
        assert_eq!(
            client.forest().object_writer.change(&(&change).into()).await.unwrap(),
            ObjectChanged::Changed
        );
        assert_eq!(upn_on(&lab, host, &user), "anna.new@corp.local");
        assert_ne!(upn_on(&lab, "dc1.corp.local", &user), "anna.new@corp.local", "it was written elsewhere");
        let back =
            renamed(&client.forest().users.get(&user.guid).await.unwrap(), user.upn.as_deref().unwrap());
        assert_eq!(
            client.forest().object_writer.change(&(&back).into()).await.unwrap(),
            ObjectChanged::Changed
        );
    }
}

#[tokio::test]
async fn names_are_gathered_from_a_global_catalog() {
    let lab = Lab::start(forest()).await;
    let holders: Vec<UpnOwner> = lab.connect().await.forest().users.upn_owners().try_collect().await.unwrap();
    let model: Vec<UpnOwner> = lab.model.forest().users.upn_owners().try_collect().await.unwrap();
    let table = |holders: Vec<UpnOwner>| -> BTreeMap<String, Option<String>> {
        holders.into_iter().map(|holder| (holder.dn.to_string(), holder.upn)).collect()
    };
    assert_eq!(table(holders), table(model));
}

#[tokio::test]
async fn without_a_global_catalog_nobody_claims_to_know_every_name() {
    let lab = Lab::start(forest().global_catalogs(0)).await;
    for host in ["dc1.emea.corp.local", "dc2.emea.corp.local", "dc3.emea.corp.local"] {
        lab.model.stop_controller(host).unwrap();
    }
    let holders = lab.connect().await.forest().users.upn_owners();
    let error = holders.try_collect::<Vec<_>>().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains("global catalog"), "{error}");
    assert!(error.to_string().contains("dc1.emea.corp.local"), "{error}");
}

#[tokio::test]
async fn who_begins_at_a_read_only_controller_writes_to_a_writable_one() {
    let lab = Lab::start(slow_forest()).await;
    let client = lab.builder_at("dc3.emea.corp.local").connect().await.unwrap();
    let user = user_of(&lab, CHILD).await;
    let change = renamed(&user, "anna.new@corp.local");
    assert_eq!(
        client.forest().object_writer.change(&(&change).into()).await.unwrap(),
        ObjectChanged::Changed
    );
    assert_eq!(upn_on(&lab, "dc1.emea.corp.local", &user), "anna.new@corp.local");
    client.forest().suffixes.add(&"contoso.com".parse::<DomainName>().unwrap()).await.unwrap();
    assert_eq!(client.forest().suffixes.list().await.unwrap().len(), 4);
}

#[tokio::test]
async fn the_pdc_emulator_takes_the_changes_of_a_domain() {
    let lab = Lab::start(slow_forest()).await;
    let head = lab.model.find(&dn(CHILD)).unwrap();
    let sites = "CN=Servers,CN=Default-First-Site-Name,CN=Sites,CN=Configuration,DC=corp,DC=local";
    let second = format!("CN=NTDS Settings,CN=EMEA-DC2,{sites}");
    lab.model.set_on("dc1.emea.corp.local", &head, "fSMORoleOwner", &[&second]).unwrap();
    let client = lab.connect().await;
    let user = user_of(&lab, CHILD).await;
    client.forest().object_writer.change(&renamed(&user, "anna.new@corp.local").into()).await.unwrap();
    assert_eq!(upn_on(&lab, "dc2.emea.corp.local", &user), "anna.new@corp.local");
    assert_ne!(upn_on(&lab, "dc1.emea.corp.local", &user), "anna.new@corp.local");
}

#[tokio::test]
async fn a_upn_that_another_domain_has_is_refused_and_its_holder_named() {
    let lab = Lab::start(forest()).await;
    let client = lab.connect().await;
    let (here, there) = (user_of(&lab, CHILD).await, user_of(&lab, TREE).await);
    let change = renamed(&here, there.upn.as_deref().unwrap());
    let error = client.forest().object_writer.change(&(&change).into()).await.unwrap_err();
    assert!(error.is_already_exists(), "{error}");
}

#[tokio::test]
async fn a_suffix_is_in_use_wherever_in_the_forest_somebody_has_it() {
    let lab = Lab::start(forest()).await;
    let forest = lab.connect().await.forest();
    forest.suffixes.add(&"contoso.com".parse::<DomainName>().unwrap()).await.unwrap();
    for domain in [CHILD, TREE] {
        let user = user_of(&lab, domain).await;
        let upn = format!("anna{}@Contoso.com", user.guid);
        forest.object_writer.change(&renamed(&user, &upn).into()).await.unwrap();
    }
    let unit = dn("OU=Staff,DC=emea,DC=corp,DC=local");
    let guid = lab.model.find(&unit).unwrap();
    lab.model.set_on("dc1.emea.corp.local", &guid, "uPNSuffixes", &["contoso.com"]).unwrap();
    let usage = forest.suffixes.usage(&UpnSuffix::parse("CONTOSO.com").unwrap()).await.unwrap();
    assert_eq!((usage.principals, usage.units.as_slice()), (2, [unit].as_slice()));
    let error = forest.suffixes.remove(&UpnSuffix::parse("contoso.com").unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InUse);
}

#[tokio::test]
async fn a_survey_tells_who_is_there_and_what_each_can_do() {
    let lab = Lab::start(forest()).await;
    lab.model.stop_controller("dc2.emea.corp.local").unwrap();
    let survey = lab.connect().await.survey_controllers().await.unwrap();
    let told: BTreeMap<&str, (bool, bool, bool)> = survey
        .iter()
        .map(|status| {
            let controller = &status.controller;
            (
                controller.host.as_str(),
                (status.is_online(), status.takes_changes(), controller.is_global_catalog),
            )
        })
        .collect();
    let expected = BTreeMap::from([
        ("dc1.corp.local", (true, true, true)),
        ("dc1.emea.corp.local", (true, true, true)),
        ("dc2.emea.corp.local", (false, false, true)),
        ("dc3.emea.corp.local", (true, false, true)),
        ("dc1.tree.example", (true, true, false)),
    ]);
    assert_eq!(told, expected);
    let offline = survey.iter().find(|status| !status.is_online()).unwrap();
    let why = offline.answer.as_ref().unwrap_err();
    assert_eq!(why.kind(), ErrorKind::Unavailable);
    let read_only = survey.iter().find(|status| status.controller.is_read_only).unwrap();
    assert!(read_only.answer.as_ref().unwrap().is_read_only, "it says so itself");
}

#[tokio::test]
async fn an_object_at_the_head_of_a_domain_goes_to_its_own_domain_in_a_stream_too() {
    let lab = Lab::start(slow_forest()).await;
    let forest = lab.builder().max_in_flight(1).connect().await.unwrap().forest();
    let described = |dn: &DistinguishedName, text: &str| {
        let guid = lab.model.find(dn).unwrap();
        let text = Some(AttributeValue::text(text));
        let description = AttributeName::from_static("description");
        ObjectChange::new(guid, dn.clone()).with(AttributeChange::replace(description, None, text))
    };
    // Both stand right below the head of the first domain; the second one is the head of another domain.
    let (users, child) = (lab.model.base().child("CN", "Users"), dn(CHILD));
    let changes = vec![described(&users, "one"), described(&child, "two")];
    let outcomes: Vec<_> = forest.object_writer.change_all(stream::iter(changes).boxed()).collect().await;
    for outcome in &outcomes {
        assert_eq!(*outcome.result.as_ref().unwrap(), ObjectChanged::Changed, "{outcome:?}");
    }
    let guid = lab.model.find(&child).unwrap();
    let held = lab.model.values_on("dc1.emea.corp.local", &guid, "description").unwrap();
    assert_eq!(held, ["two"]);
}
