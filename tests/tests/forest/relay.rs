//! A relay to a controller that breaks connections in the middle of an answer.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, copy};
use tokio::net::{TcpListener, TcpStream};

/// A relay of connections to a controller, which cuts the first ones after a number of octets came back.
#[derive(Debug)]
pub(crate) struct Relay {
    address: SocketAddr,
    opened: Arc<AtomicUsize>,
}

impl Relay {
    /// Starts a relay that cuts the first `connections` to `controller` after `octets` of its answers, even within an
    /// answer.
    pub(crate) async fn cutting(connections: usize, octets: u64, controller: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let (address, opened) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
        let count = Arc::clone(&opened);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let number = count.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(carry(client, controller, if number < connections { octets } else { u64::MAX }));
            }
        });
        Self { address, opened }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the number of connections opened so far.
    pub(crate) fn opened(&self) -> usize {
        self.opened.load(Ordering::SeqCst)
    }
}

async fn carry(client: TcpStream, controller: SocketAddr, octets: u64) {
    let Ok(server) = TcpStream::connect(controller).await else { return };
    let (mut from_client, mut to_client) = client.into_split();
    let (from_server, mut to_server) = server.into_split();
    let mut answers = from_server.take(octets);
    // The first direction to end closes the connection for both sides.
    tokio::select! {
        _ = copy(&mut from_client, &mut to_server) => {}
        _ = copy(&mut answers, &mut to_client) => {}
    }
}
