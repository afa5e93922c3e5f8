//! LDAP servers over the forest: one LDAP and one LDAPS port for each domain controller, on this machine only.

mod answers;
mod connection;
mod dirsync;
mod endpoint;
mod operations;
mod paging;
mod root_dse;
mod searching;
mod session;
mod wire;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use onramp_core::{Error, ErrorKind, Result};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use endpoint::Endpoint;

use crate::forest::LabForest;
use crate::forest::data::view::DirectoryScope;
use crate::tls::LabCa;

/// The maximum number of connections of a domain controller; more are closed at once.
const MAX_CONNECTIONS: usize = 1000;

impl LabForest {
    /// Opens LDAP (with StartTLS) and LDAPS for every domain controller and every global catalog, on ports of 127.0.0.1 that are
    /// free. Each controller's certificate is signed by `ca` for its DNS name, `localhost` and `127.0.0.1`. A client may sign in
    /// by a certificate of [`client_certificate`](Self::client_certificate).
    ///
    /// The servers end when the returned value is dropped.
    ///
    /// # Errors
    /// `Unavailable` if a port cannot be opened, `Invalid` if a certificate cannot be made.
    pub async fn serve(&self, ca: &LabCa) -> Result<LabForestServers> {
        self.serve_at(ca, IpAddr::V4(Ipv4Addr::LOCALHOST), None).await
    }

    /// Like [`serve`](Self::serve), at another address, and with ports in a row from `first_port`: LDAP and LDAPS of the first
    /// controller, LDAP and LDAPS of the second, and so on; then the global catalogs in the same way.
    ///
    /// # Errors
    /// As [`serve`](Self::serve).
    pub async fn serve_at(
        &self,
        ca: &LabCa,
        address: IpAddr,
        first_port: Option<u16>,
    ) -> Result<LabForestServers> {
        let mut tasks = JoinSet::new();
        let (mut controllers, mut configurations) = (Vec::new(), Vec::new());
        let mut next_port = first_port.unwrap_or(0);
        for (at, host) in self.controllers().into_iter().enumerate() {
            let tls = ca
                .server_config_taking_certificates(&[&host, "localhost", &address.to_string()])
                .map_err(|error| {
                    Error::new(ErrorKind::Invalid, "make a certificate for")
                        .with_object(&host)
                        .with_source(error)
                })?;
            let mut addresses = Vec::new();
            for secure in [false, true] {
                let endpoint = Endpoint {
                    lab: self.clone(),
                    at,
                    tls: tls.clone(),
                    secure,
                    directory_scope: DirectoryScope::Directory,
                };
                addresses.push(open(&mut tasks, &host, endpoint, address, &mut next_port).await?);
            }
            if let [ldap, ldaps] = *addresses {
                let (global_catalog, global_catalog_tls) = (None, None);
                controllers.push(ServedController { host, ldap, ldaps, global_catalog, global_catalog_tls });
            }
            configurations.push(tls);
        }
        // After the directories, so that these keep their ports whoever is a global catalog.
        for ((at, served), tls) in controllers.iter_mut().enumerate().zip(configurations) {
            if !self.with(|state| state.controllers.get(at).is_some_and(|controller| controller.catalog)) {
                continue;
            }
            for secure in [false, true] {
                let tls = tls.clone();
                let endpoint =
                    Endpoint { lab: self.clone(), at, tls, secure, directory_scope: DirectoryScope::Catalog };
                let bound = open(&mut tasks, &served.host, endpoint, address, &mut next_port).await?;
                let place = if secure { &mut served.global_catalog_tls } else { &mut served.global_catalog };
                *place = Some(bound);
            }
        }
        Ok(LabForestServers { controllers, _tasks: tasks })
    }
}

/// Opens a port and serves it. A row of ports goes on with the next one.
async fn open(
    tasks: &mut JoinSet<()>,
    host: &str,
    endpoint: Endpoint,
    address: IpAddr,
    port: &mut u16,
) -> Result<SocketAddr> {
    let listener = TcpListener::bind(SocketAddr::new(address, *port)).await;
    let bound = listener.and_then(|listener| Ok((listener.local_addr()?, listener)));
    let (bound, listener) = bound.map_err(|error| {
        let error = Error::new(ErrorKind::Unavailable, "open a port for").with_source(error);
        error.with_object(host).with_detail(format!("{address}:{port} cannot be opened"))
    })?;
    *port = if *port == 0 { 0 } else { port.saturating_add(1) };
    tasks.spawn(listen(listener, endpoint));
    Ok(bound)
}

/// Running LDAP servers. They end when it is dropped.
#[derive(Debug)]
#[must_use = "the servers end when this is dropped"]
pub struct LabForestServers {
    controllers: Vec<ServedController>,
    _tasks: JoinSet<()>,
}

impl LabForestServers {
    /// Returns the addresses of the domain controllers; the first takes the changes of the ports too.
    #[must_use]
    pub fn controllers(&self) -> &[ServedController] {
        &self.controllers
    }
}

/// The addresses of one domain controller.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServedController {
    /// The DNS name, which is in the certificate.
    pub host: String,
    /// LDAP, with StartTLS.
    pub ldap: SocketAddr,
    /// LDAPS.
    pub ldaps: SocketAddr,
    /// The address of the global catalog, with StartTLS, if the controller is one.
    pub global_catalog: Option<SocketAddr>,
    /// The address of the global catalog with TLS from the start, if the controller is one.
    pub global_catalog_tls: Option<SocketAddr>,
}

async fn listen(listener: TcpListener, endpoint: Endpoint) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = listener.accept().await;
        while connections.try_join_next().is_some() {}
        match accepted {
            Ok((stream, _)) if connections.len() < MAX_CONNECTIONS && !endpoint.is_stopped() => {
                connections.spawn(welcome(stream, endpoint.clone()));
            }
            Ok(_) => {}
            Err(error) => {
                // Out of file descriptors, most likely: let some connections end first.
                tracing::warn!(%error, "a lab domain controller could not accept a connection");
                connections.join_next().await;
            }
        }
    }
}

async fn welcome(stream: TcpStream, endpoint: Endpoint) {
    // A server that cannot switch Nagle's algorithm off is slower, nothing else.
    let _ = stream.set_nodelay(true);
    if !endpoint.secure {
        return connection::plain(stream, endpoint).await;
    }
    match TlsAcceptor::from(endpoint.tls.clone()).accept(stream).await {
        Ok(stream) => connection::encrypted(stream, endpoint).await,
        Err(error) => tracing::debug!(%error, "a TLS handshake with a lab domain controller failed"),
    }
}
