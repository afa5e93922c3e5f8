//! Policies from what a forest and a tenant report.

use onramp_core::forest::PasswordSettings;
use onramp_core::tenant::{OnPremisesProtection, PasswordProtectionSettings};

use super::ad::{AdPolicy, NameChecks};
use crate::protection::ProtectionPolicy;

/// The requirements of a domain policy or a fine-grained policy. Numbers beyond what a directory can hold are capped.
impl From<&PasswordSettings> for AdPolicy {
    fn from(rules: &PasswordSettings) -> Self {
        Self {
            min_length: u16::try_from(rules.min_length).unwrap_or(u16::MAX),
            complexity: rules.complexity,
            name_checks: NameChecks::WithComplexity,
            history_length: u16::try_from(rules.history_length).unwrap_or(u16::MAX),
            min_age_seconds: rules.min_age.as_secs(),
            max_age_seconds: rules.max_age.map(|age| age.as_secs()),
        }
    }
}

/// The custom banned list of a tenant, as far as it is enforced. An agent in audit mode accepts every password.
///
/// A banned list of your own does not belong here, but in
/// [`Policy::with_own_banned_list`](super::combined::Policy::with_own_banned_list).
impl From<&PasswordProtectionSettings> for ProtectionPolicy {
    fn from(rules: &PasswordProtectionSettings) -> Self {
        let enforced = rules.custom_terms.iter().filter(|_| rules.custom_terms_enforced).cloned();
        Self::new(enforced).with_on_premises(rules.on_premises == OnPremisesProtection::Enforce)
    }
}
