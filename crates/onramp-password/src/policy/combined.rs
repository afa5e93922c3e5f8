//! Policies as plain data: what each target demands, and which targets count.

use alloc::string::String;

use serde::{Deserialize, Serialize};

use super::ad::AdPolicy;
use super::custom::CustomPolicy;
use super::entra::EntraPolicy;
use super::nist::NistPolicy;
use crate::lithnet::LithnetPolicy;
use crate::protection::ProtectionPolicy;
use crate::target::Target;

/// Everything a password has to satisfy. A part that is `None` demands nothing.
///
/// It is plain data: TOML, JSON or whatever serde reads. A key that no policy has is refused with its name.
///
/// ```
/// # use onramp_password::Policy;
/// let policy: Policy = serde_json::from_str(r#"{ "cloud": {}, "nist": { "factor": "with_mfa" } }"#)?;
/// assert_eq!(policy.cloud.map(|cloud| cloud.min_length), Some(8));
///
/// let refused = serde_json::from_str::<Policy>(r#"{ "cloud": { "minimum": 8 } }"#).unwrap_err();
/// assert!(refused.to_string().contains("unknown field `minimum`"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Policy {
    /// The requirements of the domain controllers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_premises: Option<AdPolicy>,
    /// The requirements of Entra for a cloud password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cloud: Option<EntraPolicy>,
    /// The banned words of Entra Password Protection: its lists, not one of your own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protection: Option<ProtectionPolicy>,
    /// The requirements of NIST SP 800-63B-4.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nist: Option<NistPolicy>,
    /// The requirements of Lithnet Password Protection on the domain controllers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lithnet: Option<LithnetPolicy>,
    /// The organization's own rules.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom: Option<CustomPolicy>,
}

impl Policy {
    /// Creates a policy that demands nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Both directories with their default settings, and Entra Password Protection with an empty list (names are
    /// still looked for, and the score still has to be reached).
    #[must_use]
    pub fn hybrid() -> Self {
        Self::new()
            .with_on_premises(AdPolicy::default())
            .with_cloud(EntraPolicy::default())
            .with_protection(ProtectionPolicy::default())
    }

    /// Returns the policy with these demands of the domain controllers.
    #[must_use]
    pub fn with_on_premises(mut self, policy: AdPolicy) -> Self {
        self.on_premises = Some(policy);
        self
    }

    /// Returns the policy with these demands of Entra.
    #[must_use]
    pub fn with_cloud(mut self, policy: EntraPolicy) -> Self {
        self.cloud = Some(policy);
        self
    }

    /// Returns the policy with these banned words.
    #[must_use]
    pub fn with_protection(mut self, policy: ProtectionPolicy) -> Self {
        self.protection = Some(policy);
        self
    }

    /// Returns the policy with these demands of NIST.
    #[must_use]
    pub fn with_nist(mut self, policy: NistPolicy) -> Self {
        self.nist = Some(policy);
        self
    }

    /// Returns the policy with these demands of Lithnet Password Protection.
    #[must_use]
    pub fn with_lithnet(mut self, policy: LithnetPolicy) -> Self {
        self.lithnet = Some(policy);
        self
    }

    /// Returns the policy with more words that no password may contain: a banned list of your own goes here, and only
    /// here.
    ///
    /// They become [`CustomPolicy::words`], a demand of [`Target::Custom`]. [`ProtectionPolicy::banned`] is for what Entra
    /// itself bans, and [`Context::words`](crate::check::Context::words) for the words of one account.
    #[must_use]
    pub fn with_own_banned_list<I: IntoIterator<Item = S>, S: Into<String>>(mut self, words: I) -> Self {
        self.custom.get_or_insert_with(CustomPolicy::default).words.extend(words.into_iter().map(Into::into));
        self
    }

    /// Returns the policy with these rules of your own.
    #[must_use]
    pub fn with_custom(mut self, policy: CustomPolicy) -> Self {
        self.custom = Some(policy);
        self
    }

    /// This policy and another: the parts that the other has replace those of this one.
    #[must_use]
    pub fn overridden_by(self, other: Self) -> Self {
        Self {
            on_premises: other.on_premises.or(self.on_premises),
            cloud: other.cloud.or(self.cloud),
            protection: other.protection.or(self.protection),
            nist: other.nist.or(self.nist),
            lithnet: other.lithnet.or(self.lithnet),
            custom: other.custom.or(self.custom),
        }
    }

    /// Returns the targets that have requirements, in order.
    pub fn targets(&self) -> impl Iterator<Item = Target> {
        let protects = |target| {
            self.protection.as_ref().is_some_and(|protection| protection.targets().any(|one| one == target))
        };
        let demands = [
            (self.on_premises.is_some() || protects(Target::OnPremises), Target::OnPremises),
            (self.cloud.is_some() || protects(Target::Cloud), Target::Cloud),
            (self.nist.is_some(), Target::Nist),
            (self.lithnet.is_some(), Target::Lithnet),
            (self.custom.is_some(), Target::Custom),
        ];
        demands.into_iter().filter(|&(demands, _)| demands).map(|(_, target)| target)
    }
}
