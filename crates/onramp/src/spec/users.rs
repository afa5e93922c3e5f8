//! Whose UPN changes, and to what.

use std::collections::BTreeMap;

use onramp_core::{DistinguishedName, DomainName, LdapFilter, Upn};
use serde::{Deserialize, Serialize};

/// Whose UPN changes, and to what.
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
    /// Only these users: each a UPN, `sAMAccountName`, distinguished name or `objectGUID`.
    pub only: Vec<String>,
    /// Not these users, named like those of `only`.
    pub exclude: Vec<String>,
    /// Not the users at and below these OUs.
    pub exclude_ous: Vec<DistinguishedName>,
    /// Only users whose UPN has one of these suffixes now. Empty: any suffix, or no UPN at all.
    pub from_suffixes: Vec<DomainName>,
    /// Whether disabled accounts change too. They do unless set: they may be enabled again.
    pub skip_disabled: bool,
    /// How the new UPN is made.
    pub new_upn: NewUpn,
    /// New UPNs for single users, named like those of `only`; goes before `new_upn`.
    pub map: BTreeMap<String, Upn>,
}

/// How a new UPN is made.
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

/// The ways a user can be named in a spec, indexed for look-up.
#[derive(Debug, Clone, Default)]
pub struct UserSelection {
    names: std::collections::HashSet<String>,
}

impl UserSelection {
    /// Indexes names as they stand in `only`, `exclude` or `map`.
    pub fn new<'a>(names: impl IntoIterator<Item = &'a String>) -> Self {
        Self { names: names.into_iter().map(|name| normal(name)).collect() }
    }

    /// Whether there are no names.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The name by which a user is among them, if it is.
    pub fn find(&self, user: &onramp_core::forest::ForestUser) -> Option<String> {
        if self.names.is_empty() {
            return None;
        }
        let keys = [
            Some(user.guid.to_string()),
            Some(normal(user.dn.as_str())),
            Some(normal(&user.sam_account_name)),
            user.upn.as_deref().map(normal),
        ];
        keys.into_iter().flatten().find(|key| self.names.contains(key))
    }
}

/// Names compare without case; distinguished names also without regard to blanks after commas.
pub(crate) fn normal(name: &str) -> String {
    match DistinguishedName::parse(name) {
        Ok(dn) => dn.rdns().iter().map(ToString::to_string).collect::<Vec<_>>().join(",").to_lowercase(),
        Err(_) => name.trim().trim_start_matches('{').trim_end_matches('}').to_lowercase(),
    }
}
