//! Pages of a collection, the next one asked for while the one at hand still comes in.

use std::collections::HashSet;
use std::fmt;
use std::hash::{BuildHasher, DefaultHasher, Hash, Hasher, RandomState};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, Stream, StreamExt, TryStreamExt, stream};
use onramp_core::{BoxStream, Error, ErrorKind, Result};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;

use crate::link::{Seen, look};
use crate::origin;
use crate::request::Request;
use crate::transport::Transport;

/// After so many objects of a page the next page is given a chance to come in further.
const TURN: usize = 64;
/// So often in a row a list whose place the service forgot is begun again.
const RESTARTS: u32 = 3;

#[derive(Debug, Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
pub(crate) struct Page<T> {
    #[serde(rename = "@odata.nextLink", alias = "nextLink")]
    pub(crate) next: Option<String>,
    #[serde(rename = "@odata.deltaLink")]
    pub(crate) delta: Option<String>,
    #[serde(rename = "@odata.count")]
    pub(crate) count: Option<u64>,
    pub(crate) value: Vec<T>,
}

/// The pages of a collection, one after the other.
///
/// While a page comes in and while its objects are used, at most one more is asked for. The link to it is followed
/// verbatim if it is at the same service, and never twice: a link seen before is an error, because objects would
/// come again for ever. Nothing is asked for before the first poll, and dropping this ends what is under way.
pub(crate) struct Pages<T> {
    transport: Transport,
    /// What is asked; only its address changes from page to page.
    request: Request,
    look_ahead: bool,
    current: Option<Fetch<T>>,
    ahead: Option<Fetch<T>>,
    seen: HashSet<u64>,
}

/// A page that is being fetched, or was.
struct Fetch<T> {
    link: Option<String>,
    coming: Option<BoxFuture<'static, Result<Page<T>>>>,
    here: Option<Result<Page<T>>>,
    peeked: Arc<Mutex<Seen>>,
}

impl<T: DeserializeOwned + Send + 'static> Pages<T> {
    pub(crate) fn new(transport: Transport, first: Request, look_ahead: bool) -> Self {
        let seen = HashSet::from([fingerprint(&first.url)]);
        let current = Some(Fetch::start(transport.clone(), first.clone(), None));
        Self { transport, request: first, look_ahead, current, ahead: None, seen }
    }

    pub(crate) fn poll_page(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Page<T>>>> {
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
        let page = current.here.take();
        self.current = None;
        let ahead = self.ahead.take();
        if let Some(Ok(Page { next: Some(link), .. })) = &page {
            // A page that was read again after a lost reply may have come with another link.
            self.current = match ahead {
                Some(ahead) if ahead.link.as_ref() == Some(link) => Some(ahead),
                _ => Some(self.follow(link.clone())),
            };
            self.poll_ahead(cx);
        }
        Poll::Ready(page)
    }

    /// Lets the next page come in further, and asks for it if nobody has yet.
    fn poll_ahead(&mut self, cx: &mut Context<'_>) {
        if let Some(next) = self.current.as_mut().filter(|_| self.look_ahead) {
            next.poll(cx);
        }
    }

    fn follow(&mut self, link: String) -> Fetch<T> {
        match self.checked(&link) {
            Ok(url) => {
                let request = Request { url, ..self.request.clone() };
                Fetch::start(self.transport.clone(), request, Some(link))
            }
            Err(error) => Fetch::failed(error, link),
        }
    }

    fn checked(&mut self, link: &str) -> Result<Url> {
        let refuse = |detail| self.request.error(ErrorKind::Invalid).detail(detail);
        let url = Url::parse(link).map_err(|_| refuse("the link to the next page is not an address"))?;
        origin::check(self.transport.endpoints(), self.request.to, &url)?;
        if !self.seen.insert(fingerprint(&url)) {
            return Err(refuse("the server linked to a page that was read before, so the list has no end"));
        }
        Ok(url)
    }
}

impl<T: DeserializeOwned + Send + 'static> Fetch<T> {
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
            let reply = transport.watched(&request, Some(&watch)).await.map_err(|failure| failure.error)?;
            reply.json(&request)
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
            && let Poll::Ready(page) = coming.poll_unpin(cx)
        {
            (self.coming, self.here) = (None, Some(page));
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

impl<T> fmt::Debug for Pages<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages").field("request", &self.request).finish_non_exhaustive()
    }
}

impl<T> Unpin for Pages<T> {}

impl<T: DeserializeOwned + Send + 'static> Stream for Pages<T> {
    type Item = Result<Page<T>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_page(cx)
    }
}

