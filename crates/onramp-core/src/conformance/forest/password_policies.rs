//! The suite of [`PasswordPolicies`].

use std::collections::BTreeSet;

use super::nobody::NOBODY;
use crate::conformance::{ForestFixture, done, expect_kind};
use crate::forest::{EffectivePasswordPolicy, PasswordPolicies, SuffixOrigin, Suffixes};
use crate::{DomainName, ErrorKind, UpnSuffix};

/// Everything that [`PasswordPolicies`] promises. The suffixes' port tells which domains there are.
pub async fn run(port: &dyn PasswordPolicies, suffixes: &dyn Suffixes, fixture: &ForestFixture) {
    of_domains(port, suffixes).await;
    of_users(port, fixture).await;
    if let Some(ordinary) = &fixture.ordinary {
        hidden(&**ordinary, fixture).await;
    }
}

async fn of_users(port: &dyn PasswordPolicies, fixture: &ForestFixture) {
    let fine_grained = done(port.fine_grained_policies().await, "reading fine-grained policies");
    for policy in &fine_grained {
        let twins = fine_grained.iter().filter(|other| other.dn == policy.dn).count();
        assert_eq!(twins, 1, "{} is listed once", policy.dn);
    }
    for (user, policy) in &fixture.bound {
        assert!(
            fine_grained.contains(policy),
            "{policy:?} is among the fine-grained policies {fine_grained:?}"
        );
        let effective = done(port.effective(user).await, "reading the policy of a bound user");
        assert_eq!(effective, EffectivePasswordPolicy::FineGrained(policy.clone()), "{user} is bound by it");
    }
    let domains = done(port.domain_policies().await, "reading password policies");
    for user in &fixture.users {
        let effective = done(port.effective(user).await, "reading the policy of a user");
        let of_domain = match &effective {
            EffectivePasswordPolicy::Domain(policy) => domains.contains(policy),
            _ => false,
        };
        assert!(of_domain, "{user}, whom no fine-grained policy binds, has its domain's: {effective}");
    }
    expect_kind(port.effective(&NOBODY).await, ErrorKind::NotFound, "the policy of nobody");
}

/// Checks the answer to an account that may not see fine-grained policies.
async fn hidden(ordinary: &dyn PasswordPolicies, fixture: &ForestFixture) {
    done(ordinary.domain_policies().await, "reading the policies of domains as anybody");
    let refused = ordinary.fine_grained_policies().await;
    expect_kind(refused, ErrorKind::Forbidden, "reading fine-grained policies that are hidden");
    let expected = fixture.bound.iter().map(|(user, policy)| (user, Some(&policy.dn)));
    for (user, policy) in expected.chain(fixture.users.iter().map(|user| (user, None))) {
        let effective = done(ordinary.effective(user).await, "reading a policy that is hidden");
        let EffectivePasswordPolicy::Unknown { named, reason } = effective else {
            panic!("hidden policies are not known: {effective}");
        };
        assert!(named.is_none() || named.as_ref() == policy, "no other policy is named: {named:?}");
        assert!(!reason.is_empty(), "it says why the policy is not known");
    }
}

async fn of_domains(port: &dyn PasswordPolicies, suffixes: &dyn Suffixes) {
    let policies = done(port.domain_policies().await, "reading password policies");
    for policy in &policies {
        let domain = &policy.domain;
        let rules = &policy.rules;
        assert!(rules.min_length <= 255 && rules.history_length <= 1024, "{domain}: {policy:?}");
        let ages_fit = rules.max_age.is_none_or(|longest| rules.min_age <= longest);
        assert!(ages_fit, "{domain}: a password can be changed before it expires: {policy:?}");
    }
    let key = |suffix: &UpnSuffix| {
        DomainName::parse_directory(suffix.as_str()).expect("a domain's name").ascii().to_owned()
    };
    let having: Vec<String> = policies.iter().map(|policy| policy.domain.ascii().to_owned()).collect();
    let all = done(suffixes.list().await, "listing suffixes");
    let domains =
        all.iter().filter(|suffix| suffix.origin == SuffixOrigin::Domain).map(|suffix| key(&suffix.suffix));
    let domains: BTreeSet<String> = domains.collect();
    assert_eq!(having.len(), domains.len(), "one policy for each domain: {policies:?}");
    assert_eq!(BTreeSet::from_iter(having), domains, "and each domain has one");
}
