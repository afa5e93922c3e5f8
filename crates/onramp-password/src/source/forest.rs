//! Policies from what the ports of a forest and of a tenant read.

use onramp_core::forest::{DomainPasswordPolicy, EffectivePasswordPolicy, FineGrainedPolicy, PasswordRules};

use onramp_core::tenant::{OnPremisesProtection, PasswordRules as TenantRules};

use crate::{AdPolicy, NameChecks, TenantPasswordSettings};

impl From<&TenantRules> for TenantPasswordSettings {
    fn from(rules: &TenantRules) -> Self {
        Self {
            custom_list_enabled: rules.custom_terms_enforced,
            custom_list: rules.custom_terms.clone(),
            on_premises_enabled: rules.on_premises != OnPremisesProtection::Off,
            on_premises_enforced: rules.on_premises == OnPremisesProtection::Enforce,
            lockout_threshold: rules.lockout_threshold,
            lockout_seconds: u32::try_from(rules.lockout_duration.as_secs()).unwrap_or(u32::MAX),
        }
    }
}

/// The rules of a domain or of a fine-grained policy. Numbers beyond what a directory can hold are cut off there.
impl From<&PasswordRules> for AdPolicy {
    fn from(rules: &PasswordRules) -> Self {
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

impl From<&DomainPasswordPolicy> for AdPolicy {
    fn from(policy: &DomainPasswordPolicy) -> Self {
        Self::from(&policy.rules)
    }
}

impl From<&FineGrainedPolicy> for AdPolicy {
    fn from(policy: &FineGrainedPolicy) -> Self {
        Self::from(&policy.rules)
    }
}

impl AdPolicy {
    /// The policy that binds a user; `None` when the forest could not tell, which is not the same as no policy.
    #[must_use]
    pub fn effective(policy: &EffectivePasswordPolicy) -> Option<Self> {
        policy.rules().map(Self::from)
    }

    /// What satisfies this policy and another one: for an account whose policy is not known among several.
    #[must_use]
    pub fn strictest(self, other: &Self) -> Self {
        let always = self.name_checks == NameChecks::Always || other.name_checks == NameChecks::Always;
        let max_age = match (self.max_age_seconds, other.max_age_seconds) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        Self {
            min_length: self.min_length.max(other.min_length),
            complexity: self.complexity || other.complexity,
            name_checks: if always { NameChecks::Always } else { NameChecks::WithComplexity },
            history_length: self.history_length.max(other.history_length),
            min_age_seconds: self.min_age_seconds.max(other.min_age_seconds),
            max_age_seconds: max_age,
        }
    }
}