/// What tells one object of a list from every other.
pub(crate) type KeyOf<T> = Arc<dyn Fn(&T) -> u64 + Send + Sync>;

/// The key of an object as [`KeyOf`] wants it. Drawn anew in each process, so that nobody can make two keys meet.
pub(crate) fn key_of<T, K: Hash>(key: impl Fn(&T) -> K + Send + Sync + 'static) -> KeyOf<T> {
    let state = RandomState::new();
    Arc::new(move |object| state.hash_one(key(object)))
}

/// Every object of a collection. A page is dropped when its last object is taken.
pub(crate) struct Items<T> {
    pages: Pages<T>,
    page: std::vec::IntoIter<T>,
    taken: usize,
    restart: Option<Restart<T>>,
}

/// How to begin again when the service has forgotten the place in the list.
struct Restart<T> {
    first: Request,
    key: KeyOf<T>,
    /// The keys of everything that was given out: eight bytes each.
    given: HashSet<u64>,
    left: u32,
}

impl<T: DeserializeOwned + Send + 'static> Items<T> {
    pub(crate) fn new(pages: Pages<T>) -> Self {
        Self { pages, page: Vec::new().into_iter(), taken: 0, restart: None }
    }

    /// Begins again when the service has forgotten the place in the list, and gives no object twice.
    pub(crate) fn restarting(mut self, key: KeyOf<T>) -> Self {
        let first = self.pages.request.clone();
        self.restart = Some(Restart { first, key, given: HashSet::new(), left: RESTARTS });
        self
    }

    fn begin_again(&mut self, error: &Error) -> bool {
        let Some(restart) = &mut self.restart else { return false };
        if !is_forgotten_place(error) || restart.left == 0 {
            return false;
        }
        restart.left -= 1;
        tracing::info!(%error, given = restart.given.len(), "the list is read again from its beginning");
        self.pages = Pages::new(self.pages.transport.clone(), restart.first.clone(), self.pages.look_ahead);
        true
    }
}

impl<T> Restart<T> {
    /// Whether the object was not given out before. One that is new shows that the list gets on.
    fn is_new(&mut self, object: &T) -> bool {
        let new = self.given.insert((self.key)(object));
        if new {
            self.left = RESTARTS;
        }
        new
    }
}

/// Whether a link to a next page, or to the changes since, was kept too long.
pub(crate) fn is_forgotten_place(error: &Error) -> bool {
    let reply = error.server_reply();
    let code = reply.code.as_deref().unwrap_or_default();
    error.is_stale()
        && (reply.status == Some(410)
            || ["Directory_ExpiredPageToken", "syncStateNotFound", "resyncRequired"].contains(&code))
}

impl<T> fmt::Debug for Items<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Items")
            .field("pages", &self.pages)
            .field("taken", &self.taken)
            .finish_non_exhaustive()
    }
}

impl<T> Unpin for Items<T> {}

impl<T: DeserializeOwned + Send + 'static> Stream for Items<T> {
    type Item = Result<T>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            for item in this.page.by_ref() {
                this.taken += 1;
                if this.taken.is_multiple_of(TURN) {
                    this.pages.poll_ahead(cx);
                }
                if this.restart.as_mut().is_none_or(|restart| restart.is_new(&item)) {
                    return Poll::Ready(Some(Ok(item)));
                }
            }
            match ready!(this.pages.poll_page(cx)) {
                Some(Ok(page)) => this.page = page.value.into_iter(),
                Some(Err(error)) if this.begin_again(&error) => {}
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }
}

/// Every item of the collection that `first` asks for.
pub(crate) fn items<T>(transport: Transport, first: Request) -> Items<T>
where
    T: DeserializeOwned + Send + 'static,
{
    Items::new(Pages::new(transport, first, true))
}

/// As [`items`], of a request that could perhaps not be made.
pub(crate) fn stream<T>(transport: Transport, first: Result<Request>) -> BoxStream<'static, Result<T>>
where
    T: DeserializeOwned + Send + 'static,
{
    match first {
        Ok(first) => items(transport, first).boxed(),
        Err(error) => stream::once(async { Err(error) }).boxed(),
    }
}

/// All items at once, for collections that are small by nature.
pub(crate) async fn all<T>(transport: Transport, first: Request) -> Result<Vec<T>>
where
    T: DeserializeOwned + Send + 'static,
{
    items(transport, first).try_collect().await
}

/// A link in eight bytes: a directory of a million objects has a thousand links of a kilobyte.
fn fingerprint(url: &Url) -> u64 {
    let mut hasher = DefaultHasher::new();
    url.as_str().hash(&mut hasher);
    hasher.finish()
}
