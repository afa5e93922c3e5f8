//! The section of the users.

use std::collections::BTreeMap;

use onramp_core::forest::{ReplicatedValue, UpnOwner};
use onramp_core::{AttributeName, Upn, UpnSuffix};
use serde::{Deserialize, Serialize};

use crate::plan::{BlockerKind, SkipReason, Skipped};
use crate::user_ref::UserRef;

/// The users of a forest, as far as the spec selects them or they conflict with those that it selects.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct UsersSurvey {
    /// The users that the spec selects.
    pub candidates: Vec<Candidate>,
    /// The users that were read and left out, except those that have the new UPN already and those that `only` does
    /// not list.
    pub skipped: Vec<Skipped>,
    /// The numbers of users that were left out, by reason.
    #[serde(with = "pairs")]
    pub skipped_counts: BTreeMap<SkipReason, u64>,
    /// The principals that have the new UPN of a selected user or the UPN of the service account, explicitly or
    /// implied by their `sAMAccountName`.
    pub holders: Vec<UpnOwner>,
    /// The objects that have the new UPN of a selected user or the UPN of the service account as a mail address.
    pub address_holders: Vec<AddressHolder>,
    /// The users that have the new UPN already and share it with another principal.
    pub shared: Vec<SharedUpn>,
    /// The names in the spec that are not correct.
    pub invalid_names: Vec<BlockerKind>,
    /// The names in `map` whose users the selection leaves out.
    pub map_without_effect: Vec<String>,
    /// The suffixes in `from_suffixes` that no user has, and that the forest does not offer.
    #[serde(default)]
    pub suffixes_without_effect: Vec<UpnSuffix>,
    /// The users of a sample of those that have the new UPN, whose UPN is missing on a domain controller that answers:
    /// replication was not complete when an earlier run ended.
    pub missing_on: Vec<ReplicatedValue>,
    /// The number of users in that sample.
    pub sampled: u64,
}

impl UsersSurvey {
    /// Returns the number of selected users that have the new UPN already.
    pub(crate) fn unchanged(&self) -> u64 {
        self.skipped_counts.get(&SkipReason::Unchanged).copied().unwrap_or_default()
    }
}

/// A user that the spec selects, with the UPN that it is to get.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Candidate {
    /// The user.
    pub user: UserRef,
    /// The current UPN, exactly as the directory has it.
    pub before: Option<String>,
    /// The new UPN, or the problem that prevents one.
    pub after: Result<Upn, Box<BlockerKind>>,
    /// The origin of the new UPN, in words.
    pub reason: String,
    /// True for a built-in, critical or system account: only `only` selects those.
    pub is_built_in: bool,
    /// A UPN that Entra accepts, if `after` is a problem of its spelling and there is a safe one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<Upn>,
    /// The mail addresses, if the spec changes them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addresses: Option<UserAddresses>,
}

impl Candidate {
    /// Returns true if the user has the new UPN already, and only its addresses may change.
    pub(crate) fn has_upn(&self) -> bool {
        let present = self.before.as_deref().and_then(|upn| Upn::parse(upn).ok());
        present.is_some() && present.as_ref() == self.after.as_ref().ok()
    }
}

/// The mail attributes of a user, as the directory has them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct UserAddresses {
    /// `mail`.
    pub mail: Option<String>,
    /// `proxyAddresses`.
    pub proxy_addresses: Vec<String>,
    /// `mailNickname`, the alias of Exchange.
    pub mail_nickname: Option<String>,
    /// `targetAddress`, to which Exchange forwards.
    pub target_address: Option<String>,
    /// `msExchRecipientTypeDetails`; `None` for a user that is no recipient of Exchange.
    pub recipient_type: Option<u64>,
    /// True if an e-mail address policy of Exchange applies (`msExchPoliciesExcluded` does not exclude it): it can set another
    /// primary address.
    pub has_address_policy: bool,
}

/// An object of the forest that has a mail address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AddressHolder {
    /// The object.
    pub holder: UserRef,
    /// The address, without its prefix.
    pub address: String,
    /// True for the primary address of the object.
    pub is_primary: bool,
    /// The attribute, if it is neither `mail` nor `proxyAddresses`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_in: Option<AttributeName>,
}

/// A selected user that has the new UPN already, and another object that has the same UPN.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SharedUpn {
    /// The user.
    pub user: UserRef,
    /// The UPN.
    pub upn: Upn,
    /// The other object.
    pub other: UserRef,
    /// The attribute of the other object.
    pub held_as: HeldAs,
}

/// The attribute in which an object has a name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum HeldAs {
    /// `userPrincipalName`.
    Upn,
    /// `sAMAccountName`, which implies a UPN with the DNS name of the domain.
    ImpliedUpn,
    /// `mail` or `proxyAddresses`.
    Address(String),
}

/// A map as a list of pairs: its keys are not strings, as those of JSON are.
mod pairs {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Serialize};

    use crate::plan::SkipReason;

    pub(super) fn serialize<S: serde::Serializer>(
        counts: &BTreeMap<SkipReason, u64>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        counts.iter().collect::<Vec<_>>().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<SkipReason, u64>, D::Error> {
        Ok(Vec::deserialize(deserializer)?.into_iter().collect())
    }
}
