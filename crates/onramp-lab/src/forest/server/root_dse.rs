//! The root DSE: what the server says of itself, to anybody.

use crate::forest::data::object::UnixNanos;
use crate::forest::data::state::ContextKind;
use crate::forest::data::view::{View, generalized_time};
use crate::forest::reading::entry::Attribute;
use crate::forest::schema::subschema;

/// The controls that the server understands.
pub(super) const CONTROLS: &[&str] = &[
    PAGED_RESULTS,
    DIR_SYNC,
    SHOW_DELETED,
    DOMAIN_SCOPE,
    SEARCH_OPTIONS,
    PERMISSIVE_MODIFY,
    SECURITY_DESCRIPTOR_FLAGS,
];

pub(super) const PAGED_RESULTS: &str = "1.2.840.113556.1.4.319";
pub(super) const DIR_SYNC: &str = "1.2.840.113556.1.4.841";
pub(super) const SHOW_DELETED: &str = "1.2.840.113556.1.4.417";
pub(super) const DOMAIN_SCOPE: &str = "1.2.840.113556.1.4.1339";
pub(super) const SEARCH_OPTIONS: &str = "1.2.840.113556.1.4.1340";
pub(super) const PERMISSIVE_MODIFY: &str = "1.2.840.113556.1.4.1413";
pub(super) const SECURITY_DESCRIPTOR_FLAGS: &str = "1.2.840.113556.1.4.801";

/// Active Directory, since Windows 2000, 2003, 2008, 2008 R2, and signing.
const CAPABILITIES: [&str; 5] = [
    "1.2.840.113556.1.4.800",
    "1.2.840.113556.1.4.1670",
    "1.2.840.113556.1.4.1791",
    "1.2.840.113556.1.4.1935",
    "1.2.840.113556.1.4.2080",
];
/// A read-only domain controller.
const PARTIAL_SECRETS: &str = "1.2.840.113556.1.4.1920";

/// StartTLS.
pub(super) const START_TLS: &str = "1.3.6.1.4.1.1466.20037";
/// "Who am I?"
pub(super) const WHO_AM_I: &str = "1.3.6.1.4.1.4203.1.11.3";

/// Returns the attributes of the root DSE that were asked for; `*` or nothing are all of them.
pub(super) fn read(view: View<'_>, names: &[String], now: UnixNanos) -> Vec<Attribute> {
    let everything = names.is_empty() || names.iter().any(|name| name == "*");
    let wanted = |name: &str| everything || names.iter().any(|asked| asked.eq_ignore_ascii_case(name));
    let all = all(view, now);
    all.into_iter()
        .filter(|(name, _)| wanted(name))
        .map(|(name, values)| Attribute {
            name: name.to_owned(),
            values: values.into_iter().map(String::into_bytes).collect(),
        })
        .collect()
}

fn all(view: View<'_>, now: UnixNanos) -> Vec<(&'static str, Vec<String>)> {
    let Some(controller) = view.controller() else { return Vec::new() };
    let head = |kind: ContextKind| {
        let context = view.state.contexts.iter().find(|context| context.kind == kind);
        context.map(|context| view.dn(context.head)).unwrap_or_default()
    };
    let domain = view.domain().map(|domain| view.dn(domain.head)).unwrap_or_default();
    let settings = view.dn(controller.dsa);
    let server = settings.split_once(',').map(|(_, server)| server.to_owned()).unwrap_or_default();
    let dns = view.domain_dns_name().unwrap_or_default();
    let realm = dns.to_uppercase();
    let listed = |list: &[&str]| list.iter().map(|&item| item.to_owned()).collect::<Vec<_>>();
    vec![
        ("configurationNamingContext", vec![head(ContextKind::Configuration)]),
        ("currentTime", vec![generalized_time(controller.time(now)).to_string()]),
        ("defaultNamingContext", vec![domain]),
        ("dnsHostName", vec![controller.host.clone()]),
        ("domainControllerFunctionality", listed(&["7"])),
        ("domainFunctionality", listed(&["7"])),
        ("dsServiceName", vec![settings]),
        ("forestFunctionality", listed(&["7"])),
        ("highestCommittedUSN", vec![controller.usn.to_string()]),
        ("isGlobalCatalogReady", listed(&[if controller.catalog { "TRUE" } else { "FALSE" }])),
        ("isSynchronized", listed(&["TRUE"])),
        ("ldapServiceName", vec![format!("{dns}:{}$@{realm}", controller.name.to_lowercase())]),
        ("namingContexts", held(view)),
        ("rootDomainNamingContext", vec![head(ContextKind::Domain)]),
        ("schemaNamingContext", vec![head(ContextKind::Schema)]),
        ("serverName", vec![server]),
        ("subschemaSubentry", vec![format!("CN={},{}", subschema::COMMON_NAME, head(ContextKind::Schema))]),
        (
            "supportedCapabilities",
            CAPABILITIES
                .iter()
                .chain((!controller.writable).then_some(&PARTIAL_SECRETS))
                .map(|&oid| oid.to_owned())
                .collect(),
        ),
        ("supportedControl", listed(CONTROLS)),
        ("supportedExtension", listed(&[START_TLS, WHO_AM_I])),
        (
            "supportedLDAPPolicies",
            listed(&["MaxPageSize", "MaxValRange", "MaxConnIdleTime", "MaxReceiveBuffer"]),
        ),
        ("supportedLDAPVersion", listed(&["3"])),
        ("supportedSASLMechanisms", listed(&["EXTERNAL"])),
    ]
}

/// Returns the naming contexts that the controller holds in full.
fn held(view: View<'_>) -> Vec<String> {
    let contexts = view.state.contexts.iter().zip(0..);
    contexts.filter(|(_, at)| view.holds(*at)).map(|(context, _)| view.dn(context.head)).collect()
}
