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
