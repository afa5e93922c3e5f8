//! Typed queries on any collection or object of Graph.

pub(crate) mod decode;
mod delta;
pub(crate) mod items;
mod next_link;
mod page;
mod page_fetcher;

use std::fmt;
use std::future::poll_fn;
use std::hash::Hash;
use std::marker::PhantomData;

use futures_util::{StreamExt, TryStreamExt, stream};
use onramp_core::{BoxStream, ErrorKind, Result};
use reqwest::Method;
use serde::de::DeserializeOwned;

use self::delta::changes;
pub use self::delta::{Delta, DeltaCursor, DeltaStart};
use crate::http::request::{Request, string_literal};
use crate::http::retry::RetryPolicy;
use crate::http::service::ServiceUrl;
use crate::http::transport::Transport;
use crate::query::items::{Items, KeyOf, Pages, key_of};

/// The maximum page size of users, groups and most other objects.
const MAX_PAGE: u16 = 999;

/// A query to Graph as a value. Nothing is sent before one of its reading methods is called.
///
/// * **Pages** have 999 objects, or the number in [`Query::page_size`]. While one arrives and is used, the next is
///   requested already ([`Query::without_prefetch`] turns that off); never more than one.
/// * **Links** to next pages are followed at the configured service only, and never twice.
/// * **Retries** are those of the client, or of [`Query::retry`], on every page.
/// * An **expired page token** (`Directory_ExpiredPageToken`: the link to the next page is too old) ends the list with
///   a `Stale` error, unless [`Query::restart_by`] sets the key that identifies objects.
/// * **Dropping** the stream or future cancels the request in flight, and nothing more is sent.
///
/// ```no_run
/// # async fn run(client: onramp_graph::GraphClient) -> onramp_core::Result<()> {
/// #[derive(serde::Deserialize)]
/// #[serde(rename_all = "camelCase")]
/// struct Group { display_name: String }
///
/// let count = client.query::<Group>("groups").filter_eq("displayName", "Sync").count().await?;
/// let group = client.query::<Group>("groups").segment("22222222-0000-4000-8000-000000000000").get().await?;
/// println!("{count} groups; one is {}", group.display_name);
/// # Ok(()) }
/// ```
#[must_use = "a query is sent only when one of its reading methods is called"]
pub struct Query<T> {
    transport: Transport,
    path: Vec<String>,
    version: &'static str,
    options: Vec<(&'static str, String)>,
    filters: Vec<String>,
    top: Option<u16>,
    advanced: bool,
    prefetch: bool,
    key: Option<KeyOf<T>>,
    of: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned + Send + 'static> Query<T> {
    pub(crate) fn new(transport: Transport, path: &str) -> Self {
        Self {
            transport,
            path: path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect(),
            version: "v1.0",
            options: Vec::new(),
            filters: Vec::new(),
            top: None,
            advanced: false,
            prefetch: true,
            key: None,
            of: PhantomData,
        }
    }

    /// Appends one path segment; any characters in it are encoded.
    pub fn segment(mut self, segment: impl Into<String>) -> Self {
        self.path.push(segment.into());
        self
    }

    /// Uses the beta version of Graph.
    pub fn beta(mut self) -> Self {
        self.version = "beta";
        self
    }

    /// Selects properties (`$select`): fewer bytes, and fewer resource units.
    pub fn select<S: AsRef<str>>(self, properties: impl IntoIterator<Item = S>) -> Self {
        let names: Vec<String> = properties.into_iter().map(|name| name.as_ref().to_owned()).collect();
        self.option("$select", names.join(","))
    }

    /// Adds an OData filter expression (`$filter`). Values from data must be quoted, as [`Query::filter_eq`] does. Several
    /// filters must all match.
    pub fn filter(mut self, expression: impl Into<String>) -> Self {
        self.filters.push(expression.into());
        self
    }

    /// Adds a filter for objects whose property has this text.
    pub fn filter_eq(self, property: &str, value: &str) -> Self {
        self.filter(format!("{property} eq {}", string_literal(value)))
    }

    /// Includes a related object or collection (`$expand`).
    pub fn expand(self, relation: impl Into<String>) -> Self {
        self.option("$expand", relation.into())
    }

    /// Sorts by a property (`$orderby`). With a filter this needs an advanced query.
    pub fn order_by(self, property: impl Into<String>) -> Self {
        self.option("$orderby", property.into())
    }

    /// Searches (`$search`), which is an advanced query: `"displayName:sync"` with the quotation marks.
    pub fn search(self, expression: impl Into<String>) -> Self {
        self.advanced().option("$search", expression.into())
    }

    /// Sets the page size (`$top`). Default: 999. Some collections allow less, some do not allow it at all: 0 leaves the
    /// choice to the service.
    pub fn page_size(mut self, objects: u16) -> Self {
        self.top = Some(objects);
        self
    }

    /// Sends an advanced query (`ConsistencyLevel: eventual` and `$count=true`), which `ne`, `not`, `endsWith` and some
    /// properties need. The header is sent with every page. The data may be seconds to minutes old.
    pub fn advanced(mut self) -> Self {
        self.advanced = true;
        self
    }

    /// Requests the next page only when the current one is used up.
    pub fn without_prefetch(mut self) -> Self {
        self.prefetch = false;
        self
    }

    /// Restarts the list after an expired page token, and returns no object twice: objects with the same key, such as the
    /// ID, are the same. Costs eight bytes per object. An object that was created or deleted meanwhile appears as it was
    /// when its page was read. Three restarts without a new object end the list with the error.
    pub fn restart_by<K: Hash + 'static>(mut self, key: impl Fn(&T) -> K + Send + Sync + 'static) -> Self {
        self.key = Some(key_of(key));
        self
    }

