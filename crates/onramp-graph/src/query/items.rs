//! The objects of a paged collection.

use std::collections::HashSet;
use std::fmt;
use std::future::poll_fn;
use std::hash::{BuildHasher, Hash, RandomState};
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, Stream, StreamExt, stream};
use onramp_core::{BoxStream, Error, Result};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::http::request::{Reply, Request};
use crate::http::transport::Transport;
use crate::query::decode::decode_object;
use crate::query::page::Page;
use crate::query::page_fetcher::PageFetcher;

/// The number of objects after which the next page is polled.
const POLL_INTERVAL: usize = 64;
/// The maximum number of restarts in a row after an expired page token.
const MAX_RESTARTS: u32 = 3;

/// The pages of a collection, from a [`PageFetcher`].
pub(crate) struct Pages<T> {
    fetcher: PageFetcher,
    of: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Pages<T> {
    pub(crate) fn new(transport: Transport, first: Request, prefetch: bool) -> Self {
        Self { fetcher: PageFetcher::new(transport, first, prefetch), of: PhantomData }
    }

    pub(crate) fn poll_page(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Page<T>>>> {
        let Some(reply) = ready!(self.fetcher.poll_reply(cx)) else { return Poll::Ready(None) };
        let page = reply.and_then(|reply| reply.json::<Page<T>>(self.fetcher.request()));
        self.fetcher.follow_link(page.as_ref().ok().and_then(|page| page.next.as_deref()), cx);
        Poll::Ready(Some(page))
    }

    /// Polls a page as [`Pages::poll_page`] does. An object that cannot be decoded does not affect the others.
    pub(crate) fn poll_objects(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Objects<T>>>> {
        let Some(reply) = ready!(self.fetcher.poll_reply(cx)) else { return Poll::Ready(None) };
        let page = reply.and_then(|reply| Objects::read(&reply, self.fetcher.request()));
        let link = page.as_ref().ok().and_then(|(link, _)| link.as_deref());
        self.fetcher.follow_link(link, cx);
        Poll::Ready(Some(page.map(|(_, objects)| objects)))
    }
}

/// The objects of one page.
pub(crate) struct Objects<T> {
    pub(crate) count: Option<u64>,
    of: Each<T>,
}

enum Each<T> {
    /// All of them could be decoded.
    Decoded(std::vec::IntoIter<T>),
    Mixed(std::vec::IntoIter<Result<T>>),
}

impl<T> Objects<T> {
    fn none() -> Self {
        Self { count: None, of: Each::Decoded(Vec::new().into_iter()) }
    }
}

impl<T: DeserializeOwned> Objects<T> {
    /// Decodes the objects, and returns the link to the next page.
    fn read(reply: &Reply, request: &Request) -> Result<(Option<String>, Self)> {
        let error = match reply.json::<Page<T>>(request) {
            Ok(page) => {
                let of = Each::Decoded(page.value.into_iter());
                return Ok((page.next, Self { count: page.count, of }));
            }
            Err(error) => error,
        };
        // Object by object, which is slower and not needed if all can be decoded.
        let Ok(page) = reply.json::<Page<Value>>(request) else { return Err(error) };
        let objects: Vec<Result<T>> =
            page.value.iter().map(|object| decode_object(request, object)).collect();
        Ok((page.next, Self { count: page.count, of: Each::Mixed(objects.into_iter()) }))
    }
}

impl<T> Iterator for Objects<T> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.of {
            Each::Decoded(objects) => objects.next().map(Ok),
            Each::Mixed(objects) => objects.next(),
        }
    }
}

impl<T> fmt::Debug for Pages<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pages").field(&self.fetcher).finish()
    }
}

impl<T: DeserializeOwned> Stream for Pages<T> {
    type Item = Result<Page<T>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_page(cx)
    }
}

/// The key that identifies an object in a list.
pub(crate) type KeyOf<T> = Arc<dyn Fn(&T) -> u64 + Send + Sync>;

/// Returns the hashed key of an object. The hash differs in each process, so that keys cannot be made to collide.
pub(crate) fn key_of<T, K: Hash>(key: impl Fn(&T) -> K + Send + Sync + 'static) -> KeyOf<T> {
    let state = RandomState::new();
    Arc::new(move |object| state.hash_one(key(object)))
}

/// The stream of all objects of a collection. A page is dropped when its last object is taken.
pub(crate) struct Items<T> {
    pages: Pages<T>,
    page: Objects<T>,
    taken: usize,
    restart: Option<(KeyOf<T>, Restart)>,
}

