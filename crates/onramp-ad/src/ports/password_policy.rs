//! [`PasswordPolicies`]: those of domains, from the root object of each ([MS-ADTS] 6.1.1.2.1.2 and [MS-SAMR] 3.1.1.4), and fine-grained ones ([MS-ADTS] 3.1.1.4.5.36 for the one that applies to a user).

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use onramp_core::forest::{
    DomainPasswordPolicy, EffectivePasswordPolicy, FineGrainedPolicy, Lockout, PasswordPolicies,
    PasswordSettings,
};
use onramp_core::{DistinguishedName, DomainName, Error, ErrorKind, ObjectGuid, Result};

use crate::ldap::connection_handle::ConnectionHandle;
use crate::search::entry::Entry;
use crate::search::request::{Search, of_class};
use crate::topology::Topology;
use crate::topology::domains::ForestDomain;

const ATTRIBUTES: &[&str] = &[
    "minPwdLength",
    "pwdHistoryLength",
    "pwdProperties",
    "maxPwdAge",
    "minPwdAge",
    "lockoutThreshold",
    "lockoutDuration",
    "lockOutObservationWindow",
    "msDS-Behavior-Version",
];
const SETTINGS_ATTRIBUTES: &[&str] = &[
    "msDS-PasswordSettingsPrecedence",
    "msDS-MinimumPasswordLength",
    "msDS-PasswordHistoryLength",
    "msDS-PasswordComplexityEnabled",
    "msDS-PasswordReversibleEncryptionEnabled",
    "msDS-MaximumPasswordAge",
    "msDS-MinimumPasswordAge",
    "msDS-LockoutThreshold",
    "msDS-LockoutDuration",
    "msDS-LockoutObservationWindow",
    "msDS-PSOAppliesTo",
];
/// The flag DOMAIN_PASSWORD_COMPLEX of `pwdProperties`.
const COMPLEX: u32 = 1;
/// The flag DOMAIN_PASSWORD_STORE_CLEARTEXT of `pwdProperties`.
const REVERSIBLE: u32 = 16;
/// The lowest functional level of a domain with fine-grained policies: Windows Server 2008.
const FINE_GRAINED_LEVEL: i64 = 3;
/// The units of a time: negative multiples of 100 ns.
const UNITS_PER_SECOND: u64 = 10_000_000;
const ASK: &str =
    "Sign in as an administrator, or let the account read the Password Settings Container of the domain.";

/// [`PasswordPolicies`] over LDAP.
#[derive(Debug)]
pub(crate) struct DirectoryPasswordPolicies(pub(crate) Topology);

#[async_trait]
impl PasswordPolicies for DirectoryPasswordPolicies {
    async fn domain_policies(&self) -> Result<Vec<DomainPasswordPolicy>> {
        let mut policies = Vec::new();
        for domain in self.0.domains().await? {
            let server = self.0.writable_dc(&domain.naming_context).await?;
            policies.push(domain_policy(&server, &domain).await?.0);
        }
        Ok(policies)
    }

    async fn fine_grained_policies(&self) -> Result<Vec<FineGrainedPolicy>> {
        const ACTION: &str = "read the fine-grained password policies of";
        let mut policies = Vec::new();
        for domain in self.0.domains().await? {
            let server = self.0.writable_dc(&domain.naming_context).await?;
            if !domain_policy(&server, &domain).await?.1 {
                continue;
            }
            let hidden = |detail: &str| {
                Error::new(ErrorKind::Forbidden, ACTION)
                    .with_object(&domain.dns_name)
                    .with_detail(detail)
                    .with_hint(ASK)
            };
            if !shows_container(&server, &domain).await? {
                return Err(hidden("they are hidden from this account"));
            }
            let container = container(&domain);
            let filter = of_class("msDS-PasswordSettings");
            let search = Search::children(&container, filter, SETTINGS_ATTRIBUTES);
            let found = server.collect(search).await;
            for entry in found.map_err(|error| error.during(ACTION).with_object(&domain.dns_name))? {
                let policy = fine_grained(&entry)?;
                policies.push(policy.ok_or_else(|| {
                    hidden(&format!("the attributes of {} are hidden from this account", entry.dn))
                })?);
            }
        }
        Ok(policies)
    }

    async fn effective(&self, user: &ObjectGuid) -> Result<EffectivePasswordPolicy> {
        const ACTION: &str = "read the password policy of";
        // The attribute is constructed: it must be requested by name, on a domain controller of the user's
        // own domain.
        let search = Search::object(user, &["msDS-ResultantPSO"]).matching(of_class("user"));
        for domain in self.0.domains().await? {
            let server = self.0.writable_dc(&domain.naming_context).await?;
            let found = server.read(search.clone()).await;
            let Some(entry) = found.map_err(|error| error.during(ACTION).with_object(user))? else {
                continue;
            };
            let dn = DistinguishedName::parse(&entry.dn)?;
            if dn.domain_context().as_ref() != Some(&domain.naming_context) {
                // A domain controller that is a global catalog may answer for other domains too.
                continue;
            }
            return match entry.text("msDS-ResultantPSO") {
                Some(policy) => resultant(&server, DistinguishedName::parse(&policy)?).await,
                None => without_resultant(&server, &domain).await,
            };
        }
        Err(Error::new(ErrorKind::NotFound, ACTION)
            .with_object(user)
            .with_hint("It may have been deleted, or this account may not see it."))
    }
}

