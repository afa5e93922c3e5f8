//! One exchange: a request is sent once, and a response or a failure comes back.

use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use onramp_core::{Clock, ErrorKind};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, LOCATION};
use zeroize::Zeroizing;

use crate::http::attempt_error::{AttemptError, RetryDecision, of_reply};
use crate::http::endpoints::Endpoints;
use crate::http::har::{HarRecorder, RecordedExchange};
use crate::http::request::{Effect, Reply, Request};
use crate::http::zeroizing_buf::ZeroizingBuf;
use crate::token::AccessToken;
use crate::uuid;

/// The maximum size of a response. A full page of users is smaller than one megabyte.
const MAX_REPLY: usize = 64 * 1024 * 1024;

/// The timeouts of one HTTP exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HttpTimeouts {
    /// The timeout for connecting, TLS included.
    pub connect: Duration,
    /// The timeout for one attempt, from connecting to the last byte of the response.
    pub per_attempt: Duration,
}

impl Default for HttpTimeouts {
    /// Returns ten seconds for connecting and a hundred for an attempt. All attempts together are bounded by
    /// [`RetryPolicy::deadline`](crate::RetryPolicy::deadline).
    fn default() -> Self {
        Self { connect: Duration::from_secs(10), per_attempt: Duration::from_secs(100) }
    }
}

impl HttpTimeouts {
    /// Sets the timeout for connecting.
    #[must_use]
    pub fn with_connect(mut self, time: Duration) -> Self {
        self.connect = time;
        self
    }

    /// Sets the timeout for one attempt.
    #[must_use]
    pub fn with_per_attempt(mut self, time: Duration) -> Self {
        self.per_attempt = time;
        self
    }
}

/// An observer of the body of a successful response. Called with all bytes so far each time more arrive.
pub(crate) type BodyObserver = dyn Fn(&[u8]) + Send + Sync;

/// The HTTP client, which sends a request once.
#[derive(Debug)]
pub(crate) struct HttpClient {
    pub(crate) client: reqwest::Client,
    pub(crate) endpoints: Endpoints,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) timeouts: HttpTimeouts,
    pub(crate) recorder: Option<HarRecorder>,
}

impl HttpClient {
    /// Sends a request once. Every status but 2xx is a failure.
    pub(crate) async fn exchange(
        &self,
        request: &Request,
        token: Option<&AccessToken>,
        time_left: Duration,
        observer: Option<&BodyObserver>,
    ) -> Result<Reply, AttemptError> {
        request
            .service
            .check_origin(&request.url)
            .map_err(|error| AttemptError::new(error, RetryDecision::GiveUp))?;
        let client_request_id =
            uuid::random_v4().map_err(|error| AttemptError::new(error, RetryDecision::GiveUp))?.to_string();
        let started = self.clock.now();
        let began = self.clock.elapsed();
        let outcome = self.send(request, token, time_left, &client_request_id, observer).await;
        if let Some(recorder) = &self.recorder {
            let time = self.clock.elapsed().saturating_sub(began);
            let reply = outcome.as_ref().ok();
            recorder.record(&RecordedExchange {
                request,
                client_request_id: &client_request_id,
                reply,
                started,
                time,
            });
        }
        let reply = outcome?;
        tracing::debug!(method = %request.method, path = request.url.path(), status = reply.status, %client_request_id, "exchange");
        match reply.status {
            200..=299 if request.effect == Effect::Safe && is_incomplete(&reply) => {
                Err(lost(request, "the response is incomplete", &client_request_id))
            }
            200..=299 => Ok(reply),
            300..=399 => {
                let mut failure = of_reply(request, &reply, self.clock.now());
                if let Some(place) = reply.header(LOCATION.as_str()).and_then(|to| request.url.join(to).ok())
                {
                    failure.error = failure.error.with_hint(format!(
                        "It pointed to {}; if the service is there, make it the endpoint.",
                        place.origin().ascii_serialization()
                    ));
                }
                Err(failure)
            }
            _ => Err(of_reply(request, &reply, self.clock.now())),
        }
    }

