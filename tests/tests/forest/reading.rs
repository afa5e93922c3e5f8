//! Reads of a real forest: every object once, in spite of faults of the controller or the connection.

use std::collections::BTreeSet;

use futures_util::{StreamExt, TryStreamExt};
use onramp_core::forest::{ForestObject, ObjectQuery};
use onramp_core::{AttributeName, LdapFilter, ObjectGuid};
use onramp_samba::{Forest, Scope};

use crate::crowd::crowd;
use crate::relay::Relay;
use crate::shared::{client, forest, run};

const NAME: AttributeName = AttributeName::from_static("sAMAccountName");
const PEOPLE: &str = "(&(objectCategory=person)(objectClass=user))";
const PAGE: u32 = 50;

#[test]
#[ignore = "needs root and Samba AD"]
fn every_object_has_a_number_of_its_own() {
    let forest = forest();
    crowd(&forest, 600);
    let filter = "(uSNCreated=*)";
    let entries = forest.ldapsearch(0, forest.base_dn(), Scope::Subtree, filter, &["uSNCreated"]).unwrap();
    let numbers: BTreeSet<_> =
        entries.iter().map(|entry| entry.text("uSNCreated").unwrap().to_owned()).collect();
    assert!(entries.len() > 600);
    assert_eq!(numbers.len(), entries.len(), "a search that goes on after a loss relies on it");
}

#[test]
#[ignore = "needs root and Samba AD"]
fn a_search_goes_on_when_its_controller_is_killed_and_started_again() {
    let forest = forest();
    let expected = people(&forest, 1);
    run(async {
        let objects = client(&forest, 1).page_size(PAGE).build().unwrap().forest().objects;
        let mut found = objects.search(query());
        let mut seen: Vec<ForestObject> = Vec::new();
        while let Some(object) = found.next().await {
            seen.push(object.unwrap());
            if seen.len() == 120 {
                forest.stop_controller(1).unwrap();
                forest.start_controller(1).unwrap();
            }
        }
        each_once(&seen, &expected);
    });
}

#[test]
#[ignore = "needs root and Samba AD"]
fn a_search_goes_on_when_its_connection_is_cut_in_the_middle_of_a_page() {
    let forest = forest();
    let expected = people(&forest, 0);
    run(async {
        let controller = &forest.controllers()[0];
        let relay = Relay::cutting(3, 50_000, controller.ldaps()).await;
        let cut = client(&forest, 0).page_size(PAGE).address(controller.fqdn(), relay.address());
        let objects = cut.build().unwrap().forest().objects;
        let seen: Vec<ForestObject> = objects.search(query()).try_collect().await.unwrap();
        assert_eq!(relay.opened(), 4, "three were cut and the fourth was not");
        each_once(&seen, &expected);
    });
}

fn query() -> ObjectQuery {
    ObjectQuery::all([NAME]).with_filter(LdapFilter::parse(PEOPLE).unwrap())
}

/// Returns all users, as the independent client reads them from a controller; many more than a page.
fn people(forest: &Forest, index: usize) -> BTreeSet<ObjectGuid> {
    crowd(forest, 600);
    if index != 0 {
        forest.replicate(0, index, forest.base_dn()).unwrap();
    }
    let found = forest.ldapsearch(index, forest.base_dn(), Scope::Subtree, PEOPLE, &["objectGUID"]).unwrap();
    let guids: BTreeSet<_> = found
        .iter()
        .map(|entry| ObjectGuid::from_slice(entry.bytes("objectGUID").unwrap()).unwrap())
        .collect();
    assert!(guids.len() > 600);
    guids
}

fn each_once(seen: &[ForestObject], expected: &BTreeSet<ObjectGuid>) {
    let guids: BTreeSet<ObjectGuid> = seen.iter().map(|object| object.guid).collect();
    assert_eq!(guids.len(), seen.len(), "none comes twice");
    assert_eq!(&guids, expected, "and none is lost");
}
