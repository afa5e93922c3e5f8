//! A change to one object of Graph, as a value.

use onramp_core::{Error, ErrorKind, Password, Result};
use reqwest::Method;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::endpoints::{Audience, Endpoints};
use crate::http::har::is_secret;
use crate::http::request::{Body, Effect, Request};
use crate::query::filter::literal;

/// A change to one object of Graph, for [`GraphClient::bulk`](crate::GraphClient::bulk).
///
/// The path is relative to the version; each part between slashes is one segment, and [`GraphChange::segment`] adds
/// one that comes from data.
///
/// ```
/// use onramp_graph::GraphChange;
/// use serde_json::json;
///
/// let rename = GraphChange::update("users").segment("anna@contoso.com").json(&json!({ "displayName": "Anna" }))?;
/// let create = GraphChange::create("groups")
///     .json(&json!({ "displayName": "Sync", "mailNickname": "sync", "mailEnabled": false, "securityEnabled": true }))?
///     .known_by("mailNickname", "sync");
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
    /// Sets properties (`PATCH`). Repeated when its answer was lost.
    pub fn update(path: &str) -> Self {
        Self::new(Method::PATCH, Effect::Repeatable, path)
    }

    /// Creates an object in the collection (`POST`). When its answer was lost, it is repeated only if it is
    /// [known by a key](GraphChange::known_by) and not there.
    pub fn create(path: &str) -> Self {
        Self::new(Method::POST, Effect::Creates, path)
    }

    /// Runs an action (`POST`) whose repetition does no harm, such as `revokeSignInSessions`.
    pub fn act(path: &str) -> Self {
        Self::new(Method::POST, Effect::Repeatable, path)
    }

    /// Deletes (`DELETE`). Repeated when its answer was lost; "not found" then means that it is done.
    pub fn delete(path: &str) -> Self {
        Self::new(Method::DELETE, Effect::Repeatable, path)
    }

    fn new(method: Method, effect: Effect, path: &str) -> Self {
        let path = path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
        Self { method, effect, path, body: None, object: None, secrets: Vec::new(), key: None }
    }

    /// Goes one segment down, whatever characters are in it.
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

    /// Names the object in errors; without it the path does.
    pub fn object(mut self, object: impl std::fmt::Display) -> Self {
        self.object = Some(object.to_string());
        self
    }

    /// Strikes that secret out of errors and recordings. For every secret in the body.
    pub fn secret(mut self, secret: &Password) -> Self {
        self.secrets.push(secret.clone());
        self
    }

    /// Says how to find the object to be created: no two objects of the collection have the same value of that
    /// property. What is found is held to be ours if every plain property that was sent has the value that was sent.
    pub fn known_by(mut self, property: impl Into<String>, value: impl Into<String>) -> Self {
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
        let url = endpoints.url(Audience::Graph, &self.segments(version))?;
        let mut request = Request::new(action, Audience::Graph, self.method.clone(), url)
            .effect(self.effect)
            .object(self.object.clone().unwrap_or_else(|| self.path.join("/")));
        request.body.clone_from(&self.body);
        request.secrets.clone_from(&self.secrets);
        // Whatever is named in the path may be new.
        request.concerns = self.path.clone();
        Ok(request)
    }

    /// The question whether the object to be created is there, if it can be asked.
    pub(crate) fn look_up(&self, endpoints: &Endpoints, version: &'static str) -> Option<Result<Request>> {
        let (property, value) = self.key.as_ref()?;
        let sent = self.plain_properties();
        let names = ["id"].into_iter().chain(sent.keys().map(String::as_str)).collect::<Vec<_>>().join(",");
        Some(endpoints.url(Audience::Graph, &self.segments(version)).map(|url| {
            Request::new("look whether there is", Audience::Graph, Method::GET, url)
                .object(self.object.clone().unwrap_or_else(|| value.clone()))
                .query("$filter", &format!("{property} eq {}", literal(value)))
                .query("$select", &names)
        }))
    }

    pub(crate) fn can_be_looked_up(&self) -> bool {
        self.key.is_some()
    }

    /// Whether an object that was found is what was to be created.
    pub(crate) fn is_ours(&self, found: &Value) -> bool {
        self.plain_properties().iter().all(|(name, sent)| match (sent, found.get(name)) {
            // The service may write addresses in its own case.
            (Value::String(sent), Some(Value::String(found))) => sent.eq_ignore_ascii_case(found),
            (sent, found) => found == Some(sent),
        })
    }

    /// What was sent, without objects, lists and secrets.
    fn plain_properties(&self) -> Map<String, Value> {
        let body = self.body.as_ref().and_then(|body| serde_json::from_slice::<Map<_, _>>(&body.bytes).ok());
        let plain = |name: &str, value: &Value| {
            matches!(value, Value::String(_) | Value::Bool(_) | Value::Number(_))
                && !is_secret(name)
                && !name.contains('@')
        };
        body.unwrap_or_default().into_iter().filter(|(name, value)| plain(name, value)).collect()
    }

    fn segments(&self, version: &'static str) -> Vec<&str> {
        [version].into_iter().chain(self.path.iter().map(String::as_str)).collect()
    }
}
