//! The list of domain controllers in the Configuration partition ([MS-ADTS] 6.1.1.2.2.1.2.1.1).

use std::collections::HashMap;

use onramp_core::forest::{DomainController, InvocationId};
use onramp_core::{DistinguishedName, Error, ErrorKind, LdapFilter, Result};

use crate::search::entry::Entry;
use crate::search::request::{Search, of_class};
use crate::topology::dc_cache::BootstrapDc;

const SETTINGS_ATTRIBUTES: &[&str] = &[
    "objectClass",
    "options",
    "hasMasterNCs",
    "msDS-hasMasterNCs",
    "msDS-hasFullReplicaNCs",
    "msDS-isRODC",
    "invocationId",
];
/// The flag of a global catalog in `options` of an `nTDSDSA` object ([MS-ADTS] 6.1.1.2.2.1.2.1.1).
const IS_GLOBAL_CATALOG: u32 = 1;
const INBOUND_DISABLED: u32 = 2;

/// Lists every domain controller of the forest, those that cannot be reached included.
///
/// # Errors
/// `Unavailable`; `Forbidden` if the account may not read the Configuration partition.
pub(crate) async fn list(bootstrap_dc: &BootstrapDc) -> Result<Vec<DomainController>> {
    let sites = bootstrap_dc.root_dse.sites();
    let read = async |filter: LdapFilter, attributes: &[&str]| {
        let found = bootstrap_dc.handle.collect(Search::below(&sites, filter, attributes)).await;
        found.map_err(|error| error.during("list the domain controllers below").with_object(&sites))
    };
    let servers = read(of_class("server"), &["dNSHostName"]).await?;
    let mut hosts = HashMap::new();
    for server in &servers {
        // An object with an unreadable name is the parent of none with a readable one.
        let Ok(dn) = DistinguishedName::parse(&server.dn) else { continue };
        hosts.insert(dn, server.text("dNSHostName").filter(|host| !host.is_empty()));
    }
    let settings = read(of_class("nTDSDSA"), SETTINGS_ATTRIBUTES).await?;
    let mut controllers =
        settings.iter().map(|entry| controller(entry, &hosts)).collect::<Result<Vec<_>>>()?;
    if controllers.is_empty() {
        return Err(Error::new(ErrorKind::Forbidden, "list the domain controllers below")
            .with_object(&sites)
            .with_detail("none is visible to this account")
            .with_hint("Sign in with an account of the forest."));
    }
    controllers.sort_by(|one, other| one.host.cmp(&other.host));
    Ok(controllers)
}

fn controller(entry: &Entry, hosts: &HashMap<DistinguishedName, Option<String>>) -> Result<DomainController> {
    let settings = DistinguishedName::parse(&entry.dn)?;
    // CN=NTDS Settings,CN=<server>,CN=Servers,CN=<site>,CN=Sites,…
    let rdns = settings.rdns();
    let part = |at: usize| rdns.get(at).map(|rdn| rdn.value.clone()).unwrap_or_default();
    let (server, site) = (part(1), part(3));
    let known = settings.parent().and_then(|parent| hosts.get(&parent).cloned().flatten());
    let mut contexts: Vec<DistinguishedName> = Vec::new();
    for attribute in ["msDS-hasMasterNCs", "hasMasterNCs", "msDS-hasFullReplicaNCs"] {
        for text in entry.all_texts(attribute) {
            let Ok(context) = DistinguishedName::parse(&text) else { continue };
            if !contexts.contains(&context) {
                contexts.push(context);
            }
        }
    }
    // A removed domain controller leaves a server object without a host name behind; its short name identifies it.
    let mut controller = DomainController::new(known.unwrap_or(server), settings, site, contexts);
    let options = entry.flags("options").unwrap_or_default();
    controller.is_global_catalog = options & IS_GLOBAL_CATALOG != 0;
    controller.inbound_disabled = options & INBOUND_DISABLED != 0;
    controller.is_read_only = entry.is_true("msDS-isRODC")
        || entry.all_texts("objectClass").any(|class| class.eq_ignore_ascii_case("nTDSDSARO"));
    controller.invocation_id =
        entry.bytes("invocationId").and_then(|bytes| InvocationId::from_slice(bytes).ok());
    Ok(controller)
}
