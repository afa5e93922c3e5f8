//! Fetching the pages of a collection, with the next one requested while the current one still arrives.

use std::collections::HashSet;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use onramp_core::{Error, ErrorKind, Result};
use url::Url;

use crate::http::request::{Reply, Request};
use crate::http::transport::Transport;
use crate::query::next_link::{NextLink, scan};

/// The responses of a paged collection, one after the other, independent of the type of their objects.
///
/// While a page arrives and while its objects are used, at most one more is requested. Its link is followed verbatim
/// if it is at the same service, and never twice: a repeated link is an error, because the list would have no end.
/// Nothing is sent before the first poll, and dropping this cancels the requests in flight.
pub(crate) struct PageFetcher {
    transport: Transport,
    /// The request; only its URL changes from page to page.
    request: Request,
    prefetch: bool,
    current: Option<Fetch>,
    ahead: Option<Fetch>,
    seen: HashSet<u64>,
}

/// A page in flight, or arrived.
struct Fetch {
    link: Option<String>,
    in_flight: Option<BoxFuture<'static, Result<Reply>>>,
    arrived: Option<Result<Reply>>,
    next_link: Arc<Mutex<NextLink>>,
}

impl PageFetcher {
    pub(crate) fn new(transport: Transport, first: Request, prefetch: bool) -> Self {
        let seen = HashSet::from([fingerprint(&first.url)]);
        let current = Some(Fetch::start(transport.clone(), first.clone(), None));
        Self { transport, request: first, prefetch, current, ahead: None, seen }
    }

    /// Returns the first request.
    pub(crate) fn request(&self) -> &Request {
        &self.request
    }

    /// Discards every page and starts from the beginning.
    pub(crate) fn restart(&mut self) {
        *self = Self::new(self.transport.clone(), self.request.clone(), self.prefetch);
    }

    /// Returns the next response. The caller passes its link to [`PageFetcher::follow_link`]; without that, the list ends.
    pub(crate) fn poll_reply(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Reply>>> {
        let Some(current) = &mut self.current else { return Poll::Ready(None) };
        if !current.poll(cx) {
            let link = if self.prefetch && self.ahead.is_none() { current.peek() } else { None };
            if let Some(link) = link {
                self.ahead = Some(self.follow(link));
            }
            if let Some(ahead) = &mut self.ahead {
                ahead.poll(cx);
            }
            return Poll::Pending;
        }
        let reply = current.arrived.take();
        self.current = None;
        Poll::Ready(reply)
    }

    /// Follows the link of the last response.
    pub(crate) fn follow_link(&mut self, link: Option<&str>, cx: &mut Context<'_>) {
        let ahead = self.ahead.take();
        let Some(link) = link else { return };
        // A page that was read again after a lost response may have another link.
        self.current = match ahead {
            Some(ahead) if ahead.link.as_deref() == Some(link) => Some(ahead),
            _ => Some(self.follow(link.to_owned())),
        };
        self.poll_ahead(cx);
    }

    /// Polls the next page, and requests it if that has not happened yet.
    pub(crate) fn poll_ahead(&mut self, cx: &mut Context<'_>) {
        if let Some(next) = self.current.as_mut().filter(|_| self.prefetch) {
            next.poll(cx);
        }
    }

    fn follow(&mut self, link: String) -> Fetch {
        match self.checked(&link) {
            Ok(url) => {
                let request = Request { url, ..self.request.clone() };
                Fetch::start(self.transport.clone(), request, Some(link))
            }
            Err(error) => Fetch::failed(error, link),
        }
    }

    fn checked(&mut self, link: &str) -> Result<Url> {
        let refuse = |detail| self.request.error(ErrorKind::Invalid).with_detail(detail);
        let url = Url::parse(link).map_err(|_| refuse("the link to the next page is not a URL"))?;
        self.request.service.check_origin(&url)?;
        if !self.seen.insert(fingerprint(&url)) {
            return Err(refuse("the server linked to a page that was read before, so the list has no end"));
        }
        Ok(url)
    }
}

impl fmt::Debug for PageFetcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PageFetcher").field("request", &self.request).finish_non_exhaustive()
    }
}

impl Fetch {
    fn start(transport: Transport, request: Request, link: Option<String>) -> Self {
        let next_link = Arc::new(Mutex::new(NextLink::Incomplete));
        let slot = Arc::clone(&next_link);
        let reply = async move {
            let observer = move |bytes: &[u8]| {
                let mut seen = slot.lock().unwrap_or_else(PoisonError::into_inner);
                if *seen == NextLink::Incomplete {
                    *seen = scan(bytes);
                }
            };
            transport.attempt_observed(&request, Some(&observer)).await.map_err(|failure| failure.error)
        };
        Self { link, in_flight: Some(reply.boxed()), arrived: None, next_link }
    }

    fn failed(error: Error, link: String) -> Self {
        Self {
            link: Some(link),
            in_flight: None,
            arrived: Some(Err(error)),
            next_link: Arc::new(Mutex::new(NextLink::Absent)),
        }
    }

    /// Returns true if the page has arrived.
    fn poll(&mut self, cx: &mut Context<'_>) -> bool {
        if let Some(reply) = &mut self.in_flight
            && let Poll::Ready(reply) = reply.poll_unpin(cx)
        {
            self.in_flight = None;
            self.arrived = Some(reply);
        }
        self.in_flight.is_none()
    }

    fn peek(&self) -> Option<String> {
        match &*self.next_link.lock().unwrap_or_else(PoisonError::into_inner) {
            NextLink::Found(link) => Some(link.clone()),
            NextLink::Incomplete | NextLink::Absent => None,
        }
    }
}

/// Returns the hash of a link: a directory with a million objects has a thousand links of a kilobyte.
fn fingerprint(url: &Url) -> u64 {
    let mut hasher = DefaultHasher::new();
    url.as_str().hash(&mut hasher);
    hasher.finish()
}
