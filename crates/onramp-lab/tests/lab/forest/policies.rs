//! Fine-grained password policies of the model: which one binds whom, and who may see them.

use std::time::Duration;

use onramp_core::ObjectGuid;
use onramp_core::forest::{EffectivePasswordPolicy, FineGrainedPolicy, Lockout, PasswordSettings};
use onramp_lab::forest::LabForest;

/// Three users: one bound by a policy linked to itself although a group of its has one of lower precedence, one bound by
/// the lower of two policies of its groups, one by the other alone.
pub(crate) fn bound_users(lab: &LabForest) -> Vec<(ObjectGuid, FineGrainedPolicy)> {
    let [direct, both, one] =
        ["Administrator", "Guest", "krbtgt"].map(|name| lab.find_account(name).expect("it exists"));
    let lenient = lab.add_group("Lenient", &[direct, both, one]).expect("a group");
    let strict = lab.add_group("Strict", &[direct, both]).expect("a group");
    let policy = |name: &str, precedence, min_length, links: &[ObjectGuid]| {
        let mut rules = PasswordSettings::windows_default();
        rules.min_length = min_length;
        rules.max_age = None;
        rules.lockout =
            Some(Lockout { threshold: 3, window: Some(Duration::from_secs(600)), duration: None });
        lab.add_fine_grained_policy(name, precedence, &rules, links).expect("a policy")
    };
    let lenient = policy("For Lenient", 5, 8, &[lenient]);
    let strict = policy("For Strict", 2, 16, &[strict]);
    let own = policy("For one", 10, 20, &[direct]);
    vec![(direct, own), (both, strict), (one, lenient)]
}

#[tokio::test]
async fn a_link_to_the_user_comes_first_then_the_lowest_precedence() {
    let lab = LabForest::builder().users(20).seed(7).build().expect("a forest");
    let forest = lab.forest();
    for (user, policy) in bound_users(&lab) {
        let effective = forest.password_policies.effective(&user).await.expect("it is known");
        assert_eq!(effective, EffectivePasswordPolicy::FineGrained(policy));
    }
    let guid = lab.find_account("krbtgt").expect("it exists");
    // Out of the group, the domain's policy binds again.
    let group = lab.find_account("Lenient").expect("it exists");
    lab.set_on("dc1", &group, "member", &[]).expect("changed");
    let effective = forest.password_policies.effective(&guid).await.expect("it is known");
    assert!(matches!(effective, EffectivePasswordPolicy::Domain(_)), "{effective:?}");
}

#[tokio::test]
async fn who_may_not_see_policies_is_told_so() {
    let lab = LabForest::builder().users(20).seed(7).build().expect("a forest");
    let (bound, policy) = bound_users(&lab).remove(0);
    let ordinary = lab.forest_as(&lab.plain_user().expect("one")).expect("signed in").password_policies;
    let effective = ordinary.effective(&bound).await.expect("an answer");
    let EffectivePasswordPolicy::Unknown { named, .. } = effective else { panic!("{effective:?}") };
    assert_eq!(named, Some(policy.dn));
    assert!(ordinary.fine_grained_policies().await.is_err());
}
