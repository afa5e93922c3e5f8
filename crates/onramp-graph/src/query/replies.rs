//! The replies that hold the pages of a collection, the next one asked for while the one at hand still comes in.

use std::collections::HashSet;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use onramp_core::{Error, ErrorKind, Result};
use url::Url;

use crate::http::origin;
use crate::http::request::{Reply, Request};
use crate::http::transport::Transport;
use crate::query::link::{Seen, look};

/// The replies to a question that is answered in pages, one after the other, whatever objects are in them.
///
/// While a page comes in and while its objects are used, at most one more is asked for. The link to it is followed
/// verbatim if it is at the same service, and never twice: a link seen before is an error, because objects would
/// come again for ever. Nothing is asked for before the first poll, and dropping this ends what is under way.
pub(crate) struct Replies {
    transport: Transport,
    /// What is asked; only its address changes from page to page.
    request: Request,
    look_ahead: bool,
    current: Option<Fetch>,
    ahead: Option<Fetch>,
    seen: HashSet<u64>,
}

/// A page that is being fetched, or was.
struct Fetch {
    link: Option<String>,
    coming: Option<BoxFuture<'static, Result<Reply>>>,
    here: Option<Result<Reply>>,
    peeked: Arc<Mutex<Seen>>,
}

impl Replies {
    pub(crate) fn new(transport: Transport, first: Request, look_ahead: bool) -> Self {
        let seen = HashSet::from([fingerprint(&first.url)]);
        let current = Some(Fetch::start(transport.clone(), first.clone(), None));
        Self { transport, request: first, look_ahead, current, ahead: None, seen }
    }

    /// What was asked first.
    pub(crate) fn request(&self) -> &Request {
        &self.request
    }

    /// Forgets every reply and asks from the beginning.
    pub(crate) fn begin_again(&mut self) {
        *self = Self::new(self.transport.clone(), self.request.clone(), self.look_ahead);
    }

    /// The next reply. Whoever takes one says with [`Replies::go_on`] where it links to, or there are no more.
    pub(crate) fn poll_reply(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Reply>>> {
        let Some(current) = &mut self.current else { return Poll::Ready(None) };
        if !current.poll(cx) {
            let link = if self.look_ahead && self.ahead.is_none() { current.peek() } else { None };
            if let Some(link) = link {
                self.ahead = Some(self.follow(link));
            }
            if let Some(ahead) = &mut self.ahead {
                ahead.poll(cx);
            }
            return Poll::Pending;
        }
        let reply = current.here.take();
        self.current = None;
        Poll::Ready(reply)
    }

    /// Follows the link of the reply that was taken.
    pub(crate) fn go_on(&mut self, link: Option<&str>, cx: &mut Context<'_>) {
        let ahead = self.ahead.take();
        let Some(link) = link else { return };
        // A page that was read again after a lost reply may have come with another link.
        self.current = match ahead {
            Some(ahead) if ahead.link.as_deref() == Some(link) => Some(ahead),
            _ => Some(self.follow(link.to_owned())),
        };
        self.poll_ahead(cx);
    }

    /// Lets the next page come in further, and asks for it if nobody has yet.
    pub(crate) fn poll_ahead(&mut self, cx: &mut Context<'_>) {
        if let Some(next) = self.current.as_mut().filter(|_| self.look_ahead) {
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
        let url = Url::parse(link).map_err(|_| refuse("the link to the next page is not an address"))?;
        origin::check(self.transport.endpoints(), self.request.to, &url)?;
        if !self.seen.insert(fingerprint(&url)) {
            return Err(refuse("the server linked to a page that was read before, so the list has no end"));
        }
        Ok(url)
    }
}

impl fmt::Debug for Replies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replies").field("request", &self.request).finish_non_exhaustive()
    }
}

impl Fetch {
    fn start(transport: Transport, request: Request, link: Option<String>) -> Self {
        let peeked = Arc::new(Mutex::new(Seen::NotYet));
        let slot = Arc::clone(&peeked);
        let coming = async move {
            let watch = move |bytes: &[u8]| {
                let mut seen = slot.lock().unwrap_or_else(PoisonError::into_inner);
                if *seen == Seen::NotYet {
                    *seen = look(bytes);
                }
            };
            transport.watched(&request, Some(&watch)).await.map_err(|failure| failure.error)
        };
        Self { link, coming: Some(coming.boxed()), here: None, peeked }
    }

    fn failed(error: Error, link: String) -> Self {
        Self {
            link: Some(link),
            coming: None,
            here: Some(Err(error)),
            peeked: Arc::new(Mutex::new(Seen::No)),
        }
    }

    /// Whether the page is here now.
    fn poll(&mut self, cx: &mut Context<'_>) -> bool {
        if let Some(coming) = &mut self.coming
            && let Poll::Ready(reply) = coming.poll_unpin(cx)
        {
            (self.coming, self.here) = (None, Some(reply));
        }
        self.coming.is_none()
    }

    fn peek(&self) -> Option<String> {
        match &*self.peeked.lock().unwrap_or_else(PoisonError::into_inner) {
            Seen::Link(link) => Some(link.clone()),
            Seen::NotYet | Seen::No => None,
        }
    }
}

/// A link in eight bytes: a directory of a million objects has a thousand links of a kilobyte.
fn fingerprint(url: &Url) -> u64 {
    let mut hasher = DefaultHasher::new();
    url.as_str().hash(&mut hasher);
    hasher.finish()
}
