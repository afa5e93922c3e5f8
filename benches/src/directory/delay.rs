//! A network that takes its time: a TCP proxy that delivers everything later, in either direction.
//!
//! Each piece is delivered a fixed time after it arrived, so what follows closely follows closely on the other side
//! too: bandwidth and pipelining stay as they are, only the way is longer. Threads wait, not a runtime's timers, because
//! those round to milliseconds.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use crate::Result;

/// The largest piece that is delivered at a time.
const PIECE: usize = 64 * 1024;
/// Pieces under way in one direction of one connection: 64 MB, more than any window.
const UNDER_WAY: usize = 1024;

/// Starts a proxy to a server; gives where it listens. It lives as long as the process.
///
/// # Errors
/// If there is no port to listen on.
pub fn proxy(server: SocketAddr, round_trip: Duration) -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    std::thread::spawn(move || {
        for client in listener.incoming().filter_map(std::io::Result::ok) {
            // A server that is away closes the connection, as it would without the proxy.
            let _ = connect(client, server, round_trip / 2);
        }
    });
    Ok(address)
}

fn connect(client: TcpStream, server: SocketAddr, delay: Duration) -> std::io::Result<()> {
    let server = TcpStream::connect(server)?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    carry(client.try_clone()?, server.try_clone()?, delay);
    carry(server, client, delay);
    Ok(())
}

/// Carries what one side says to the other, until it says no more.
fn carry(from: TcpStream, to: TcpStream, delay: Duration) {
    let (sender, receiver) = sync_channel(UNDER_WAY);
    std::thread::spawn(move || take(from, &sender, delay));
    std::thread::spawn(move || deliver(to, &receiver));
}

type Piece = (Instant, Vec<u8>);

fn take(mut from: TcpStream, sender: &SyncSender<Piece>, delay: Duration) {
    let mut piece = vec![0; PIECE];
    while let Ok(length @ 1..) = from.read(&mut piece) {
        let content = piece.get(..length).unwrap_or_default().to_vec();
        if sender.send((Instant::now() + delay, content)).is_err() {
            break;
        }
    }
}

fn deliver(mut to: TcpStream, receiver: &Receiver<Piece>) {
    while let Ok((due, content)) = receiver.recv() {
        while let Some(left) = due.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
            std::thread::park_timeout(left);
        }
        if to.write_all(&content).is_err() {
            break;
        }
    }
    // Whoever hears it ends its side too; it may be gone already.
    let _ = to.shutdown(Shutdown::Write);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_arrives_in_order_and_not_before_its_time() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let server = listener.local_addr().unwrap();
        // Says again what it hears, until it hears no more.
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut copy = stream.try_clone().unwrap();
            std::io::copy(&mut stream, &mut copy).unwrap();
        });
        let round_trip = Duration::from_millis(20);
        let mut client = TcpStream::connect(proxy(server, round_trip).unwrap()).unwrap();
        let said: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
        let start = Instant::now();
        let mut copy = client.try_clone().unwrap();
        let heard = std::thread::scope(|scope| {
            scope.spawn(|| {
                copy.write_all(&said).unwrap();
                copy.shutdown(Shutdown::Write).unwrap();
            });
            let mut heard = Vec::new();
            client.read_to_end(&mut heard).unwrap();
            heard
        });
        assert!(heard == said, "{} of {} octets", heard.len(), said.len());
        assert!(start.elapsed() >= round_trip);
    }
}
