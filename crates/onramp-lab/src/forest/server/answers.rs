//! The answers to one client, buffered on their way.

use bytes::BytesMut;
use ldap3_proto::proto::{LdapExtendedResponse, LdapMsg, LdapOp, LdapResult};
use ldap3_proto::{LdapCodec, LdapResultCode};
use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncWrite, AsyncWriteExt, WriteHalf};
use tokio::time::timeout;
use tokio_util::codec::Encoder;

/// A client that does not take its answers is cut off after that time.
const STALLED: Duration = Duration::from_secs(120);

/// Answers are sent when so many bytes of them are there.
const FLUSH_AT: usize = 32 << 10;

/// The object identifier of a notice of disconnection (RFC 4511).
const NOTICE_OF_DISCONNECTION: &str = "1.3.6.1.4.1.1466.20036";

/// The state of a connection after an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    Continue,
    StartTls,
    Close,
}

/// Messages that their client does not want answered any more.
#[derive(Default)]
pub(super) struct Abandoned(Mutex<HashSet<i32>>);

impl Abandoned {
    pub(super) fn with<T>(&self, f: impl FnOnce(&mut HashSet<i32>) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
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
    pub(super) writer: WriteHalf<S>,
    pub(super) buffer: BytesMut,
    pub(super) abandoned: &'a Abandoned,
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