    /// Sets the retry policy in place of the client's, for each page.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.transport.retry = policy;
        self
    }

    /// Returns a stream of all objects of the collection.
    ///
    /// # Errors
    /// `Unreadable` for an object that is not a `T`, after which the stream continues. Any other error ends it: a refusal
    /// of the service, or `Invalid` for a link to another server or to an earlier page.
    pub fn stream(self) -> BoxStream<'static, Result<T>> {
        match self.items() {
            Ok(items) => items.boxed(),
            Err(error) => stream::once(async { Err(error) }).boxed(),
        }
    }

    /// Reads all objects into memory, for collections that are small by nature.
    ///
    /// # Errors
    /// As for [`Query::stream`]; the first error ends the reading.
    pub async fn all(self) -> Result<Vec<T>> {
        self.items()?.try_collect().await
    }

    /// Returns the number of objects and a stream of them. Sends an advanced query.
    ///
    /// # Errors
    /// As for [`Query::stream`]; `Unsupported` if the service returns no count.
    pub async fn counted(self) -> Result<(u64, BoxStream<'static, Result<T>>)> {
        let query = self.advanced();
        let request = query.list_request()?;
        let mut pages = Pages::new(query.transport, request.clone(), query.prefetch);
        let Some(first) = poll_fn(|cx| pages.poll_objects(cx)).await.transpose()? else {
            return Ok((0, stream::empty().boxed()));
        };
        let uncounted = || request.error(ErrorKind::Unsupported).with_detail("the service returned no count");
        let count = first.count.ok_or_else(uncounted)?;
        let rest = Items::new(pages);
        Ok((count, stream::iter(first).chain(rest).boxed()))
    }

    /// Returns the number of objects (`/$count`) without reading them.
    ///
    /// # Errors
    /// The service's refusal, or `Invalid` if the response is not a number.
    pub async fn count(self) -> Result<u64> {
        let url = self.url(&["$count"])?;
        let request = self.with_filters(self.request("count", url)).header("ConsistencyLevel", "eventual");
        let reply = self.transport.send(&request).await?;
        // The service writes a byte order mark before it.
        let text = String::from_utf8_lossy(&reply.body);
        let number = text.trim_start_matches('\u{feff}').trim();
        number.parse().map_err(|_| {
            request.error(ErrorKind::Invalid).with_detail("the service's response is not a number")
        })
    }

    /// Reads the one object at the path.
    ///
    /// # Errors
    /// `NotFound` if there is none, or another refusal of the service.
    pub async fn get(self) -> Result<T> {
        let request = self.with_options(self.request("read", self.url(&[])?));
        self.transport.json(&request).await
    }

    /// Returns the objects created, changed or deleted since an earlier time (a delta query), with a cursor after every
    /// page. Without `$select` a change of any property counts. The collection must support `/delta`.
    ///
    /// ```no_run
    /// # async fn run(client: onramp_graph::GraphClient, stored: Option<String>) -> onramp_core::Result<()> {
    /// use futures_util::TryStreamExt;
    /// use onramp_graph::{Delta, DeltaStart};
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Named { id: String }
    ///
    /// let from = match stored {
    ///     Some(text) => DeltaStart::From(text.parse()?),
    ///     None => DeltaStart::Beginning,
    /// };
    /// let mut changes = client.query::<Named>("users").select(["id", "userPrincipalName"]).changes(from);
    /// while let Some(change) = changes.try_next().await? {
    ///     match change {
    ///         Delta::Changed(user) => println!("{} is new or changed", user.id),
    ///         Delta::Removed { id, .. } => println!("{id} was deleted"),
    ///         Delta::Resync => println!("start again: all objects follow"),
    ///         Delta::Reached(cursor) => println!("store {cursor} and continue from it"),
    ///         _ => {}
    ///     }
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As for [`Query::stream`].
    pub fn changes(self, from: DeltaStart) -> BoxStream<'static, Result<Delta<T>>> {
        let beginning = match self.delta_request(matches!(from, DeltaStart::Now)) {
            Ok(request) => request,
            Err(error) => return stream::once(async { Err(error) }).boxed(),
        };
        let cursor = match from {
            DeltaStart::From(cursor) => Some(cursor),
            DeltaStart::Beginning | DeltaStart::Now => None,
        };
        changes(self.transport, beginning, cursor, self.prefetch)
    }

    fn items(self) -> Result<Items<T>> {
        let request = self.list_request()?;
        let items = Items::new(Pages::new(self.transport, request, self.prefetch));
        Ok(match self.key {
            Some(key) => items.restarting(key),
            None => items,
        })
    }

    fn list_request(&self) -> Result<Request> {
        let request = self.request("list", self.url(&[])?);
        let mut request = self.with_filters(self.with_options(request));
        match self.top.unwrap_or(MAX_PAGE) {
            0 => {}
            objects => request = request.query("$top", &objects.to_string()),
        }
        if self.advanced {
            request = request.query("$count", "true").header("ConsistencyLevel", "eventual");
        }
        Ok(request)
    }

    fn delta_request(&self, from_now: bool) -> Result<Request> {
        let request = self.request("list the changes of", self.url(&["delta"])?);
        let mut request = self.with_filters(self.with_options(request));
        if let Some(objects) = self.top {
            request = request.query("$top", &objects.to_string());
        }
        if from_now {
            request = request.query("$deltatoken", "latest");
        }
        Ok(request)
    }

    fn request(&self, action: &'static str, url: ServiceUrl) -> Request {
        Request::new(action, Method::GET, url).object(self.path.join("/"))
    }

    fn url(&self, rest: &[&str]) -> Result<ServiceUrl> {
        let path = self.path.iter().map(String::as_str);
        let segments: Vec<&str> =
            [self.version].into_iter().chain(path).chain(rest.iter().copied()).collect();
        self.transport.endpoints().graph().url(&segments)
    }

    fn with_options(&self, request: Request) -> Request {
        self.options.iter().fold(request, |request, (name, value)| request.query(name, value))
    }

    fn with_filters(&self, request: Request) -> Request {
        if self.filters.is_empty() { request } else { request.query("$filter", &self.filter_text()) }
    }

    fn filter_text(&self) -> String {
        match self.filters.as_slice() {
            [one] => one.clone(),
            many => many.iter().map(|one| format!("({one})")).collect::<Vec<_>>().join(" and "),
        }
    }

    fn option(mut self, name: &'static str, value: String) -> Self {
        self.options.retain(|(known, _)| *known != name);
        self.options.push((name, value));
        self
    }
}

impl<T> fmt::Debug for Query<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Query")
            .field("path", &self.path)
            .field("options", &self.options)
            .field("filters", &self.filters)
            .finish_non_exhaustive()
    }
}
