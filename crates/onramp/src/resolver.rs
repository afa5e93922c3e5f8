//! Lookups in DNS by the name servers of this computer, or by one of the caller's choice.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use async_trait::async_trait;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use hickory_resolver::{Resolver, TokioResolver};
use onramp_core::dns::{Dns, DnsRecord, DnsRecordType};
use onramp_core::{Error, ErrorKind, Result};

const ACTION: &str = "look up in DNS";
/// The time limit of one answer; each is asked for three times at most.
const ANSWER: Duration = Duration::from_secs(5);

/// [`Dns`] by the name servers of this computer, or by one of the caller's choice. Feature `resolver`.
///
/// Answers are not checked by DNSSEC: they are held against what should be there, and decide on no write.
#[derive(Clone)]
pub struct SystemDns(TokioResolver);

impl fmt::Debug for SystemDns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SystemDns").finish_non_exhaustive()
    }
}

impl SystemDns {
    /// Creates a resolver that asks the name servers of this computer.
    ///
    /// # Errors
    /// `Invalid` if they are not known.
    pub fn new() -> Result<Self> {
        Resolver::builder_tokio().and_then(build).map(Self).map_err(|error| {
            Error::new(ErrorKind::Invalid, ACTION)
                .with_detail(format!("the DNS servers of this computer are not known: {error}"))
                .with_hint("Name a DNS server instead.")
        })
    }

    /// Creates a resolver that asks one name server.
    ///
    /// # Errors
    /// `Invalid` if it cannot be set up.
    pub fn at(name_server: SocketAddr) -> Result<Self> {
        let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
            connection.port = name_server.port();
            connection
        });
        let server = NameServerConfig::new(name_server.ip(), true, connections.to_vec());
        let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
        let builder = Resolver::builder_with_config(config, TokioRuntimeProvider::default());
        build(builder).map(Self).map_err(|error| {
            Error::new(ErrorKind::Invalid, ACTION).with_object(name_server).with_detail(error.to_string())
        })
    }
}

fn build(
    mut builder: hickory_resolver::ResolverBuilder<TokioRuntimeProvider>,
) -> std::result::Result<TokioResolver, NetError> {
    let options = builder.options_mut();
    options.timeout = ANSWER;
    options.attempts = 2;
    builder.build()
}

#[async_trait]
impl Dns for SystemDns {
    async fn lookup(&self, name: &str, record_type: DnsRecordType) -> Result<Vec<DnsRecord>> {
        let refuse =
            |kind, detail: String| Err(Error::new(kind, ACTION).with_object(name).with_detail(detail));
        let wanted = match record_type {
            DnsRecordType::Txt => RecordType::TXT,
            DnsRecordType::Mx => RecordType::MX,
            DnsRecordType::Cname => RecordType::CNAME,
            DnsRecordType::Srv => RecordType::SRV,
            other => return refuse(ErrorKind::Unsupported, format!("{other} records are not known")),
        };
        let relative = name.strip_suffix('.').unwrap_or(name);
        if relative.is_empty() {
            return refuse(ErrorKind::Invalid, "it is no name of a host or a service".to_owned());
        }
        let whole = match Name::from_ascii(format!("{relative}.")) {
            Ok(whole) => whole,
            Err(error) => return refuse(ErrorKind::Invalid, error.to_string()),
        };
        match self.0.lookup(whole, wanted).await {
            Ok(answer) => Ok(answer
                .answers()
                .iter()
                .filter_map(|one| record(&one.data))
                .filter(|one| one.record_type() == record_type)
                .collect()),
            Err(error) if error.is_no_records_found() => Ok(Vec::new()),
            Err(error) => refuse(ErrorKind::Unavailable, error.to_string()),
        }
    }
}

fn record(data: &RData) -> Option<DnsRecord> {
    let host = |name: &Name| name.to_ascii().trim_end_matches('.').to_owned();
    Some(match data {
        RData::TXT(text) => {
            let parts: Vec<u8> = text.txt_data.iter().flat_map(|part| part.iter().copied()).collect();
            DnsRecord::Txt { text: String::from_utf8_lossy(&parts).into_owned() }
        }
        RData::MX(mx) => DnsRecord::Mx { preference: mx.preference, exchange: host(&mx.exchange) },
        RData::CNAME(target) => DnsRecord::Cname { target: host(&target.0) },
        RData::SRV(srv) => DnsRecord::Srv {
            priority: srv.priority,
            weight: srv.weight,
            port: srv.port,
            target: host(&srv.target),
        },
        _ => return None,
    })
}
