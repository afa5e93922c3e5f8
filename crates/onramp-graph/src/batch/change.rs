//! A change of one object of Graph, as a value.

use onramp_core::{Error, ErrorKind, Password, Result};
use reqwest::Method;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::http::endpoints::Endpoints;
use crate::http::har::is_secret_field;
use crate::http::request::{Body, Effect, Request, string_literal};

/// A change of one object of Graph, for [`GraphClient::bulk`](crate::GraphClient::bulk).
///
/// The path is relative to the API version. Each part between slashes is one segment; [`GraphChange::segment`] adds
/// one from data.
///
/// ```
/// use onramp_graph::GraphChange;
/// use serde_json::json;
///
/// let rename = GraphChange::update("users").segment("anna@contoso.com").json(&json!({ "displayName": "Anna" }))?;
/// let create = GraphChange::create("groups")
///     .json(&json!({ "displayName": "Sync", "mailNickname": "sync", "mailEnabled": false, "securityEnabled": true }))?
///     .unique_by("mailNickname", "sync");
/// # Ok::<(), onramp_core::Error>(())
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct GraphChange {
    method: Method,
    effect: Effect,
    path: Vec<String>,
    body: Option<Body>,
    object: Option<String>,
    secrets: Vec<Password>,
    key: Option<(String, String)>,
}

impl GraphChange {
    /// Creates an update of properties (`PATCH`). Repeated after a lost response.
    pub fn update(path: &str) -> Self {
        Self::new(Method::PATCH, Effect::Idempotent, path)
    }

    /// Creates the creation of an object in a collection (`POST`). After a lost response it is repeated only if it has a
    /// [unique key](GraphChange::unique_by) and does not exist.
    pub fn create(path: &str) -> Self {
        Self::new(Method::POST, Effect::Creates, path)
    }

    /// Creates an idempotent action (`POST`), such as `revokeSignInSessions`.
    pub fn action(path: &str) -> Self {
        Self::new(Method::POST, Effect::Idempotent, path)
    }

    /// Creates a deletion (`DELETE`). Repeated after a lost response; "not found" then counts as success.
    pub fn delete(path: &str) -> Self {
        Self::new(Method::DELETE, Effect::Idempotent, path)
    }

    fn new(method: Method, effect: Effect, path: &str) -> Self {
        let path = path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
        Self { method, effect, path, body: None, object: None, secrets: Vec::new(), key: None }
    }

    /// Appends one path segment; any characters in it are encoded.
    pub fn segment(mut self, segment: impl Into<String>) -> Self {
        self.path.push(segment.into());
        self
    }

    /// Sends that as JSON.
    ///
    /// # Errors
    /// `Invalid` if it cannot be written as JSON.
    pub fn json(mut self, body: &impl Serialize) -> Result<Self> {
        self.body = Some(Body::json(body).map_err(|why| {
            Error::new(ErrorKind::Invalid, "write the change of")
                .with_object(self.path.join("/"))
                .with_source(why)
        })?);
        Ok(self)
    }

    /// Sets the name of the object in errors. Default: the path.
    pub fn object(mut self, object: impl std::fmt::Display) -> Self {
        self.object = Some(object.to_string());
        self
    }

    /// Adds a secret of the body, which is removed from errors and recordings.
    pub fn secret(mut self, secret: &Password) -> Self {
        self.secrets.push(secret.clone());
        self
    }

    /// Sets the unique key of the object to create: no two objects of the collection have the same value of this
    /// property. An object found by it counts as created if every plain property has the value that was sent.
    pub fn unique_by(mut self, property: impl Into<String>, value: impl Into<String>) -> Self {
        self.key = Some((property.into(), value.into()));
        self
    }

    pub(crate) fn request(&self, endpoints: &Endpoints, version: &'static str) -> Result<Request> {
        let action = match (&self.method, self.effect) {
            (&Method::PATCH, _) => "update",
            (&Method::DELETE, _) => "delete",
            (_, Effect::Creates) => "create in",
            _ => "run the action",
        };
        let url = endpoints.graph().url(&self.segments(version))?;
        let mut request = Request::new(action, self.method.clone(), url)
            .effect(self.effect)
            .object(self.object.clone().unwrap_or_else(|| self.path.join("/")));
        request.body.clone_from(&self.body);
        request.secrets.clone_from(&self.secrets);
        // Any object in the path may be new.
        request.refers_to = self.path.clone();
        Ok(request)
    }

    /// Returns the request that looks up the object to create, if it has a unique key.
    pub(crate) fn look_up(&self, endpoints: &Endpoints, version: &'static str) -> Option<Result<Request>> {
        let (property, value) = self.key.as_ref()?;
        let sent = self.plain_properties();
        let names = ["id"].into_iter().chain(sent.keys().map(String::as_str)).collect::<Vec<_>>().join(",");
        Some(endpoints.graph().url(&self.segments(version)).map(|url| {
            Request::new("look up", Method::GET, url)
                .object(self.object.clone().unwrap_or_else(|| value.clone()))
                .query("$filter", &format!("{property} eq {}", string_literal(value)))
                .query("$select", &names)
        }))
    }

    pub(crate) fn can_be_looked_up(&self) -> bool {
        self.key.is_some()
    }

    /// Returns true if an object is the one to create.
    pub(crate) fn matches(&self, found: &Value) -> bool {
        self.plain_properties().iter().all(|(name, sent)| match (sent, found.get(name)) {
            // The service may change the case of addresses.
            (Value::String(sent), Some(Value::String(found))) => sent.eq_ignore_ascii_case(found),
            (sent, found) => found == Some(sent),
        })
    }

    /// Returns the properties of the body, without objects, lists and secrets.
    fn plain_properties(&self) -> Map<String, Value> {
        let body = self.body.as_ref().and_then(|body| serde_json::from_slice::<Map<_, _>>(&body.bytes).ok());
        let plain = |name: &str, value: &Value| {
            matches!(value, Value::String(_) | Value::Bool(_) | Value::Number(_))
                && !is_secret_field(name)
                && !name.contains('@')
        };
        body.unwrap_or_default().into_iter().filter(|(name, value)| plain(name, value)).collect()
    }

    fn segments(&self, version: &'static str) -> Vec<&str> {
        [version].into_iter().chain(self.path.iter().map(String::as_str)).collect()
    }
}
