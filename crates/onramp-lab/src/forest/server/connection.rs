//! One client's connection: requests are read ahead and answered in order, as the client sent them.

use std::time::Duration;

use bytes::BytesMut;
use ldap3_proto::LdapResultCode;
use ldap3_proto::proto::LdapOp;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, split};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::answers::{Abandoned, Answers, Next, notice};
use super::endpoint::Endpoint;
use super::root_dse::START_TLS;
use super::session::Session;
use super::wire::{Incoming, Request, take_request};
use crate::forest::fault::InFlight;

/// A connection without requests is closed after that time, as `MaxConnIdleTime` says.
const IDLE: Duration = Duration::from_secs(900);

/// The number of requests that are read ahead of the answered one.
const READ_AHEAD: usize = 128;

/// Serves a connection that begins without TLS.
pub(super) async fn plain<S>(mut stream: S, endpoint: Endpoint)
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let mut session = Session::new(&endpoint, false);
    if serve(&mut stream, &mut session, &endpoint).await != Next::StartTls {
        return;
    }
    match TlsAcceptor::from(endpoint.tls.clone()).accept(stream).await {
        Ok(stream) => encrypted(stream, endpoint).await,
        Err(error) => tracing::debug!(%error, "StartTLS with a lab domain controller failed"),
    }
}

/// Serves a connection that has TLS.
pub(super) async fn encrypted<S>(mut stream: TlsStream<S>, endpoint: Endpoint)
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let certificate = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
    let certificate = certificate.map(|certificate| certificate.to_vec());
    let mut session = Session::new(&endpoint, true).with_certificate(certificate, endpoint.secure);
    serve(&mut stream, &mut session, &endpoint).await;
    // The client may be gone already.
    let _ = stream.shutdown().await;
}

async fn serve<S>(stream: &mut S, session: &mut Session, endpoint: &Endpoint) -> Next
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let (reader, writer) = split(stream);
    let (requests, received) = mpsc::channel(READ_AHEAD);
    let abandoned = Abandoned::default();
    let reading = read(reader, requests, endpoint, &abandoned);
    let mut answers = Answers { writer, buffer: BytesMut::new(), abandoned: &abandoned };
    let answering = answer(received, &mut answers, session, endpoint);
    tokio::pin!(reading, answering);
    tokio::select! {
        biased;
        next = &mut answering => next,
        () = &mut reading => answering.await,
    }
}

/// A request and when its answer is due.
struct Arrival {
    request: Option<Request>,
    due: Duration,
    load: Load,
}

/// The load that a request puts on its controller.
enum Load {
    /// No change, or the end of the connection.
    None,
    /// A change that it takes.
    Taken { _until_answered: InFlight },
    /// A change that is too many.
    TooMuch,
}

async fn read<S: AsyncRead>(
    mut reader: ReadHalf<S>,
    requests: mpsc::Sender<Arrival>,
    endpoint: &Endpoint,
    abandoned: &Abandoned,
) {
    let mut buffer = BytesMut::new();
    loop {
        let request = match take_request(&mut buffer) {
            Ok(Some(request)) => Some(request),
            Ok(None) => match timeout(IDLE, reader.read_buf(&mut buffer)).await {
                Ok(Ok(1..)) => continue,
                _ => return,
            },
            Err(_) => None,
        };
        if let Some(Request { operation: Incoming::Other(LdapOp::AbandonRequest(id)), .. }) = &request {
            // Ids of requests that were answered already are remembered too; a client that invents them gains nothing.
            abandoned.with(|ids| ids.len() < READ_AHEAD && ids.insert(*id));
            continue;
        }
        let last = request.as_ref().is_none_or(|request| match &request.operation {
            // What follows is the handshake, or nothing.
            Incoming::Other(LdapOp::ExtendedRequest(extended)) => extended.name == START_TLS,
            Incoming::Other(LdapOp::UnbindRequest) => true,
            _ => false,
        });
        let is_change = request
            .as_ref()
            .is_some_and(|request| matches!(request.operation, Incoming::Other(LdapOp::ModifyRequest(_))));
        let (load, takes) = match is_change.then(|| InFlight::begin(&endpoint.lab, endpoint.at)) {
            None => (Load::None, endpoint.lab.0.faults.latency()),
            Some(Some((in_flight, takes))) => (Load::Taken { _until_answered: in_flight }, takes),
            Some(None) => (Load::TooMuch, endpoint.lab.0.faults.latency()),
        };
        let due = endpoint.lab.0.clock.elapsed() + takes;
        if requests.send(Arrival { request, due, load }).await.is_err() || last {
            return;
        }
    }
}

async fn answer<S: AsyncWrite>(
    mut received: mpsc::Receiver<Arrival>,
    answers: &mut Answers<'_, S>,
    session: &mut Session,
    endpoint: &Endpoint,
) -> Next {
    loop {
        // Answers wait for company only as long as there is something to do.
        let arrival = match received.try_recv() {
            Ok(arrival) => arrival,
            Err(_) => {
                if answers.flush().await.is_err() {
                    return Next::Close;
                }
                match received.recv().await {
                    Some(arrival) => arrival,
                    None => return Next::Close,
                }
            }
        };
        let clock = &endpoint.lab.0.clock;
        let early = arrival.due.saturating_sub(clock.elapsed());
        if !early.is_zero() {
            if answers.flush().await.is_err() {
                return Next::Close;
            }
            clock.sleep(early).await;
        }
        if endpoint.is_stopped() {
            return Next::Close;
        }
        let next = match arrival.request {
            Some(request) if matches!(arrival.load, Load::TooMuch) => session.too_busy(request.id, answers),
            Some(request) => session.handle(request, answers).await,
            None => {
                answers.push(0, notice(LdapResultCode::ProtocolError, "the message cannot be understood"));
                Next::Close
            }
        };
        match next {
            Next::Continue => {}
            next => {
                // A client that is gone does not miss the last answer.
                let _ = answers.flush().await;
                return next;
            }
        }
    }
}
