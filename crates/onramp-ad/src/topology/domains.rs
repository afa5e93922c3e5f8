//! The domains of a forest, from the cross-references in its Configuration partition ([MS-ADTS] 6.1.1.2.1.1).

use onramp_core::{AttributeName, DistinguishedName, DomainName, Error, ErrorKind, LdapFilter, Result};

use crate::search::entry::Entry;
use crate::search::request::{Search, of_class};
use crate::topology::dc_cache::BootstrapDc;

/// The `systemFlags` of cross-references to domains: FLAG_CR_NTDS_NC (1) and FLAG_CR_NTDS_DOMAIN (2).
const DOMAIN_FLAGS: u32 = 3;
const SYSTEM_FLAGS: AttributeName = AttributeName::from_static("systemFlags");
const ATTRIBUTES: &[&str] = &["nCName", "dnsRoot", "nETBIOSName", "Enabled"];

/// A domain of the forest.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ForestDomain {
    /// The DNS name, which is always a valid UPN suffix.
    pub dns_name: DomainName,
    /// The naming context with the objects of the domain.
    pub naming_context: DistinguishedName,
    /// The NetBIOS name, as in `CORP\anna`.
    pub netbios_name: Option<String>,
}

/// Lists the domains of the forest.
///
/// # Errors
/// `Unavailable`; `Forbidden` if the account may not read the Configuration partition.
pub(crate) async fn list(bootstrap_dc: &BootstrapDc) -> Result<Vec<ForestDomain>> {
    const ACTION: &str = "read the domains of the forest";
    let partitions = bootstrap_dc.root_dse.partitions();
    let filter = of_class("crossRef").and(&LdapFilter::all_bits(&SYSTEM_FLAGS, DOMAIN_FLAGS));
    let found = bootstrap_dc.handle.collect(Search::children(&partitions, filter, ATTRIBUTES)).await;
    let entries = found.map_err(|error| error.during(ACTION).with_object(&partitions))?;
    let enabled = entries.iter().filter(|entry| entry.text("Enabled").is_none_or(|value| value != "FALSE"));
    let domains: Vec<_> = enabled.map(domain).collect::<Result<_>>()?;
    if domains.is_empty() {
        return Err(Error::new(ErrorKind::Forbidden, ACTION)
            .with_object(&partitions)
            .with_detail("none is visible to this account")
            .with_hint("Sign in with an account of the forest."));
    }
    Ok(domains)
}

/// Decodes a cross-reference. One of the two names is enough: an invalid one must not hide the other domains.
fn domain(entry: &Entry) -> Result<ForestDomain> {
    let dns_name = entry.text("dnsRoot").and_then(|text| DomainName::parse_directory(&text).ok());
    let context = entry.text("nCName").and_then(|text| DistinguishedName::parse(&text).ok());
    let naming_context = context.or_else(|| Some(DistinguishedName::of_domain(dns_name.as_ref()?)));
    let dns_name = dns_name.or_else(|| naming_context.as_ref()?.domain_name());
    match (dns_name, naming_context) {
        (Some(dns_name), Some(naming_context)) => {
            Ok(ForestDomain { dns_name, naming_context, netbios_name: entry.text("nETBIOSName") })
        }
        _ => Err(Error::new(ErrorKind::Invalid, "read the domain")
            .with_object(&entry.dn)
            .with_detail("neither its dnsRoot nor its nCName names a domain")
            .with_hint(
                "Check this cross-reference in CN=Partitions; both attributes should name the domain.",
            )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(attributes: &[(&str, &str)]) -> Result<ForestDomain> {
        domain(&Entry::of_texts("CN=CORP,CN=Partitions,CN=Configuration,DC=corp_ad,DC=local", attributes))
    }

    #[test]
    fn a_domain_is_known_by_either_of_its_names() {
        for (attributes, dns_name, context) in [
            (
                &[("dnsRoot", "corp_ad.local"), ("nCName", "DC=corp_ad,DC=local")][..],
                "corp_ad.local",
                "DC=corp_ad,DC=local",
            ),
            (&[("dnsRoot", "corp_ad.local.")], "corp_ad.local", "DC=corp_ad,DC=local"),
            (
                &[("dnsRoot", "Corp.Example"), ("nCName", "DC=corp,DC=example")],
                "Corp.Example",
                "DC=corp,DC=example",
            ),
            (&[("dnsRoot", "a..b"), ("nCName", "DC=a b,DC=local")], "a b.local", "DC=a b,DC=local"),
            (&[("nCName", "DC=corp,DC=local")], "corp.local", "DC=corp,DC=local"),
            (&[("dnsRoot", "corp.local"), ("nCName", "no name")], "corp.local", "DC=corp,DC=local"),
        ] {
            let domain = read(attributes).unwrap();
            assert_eq!((domain.dns_name.as_str(), domain.naming_context.as_str()), (dns_name, context));
        }
        let error = read(&[("dnsRoot", ""), ("nCName", "no name")]).unwrap_err().to_string();
        assert!(error.contains("CN=CORP,CN=Partitions"), "{error}");
    }
}