/// The state for restarts after an expired page token.
struct Restart {
    /// The keys of all returned objects: eight bytes each.
    returned: HashSet<u64>,
    /// The errors of objects that could not be decoded.
    errors: HashSet<String>,
    left: u32,
}

impl<T: DeserializeOwned> Items<T> {
    pub(crate) fn new(pages: Pages<T>) -> Self {
        Self { pages, page: Objects::none(), taken: 0, restart: None }
    }

    /// Restarts the list after an expired page token, without returning an object twice.
    pub(crate) fn restarting(mut self, key: KeyOf<T>) -> Self {
        self.restart =
            Some((key, Restart { returned: HashSet::new(), errors: HashSet::new(), left: MAX_RESTARTS }));
        self
    }
}

impl Restart {
    fn restart(&mut self, error: &Error, fetcher: &mut PageFetcher) -> bool {
        if !is_expired_page_token(error) || self.left == 0 {
            return false;
        }
        self.left -= 1;
        tracing::info!(%error, returned = self.returned.len(), "the page token has expired; the list is read again from its beginning");
        fetcher.restart();
        true
    }

    /// Returns true if the object was not returned before. A new one shows that the list makes progress.
    fn is_new(&mut self, key: u64) -> bool {
        let new = self.returned.insert(key);
        if new {
            self.left = MAX_RESTARTS;
        }
        new
    }

    fn is_new_item<T>(&mut self, item: &Result<T>, key: &KeyOf<T>) -> bool {
        match item {
            Ok(object) => self.is_new(key(object)),
            Err(error) => self.errors.insert(error.to_string()),
        }
    }
}

/// Returns true if a page token or a delta token has expired.
pub(crate) fn is_expired_page_token(error: &Error) -> bool {
    let reply = error.reply();
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

impl<T: DeserializeOwned> Stream for Items<T> {
    type Item = Result<T>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            for item in this.page.by_ref() {
                this.taken += 1;
                if this.taken.is_multiple_of(POLL_INTERVAL) {
                    this.pages.fetcher.poll_ahead(cx);
                }
                if this.restart.as_mut().is_none_or(|(key, restart)| restart.is_new_item(&item, key)) {
                    return Poll::Ready(Some(item));
                }
            }
            match ready!(this.pages.poll_objects(cx)) {
                Some(Ok(page)) => this.page = page,
                Some(Err(error)) => {
                    let restart = this.restart.as_mut();
                    if !restart.is_some_and(|(_, restart)| restart.restart(&error, &mut this.pages.fetcher)) {
                        return Poll::Ready(Some(Err(error)));
                    }
                }
                None => return Poll::Ready(None),
            }
        }
    }
}

/// Returns every object of the collection that `first` requests.
pub(crate) fn items<T: DeserializeOwned>(transport: Transport, first: Request) -> Items<T> {
    Items::new(Pages::new(transport, first, true))
}

/// Returns every object as [`items`] does. A request that could not be built is the only item.
pub(crate) fn stream<T>(transport: Transport, first: Result<Request>) -> BoxStream<'static, Result<T>>
where
    T: DeserializeOwned + Send + 'static,
{
    match first {
        Ok(first) => items(transport, first).boxed(),
        Err(error) => stream::once(async { Err(error) }).boxed(),
    }
}

/// Returns all objects at once, for collections that are small by nature.
pub(crate) async fn all<T>(transport: Transport, first: Request) -> Result<Vec<T>>
where
    T: DeserializeOwned + Send + 'static,
{
    let mut found = Vec::new();
    let mut read = |reply: &Reply, request: &Request| {
        let mut page = reply.json::<Page<T>>(request)?;
        found.append(&mut page.value);
        Ok(page.next)
    };
    every_page(PageFetcher::new(transport, first, true), &mut read).await?;
    Ok(found)
}

/// Reads every page; `read` returns its link. Separate from [`all`], so that it is compiled once.
fn every_page<'a>(
    mut fetcher: PageFetcher,
    read: &'a mut (dyn FnMut(&Reply, &Request) -> Result<Option<String>> + Send),
) -> BoxFuture<'a, Result<()>> {
    let every = async move {
        while let Some(reply) = poll_fn(|cx| fetcher.poll_reply(cx)).await {
            let link = read(&reply?, fetcher.request())?;
            poll_fn(|cx| {
                fetcher.follow_link(link.as_deref(), cx);
                Poll::Ready(())
            })
            .await;
        }
        Ok(())
    };
    every.boxed()
}
