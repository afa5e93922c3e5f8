//! Password policies whose port breaks a promise.

use async_trait::async_trait;
use onramp_core::forest::{
    DomainPasswordPolicy, EffectivePasswordPolicy, FineGrainedPolicy, PasswordPolicies,
};
use onramp_core::{ObjectGuid, Result};

use super::{Broken, Mutant};

#[async_trait]
impl PasswordPolicies for Mutant {
    async fn domain_policies(&self) -> Result<Vec<DomainPasswordPolicy>> {
        let mut policies = self.sound.password_policies.domain_policies().await?;
        if self.is(Broken::ForgetsADomain) {
            policies.pop();
        }
        Ok(policies)
    }

    async fn fine_grained_policies(&self) -> Result<Vec<FineGrainedPolicy>> {
        match self.sound.password_policies.fine_grained_policies().await {
            Err(_) if self.is(Broken::HidesPolicies) => Ok(Vec::new()),
            other => other,
        }
    }

    async fn effective(&self, user: &ObjectGuid) -> Result<EffectivePasswordPolicy> {
        let effective = self.sound.password_policies.effective(user).await?;
        match &effective {
            EffectivePasswordPolicy::Unknown { .. } if self.is(Broken::TakesTheDomains) => {
                let mut domains = self.sound.password_policies.domain_policies().await?;
                Ok(EffectivePasswordPolicy::Domain(domains.remove(0)))
            }
            EffectivePasswordPolicy::FineGrained(_) if self.is(Broken::TakesTheHighestPrecedence) => {
                let policies = self.sound.password_policies.fine_grained_policies().await?;
                let highest = policies.into_iter().max_by_key(|policy| policy.precedence);
                Ok(EffectivePasswordPolicy::FineGrained(highest.unwrap()))
            }
            _ => Ok(effective),
        }
    }
}
