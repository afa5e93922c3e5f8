//! The root DSE, in which a domain controller describes itself (RFC 4512 5.1, [MS-ADTS] 3.1.1.3.2).

use std::sync::Arc;

use onramp_core::{DistinguishedName, Error, ErrorKind, OffsetDateTime, Result};
use time::PrimitiveDateTime;
use time::macros::format_description;

use crate::ldap::base::Base;
use crate::ldap::connection_handle::ConnectionHandle;
use crate::search::entry::Entry;
use crate::search::request::Search;

const ATTRIBUTES: &[&str] = &[
    "configurationNamingContext",
    "defaultNamingContext",
    "rootDomainNamingContext",
    "namingContexts",
    "dnsHostName",
    "dsServiceName",
    "supportedControl",
    "isSynchronized",
    "isGlobalCatalogReady",
    "currentTime",
    "forestFunctionality",
    "supportedCapabilities",
];
/// LDAP_CAP_ACTIVE_DIRECTORY_PARTIAL_SECRETS_OID: a read-only domain controller ([MS-ADTS] 3.1.1.3.4.3).
const PARTIAL_SECRETS: &str = "1.2.840.113556.1.4.1920";

/// The description of a domain controller by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RootDse {
    /// The DNS host name.
    pub host: String,
    /// The distinguished name of the `nTDSDSA` object.
    pub settings: DistinguishedName,
    /// The Configuration partition of the forest.
    pub configuration: DistinguishedName,
    /// The naming context of the domain that the domain controller belongs to.
    pub domain: DistinguishedName,
    /// The naming context of the forest root domain.
    pub root_domain: DistinguishedName,
    /// The naming contexts with a full replica on this domain controller.
    pub naming_contexts: Vec<DistinguishedName>,
    /// The OIDs of the supported controls.
    pub controls: Vec<String>,
    /// True after the first synchronization.
    pub is_synchronized: bool,
    /// True if the domain controller says that it is read-only.
    pub is_read_only: bool,
    /// True if it answers as a global catalog.
    pub is_global_catalog: bool,
    /// The time by the clock of the domain controller when it answered, in whole seconds; `None` if it does not tell.
    pub time: Option<OffsetDateTime>,
    /// The functional level of the forest ([MS-ADTS] 6.1.4.4): 4 is 2008 R2, 7 is 2016.
    pub forest_level: u32,
}

impl RootDse {
    /// Returns true if the domain controller has a full replica of that naming context.
    pub fn holds(&self, context: &DistinguishedName) -> bool {
        self.naming_contexts.contains(context)
    }

    /// Returns the name of the site.
    pub fn site(&self) -> String {
        // CN=NTDS Settings,CN=<server>,CN=Servers,CN=<site>,CN=Sites,…
        self.settings.rdns().into_iter().nth(3).map(|rdn| rdn.value).unwrap_or_default()
    }

    /// Returns the Partitions container, with the domains and the UPN suffixes of the forest.
    pub fn partitions(&self) -> DistinguishedName {
        self.configuration.child("CN", "Partitions")
    }

    /// Returns the Sites container, with the domain controllers of the forest.
    pub fn sites(&self) -> DistinguishedName {
        self.configuration.child("CN", "Sites")
    }

    pub(crate) async fn read(handle: &Arc<ConnectionHandle>) -> Result<Self> {
        const ACTION: &str = "connect to the domain controller";
        let found = handle.read(Search::object(Base::Root, ATTRIBUTES)).await;
        let entry = found.map_err(|error| error.during(ACTION).with_object(handle.host()))?;
        entry.as_ref().ok_or_else(|| "it does not describe itself".to_owned()).and_then(Self::decode).map_err(
            |detail| {
                Error::new(ErrorKind::Invalid, ACTION)
                    .with_object(handle.host())
                    .with_detail(detail)
                    .with_hint("Check that the host is an Active Directory domain controller.")
            },
        )
    }

    fn decode(entry: &Entry) -> Result<Self, String> {
        let name = |attribute: &str| {
            let text = entry.text(attribute).ok_or_else(|| format!("its root DSE has no {attribute}"))?;
            DistinguishedName::parse(&text).map_err(|error| error.to_string())
        };
        let contexts = entry.all_texts("namingContexts").map(|text| DistinguishedName::parse(&text));
        let mut controls: Vec<String> = entry.all_texts("supportedControl").collect();
        controls.sort_unstable();
        controls.dedup();
        Ok(Self {
            host: entry.text("dnsHostName").unwrap_or_default(),
            settings: name("dsServiceName")?,
            configuration: name("configurationNamingContext")?,
            domain: name("defaultNamingContext")?,
            root_domain: name("rootDomainNamingContext")?,
            naming_contexts: contexts.collect::<Result<_, _>>().map_err(|error| error.to_string())?,
            controls,
            is_synchronized: entry.is_true("isSynchronized"),
            is_read_only: entry.all_texts("supportedCapabilities").any(|oid| oid == PARTIAL_SECRETS),
            is_global_catalog: entry.is_true("isGlobalCatalogReady"),
            time: entry.text("currentTime").as_deref().and_then(generalized_time),
            forest_level: entry.flags("forestFunctionality").unwrap_or_default(),
        })
    }
}

/// Parses a time in UTC, as directories write it: `20260701120000.0Z` ([MS-ADTS] 3.1.1.2.2.2.3).
fn generalized_time(text: &str) -> Option<OffsetDateTime> {
    let format = format_description!("[year][month][day][hour][minute][second]");
    let seconds = text.strip_suffix('Z')?.split('.').next()?;
    PrimitiveDateTime::parse(seconds, format).ok().map(PrimitiveDateTime::assume_utc)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_as_directories_write_it() {
        let read = |text: &str| generalized_time(text).map(OffsetDateTime::unix_timestamp);
        assert_eq!(read("20240101000000.0Z"), Some(1_704_067_200));
        assert_eq!(read("20240101000001Z"), Some(1_704_067_201));
        for text in ["", "Z", "20240101000000.0", "20241301000000.0Z", "2024-01-01T00:00:00Z"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
