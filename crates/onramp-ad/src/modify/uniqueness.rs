//! Who has a name that must be unique in the forest: looked up after a server said that it is taken.

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

/// Attributes of which no two objects have the same value ([MS-ADTS] 3.1.1.5.1.3).
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
    /// What is the same for two values that a directory may take for one. By its widest comparison: two changes that wait
    /// for each other without need cost a moment, two that should have and did not are refused.
    pub(crate) fn folded(&self) -> (String, String) {
        let text = String::from_utf8_lossy(self.value.as_bytes());
        (self.attribute.as_str().to_ascii_lowercase(), comparison_key(&text))
    }
}

/// The unique values that a change gives up and takes.
pub(crate) fn unique_names(change: &ObjectChange) -> impl Iterator<Item = UniqueName<'_>> {
    let unique = change.attributes.iter().filter(|change| UNIQUE.contains(&change.attribute));
    unique.flat_map(|change| {
        let values = change.remove.iter().chain(&change.add);
        values.map(|value| UniqueName { attribute: &change.attribute, value })
    })
}

/// The unique values that a change takes.
pub(crate) fn names_taken(change: &ObjectChange) -> impl Iterator<Item = UniqueName<'_>> {
    let unique = change.attributes.iter().filter(|change| UNIQUE.contains(&change.attribute));
    unique
        .flat_map(|change| change.add.iter().map(|value| UniqueName { attribute: &change.attribute, value }))
}

/// The object that has a value which the change adds: what it has, and its distinguished name. `None` if it cannot be
/// found in the time that asking one server may take: then only its name is missing in an error. An account whose
/// `sAMAccountName` implies the value counts only where the server said that somebody has it: not every server minds.
pub(crate) async fn find(
    topology: &Topology,
    handle: &Arc<ConnectionHandle>,
    change: &ObjectChange,
    with_implied: bool,
) -> Option<(String, String)> {
    let looking = async {
        let domains = topology.domains().await.ok()?;
        for name in names_taken(change) {
            for (told, filter) in filters(&name, if with_implied { &domains } else { &[] }) {
                if let Some(holder) = first_other(topology, handle, change, &domains, &filter).await {
                    return Some((told, holder));
                }
            }
        }
        None
    };
    timeout(topology.settings().timeouts.probe, looking).await.ok().flatten()
}

/// What to look for: the value itself and, for a UPN, the account name that implies it.
fn filters(name: &UniqueName<'_>, domains: &[ForestDomain]) -> Vec<(String, LdapFilter)> {
    let own = LdapFilter::equal_bytes(name.attribute, name.value.as_bytes());
    let mut filters = vec![(name.to_string(), own)];
    let upn = name.value.as_text().filter(|_| *name.attribute == UPN).and_then(|text| Upn::parse(text).ok());
    let implied = |upn: &Upn| {
        let domain = DomainName::parse_directory(upn.suffix_str());
        domain.is_ok_and(|suffix| domains.iter().any(|domain| domain.dns_name == suffix))
    };
    if let Some(upn) = upn.filter(implied) {
        let told = format!("the sAMAccountName {}, which implies {upn},", upn.prefix());
        filters.push((told, LdapFilter::equal(&SAM_ACCOUNT_NAME, upn.prefix())));
    }
    filters
}

/// Another object that matches: in a forest of one domain asked of the server that refused, else of a global catalog.
async fn first_other(
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
