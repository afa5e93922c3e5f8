//! Reading any collection or object of Graph, typed by the caller.

mod delta;
pub(crate) mod filter;
mod link;
pub(crate) mod odd;
mod page;
pub(crate) mod paging;
mod replies;

use std::fmt;
use std::future::poll_fn;
use std::hash::Hash;
use std::marker::PhantomData;

use futures_util::{StreamExt, TryStreamExt, stream};
use onramp_core::{BoxStream, ErrorKind, Result};
use reqwest::Method;
use serde::de::DeserializeOwned;
use url::Url;

use self::delta::changes;
pub use self::delta::{Delta, DeltaCursor, DeltaStart};
use crate::endpoints::Audience;
use crate::http::request::Request;
use crate::http::retry::RetryPolicy;
use crate::http::transport::Transport;
use crate::query::filter::literal;
use crate::query::paging::{Items, KeyOf, Pages, key_of};

/// The most that Graph gives per page of users, groups and most other objects.
const PAGE: u16 = 999;

/// A question to Graph as a value. Nothing is sent before its answer is asked for.
///
/// * **Pages** are of 999 objects unless [`Query::page_size`] says otherwise. While one comes in and is used, the next
///   is asked for already ([`Query::without_look_ahead`] turns that off); never more than one.
/// * **Links** to next pages are followed at the configured service only, and never twice.
/// * **Retries** are those of the client, or of [`Query::retry`], on every page.
/// * A **forgotten place** (`Directory_ExpiredPageToken`: the link to the next page was kept too long) ends the list
///   with a `Stale` error, unless [`Query::restart_by`] says how to tell objects apart.
/// * **Cancelling** is dropping: what is under way ends, and nothing more is sent.
#[must_use = "a question is sent only when its answer is asked for"]
pub struct Query<T> {
    transport: Transport,
    path: Vec<String>,
    version: &'static str,
    options: Vec<(&'static str, String)>,
    filters: Vec<String>,
    top: Option<u16>,
    advanced: bool,
    look_ahead: bool,
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
            look_ahead: true,
            key: None,
            of: PhantomData,
        }
    }

    /// Goes one segment down, whatever characters are in it.
    pub fn segment(mut self, segment: impl Into<String>) -> Self {
        self.path.push(segment.into());
        self
    }

    /// Asks the beta version of Graph.
    pub fn beta(mut self) -> Self {
        self.version = "beta";
        self
    }

    /// Asks for these properties only (`$select`): fewer bytes, and a lower price in resource units.
    pub fn select<S: AsRef<str>>(self, properties: impl IntoIterator<Item = S>) -> Self {
        let names: Vec<String> = properties.into_iter().map(|name| name.as_ref().to_owned()).collect();
        self.option("$select", names.join(","))
    }

    /// Takes objects that this OData expression holds for. Values from data must be quoted: [`Query::filter_eq`] does
    /// that. Filters given one after the other must all hold.
    pub fn filter(mut self, expression: impl Into<String>) -> Self {
        self.filters.push(expression.into());
        self
    }

    /// Takes objects whose property has that very text.
    pub fn filter_eq(self, property: &str, value: &str) -> Self {
        self.filter(format!("{property} eq {}", literal(value)))
    }

    /// Gives a related object or collection along (`$expand`).
    pub fn expand(self, relation: impl Into<String>) -> Self {
        self.option("$expand", relation.into())
    }

    /// Sorts (`$orderby`). With a filter this is an advanced query.
    pub fn order_by(self, property: impl Into<String>) -> Self {
        self.option("$orderby", property.into())
    }

    /// Searches (`$search`), which is an advanced query: `"displayName:sync"` with the quotation marks.
    pub fn search(self, expression: impl Into<String>) -> Self {
        self.advanced().option("$search", expression.into())
    }

    /// Asks for that many objects per page instead of 999. Some collections allow fewer, some none at all: 0 leaves
    /// the choice to the service.
    pub fn page_size(mut self, objects: u16) -> Self {
        self.top = Some(objects);
        self
    }

    /// Asks as an advanced query (`ConsistencyLevel: eventual` and `$count=true`), which `ne`, `not`, `endsWith` and
    /// some properties need. The header goes with every page. What is read may be seconds to minutes old.
    pub fn advanced(mut self) -> Self {
        self.advanced = true;
        self
    }

    /// Asks for the next page only when the one at hand is used up.
    pub fn without_look_ahead(mut self) -> Self {
        self.look_ahead = false;
        self
    }

    /// Begins the list again when the service has forgotten the place in it, and gives no object a second time: two
    /// objects are the same if they have the same key, such as the id. Costs eight bytes per object; an object that
    /// was created or deleted meanwhile is seen as it was when its page was read. Three restarts that bring nothing
    /// new end the list with the error.
    pub fn restart_by<K: Hash + 'static>(mut self, key: impl Fn(&T) -> K + Send + Sync + 'static) -> Self {
        self.key = Some(key_of(key));
        self
    }

    /// Retries by that policy instead of the client's: each page for itself.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.transport.retry = policy;
        self
    }

    /// Every object of the collection.
    ///
    /// # Errors
    /// `Unreadable` for an object that is no `T`, after which the stream goes on. It ends with the first of any other
    /// kind: one of the service's refusals, or `Invalid` for a link elsewhere or in a circle.
    pub fn stream(self) -> BoxStream<'static, Result<T>> {
        match self.items() {
            Ok(items) => items.boxed(),
            Err(error) => stream::once(async { Err(error) }).boxed(),
        }
    }

    /// Every object of the collection in memory, for collections that are small by nature.
    ///
    /// # Errors
    /// As for [`Query::stream`]; then nothing is given.
    pub async fn all(self) -> Result<Vec<T>> {
        self.items()?.try_collect().await
    }

    /// How many objects there are, and the objects: an advanced query.
    ///
    /// # Errors
    /// As for [`Query::stream`]; `Unsupported` if the collection is not counted.
    pub async fn counted(self) -> Result<(u64, BoxStream<'static, Result<T>>)> {
        let query = self.advanced();
        let request = query.list_request()?;
        let mut pages = Pages::new(query.transport, request.clone(), query.look_ahead);
        let Some(first) = poll_fn(|cx| pages.poll_objects(cx)).await.transpose()? else {
            return Ok((0, stream::empty().boxed()));
        };
        let uncounted =
            || request.error(ErrorKind::Unsupported).with_detail("the service does not count them");
        let count = first.count.ok_or_else(uncounted)?;
        let rest = Items::new(pages);
        Ok((count, stream::iter(first).chain(rest).boxed()))
    }

    /// How many objects there are (`/$count`), without reading them.
    ///
    /// # Errors
    /// The service's refusal, or `Invalid` if the answer is not a number.
    pub async fn count(self) -> Result<u64> {
        let mut url = self.url(&["$count"])?;
        if !self.filters.is_empty() {
            url.query_pairs_mut().append_pair("$filter", &self.filter_text());
        }
        let request = self.request("count", url).header("ConsistencyLevel", "eventual");
        let reply = self.transport.send(&request).await?;
        // The service writes a byte order mark before it.
        let text = String::from_utf8_lossy(&reply.body);
        let number = text.trim_start_matches('\u{feff}').trim();
        number.parse().map_err(|_| {
            request.error(ErrorKind::Invalid).with_detail("the service's answer is not a number")
        })
    }

    /// The one object that lies at the path.
    ///
    /// # Errors
    /// `NotFound` if there is none; the service's other refusals.
    pub async fn get(self) -> Result<T> {
        let mut url = self.url(&[])?;
        for (name, value) in &self.options {
            url.query_pairs_mut().append_pair(name, value);
        }
        let request = self.request("read", url);
        self.transport.json(&request).await
    }

    /// What was created, changed or deleted since some time: a delta query, with a cursor to go on from after every
    /// page. Without `$select` a change of any property counts. The collection must be one that has `/delta`.
    ///
    /// ```no_run
    /// # async fn run(client: onramp_graph::GraphClient, kept: Option<String>) -> onramp_core::Result<()> {
    /// use futures_util::TryStreamExt;
    /// use onramp_graph::{Delta, DeltaStart};
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Named { id: String }
    ///
    /// let from = match kept {
    ///     Some(text) => DeltaStart::From(text.parse()?),
    ///     None => DeltaStart::Beginning,
    /// };
    /// let mut changes = client.query::<Named>("users").select(["id", "userPrincipalName"]).changes(from);
    /// while let Some(change) = changes.try_next().await? {
    ///     match change {
    ///         Delta::Changed(user) => println!("{} is new or was changed", user.id),
    ///         Delta::Removed { id, .. } => println!("{id} was deleted"),
    ///         Delta::Resync => println!("forget everything: it all comes again"),
    ///         Delta::Reached(cursor) => println!("keep {cursor} to go on from here"),
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
        changes(self.transport, beginning, cursor, self.look_ahead)
    }

    fn items(self) -> Result<Items<T>> {
        let request = self.list_request()?;
        let items = Items::new(Pages::new(self.transport, request, self.look_ahead));
        Ok(match self.key {
            Some(key) => items.restarting(key),
            None => items,
        })
    }

    fn list_request(&self) -> Result<Request> {
        let mut url = self.url(&[])?;
        self.add_options(&mut url);
        match self.top.unwrap_or(PAGE) {
            0 => {}
            objects => drop(url.query_pairs_mut().append_pair("$top", &objects.to_string())),
        }
        let mut request = self.request("list", url);
        if self.advanced {
            request = request.query("$count", "true").header("ConsistencyLevel", "eventual");
        }
        Ok(request)
    }

    fn delta_request(&self, from_now: bool) -> Result<Request> {
        let mut url = self.url(&["delta"])?;
        self.add_options(&mut url);
        if let Some(objects) = self.top {
            url.query_pairs_mut().append_pair("$top", &objects.to_string());
        }
        if from_now {
            url.query_pairs_mut().append_pair("$deltatoken", "latest");
        }
        Ok(self.request("list the changes of", url))
    }

    fn request(&self, action: &'static str, url: Url) -> Request {
        Request::new(action, Audience::Graph, Method::GET, url).object(self.path.join("/"))
    }

    fn url(&self, rest: &[&str]) -> Result<Url> {
        let path = self.path.iter().map(String::as_str);
        let segments: Vec<&str> =
            [self.version].into_iter().chain(path).chain(rest.iter().copied()).collect();
        self.transport.endpoints().url(Audience::Graph, &segments)
    }

    fn add_options(&self, url: &mut Url) {
        for (name, value) in &self.options {
            url.query_pairs_mut().append_pair(name, value);
        }
        if !self.filters.is_empty() {
            url.query_pairs_mut().append_pair("$filter", &self.filter_text());
        }
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
