//! The suite of [`PasswordPolicies`].

use std::collections::BTreeSet;

use crate::UpnSuffix;
use crate::contract::done;
use crate::forest::{PasswordPolicies, SuffixOrigin, Suffixes};

/// Everything that [`PasswordPolicies`] promises. The suffixes' port tells which domains there are.
pub async fn run(port: &dyn PasswordPolicies, suffixes: &dyn Suffixes) {
    let policies = done(port.domain_policies().await, "reading password policies");
    for policy in &policies {
        let domain = &policy.domain;
        let rules = &policy.rules;
        assert!(rules.min_length <= 255 && rules.history_length <= 1024, "{domain}: {policy:?}");
        let ages_fit = rules.max_age.is_none_or(|longest| rules.min_age <= longest);
        assert!(ages_fit, "{domain}: a password can be changed before it expires: {policy:?}");
    }
    let key = |suffix: &UpnSuffix| suffix.as_str().to_lowercase();
    let having: Vec<String> = policies.iter().map(|policy| key(&UpnSuffix::from(&policy.domain))).collect();
    let all = done(suffixes.list().await, "listing suffixes");
    let domains =
        all.iter().filter(|suffix| suffix.origin == SuffixOrigin::Domain).map(|suffix| key(&suffix.suffix));
    let domains: BTreeSet<String> = domains.collect();
    assert_eq!(having.len(), domains.len(), "one policy for each domain: {policies:?}");
    assert_eq!(BTreeSet::from_iter(having), domains, "and each domain has one");
}
