//! The selection of users, and the rule for their new UPNs.

use std::collections::BTreeMap;

use onramp_core::{DistinguishedName, LdapFilter, Upn, UpnSuffix};
use serde::{Deserialize, Deserializer, Serialize};

use crate::canary::Canary;

/// The users whose UPN changes, and the rule for the new UPNs.
///
/// Built-in and critical system accounts are always left out, unless `only` lists them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct UsersSpec {
    /// The OUs whose users change, with the OUs below them. Empty: every user of the forest. A file that has the key must name
    /// some, because an empty list of a script would select everybody; so for `only` and `from_suffixes`.
    #[serde(deserialize_with = "some", skip_serializing_if = "Vec::is_empty")]
    pub ous: Vec<DistinguishedName>,
    /// The LDAP filter that users must match.
    pub filter: Option<LdapFilter>,
    /// The only users that change, by `sAMAccountName`, `DOMAIN\name`, UPN (the current one, or the one before an earlier
    /// run), distinguished name, `objectGUID` or `objectSid`. A name that fits no user blocks the plan.
    #[serde(deserialize_with = "some", skip_serializing_if = "Vec::is_empty")]
    pub only: Vec<String>,
    /// The users that are left out, named as in `only`.
    pub exclude: Vec<String>,
    /// The OUs whose users are left out, with the OUs below them.
    pub exclude_ous: Vec<DistinguishedName>,
    /// The UPN suffixes whose users change, together with users that an earlier run changed. Empty: any suffix, and users
    /// without a UPN.
    #[serde(deserialize_with = "some", skip_serializing_if = "Vec::is_empty")]
    pub from_suffixes: Vec<UpnSuffix>,
    /// True to leave out disabled accounts. They change by default, because they may be enabled again.
    pub skip_disabled: bool,
    /// The rule for the new UPN.
    pub new_upn: NewUpn,
    /// The new UPNs of single users, named as in `only`, in place of `new_upn`. Each must be on a domain that the tenant has
    /// verified and the forest offers as a suffix.
    pub map: BTreeMap<String, Upn>,
    /// The mail addresses of the users: the new UPN as an alias, as the primary address, or neither.
    #[serde(skip_serializing_if = "Addresses::is_leave")]
    pub addresses: Addresses,
    /// The other attributes that follow a new primary address; only with [`Addresses::MakePrimary`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub addresses_also: Vec<AddressAttribute>,
    /// The canary, if only its users change now; [`Spec::canary`](crate::Spec::canary) sets it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canary: Option<Canary>,
}

/// Reads a list that selects users, which must not be empty.
fn some<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    let all = Vec::deserialize(deserializer)?;
    if all.is_empty() {
        let detail = "an empty list would select every user: name some, or remove the line";
        return Err(serde::de::Error::custom(detail));
    }
    Ok(all)
}

impl UsersSpec {
    /// Adds an OU whose users change.
    #[must_use]
    pub fn with_ou(mut self, ou: DistinguishedName) -> Self {
        self.ous.push(ou);
        self
    }

    /// Sets the LDAP filter that users must match.
    #[must_use]
    pub fn with_filter(mut self, filter: LdapFilter) -> Self {
        self.filter = Some(filter);
        self
    }

    /// Adds a user to the only ones that change.
    ///
    /// ```
    /// use onramp::UsersSpec;
    /// let users = UsersSpec::default().with_only(r"CORP\anna").with_only("ben@corp.local");
    /// assert_eq!(users.only.len(), 2);
    /// ```
    #[must_use]
    pub fn with_only(mut self, user: impl Into<String>) -> Self {
        self.only.push(user.into());
        self
    }

    /// Leaves out a user.
    #[must_use]
    pub fn with_exclude(mut self, user: impl Into<String>) -> Self {
        self.exclude.push(user.into());
        self
    }

    /// Leaves out the users of an OU.
    #[must_use]
    pub fn with_exclude_ou(mut self, ou: DistinguishedName) -> Self {
        self.exclude_ous.push(ou);
        self
    }

    /// Adds a UPN suffix whose users change.
    #[must_use]
    pub fn with_from_suffix(mut self, suffix: UpnSuffix) -> Self {
        self.from_suffixes.push(suffix);
        self
    }

    /// Leaves out disabled accounts.
    #[must_use]
    pub fn with_skip_disabled(mut self) -> Self {
        self.skip_disabled = true;
        self
    }

    /// Sets the rule for the new UPN.
    #[must_use]
    pub fn with_new_upn(mut self, rule: NewUpn) -> Self {
        self.new_upn = rule;
        self
    }

    /// Sets the new UPN of a single user.
    #[must_use]
    pub fn with_map(mut self, user: impl Into<String>, upn: Upn) -> Self {
        self.map.insert(user.into(), upn);
        self
    }

    /// Sets the rule for the mail addresses.
    #[must_use]
    pub fn with_addresses(mut self, rule: Addresses) -> Self {
        self.addresses = rule;
        self
    }

    /// Adds an attribute that follows a new primary address.
    ///
    /// ```
    /// use onramp::{AddressAttribute, Addresses, UsersSpec};
    /// let users = UsersSpec::default()
    ///     .with_addresses(Addresses::MakePrimary)
    ///     .with_addresses_also(AddressAttribute::MailNickname);
    /// assert_eq!(users.addresses_also.len(), 1);
    /// ```
    #[must_use]
    pub fn with_addresses_also(mut self, attribute: AddressAttribute) -> Self {
        self.addresses_also.push(attribute);
        self
    }
}

/// The rule for the mail addresses of users with a new UPN, or with the new UPN already.
///
/// A user that has neither `mail` nor an SMTP address in `proxyAddresses` keeps having none: with a license for a mailbox, Entra
/// and Exchange Online make the primary address from the UPN (KB 3190357).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Addresses {
    /// No address changes.
    #[default]
    Leave,
    /// The new UPN becomes another address in `proxyAddresses` (`smtp:`). The primary address and `mail` stay.
    AddAlias,
    /// The new UPN becomes the primary address in `proxyAddresses` (`SMTP:`) and `mail`. The former primary address stays as
    /// another address (`smtp:`).
    MakePrimary,
}

impl Addresses {
    /// Returns true if no address changes.
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    pub fn is_leave(&self) -> bool {
        *self == Self::Leave
    }
}

/// An attribute that follows a new primary address if the spec asks for it. A user that has no value of it does not get one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum AddressAttribute {
    /// `mailNickname`, the alias of Exchange: becomes the part of the new address before the `@`.
    #[serde(rename = "mailNickname")]
    MailNickname,
    /// `targetAddress`, the address to which Exchange forwards: becomes the new address if it is the former UPN, the former
    /// primary address or the former `mail`. One that points elsewhere, such as to another mail system or to the tenant's
    /// routing domain, stays.
    #[serde(rename = "targetAddress")]
    TargetAddress,
}

/// The rule for a new UPN.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum NewUpn {
    /// The same prefix with the custom domain as suffix. A user without a UPN gets its `sAMAccountName` as prefix, with which
    /// it can sign in already.
    #[default]
    ReplaceSuffix,
    /// The value of `mail`, which must be on the custom domain.
    FromMail,
}
