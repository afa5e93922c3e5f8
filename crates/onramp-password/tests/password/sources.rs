//! Policies from what a forest and a tenant report.

use std::time::Duration;

use onramp_core::forest::PasswordSettings;
use onramp_core::tenant::{OnPremisesProtection, PasswordProtectionSettings};
use onramp_password::{AdPolicy, ProtectionPolicy};

#[test]
fn what_the_forest_port_reads() {
    let mut rules = PasswordSettings::windows_default();
    assert_eq!(AdPolicy::from(&rules), AdPolicy::default());
    rules.min_length = 12;
    rules.max_age = None;
    rules.min_age = Duration::ZERO;
    let expected = AdPolicy::default().with_min_length(12).with_ages(0, None);
    assert_eq!(AdPolicy::from(&rules), expected);
    rules.complexity = false;
    rules.history_length = 3;
    let lax = AdPolicy::from(&rules);
    assert_eq!((lax.complexity, lax.history_length), (false, 3));
    let both = expected.strictest(&AdPolicy::default().with_complexity(false));
    assert_eq!(both, AdPolicy::default().with_min_length(12));
}

#[test]
fn numbers_that_no_directory_holds_are_capped() {
    let mut rules = PasswordSettings::windows_default();
    (rules.min_length, rules.history_length) = (70_000, 70_000);
    let policy = AdPolicy::from(&rules);
    assert_eq!((policy.min_length, policy.history_length), (u16::MAX, u16::MAX));
}

#[test]
fn a_tenants_setting() {
    let mut rules = PasswordProtectionSettings::default();
    rules.custom_terms = vec!["contoso".to_owned(), "blank".to_owned(), "Fabrikam".to_owned()];
    let off = ProtectionPolicy::from(&rules);
    assert!(off.banned.is_empty(), "the list is not switched on");
    assert!(off.in_cloud && !off.on_premises, "an agent that only logs refuses nothing");

    rules.custom_terms_enforced = true;
    rules.on_premises = OnPremisesProtection::Enforce;
    let protection = ProtectionPolicy::from(&rules);
    assert_eq!(protection.banned, ["contoso", "blank", "Fabrikam"]);
    assert!(protection.on_premises && protection.in_cloud);

    rules.on_premises = OnPremisesProtection::Off;
    assert!(!ProtectionPolicy::from(&rules).on_premises);
}