/// Reads the policy that the directory names for a user; unknown if this account may not read it.
async fn resultant(
    server: &Arc<ConnectionHandle>,
    policy: DistinguishedName,
) -> Result<EffectivePasswordPolicy> {
    let found = server.read(Search::object(&policy, SETTINGS_ATTRIBUTES)).await;
    let entry =
        found.map_err(|error| error.during("read the fine-grained password policy").with_object(&policy))?;
    Ok(match entry.as_ref().map(fine_grained).transpose()?.flatten() {
        Some(policy) => EffectivePasswordPolicy::FineGrained(policy),
        None => EffectivePasswordPolicy::Unknown {
            named: Some(policy),
            reason: format!("what it demands is hidden from this account. {ASK}"),
        },
    })
}

/// Returns the policy of a user without a fine-grained one: that of the domain, if this account could see
/// another.
async fn without_resultant(
    server: &Arc<ConnectionHandle>,
    domain: &ForestDomain,
) -> Result<EffectivePasswordPolicy> {
    let (policy, has_fine_grained) = domain_policy(server, domain).await?;
    if !has_fine_grained || shows_container(server, domain).await? {
        return Ok(EffectivePasswordPolicy::Domain(policy));
    }
    Ok(EffectivePasswordPolicy::Unknown {
        named: None,
        reason: format!("fine-grained policies are hidden from this account. {ASK}"),
    })
}

/// Reads the policy of a domain. Also returns true if the domain can have fine-grained policies.
async fn domain_policy(
    server: &Arc<ConnectionHandle>,
    domain: &ForestDomain,
) -> Result<(DomainPasswordPolicy, bool)> {
    const ACTION: &str = "read the password policy of";
    let found = server.read(Search::object(&domain.naming_context, ATTRIBUTES)).await;
    let entry = found.map_err(|error| error.during(ACTION).with_object(&domain.dns_name))?;
    let has_fine_grained = |entry: &Entry| {
        entry.integer("msDS-Behavior-Version").is_none_or(|level| level >= FINE_GRAINED_LEVEL)
    };
    let read =
        entry.and_then(|entry| Some((policy(&entry, domain.dns_name.clone())?, has_fine_grained(&entry))));
    read.ok_or_else(|| {
        Error::new(ErrorKind::Forbidden, ACTION)
            .with_object(&domain.dns_name)
            .with_detail("its attributes are not visible to this account")
            .with_hint("Sign in with an account of the forest.")
    })
}

fn container(domain: &ForestDomain) -> DistinguishedName {
    domain.naming_context.child("CN", "System").child("CN", "Password Settings Container")
}

/// Returns true if this account may read the container of fine-grained policies. Without that right, the
/// container itself is visible and seems to be empty.
async fn shows_container(server: &Arc<ConnectionHandle>, domain: &ForestDomain) -> Result<bool> {
    let container = container(domain);
    let found = server.read(Search::object(&container, &["objectClass"])).await;
    let entry = found.map_err(|error| error.during("read the container").with_object(&container))?;
    Ok(entry.is_some_and(|entry| entry.bytes("objectClass").is_some()))
}

/// Decodes the policy of a domain; `None` unless every attribute is visible: a guess would be worse.
fn policy(entry: &Entry, domain: DomainName) -> Option<DomainPasswordPolicy> {
    let mut rules = PasswordSettings::windows_default();
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

/// Decodes a password settings object; `None` unless every attribute is visible.
fn fine_grained(entry: &Entry) -> Result<Option<FineGrainedPolicy>> {
    let links = entry.all_texts("msDS-PSOAppliesTo").map(|text| DistinguishedName::parse(&text));
    let links = links.collect::<Result<Vec<_>, _>>()?;
    let dn = DistinguishedName::parse(&entry.dn)?;
    Ok(settings(entry)
        .map(|(precedence, rules)| FineGrainedPolicy::new(dn, precedence, rules).with_applies_to(links)))
}

fn settings(entry: &Entry) -> Option<(u32, PasswordSettings)> {
    let truth = |name: &str| entry.bytes(name).map(|value| value == b"TRUE");
    let mut rules = PasswordSettings::windows_default();
    rules.min_length = entry.flags("msDS-MinimumPasswordLength")?;
    rules.history_length = entry.flags("msDS-PasswordHistoryLength")?;
    rules.complexity = truth("msDS-PasswordComplexityEnabled")?;
    rules.reversible_encryption = truth("msDS-PasswordReversibleEncryptionEnabled")?;
    rules.max_age = age(entry.integer("msDS-MaximumPasswordAge")?);
    rules.min_age = age(entry.integer("msDS-MinimumPasswordAge")?).unwrap_or_default();
    let window = age(entry.integer("msDS-LockoutObservationWindow")?);
    let duration = age(entry.integer("msDS-LockoutDuration")?);
    rules.lockout = lockout(entry.flags("msDS-LockoutThreshold")?, window, duration);
    Some((entry.flags("msDS-PasswordSettingsPrecedence")?, rules))
}

/// Returns the lockout rule; a threshold of zero means none.
fn lockout(threshold: u32, window: Option<Duration>, duration: Option<Duration>) -> Option<Lockout> {
    (threshold > 0).then_some(Lockout { threshold, window, duration })
}

/// Decodes a duration; zero and the minimum value mean none.
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
