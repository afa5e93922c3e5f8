//! The objects of a collection, page after page.

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
use crate::query::odd::understand;
use crate::query::page::Page;
use crate::query::replies::Replies;

/// After so many objects of a page the next page is given a chance to come in further.
const TURN: usize = 64;
/// So often in a row a list whose place the service forgot is begun again.
const RESTARTS: u32 = 3;

/// The pages of a collection, as [`Replies`] brings them.
pub(crate) struct Pages<T> {
    replies: Replies,
    of: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Pages<T> {
    pub(crate) fn new(transport: Transport, first: Request, look_ahead: bool) -> Self {
        Self { replies: Replies::new(transport, first, look_ahead), of: PhantomData }
    }

    pub(crate) fn poll_page(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Page<T>>>> {
        let Some(reply) = ready!(self.replies.poll_reply(cx)) else { return Poll::Ready(None) };
        let page = reply.and_then(|reply| reply.json::<Page<T>>(self.replies.request()));
        self.replies.go_on(page.as_ref().ok().and_then(|page| page.next.as_deref()), cx);
        Poll::Ready(Some(page))
    }

    /// As [`Pages::poll_page`], but an object that is not what was expected does not take the others with it.
    pub(crate) fn poll_objects(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Objects<T>>>> {
        let Some(reply) = ready!(self.replies.poll_reply(cx)) else { return Poll::Ready(None) };
        let page = reply.and_then(|reply| Objects::read(&reply, self.replies.request()));
        let link = page.as_ref().ok().and_then(|(link, _)| link.as_deref());
        self.replies.go_on(link, cx);
        Poll::Ready(Some(page.map(|(_, objects)| objects)))
    }
}

/// The objects of one page.
pub(crate) struct Objects<T> {
    pub(crate) count: Option<u64>,
    of: Each<T>,
}

enum Each<T> {
    /// All of them are what was expected.
    Fine(std::vec::IntoIter<T>),
    Mixed(std::vec::IntoIter<Result<T>>),
}

impl<T> Objects<T> {
    fn none() -> Self {
        Self { count: None, of: Each::Fine(Vec::new().into_iter()) }
    }
}

impl<T: DeserializeOwned> Objects<T> {
    /// The objects, and the link to the next page.
    fn read(reply: &Reply, request: &Request) -> Result<(Option<String>, Self)> {
        let error = match reply.json::<Page<T>>(request) {
            Ok(page) => {
                let of = Each::Fine(page.value.into_iter());
                return Ok((page.next, Self { count: page.count, of }));
            }
            Err(error) => error,
        };
        // Object by object, which takes longer and so is not done where all are fine.
        let Ok(page) = reply.json::<Page<Value>>(request) else { return Err(error) };
        let objects: Vec<Result<T>> = page.value.iter().map(|object| understand(request, object)).collect();
        Ok((page.next, Self { count: page.count, of: Each::Mixed(objects.into_iter()) }))
    }
}

impl<T> Iterator for Objects<T> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.of {
            Each::Fine(objects) => objects.next().map(Ok),
            Each::Mixed(objects) => objects.next(),
        }
    }
}

impl<T> fmt::Debug for Pages<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pages").field(&self.replies).finish()
    }
}

impl<T: DeserializeOwned> Stream for Pages<T> {
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
    page: Objects<T>,
    taken: usize,
    restart: Option<(KeyOf<T>, Restart)>,
}

/// How to begin again when the service has forgotten the place in the list.
struct Restart {
    /// The keys of everything that was given out: eight bytes each.
    given: HashSet<u64>,
    /// What could not be understood, by what was said of it.
    odd: HashSet<String>,
    left: u32,
}

impl<T: DeserializeOwned> Items<T> {
    pub(crate) fn new(pages: Pages<T>) -> Self {
        Self { pages, page: Objects::none(), taken: 0, restart: None }
    }

    /// Begins again when the service has forgotten the place in the list, and gives no object twice.
    pub(crate) fn restarting(mut self, key: KeyOf<T>) -> Self {
        self.restart = Some((key, Restart { given: HashSet::new(), odd: HashSet::new(), left: RESTARTS }));
        self
    }
}

impl Restart {
    fn begin_again(&mut self, error: &Error, replies: &mut Replies) -> bool {
        if !is_forgotten_place(error) || self.left == 0 {
            return false;
        }
        self.left -= 1;
        tracing::info!(%error, given = self.given.len(), "the list is read again from its beginning");
        replies.begin_again();
        true
    }

    /// Whether the object was not given out before. One that is new shows that the list gets on.
    fn is_new(&mut self, key: u64) -> bool {
        let new = self.given.insert(key);
        if new {
            self.left = RESTARTS;
        }
        new
    }

    fn is_news<T>(&mut self, item: &Result<T>, key: &KeyOf<T>) -> bool {
        match item {
            Ok(object) => self.is_new(key(object)),
            Err(odd) => self.odd.insert(odd.to_string()),
        }
    }
}

/// Whether a link to a next page, or to the changes since, was kept too long.
pub(crate) fn is_forgotten_place(error: &Error) -> bool {
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
                if this.taken.is_multiple_of(TURN) {
                    this.pages.replies.poll_ahead(cx);
                }
                if this.restart.as_mut().is_none_or(|(key, restart)| restart.is_news(&item, key)) {
                    return Poll::Ready(Some(item));
                }
            }
            match ready!(this.pages.poll_objects(cx)) {
                Some(Ok(page)) => this.page = page,
                Some(Err(error)) => {
                    let restart = this.restart.as_mut();
                    if !restart
                        .is_some_and(|(_, restart)| restart.begin_again(&error, &mut this.pages.replies))
                    {
                        return Poll::Ready(Some(Err(error)));
                    }
                }
                None => return Poll::Ready(None),
            }
        }
    }
}

/// Every item of the collection that `first` asks for.
pub(crate) fn items<T: DeserializeOwned>(transport: Transport, first: Request) -> Items<T> {
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
    let mut found = Vec::new();
    let mut read = |reply: &Reply, request: &Request| {
        let mut page = reply.json::<Page<T>>(request)?;
        found.append(&mut page.value);
        Ok(page.next)
    };
    every_page(Replies::new(transport, first, true), &mut read).await?;
    Ok(found)
}

/// Reads every page; `read` answers with the link in it. Apart from [`all`], so that it is compiled once.
fn every_page<'a>(
    mut replies: Replies,
    read: &'a mut (dyn FnMut(&Reply, &Request) -> Result<Option<String>> + Send),
) -> BoxFuture<'a, Result<()>> {
    let every = async move {
        while let Some(reply) = poll_fn(|cx| replies.poll_reply(cx)).await {
            let link = read(&reply?, replies.request())?;
            poll_fn(|cx| {
                replies.go_on(link.as_deref(), cx);
                Poll::Ready(())
            })
            .await;
        }
        Ok(())
    };
    every.boxed()
}
