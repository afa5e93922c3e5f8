//! Lookups in DNS.

use std::fmt::{self, Debug};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::Result;

/// The type of DNS records to look for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum DnsRecordType {
    /// Text.
    Txt,
    /// A mail exchanger.
    Mx,
    /// Another name of a host.
    Cname,
    /// The place of a service (RFC 2782).
    Srv,
}

impl fmt::Display for DnsRecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Txt => "TXT",
            Self::Mx => "MX",
            Self::Cname => "CNAME",
            Self::Srv => "SRV",
        })
    }
}

/// The data of a DNS record. Names of hosts have no final dot.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "type")]
#[non_exhaustive]
pub enum DnsRecord {
    /// Text; the parts of a longer one are joined.
    Txt {
        /// The text.
        text: String,
    },
    /// A mail exchanger.
    Mx {
        /// The preference; the lowest is tried first.
        preference: u16,
        /// The host.
        exchange: String,
    },
    /// Another name of a host.
    Cname {
        /// The host.
        target: String,
    },
    /// The place of a service.
    Srv {
        /// The priority; the lowest is tried first.
        priority: u16,
        /// The weight among those of one priority.
        weight: u16,
        /// The port.
        port: u16,
        /// The host.
        target: String,
    },
}

impl DnsRecord {
    /// Returns the type.
    pub fn record_type(&self) -> DnsRecordType {
        match self {
            Self::Txt { .. } => DnsRecordType::Txt,
            Self::Mx { .. } => DnsRecordType::Mx,
            Self::Cname { .. } => DnsRecordType::Cname,
            Self::Srv { .. } => DnsRecordType::Srv,
        }
    }

    /// Returns true if both say the same: hosts in any case, with or without the final dot, text exactly.
    ///
    /// ```
    /// use onramp_core::dns::DnsRecord;
    /// let mx = |exchange: &str| DnsRecord::Mx { preference: 0, exchange: exchange.into() };
    /// assert!(mx("Mail.Contoso.com.").is_same_as(&mx("mail.contoso.com")));
    /// assert!(!mx("mail.contoso.com").is_same_as(&DnsRecord::Cname { target: "mail.contoso.com".into() }));
    /// ```
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.comparable() == other.comparable()
    }

    fn comparable(&self) -> Self {
        let host = |host: &str| host.trim_end_matches('.').to_ascii_lowercase();
        match self.clone() {
            Self::Txt { text } => Self::Txt { text },
            Self::Mx { preference, exchange } => Self::Mx { preference, exchange: host(&exchange) },
            Self::Cname { target } => Self::Cname { target: host(&target) },
            Self::Srv { priority, weight, port, target } => {
                Self::Srv { priority, weight, port, target: host(&target) }
            }
        }
    }
}

impl fmt::Display for DnsRecord {
    /// Type and data in the form of a zone file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Txt { text } => write!(f, "TXT \"{text}\""),
            Self::Mx { preference, exchange } => write!(f, "MX {preference} {exchange}."),
            Self::Cname { target } => write!(f, "CNAME {target}."),
            Self::Srv { priority, weight, port, target } => {
                write!(f, "SRV {priority} {weight} {port} {target}.")
            }
        }
    }
}

/// The port of lookups in DNS.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Dns: Debug + Send + Sync {
    /// Returns the records of a type at a name, in no order: none if the name does not exist or has none of that type. The
    /// name is whole, such as `_sip._tls.contoso.com`, with or without the final dot.
    ///
    /// # Errors
    /// `Unavailable` if no name server answers in a bounded time, or one says that it failed; `Invalid` if it is no name.
    async fn lookup(&self, name: &str, record_type: DnsRecordType) -> Result<Vec<DnsRecord>>;
}
