//! The client.

use std::hash::Hash;

use futures_util::StreamExt;
use onramp_core::{BoxStream, Error, ErrorKind, Result};
use serde::de::DeserializeOwned;

use crate::batch::BulkWriter;
use crate::http::attempt_error::AttemptError;
use crate::http::endpoints::Endpoints;
use crate::http::request::{Reply, Request};
use crate::http::retry::RetryPolicy;
use crate::http::transport::Transport;
use crate::query::{Query, items};
use crate::token::AccessToken;

/// A client for Microsoft Graph and Azure Resource Manager in one tenant.
///
/// Cheap to clone: clones share connections, tokens, throttling state and the list of recently created objects.
///
/// ```
/// use onramp_core::Password;
/// use onramp_graph::{ClientSecret, Cloud, GraphClient};
///
/// # fn secret() -> Password { Password::new("of course not this".into()) }
/// let client = GraphClient::builder(ClientSecret::new("contoso.com", "44444444-0000-4000-8000-000000000000", secret()))
///     .cloud(Cloud::Global)
///     .build()?;
/// # let _ = client;
/// # Ok::<(), onramp_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct GraphClient {
    pub(crate) transport: Transport,
    /// The tenant's ID or one of its domains, if the credential or the builder named it.
    pub(crate) tenant: Option<String>,
}

impl GraphClient {
    /// Returns the same client with another retry policy, for work that may take longer or must not. Connections,
    /// tokens and the list of recently created objects are shared.
    #[must_use]
    pub fn with_retry(&self, policy: RetryPolicy) -> Self {
        let transport = Transport { retry: policy, ..self.transport.clone() };
        Self { transport, tenant: self.tenant.clone() }
    }

    /// Returns the endpoints that requests are sent to.
    pub fn endpoints(&self) -> &Endpoints {
        self.transport.endpoints()
    }

    /// Returns the tenant's ID or one of its domains, if the credential or the builder named it.
    pub fn tenant(&self) -> Option<&str> {
        self.tenant.as_deref()
    }

