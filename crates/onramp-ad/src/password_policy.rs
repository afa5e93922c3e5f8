//! Password policies, from the attributes of each domain's head ([MS-ADTS] 6.1.1.2.1.2 and [MS-SAMR] 3.1.1.4).

use std::time::Duration;

use async_trait::async_trait;
use onramp_core::forest::{DomainPasswordPolicy, Lockout, PasswordPolicies, PasswordRules};
use onramp_core::{DomainName, Error, ErrorKind, Result};

use crate::client::ForestClient;
use crate::entry::Entry;
use crate::search::Search;

const ATTRIBUTES: &[&str] = &[
    "minPwdLength",
    "pwdHistoryLength",
    "pwdProperties",
    "maxPwdAge",
    "minPwdAge",
    "lockoutThreshold",
    "lockoutDuration",
    "lockOutObservationWindow",
];
/// `pwdProperties`: DOMAIN_PASSWORD_COMPLEX.
const COMPLEX: u32 = 1;
/// `pwdProperties`: DOMAIN_PASSWORD_STORE_CLEARTEXT.
const REVERSIBLE: u32 = 16;
/// Times are in units of 100 ns, counted below zero.
const UNITS_PER_SECOND: u64 = 10_000_000;

/// [`PasswordPolicies`] of the directory.
#[derive(Debug)]
pub(crate) struct DirectoryPasswordPolicies(pub(crate) ForestClient);

#[async_trait]
impl PasswordPolicies for DirectoryPasswordPolicies {
    async fn domain_policies(&self) -> Result<Vec<DomainPasswordPolicy>> {
        const ACTION: &str = "read the password policy of";
        let mut policies = Vec::new();
        for domain in self.0.domains().await? {
            let server = self.0.server_of(&domain.naming_context).await?;
            let found = server.read(Search::object(domain.naming_context.as_str(), ATTRIBUTES)).await;
            let entry = found.map_err(|fault| fault.during(ACTION).object(&domain.dns_name))?;
            let policy = entry.and_then(|entry| policy(&entry, domain.dns_name.clone()));
            policies.push(policy.ok_or_else(|| {
                Error::new(ErrorKind::Forbidden, ACTION)
                    .object(&domain.dns_name)
                    .detail("its attributes are not visible to this account")
                    .hint("Sign in with an account of the forest.")
            })?);
        }
        Ok(policies)
    }
}

/// `None` unless every attribute is there: a policy that is guessed would be worse than none.
fn policy(entry: &Entry, domain: DomainName) -> Option<DomainPasswordPolicy> {
    let mut rules = PasswordRules::windows_default();
    let properties = entry.flags("pwdProperties")?;
    rules.min_length = entry.flags("minPwdLength")?;
    rules.history_length = entry.flags("pwdHistoryLength")?;
    rules.complexity = properties & COMPLEX != 0;
    rules.reversible_encryption = properties & REVERSIBLE != 0;
    rules.max_age = age(entry.integer("maxPwdAge")?);
    rules.min_age = age(entry.integer("minPwdAge")?).unwrap_or_default();
    let window = age(entry.integer("lockOutObservationWindow")?);
    let duration = age(entry.integer("lockoutDuration")?);
    rules.lockout = lockout(entry.flags("lockoutThreshold")?, window, duration);
    Some(DomainPasswordPolicy::new(domain, rules))
}

/// A threshold of zero is no lock-out.
fn lockout(threshold: u32, window: Option<Duration>, duration: Option<Duration>) -> Option<Lockout> {
    (threshold > 0).then_some(Lockout { threshold, window, duration })
}

/// A length of time; zero and the least number there is both stand for none.
fn age(value: i64) -> Option<Duration> {
    if value == 0 || value == i64::MIN {
        return None;
    }
    let units = value.unsigned_abs();
    let nanoseconds = u32::try_from(units % UNITS_PER_SECOND * 100).unwrap_or_default();
    Some(Duration::new(units / UNITS_PER_SECOND, nanoseconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_counted_in_hundreds_of_nanoseconds_below_zero() {
        assert_eq!(age(-36_288_000_000_000), Some(Duration::from_secs(42 * 86_400)));
        assert_eq!(age(-5), Some(Duration::from_nanos(500)));
        assert_eq!(age(0), None);
        assert_eq!(age(i64::MIN), None);
        assert_eq!(age(i64::MIN + 1).map(|age| age.as_secs()), Some(922_337_203_685));
    }
}
