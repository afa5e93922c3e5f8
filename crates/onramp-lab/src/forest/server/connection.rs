//! One client's connection: requests are read ahead and answered in order, as the client sent them.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::BytesMut;
use ldap3_proto::proto::{LdapExtendedResponse, LdapMsg, LdapOp, LdapResult};
use ldap3_proto::{LdapCodec, LdapResultCode};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf, split};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::codec::Encoder;

use super::Endpoint;
use super::operations::Session;
use super::root_dse::START_TLS;
use super::wire::{Incoming, Request, take_request};
use crate::forest::fault::UnderWay;

/// A connection without requests is closed after that time, as `MaxConnIdleTime` says.
const IDLE: Duration = Duration::from_secs(900);
/// A client that does not take its answers is cut off after that time.
const STALLED: Duration = Duration::from_secs(120);
/// So many requests are read ahead of the one that is being answered.
const READ_AHEAD: usize = 128;
/// Answers are sent when so many bytes of them are there.
const FLUSH_AT: usize = 32 << 10;

/// What the server says before it closes a connection on its own account.
const NOTICE_OF_DISCONNECTION: &str = "1.3.6.1.4.1.1466.20036";

/// Whether a connection goes on after an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    Continue,
    StartTls,
    Close,
}

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

/// What a request is to the controller that it came to.
enum Load {
    /// No change, or the end of the connection.
    None,
    /// A change that it takes.
    Taken { _until_answered: UnderWay },
    /// A change that is too many.
    TooMuch,
}

/// Messages that their client does not want answered any more.
#[derive(Default)]
pub(super) struct Abandoned(Mutex<HashSet<i32>>);

impl Abandoned {
    fn with<T>(&self, f: impl FnOnce(&mut HashSet<i32>) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
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
        let (load, takes) = match is_change.then(|| UnderWay::begin(&endpoint.lab, endpoint.at)) {
            None => (Load::None, endpoint.lab.0.faults.latency()),
            Some(Some((under_way, takes))) => (Load::Taken { _until_answered: under_way }, takes),
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

/// A notice of disconnection.
pub(super) fn notice(code: LdapResultCode, why: &str) -> LdapOp {
    let res = LdapResult { code, matcheddn: String::new(), message: why.to_owned(), referral: Vec::new() };
    LdapOp::ExtendedResponse(LdapExtendedResponse {
        res,
        name: Some(NOTICE_OF_DISCONNECTION.to_owned()),
        value: None,
    })
}

/// Answers on their way to the client.
pub(super) struct Answers<'a, S> {
    writer: WriteHalf<S>,
    buffer: BytesMut,
    abandoned: &'a Abandoned,
}

/// The client is gone, or does not take its answers.
#[derive(Debug)]
pub(super) struct Gone;

impl<S: AsyncWrite> Answers<'_, S> {
    pub(super) fn push(&mut self, id: i32, operation: LdapOp) {
        self.push_message(LdapMsg::new(id, operation));
    }

    pub(super) fn push_message(&mut self, message: LdapMsg) {
        if let Err(error) = LdapCodec::default().encode(message, &mut self.buffer) {
            tracing::error!(%error, "an answer of a lab domain controller could not be encoded");
        }
    }

    /// Forgets the answers that were not sent yet.
    pub(super) fn discard(&mut self) {
        self.buffer.clear();
    }

    pub(super) fn is_abandoned(&self, id: i32) -> bool {
        self.abandoned.with(|ids| ids.remove(&id))
    }

    /// Sends what there is if it is much.
    pub(super) async fn flush_if_full(&mut self) -> Result<(), Gone> {
        if self.buffer.len() < FLUSH_AT {
            return Ok(());
        }
        self.flush().await
    }

    pub(super) async fn flush(&mut self) -> Result<(), Gone> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let writing = async {
            self.writer.write_all(&self.buffer).await?;
            self.writer.flush().await
        };
        let sent = timeout(STALLED, writing).await;
        self.buffer.clear();
        match sent {
            Ok(Ok(())) => Ok(()),
            _ => Err(Gone),
        }
    }
}