    async fn send(
        &self,
        request: &Request,
        token: Option<&AccessToken>,
        time_left: Duration,
        client_request_id: &str,
        observer: Option<&BodyObserver>,
    ) -> Result<Reply, AttemptError> {
        let mut out = self
            .client
            .request(request.method.clone(), request.url.clone())
            .timeout(self.timeouts.per_attempt.min(time_left))
            .header(ACCEPT, "application/json")
            .header("client-request-id", client_request_id)
            .header("return-client-request-id", "true");
        for (name, value) in &request.headers {
            out = out.header(*name, *value);
        }
        if let Some(token) = token {
            let text = Zeroizing::new(format!("Bearer {}", token.secret().expose()));
            let mut value =
                HeaderValue::from_maybe_shared(Bytes::copy_from_slice(text.as_bytes())).map_err(|_| {
                    let error = request.error(ErrorKind::Unauthenticated);
                    AttemptError::new(
                        error.with_detail("the access token contains line breaks"),
                        RetryDecision::GiveUp,
                    )
                })?;
            value.set_sensitive(true);
            out = out.header(AUTHORIZATION, value);
        }
        out = match &request.body {
            Some(body) => out.header(CONTENT_TYPE, body.content_type).body(body.bytes.clone()),
            // Some gateways respond with 411 to a POST without a length.
            None if request.method == reqwest::Method::POST => out.header("content-length", "0"),
            None => out,
        };
        let mut response =
            out.send().await.map_err(|why| no_response(request, &why.without_url(), client_request_id))?;
        let observer = observer.filter(|_| response.status().is_success());
        let mut body = ZeroizingBuf::with_capacity(16 * 1024);
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() > MAX_REPLY => {
                    let error =
                        request.error(ErrorKind::Invalid).with_detail("the response is larger than 64 MB");
                    return Err(AttemptError::new(error, RetryDecision::GiveUp));
                }
                Ok(Some(chunk)) => {
                    body.push(&chunk);
                    if let Some(observer) = observer {
                        observer(&body);
                    }
                }
                Ok(None) => break,
                Err(why) => return Err(lost(request, &causes(&why.without_url()), client_request_id)),
            }
        }
        Ok(Reply {
            status: response.status().as_u16(),
            version: response.version(),
            headers: response.headers().clone(),
            body,
            client_request_id: client_request_id.to_owned(),
            follows_lost_reply: false,
        })
    }
}

/// Returns true for JSON without its last bracket. A response without a length does not show that it is incomplete.
fn is_incomplete(reply: &Reply) -> bool {
    let is_json = reply.header(CONTENT_TYPE.as_str()).is_some_and(|kind| kind.contains("json"));
    let last = reply.body.iter().rev().find(|byte| !byte.is_ascii_whitespace());
    is_json && !matches!(last, None | Some(b'}' | b']'))
}

fn lost(request: &Request, detail: &str, client_request_id: &str) -> AttemptError {
    let next = RetryDecision::Retry { after: None, may_have_applied: true };
    AttemptError::new(exchange_error(request, ErrorKind::Unavailable, detail, client_request_id), next)
}

fn no_response(request: &Request, why: &reqwest::Error, client_request_id: &str) -> AttemptError {
    let detail = causes(why);
    if let Some(tls) = certificate_problem(why) {
        let error = exchange_error(request, ErrorKind::Invalid, &tls, client_request_id)
            .with_hint("Check the name of the endpoint, the clock, and the trusted certificate authorities.");
        return AttemptError::new(error, RetryDecision::GiveUp);
    }
    if why.is_builder() {
        return AttemptError::new(
            exchange_error(request, ErrorKind::Invalid, &detail, client_request_id),
            RetryDecision::GiveUp,
        );
    }
    // The error of hyper-util is private; these are its words.
    if chain(why).any(|cause| cause.to_string().contains("proxy authorization required")) {
        let error =
            exchange_error(request, ErrorKind::Invalid, "the proxy wants a sign-in (407)", client_request_id)
                .with_hint("Give the proxy's user and password; it must accept HTTP Basic.");
        return AttemptError::new(error, RetryDecision::GiveUp);
    }
    if why.is_connect() {
        let error = exchange_error(request, ErrorKind::Unavailable, &detail, client_request_id)
            .with_hint("Check name resolution, the proxy and the firewall.");
        return AttemptError::new(error, RetryDecision::Retry { after: None, may_have_applied: false });
    }
    lost(request, &detail, client_request_id)
}

fn exchange_error(
    request: &Request,
    kind: ErrorKind,
    detail: &str,
    client_request_id: &str,
) -> onramp_core::Error {
    let mut reply = onramp_core::ServerReply::from_server(request.url.host_str().unwrap_or_default());
    reply.client_request_id = Some(client_request_id.to_owned());
    request.error(kind).with_detail(request.scrub(detail)).with_reply(reply)
}

fn chain<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error| {
        let error: &'a (dyn StdError + 'static) = *error;
        error.source()
    })
}

fn causes(error: &(dyn StdError + 'static)) -> String {
    let mut texts: Vec<String> = chain(error).map(ToString::to_string).collect();
    texts.dedup();
    texts.join(": ")
}

/// Returns the problem with the server's certificate, if that is the cause.
fn certificate_problem(error: &(dyn StdError + 'static)) -> Option<String> {
    if let Some(tls) = error.downcast_ref::<rustls::Error>() {
        return matches!(tls, rustls::Error::InvalidCertificate(_)).then(|| tls.to_string());
    }
    // source() of an io::Error skips the error inside it, and they are nested.
    match error.downcast_ref::<std::io::Error>().and_then(|io| io.get_ref()) {
        Some(inner) => certificate_problem(inner),
        None => error.source().and_then(certificate_problem),
    }
}
