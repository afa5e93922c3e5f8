//! The model itself: the same from the same seed.

use futures_util::TryStreamExt;
use onramp_core::forest::{ForestUser, UserQuery};
use onramp_lab::forest::LabForest;

async fn users(seed: u64) -> Vec<ForestUser> {
    let lab = LabForest::builder().users(300).seed(seed).build().expect("a forest");
    lab.forest().users.search(UserQuery::all()).try_collect().await.expect("all users")
}

#[tokio::test]
async fn the_same_seed_gives_the_same_forest() {
    assert_eq!(users(7).await, users(7).await);
    assert_ne!(users(7).await, users(8).await);
}

#[tokio::test]
async fn the_accounts_that_every_domain_has_are_there() {
    let users = users(1).await;
    for (name, rid) in [("Administrator", 500), ("Guest", 501), ("krbtgt", 502)] {
        let user = users.iter().find(|user| user.sam_account_name == name).expect(name);
        assert_eq!(user.sid.as_ref().and_then(|sid| sid.rid()), Some(rid));
        assert!(user.is_critical, "{name}");
        assert_eq!(user.is_enabled(), name == "Administrator");
    }
}

#[tokio::test]
async fn a_domain_may_have_a_name_that_is_no_host_name() {
    let lab = LabForest::builder().domain("corp_ad.local").users(5).build().expect("a forest");
    assert_eq!(lab.controllers(), ["dc1.corp_ad.local"]);
    assert_eq!(lab.base().as_str(), "DC=corp_ad,DC=local");
    let users: Vec<_> = lab.forest().users.search(UserQuery::all()).try_collect().await.expect("all users");
    assert!(users.iter().all(|user| user.dn.as_str().ends_with(",DC=corp_ad,DC=local")));
    assert!(users.iter().any(|user| user.upn.as_deref().is_some_and(|upn| upn.ends_with("@corp_ad.local"))));
}

#[test]
fn a_forest_needs_a_domain_and_a_controller() {
    assert!(LabForest::builder().domain("not a domain").build().is_err());
    assert!(LabForest::builder().controllers(0).build().is_err());
}

#[test]
fn passwords_do_not_show() {
    let lab = LabForest::builder().users(1).build().expect("a forest");
    let login = lab.administrator();
    let shown = format!("{lab:?} {login:?}");
    assert!(!shown.contains(login.password.expose()), "{shown}");
}
