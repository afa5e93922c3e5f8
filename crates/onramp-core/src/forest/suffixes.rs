//! UPN suffixes of a forest.

use std::fmt::{self, Debug};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::UpnOwner;
use crate::{DistinguishedName, DomainName, Error, ErrorKind, Result, UpnSuffix};

/// A suffix that the forest offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ForestSuffix {
    /// The suffix.
    pub suffix: UpnSuffix,
    /// The origin of the suffix.
    pub origin: SuffixOrigin,
}

impl ForestSuffix {
    /// A suffix.
    pub fn new(suffix: UpnSuffix, origin: SuffixOrigin) -> Self {
        Self { suffix, origin }
    }
}

/// The origin of a suffix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum SuffixOrigin {
    /// A value of `uPNSuffixes` on `CN=Partitions,CN=Configuration,…`.
    Explicit,
    /// The DNS name of a domain of the forest, which is always valid.
    Domain,
}

/// A suffix that one organizational unit carries in a `uPNSuffixes` of its own.
///
/// The tools of Windows offer such a unit's own suffixes, and no others, to whoever creates users in it. They make no
/// suffix of the forest: no domain controller looks at them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct UnitSuffix {
    /// The organizational unit.
    pub unit: DistinguishedName,
    /// The suffix.
    pub suffix: UpnSuffix,
}

impl UnitSuffix {
    /// A suffix of a unit.
    pub fn new(unit: DistinguishedName, suffix: UpnSuffix) -> Self {
        Self { unit, suffix }
    }
}

/// The principals that use a suffix.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SuffixUsage {
    /// The number of security principals of the forest that have a UPN with it.
    pub principals: u64,
    /// Some of them, at most [`SuffixUsage::EXAMPLES`].
    pub examples: Vec<UpnOwner>,
    /// The organizational units that offer it.
    pub units: Vec<DistinguishedName>,
}

impl SuffixUsage {
    /// The maximum number of principals that are named.
    pub const EXAMPLES: usize = 5;

    /// Counts one more principal, which is named if there is room.
    pub fn add(&mut self, holder: UpnOwner) {
        self.principals += 1;
        if self.examples.len() < Self::EXAMPLES {
            self.examples.push(holder);
        }
    }

    /// Returns true if no principal uses it.
    pub fn is_unused(&self) -> bool {
        self.principals == 0 && self.units.is_empty()
    }
}

impl fmt::Display for SuffixUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if self.principals > 0 {
            let named: Vec<&str> = self.examples.iter().map(|holder| holder.dn.as_str()).collect();
            let more = if self.principals > named.len() as u64 { ", …" } else { "" };
            let have = if self.principals == 1 { "principal has" } else { "principals have" };
            parts.push(format!("{} {have} a UPN with it ({}{more})", self.principals, named.join("; ")));
        }
        match self.units.as_slice() {
            [] => {}
            [unit] => parts.push(format!("the organizational unit {unit} offers it")),
            [unit, ..] => {
                parts.push(format!("{} organizational units offer it ({unit}, …)", self.units.len()))
            }
        }
        f.write_str(if parts.is_empty() { "nobody uses it" } else { "" })?;
        f.write_str(&parts.join(", and "))
    }
}

/// The port of the UPN suffixes of a forest.
///
/// Callers remove a suffix with [`SuffixesExt::remove`], which looks first whether it is in use.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Suffixes: Debug + Send + Sync {
    /// All suffixes: the DNS names of the forest's domains and those that were added. Each once, whatever spellings
    /// of it the forest holds.
    async fn list(&self) -> Result<Vec<ForestSuffix>>;

    /// The suffixes that organizational units carry of their own, in every domain of the forest.
    async fn unit_suffixes(&self) -> Result<Vec<UnitSuffix>>;

    /// Returns the principals that use a suffix, in any spelling: searches the whole forest.
    async fn usage(&self, suffix: &UpnSuffix) -> Result<SuffixUsage>;

    /// Adds a suffix. AD does not check it, which is why it must be a domain name here.
    ///
    /// # Errors
    /// `AlreadyExists` if the forest offers it in any spelling, from either origin; `Forbidden`.
    async fn add(&self, suffix: &DomainName) -> Result<()>;

    /// Removes an explicit suffix, whatever its spelling, even if it is in use: AD does not look, and the UPNs of those
    /// who have it go on working within their domain, but nowhere else.
    ///
    /// # Errors
    /// `NotFound` if it is not among the explicit ones; `Forbidden`.
    async fn force_remove(&self, suffix: &UpnSuffix) -> Result<()>;
}

/// Conveniences over [`Suffixes`].
#[async_trait]
pub trait SuffixesExt: Suffixes {
    /// Removes an explicit suffix that nobody uses.
    ///
    /// Who begins to use it between the look and the removal is not seen: AD offers no way to refuse that.
    ///
    /// # Errors
    /// `InUse` if a principal has it in its UPN or an organizational unit offers it, with who: nothing is changed.
    /// `NotFound` if it is not among the explicit ones; `Forbidden`.
    async fn remove(&self, suffix: &UpnSuffix) -> Result<()> {
        let usage = self.usage(suffix).await?;
        // A domain's own name is always in use; that it is none that could be removed is the better answer.
        let offered = self.list().await?;
        let is_explicit = |offered: &ForestSuffix| {
            offered.origin == SuffixOrigin::Explicit && offered.suffix.is_same_as(suffix)
        };
        if usage.is_unused() || !offered.iter().any(is_explicit) {
            return self.force_remove(suffix).await;
        }
        Err(Error::new(ErrorKind::InUse, "remove the UPN suffix")
            .with_object(suffix)
            .with_detail(usage.to_string())
            .with_hint("Give them another suffix first, or remove it by force."))
    }
}

impl<T: Suffixes + ?Sized> SuffixesExt for T {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ObjectGuid;

    fn holder(number: u8) -> UpnOwner {
        let dn = DistinguishedName::parse(&format!("CN=u{number},DC=corp,DC=local")).unwrap();
        UpnOwner::new(ObjectGuid::from_bytes([number; 16]), dn, format!("u{number}"), None)
    }

    #[test]
    fn usage_names_a_few_and_counts_all() {
        let mut usage = SuffixUsage::default();
        assert_eq!(usage.to_string(), "nobody uses it");
        usage.add(holder(1));
        assert_eq!(usage.to_string(), "1 principal has a UPN with it (CN=u1,DC=corp,DC=local)");
        (2..=9).for_each(|number| usage.add(holder(number)));
        usage.units.push(DistinguishedName::parse("OU=Staff,DC=corp,DC=local").unwrap());
        assert_eq!((usage.principals, usage.examples.len()), (9, SuffixUsage::EXAMPLES));
        let said = usage.to_string();
        assert!(said.starts_with("9 principals have a UPN with it (CN=u1,DC=corp,DC=local; "), "{said}");
        assert!(
            said.ends_with(", …), and the organizational unit OU=Staff,DC=corp,DC=local offers it"),
            "{said}"
        );
    }
}
