//! A client of the range interface over a transport of the caller.

use alloc::string::String;
use alloc::vec::Vec;
use core::future::Future;

use super::{ClientError, HashKind, PasswordHash, Prefix, RangeBody, RangeRequest};

/// The service that Have I Been Pwned runs.
const SERVICE: &str = "https://api.pwnedpasswords.com";

/// Fetches ranges, and waits for them.
pub trait Transport {
    /// The error of a failed request.
    type Error;

    /// GETs the address of a request with its header fields.
    ///
    /// Anything but status 200 is an error, and so is a body of more than [`MAX_BODY`](super::MAX_BODY) bytes, which is
    /// not to be read to its end. The wait must be bounded.
    ///
    /// # Errors
    /// Whatever the transport makes of it.
    fn fetch(&self, request: &RangeRequest) -> Result<Vec<u8>, Self::Error>;
}

/// Fetches ranges without blocking, on whatever runs the future. Dropping the future cancels.
pub trait AsyncTransport {
    /// The error of a failed request.
    type Error;

    /// As [`Transport::fetch`].
    ///
    /// # Errors
    /// Whatever the transport makes of it.
    fn fetch(&self, request: &RangeRequest) -> impl Future<Output = Result<Vec<u8>, Self::Error>> + Send;
}

/// Asks the range interface whether a password is known from a breach.
///
/// The password does not leave the program, nor does its hash: five digits of it do, which about two thousand known
/// passwords share. Whether no answer means yes or no is the caller's to say: there is no default.
#[derive(Clone, Debug)]
pub struct RangeClient<T> {
    transport: T,
    base: String,
    kind: HashKind,
    padding: bool,
}

impl<T> RangeClient<T> {
    /// Creates a client that asks `https://api.pwnedpasswords.com` for SHA-1 ranges, padded.
    #[must_use]
    pub fn new(transport: T) -> Self {
        Self { transport, base: SERVICE.into(), kind: HashKind::Sha1, padding: true }
    }

    /// Asks another service that speaks the same.
    #[must_use]
    pub fn with_service(mut self, base: impl Into<String>) -> Self {
        self.base = base.into();
        self
    }

    /// Asks for ranges of other hashes.
    #[must_use]
    pub fn with_kind(mut self, kind: HashKind) -> Self {
        self.kind = kind;
        self
    }

    /// Asks for answers without padding.
    #[must_use]
    pub fn without_padding(mut self) -> Self {
        self.padding = false;
        self
    }

    /// Returns the request for a range, for callers that fetch all of them to build a store.
    #[must_use]
    pub fn request(&self, prefix: Prefix) -> RangeRequest {
        let request = RangeRequest::new(&self.base, prefix, self.kind);
        if self.padding { request } else { request.without_padding() }
    }
}

impl<T: Transport> RangeClient<T> {
    /// Returns the number of times that a password was seen in breaches: 0 for never.
    ///
    /// # Errors
    /// When the transport fails or the answer is no range.
    pub fn count(&self, password: &str) -> Result<u64, ClientError<T::Error>> {
        let hash = self.kind.hash(password);
        let request = self.request(Prefix::of(&hash));
        read(&hash, self.transport.fetch(&request))
    }
}

impl<T: AsyncTransport> RangeClient<T> {
    /// Returns the number of times that a password was seen in breaches: 0 for never.
    ///
    /// # Errors
    /// When the transport fails or the answer is no range.
    pub async fn count_async(&self, password: &str) -> Result<u64, ClientError<T::Error>> {
        let hash = self.kind.hash(password);
        let request = self.request(Prefix::of(&hash));
        read(&hash, self.transport.fetch(&request).await)
    }
}

fn read<E>(hash: &PasswordHash, answer: Result<Vec<u8>, E>) -> Result<u64, ClientError<E>> {
    let prefix = Prefix::of(hash);
    let body = answer.map_err(|source| ClientError::Transport { prefix, source })?;
    RangeBody::new(&body, prefix, hash.kind())
        .and_then(|body| body.count(hash))
        .map_err(|source| ClientError::Answer { prefix, source })
}
