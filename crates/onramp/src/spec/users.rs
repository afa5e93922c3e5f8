//! The users whose UPN changes, and their new UPNs.

use std::collections::BTreeMap;

use onramp_core::{DistinguishedName, LdapFilter, Upn, UpnSuffix};
use serde::{Deserialize, Serialize};

/// The users whose UPN changes, and their new UPNs.
///
/// Built-in and critical system accounts are left out whatever is selected, unless named in `only`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct UsersSpec {
    /// Only users at and below these OUs. Empty: every user of the forest.
    pub ous: Vec<DistinguishedName>,
    /// Only users that match this LDAP filter.
    pub filter: Option<LdapFilter>,
    /// Only these users, each by `sAMAccountName`, `DOMAIN\name`, UPN (the present one, or the one that an earlier run
    /// replaced), distinguished name, `objectGUID` or `objectSid`. A name that fits nobody blocks the plan.
    pub only: Vec<String>,
    /// Not these users, named like those of `only`.
    pub exclude: Vec<String>,
    /// Not the users at and below these OUs.
    pub exclude_ous: Vec<DistinguishedName>,
    /// Only users whose UPN has one of these suffixes now, and those whom an earlier run moved. Empty: any suffix, or no
    /// UPN at all.
    pub from_suffixes: Vec<UpnSuffix>,
    /// Whether disabled accounts change too. They do unless set: they may be enabled again.
    pub skip_disabled: bool,
    /// How the new UPN is made.
    pub new_upn: NewUpn,
    /// New UPNs for single users, named like those of `only`; goes before `new_upn`. Each must be on a domain that the
    /// tenant has verified and the forest offers as a suffix.
    pub map: BTreeMap<String, Upn>,
}

/// The rule by which a new UPN is made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum NewUpn {
    /// The prefix stays, the suffix becomes the custom domain. A user without a UPN gets `sAMAccountName` as
    /// prefix, which is the name AD accepts for it now.
    #[default]
    ReplaceSuffix,
    /// The user's `mail`, which must be on the custom domain.
    FromMail,
}
