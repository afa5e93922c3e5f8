//! Unique names: the values that no two objects of the forest may share, and the owner of a name that is
//! taken.

use std::fmt;
use std::sync::Arc;

use onramp_core::forest::{AttributeValue, ObjectChange};
use onramp_core::{AttributeName, DomainName, LdapFilter, Upn, comparison_key};
use tokio::time::timeout;

use crate::ldap::base::Base;
use crate::ldap::connection_handle::ConnectionHandle;
use crate::search::entry::Entry;
use crate::search::request::Search;
use crate::topology::Topology;
use crate::topology::domains::ForestDomain;

/// The attributes with unique values ([MS-ADTS] 3.1.1.5.1.3).
const UNIQUE: &[AttributeName] = &[UPN, AttributeName::from_static("servicePrincipalName"), SAM_ACCOUNT_NAME];
const UPN: AttributeName = AttributeName::from_static("userPrincipalName");
const SAM_ACCOUNT_NAME: AttributeName = AttributeName::from_static("sAMAccountName");

/// A value that must be unique.
pub(crate) struct UniqueName<'a> {
    attribute: &'a AttributeName,
    value: &'a AttributeValue,
}

impl fmt::Display for UniqueName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the {} {}", self.attribute, self.value)
    }
}

impl UniqueName<'_> {
    /// Returns a key that is equal for all values that a directory may consider equal, by the widest
    /// comparison. Two changes that wait for each other without need cost a moment; two that should have
    /// waited are refused.
    pub(crate) fn key(&self) -> (String, String) {
        let text = String::from_utf8_lossy(self.value.as_bytes());
        (self.attribute.as_str().to_ascii_lowercase(), comparison_key(&text))
    }
}

/// Returns the unique values that a change removes or adds.
pub(crate) fn unique_names(change: &ObjectChange) -> impl Iterator<Item = UniqueName<'_>> {
    let unique = change.attributes.iter().filter(|change| UNIQUE.contains(&change.attribute));
    unique.flat_map(|change| {
        let values = change.remove.iter().chain(&change.add);
        values.map(|value| UniqueName { attribute: &change.attribute, value })
    })
}

/// Returns the unique values that a change adds.
pub(crate) fn names_added(change: &ObjectChange) -> impl Iterator<Item = UniqueName<'_>> {
    let unique = change.attributes.iter().filter(|change| UNIQUE.contains(&change.attribute));
    unique
        .flat_map(|change| change.add.iter().map(|value| UniqueName { attribute: &change.attribute, value }))
}

/// Finds the owner of a value that the change adds: the name in words, and the distinguished name of the
/// owner. `None` after the probe timeout: then the error only lacks the owner.
///
/// An account whose `sAMAccountName` implies the value counts only `with_implied`, when the server said that
/// the value is taken: not every server enforces it.
pub(crate) async fn find_owner(
    topology: &Topology,
    handle: &Arc<ConnectionHandle>,
    change: &ObjectChange,
    with_implied: bool,
) -> Option<(String, String)> {
    let search = async {
        let domains = topology.domains().await.ok()?;
        for name in names_added(change) {
            for (name_text, filter) in filters(&name, if with_implied { &domains } else { &[] }) {
                if let Some(owner) = find_other(topology, handle, change, &domains, &filter).await {
                    return Some((name_text, owner));
                }
            }
        }
        None
    };
    timeout(topology.settings().timeouts.probe, search).await.ok().flatten()
}

/// Returns filters for the value itself and, for a UPN, for the account name that implies it.
fn filters(name: &UniqueName<'_>, domains: &[ForestDomain]) -> Vec<(String, LdapFilter)> {
    let own = LdapFilter::equal_bytes(name.attribute, name.value.as_bytes());
    let mut filters = vec![(name.to_string(), own)];
    let upn = name.value.as_text().filter(|_| *name.attribute == UPN).and_then(|text| Upn::parse(text).ok());
    let implied = |upn: &Upn| {
        let domain = DomainName::parse_directory(upn.suffix_str());
        domain.is_ok_and(|suffix| domains.iter().any(|domain| domain.dns_name == suffix))
    };
    if let Some(upn) = upn.filter(implied) {
        let name_text = format!("the sAMAccountName {}, which implies {upn},", upn.prefix());
        filters.push((name_text, LdapFilter::equal(&SAM_ACCOUNT_NAME, upn.prefix())));
    }
    filters
}

/// Finds another object that matches: on the server that refused in a forest of one domain, else in a global
/// catalog.
async fn find_other(
    topology: &Topology,
    handle: &Arc<ConnectionHandle>,
    change: &ObjectChange,
    domains: &[ForestDomain],
    filter: &LdapFilter,
) -> Option<String> {
    let (handle, base) = match domains {
        [only] => (Arc::clone(handle), Base::from(&only.naming_context)),
        _ => (topology.global_catalog(&change.dn).await.ok()?, Base::Root),
    };
    let found = handle.collect(Search::below(base, filter.clone(), &["objectGUID"])).await.ok()?;
    let is_other = |entry: &Entry| entry.bytes("objectGUID") != Some(change.guid.as_bytes());
    found.into_iter().find(is_other).map(|entry| entry.dn)
}