    /// Starts a query for the objects at `path`, relative to the API version, such as `users` or `groups`. Each part
    /// between slashes is encoded as one segment. A part that comes from data (a UPN, for example) belongs in
    /// [`Query::segment`], so that a slash in it does not start a new segment.
    ///
    /// ```no_run
    /// # async fn run(client: onramp_graph::GraphClient) -> onramp_core::Result<()> {
    /// use futures_util::TryStreamExt;
    ///
    /// #[derive(serde::Deserialize)]
    /// #[serde(rename_all = "camelCase")]
    /// struct Guest { id: String, mail: Option<String> }
    ///
    /// let mut guests = client
    ///     .query::<Guest>("users")
    ///     .select(["id", "mail"])
    ///     .filter_eq("userType", "Guest")
    ///     .restart_by(|guest| guest.id.clone())
    ///     .stream();
    /// while let Some(guest) = guests.try_next().await? {
    ///     println!("{} {:?}", guest.id, guest.mail);
    /// }
    /// # Ok(()) }
    /// ```
    pub fn query<T: DeserializeOwned + Send + 'static>(&self, path: &str) -> Query<T> {
        Query::new(self.transport.clone(), path)
    }

    /// Returns the access token that requests to Microsoft Graph are sent with now, from the cache if it has one.
    ///
    /// # Errors
    /// `Unauthenticated` if the credential is refused; `Unavailable` if the service cannot be reached.
    pub async fn access_token(&self) -> Result<AccessToken> {
        const ACTION: &str = "sign in to Microsoft Graph";
        let missing = || Error::new(ErrorKind::Unsupported, ACTION);
        let tokens = self.transport.tokens.as_ref().ok_or_else(missing)?;
        let scope = self.endpoints().graph().scope().ok_or_else(missing)?.to_owned();
        tokens.get(&scope).await
    }

    /// Starts a bulk write: many changes in few requests.
    ///
    /// ```no_run
    /// # async fn run(client: onramp_graph::GraphClient, ids: Vec<onramp_core::ObjectId>) -> onramp_core::Result<()> {
    /// use futures_util::{StreamExt, stream};
    /// use onramp_graph::GraphChange;
    /// use serde_json::json;
    ///
    /// let disable = |id: &onramp_core::ObjectId| {
    ///     GraphChange::update("users").segment(id.to_string()).json(&json!({ "accountEnabled": false }))
    /// };
    /// let changes: Vec<_> = ids.iter().map(|id| Ok((*id, disable(id)?))).collect::<onramp_core::Result<_>>()?;
    /// let mut outcomes = client.bulk().run(stream::iter(changes));
    /// while let Some(outcome) = outcomes.next().await {
    ///     match outcome.result {
    ///         Ok(_) => println!("{} is disabled", outcome.key),
    ///         Err(error) => println!("{}: {error}", outcome.key),
    ///     }
    /// }
    /// # Ok(()) }
    /// ```
    pub fn bulk(&self) -> BulkWriter {
        BulkWriter::new(self.transport.clone())
    }

    /// Sends a request, and repeats it where that is safe, within the retry policy.
    ///
    /// # Errors
    /// The service's refusal, or the last failure to reach it.
    pub async fn send(&self, request: &Request) -> Result<Reply> {
        self.transport.send(request).await
    }

    /// Sends a request and reads the JSON of the response.
    ///
    /// # Errors
    /// As for [`GraphClient::send`]; `Unavailable` if the response is not JSON of a `T`.
    pub async fn json<T: DeserializeOwned>(&self, request: &Request) -> Result<T> {
        self.transport.json(request).await
    }

    /// Sends a request as [`GraphClient::send`] does, and returns the last failure with the service's error body.
    ///
    /// # Errors
    /// The failure of the last attempt.
    pub async fn attempt(&self, request: &Request) -> std::result::Result<Reply, AttemptError> {
        self.transport.attempt(request).await
    }

    /// Reads every page of a collection into memory, for collections that are small by nature.
    ///
    /// # Errors
    /// As for [`GraphClient::json`].
    pub async fn list_all<T: DeserializeOwned + Send + 'static>(&self, request: Request) -> Result<Vec<T>> {
        items::all(self.transport.clone(), request).await
    }

    /// Returns the objects of a collection page by page. A request that could not be built is the stream's only item.
    pub fn list<T>(&self, request: Result<Request>) -> BoxStream<'static, Result<T>>
    where
        T: DeserializeOwned + Send + 'static,
    {
        items::stream(self.transport.clone(), request)
    }

    /// Returns the objects as [`GraphClient::list`] does, and starts the list again when the service rejects an
    /// expired page token. `key` tells objects apart, so that none is returned twice.
    pub fn list_restarting<T, K>(
        &self,
        request: Result<Request>,
        key: impl Fn(&T) -> K + Send + Sync + 'static,
    ) -> BoxStream<'static, Result<T>>
    where
        T: DeserializeOwned + Send + 'static,
        K: Hash,
    {
        match request {
            Ok(request) => {
                items::items(self.transport.clone(), request).restarting(items::key_of(key)).boxed()
            }
            Err(error) => futures_util::stream::once(async { Err(error) }).boxed(),
        }
    }

    /// Creates an object without creating it twice. After a lost response, `look_up` is asked for it before the
    /// request is repeated; it returns `None` if there is no such object, or if the one there is another.
    ///
    /// # Errors
    /// The service's refusal, or `OutcomeUnknown` if the object was neither created nor found for certain.
    pub async fn create<T, F>(
        &self,
        request: &Request,
        look_up: impl Fn() -> F,
        read: impl Fn(&Reply) -> Result<T>,
    ) -> Result<T>
    where
        F: Future<Output = Result<Option<T>>>,
    {
        self.transport.create(request, look_up, read).await
    }

    /// Repeats `look_up` until it finds something, as long as the object of that key counts as recently created.
    ///
    /// # Errors
    /// The first error of `look_up`.
    pub async fn find_recently_created<T, F>(&self, key: &str, look_up: impl Fn() -> F) -> Result<Option<T>>
    where
        F: Future<Output = Result<Option<T>>>,
    {
        self.transport.find_recently_created(key, look_up).await
    }

    /// Repeats `look_up` until it finds something that was written just now, as long as replication may take.
    ///
    /// # Errors
    /// The first error of `look_up`.
    pub async fn find_after_write<T, F>(&self, look_up: impl Fn() -> F) -> Result<Option<T>>
    where
        F: Future<Output = Result<Option<T>>>,
    {
        self.transport.find_after_write(look_up).await
    }

    /// Records an object that was created now, under its ID and under the other names that requests may use for it.
    pub fn created(&self, id: impl std::fmt::Display, aliases: &[String]) {
        self.transport.created(id, aliases);
    }

    /// Removes a deleted object from the list of recently created ones.
    pub fn deleted(&self, id: &str) {
        self.transport.recently_created.remove(id);
    }

    /// Replaces the other names of a recently created object by a new one.
    pub fn renamed(&self, id: &str, alias: String) {
        self.transport.recently_created.rename(id, alias);
    }
}
