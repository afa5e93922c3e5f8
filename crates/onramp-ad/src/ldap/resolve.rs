//! Name resolution: by the operating system, or by a name server of the caller's choice.

use std::io;
use std::net::IpAddr;
#[cfg(feature = "dns")]
use std::net::SocketAddr;
#[cfg(feature = "dns")]
use std::time::Duration;

#[cfg(feature = "dns")]
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
#[cfg(feature = "dns")]
use hickory_resolver::net::NetError;
#[cfg(feature = "dns")]
use hickory_resolver::net::runtime::TokioRuntimeProvider;
#[cfg(feature = "dns")]
use hickory_resolver::{Resolver, TokioResolver};

use crate::ldap::settings::Settings;

/// Resolves a host name, or parses an IP address.
pub(crate) async fn addresses(host: &str, settings: &Settings) -> io::Result<Vec<IpAddr>> {
    #[cfg(feature = "dns")]
    if let (Some(server), Err(_)) = (settings.name_server, host.parse::<IpAddr>()) {
        let resolver = resolver(Some(server), settings.timeouts.connect).map_err(io::Error::other)?;
        let found = resolver.lookup_ip(format!("{host}.")).await.map_err(io::Error::other)?;
        return Ok(found.iter().collect());
    }
    #[cfg(not(feature = "dns"))]
    let _ = settings;
    Ok(tokio::net::lookup_host((host, 0)).await?.map(|address| address.ip()).collect())
}

/// Creates a resolver that asks one name server, or those of the operating system.
#[cfg(feature = "dns")]
pub(crate) fn resolver(server: Option<SocketAddr>, limit: Duration) -> Result<TokioResolver, NetError> {
    let mut builder = match server {
        None => Resolver::builder_tokio()?,
        Some(address) => {
            let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
                connection.port = address.port();
                connection
            });
            let server = NameServerConfig::new(address.ip(), true, connections.to_vec());
            let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
            Resolver::builder_with_config(config, TokioRuntimeProvider::default())
        }
    };
    // Two attempts and the time for the answer fit into the limit.
    builder.options_mut().timeout = limit / 3;
    builder.build()
}
