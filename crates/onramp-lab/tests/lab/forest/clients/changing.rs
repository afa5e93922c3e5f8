//! Which changes are made, and with which code the others are refused.

use std::collections::HashSet;

use ldap3::{Mod, Scope, SearchEntry};
use onramp_lab::forest::LabForest;
use onramp_lab::tls::LabCa;

use super::{BASE, Served, change_upn, find, one, served};

const PARTITIONS: &str = "CN=Partitions,CN=Configuration,DC=corp,DC=local";

#[tokio::test]
async fn a_upn_is_swapped_only_from_its_old_value() {
    let served = served(100).await;
    let mut ldap = served.administrator().await;
    let entries = find(
        &mut ldap,
        &format!("OU=Staff,{BASE}"),
        Scope::Subtree,
        "(userPrincipalName=*)",
        &["userPrincipalName"],
    )
    .await;
    let upn = |entry: &SearchEntry| entry.attrs["userPrincipalName"][0].clone();
    let (first, second) = (&entries[0], &entries[1]);
    let (old, other) = (upn(first), upn(second));

    let result = change_upn(&mut ldap, &first.dn, &old.to_uppercase(), "new@example.com").await;
    assert_eq!(result.rc, 0, "case does not matter: {result:?}");
    let result = change_upn(&mut ldap, &first.dn, &old, "newer@example.com").await;
    assert_eq!(result.rc, 16, "stale: {result:?}");
    let result = change_upn(&mut ldap, &first.dn, "new@example.com", &other.to_uppercase()).await;
    assert_eq!(result.rc, 19, "taken: {result:?}");
    assert!(result.text.starts_with("0000202F"), "{result:?}");
    let result = change_upn(&mut ldap, &first.dn, "new@example.com", "administrator@corp.local").await;
    assert_eq!(result.rc, 68, "implied by somebody's account name: {result:?}");
    let add = |value: &'static str| vec![Mod::Add("userPrincipalName", HashSet::from([value]))];
    let result = ldap.modify(&first.dn, add("second@example.com")).await.expect("an answer");
    assert_eq!(result.rc, 20, "single-valued: {result:?}");
    let result = ldap
        .modify(&first.dn, vec![Mod::Replace("userPrincipalName", HashSet::from(["a@b", "c@d"]))])
        .await
        .expect("an answer");
    assert_eq!(result.rc, 19, "two values: {result:?}");
    let result = ldap
        .modify(&first.dn, vec![Mod::Replace("userPrincipalName", HashSet::from([""]))])
        .await
        .expect("an answer");
    assert_eq!(result.rc, 21, "empty: {result:?}");
    let long = "x".repeat(1025);
    let result = ldap
        .modify(&first.dn, vec![Mod::Replace("userPrincipalName", HashSet::from([long.as_str()]))])
        .await
        .expect("an answer");
    assert_eq!(result.rc, 21, "too long: {result:?}");
    let result = change_upn(&mut ldap, &format!("CN=Nobody,{BASE}"), "a@b", "c@d").await;
    assert_eq!(result.rc, 32, "{result:?}");
    let result = ldap
        .modify("CN=Domain Users,CN=Users,DC=corp,DC=local", add("group@example.com"))
        .await
        .expect("an answer");
    assert_eq!(result.rc, 65, "groups have none: {result:?}");
    for odd in ["no at", "two@at@s", "@x", "Ünïcode@ö"] {
        let result = ldap
            .modify(&first.dn, vec![Mod::Replace("userPrincipalName", HashSet::from([odd]))])
            .await
            .expect("an answer");
        assert_eq!(result.rc, 0, "the syntax is nobody's business: {odd}: {result:?}");
    }
    let none: HashSet<&str> = HashSet::new();
    for rc in [0, 16] {
        let result = ldap
            .modify(&first.dn, vec![Mod::Delete("userPrincipalName", none.clone())])
            .await
            .expect("an answer");
        assert_eq!(result.rc, rc, "{result:?}");
    }
    assert_eq!(ldap.modify(&first.dn, add("again@example.com")).await.expect("an answer").rc, 0);
}

#[tokio::test]
async fn suffixes_are_taken_as_they_come() {
    let served = served(10).await;
    let mut ldap = served.administrator().await;
    let mut change = async |operation: fn(&'static str, HashSet<&'static str>) -> Mod<&'static str>,
                            value| {
        ldap.modify(PARTITIONS, vec![operation("uPNSuffixes", HashSet::from([value]))])
            .await
            .expect("an answer")
            .rc
    };
    assert_eq!(change(Mod::Add, "example.com").await, 0);
    assert_eq!(change(Mod::Add, "example.com").await, 20);
    assert_eq!(change(Mod::Add, "EXAMPLE.com").await, 0, "another spelling is another value");
    assert_eq!(change(Mod::Delete, "Example.Com").await, 0);
    assert_eq!(change(Mod::Delete, "example.COM").await, 0);
    assert_eq!(change(Mod::Delete, "example.com").await, 16);
    assert_eq!(change(Mod::Add, "not a domain.").await, 0);
    let result =
        ldap.modify("CN=Users,DC=corp,DC=local", vec![Mod::Add("uPNSuffixes", HashSet::from(["x.example"]))]);
    assert_eq!(result.await.expect("an answer").rc, 65, "containers have none");
}

#[tokio::test]
async fn plain_users_read_and_get_50_for_writes() {
    let served = served(50).await;
    let mut ldap = served.bound(0, &served.lab.plain_user().expect("a user")).await;
    let dn = served.user();
    one(find(&mut ldap, &dn, Scope::Base, "(objectClass=*)", &["cn"]).await);
    let result = change_upn(&mut ldap, &dn, "stale@corp.local", "new@example.com").await;
    assert_eq!(result.rc, 50, "{result:?}");
    assert!(result.text.starts_with("00002098"), "{result:?}");
}

#[tokio::test]
async fn a_read_only_controller_refers_writers() {
    let lab =
        LabForest::builder().users(10).controllers(1).read_only_controllers(1).build().expect("a forest");
    let ca = LabCa::new().expect("an authority");
    let servers = lab.serve(&ca).await.expect("servers");
    let served = Served { lab, ca, servers };
    let mut ldap = served.bound(1, &served.lab.administrator()).await;
    let result = change_upn(&mut ldap, &served.user(), "a@b", "c@d").await;
    assert_eq!(result.rc, 10, "{result:?}");
    assert_eq!(result.refs.len(), 1, "{result:?}");
}
