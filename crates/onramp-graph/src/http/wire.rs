//! One exchange: a request value goes out once, a reply or a failure comes back.

use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use onramp_core::{Clock, ErrorKind};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, LOCATION};
use zeroize::Zeroizing;

use crate::auth::AccessToken;
use crate::endpoints::Endpoints;
use crate::guid;
use crate::http::error::{Failure, Next, of_reply};
use crate::http::har::{Exchange, WireRecorder};
use crate::http::origin;
use crate::http::request::{Effect, Reply, Request};
use crate::http::wiped::Wiped;

/// Longest reply that is read; a full page of users is below one megabyte.
const LONGEST_REPLY: usize = 64 * 1024 * 1024;

/// How long parts of an exchange may take.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// Until a connection stands, TLS included.
    pub connect: Duration,
    /// One try, from the connection to the last byte of the reply.
    pub per_try: Duration,
}

impl Default for Timeouts {
    /// Ten seconds to connect, a hundred for a try. All tries together are bounded by
    /// [`RetryPolicy::deadline`](crate::RetryPolicy::deadline).
    fn default() -> Self {
        Self { connect: Duration::from_secs(10), per_try: Duration::from_secs(100) }
    }
}

impl Timeouts {
    /// With that time to connect.
    #[must_use]
    pub fn with_connect(mut self, time: Duration) -> Self {
        self.connect = time;
        self
    }

    /// With that time for one try.
    #[must_use]
    pub fn with_per_try(mut self, time: Duration) -> Self {
        self.per_try = time;
        self
    }
}

/// Is shown the body of a successful reply while it comes in: each time everything that is there so far.
pub(crate) type Watch = dyn Fn(&[u8]) + Send + Sync;

/// Everything an exchange needs except a token.
#[derive(Debug)]
pub(crate) struct Wire {
    pub(crate) http: reqwest::Client,
    pub(crate) endpoints: Endpoints,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) timeouts: Timeouts,
    pub(crate) recorder: Option<WireRecorder>,
}

impl Wire {
    /// Sends the request once; every status but 2xx is a failure.
    pub(crate) async fn exchange(
        &self,
        request: &Request,
        token: Option<&AccessToken>,
        time_left: Duration,
        watch: Option<&Watch>,
    ) -> Result<Reply, Failure> {
        origin::check(&self.endpoints, request.to, &request.url)
            .map_err(|error| Failure::new(error, Next::Stop))?;
        let client_request_id = guid::random().map_err(|error| Failure::new(error, Next::Stop))?.to_string();
        let started = self.clock.now();
        let began = self.clock.elapsed();
        let outcome = self.send(request, token, time_left, &client_request_id, watch).await;
        if let Some(recorder) = &self.recorder {
            let time = self.clock.elapsed().saturating_sub(began);
            let reply = outcome.as_ref().ok();
            recorder.record(&Exchange {
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
            200..=299 if request.effect == Effect::Read && is_cut(&reply) => {
                Err(lost(request, "the reply ended before its end", &client_request_id))
            }
            200..=299 => Ok(reply),
            300..=399 => {
                let mut failure = of_reply(request, &reply, self.clock.now());
                if let Some(place) = reply.header(LOCATION.as_str()).and_then(|to| request.url.join(to).ok())
                {
                    failure.error = failure.error.with_hint(format!(
                        "It pointed to {}; if that is where the service is, make it the endpoint.",
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
        watch: Option<&Watch>,
    ) -> Result<Reply, Failure> {
        let mut out = self
            .http
            .request(request.method.clone(), request.url.clone())
            .timeout(self.timeouts.per_try.min(time_left))
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
                    Failure::new(
                        error.with_detail("the access token is not one: it holds line breaks"),
                        Next::Stop,
                    )
                })?;
            value.set_sensitive(true);
            out = out.header(AUTHORIZATION, value);
        }
        out = match &request.body {
            Some(body) => out.header(CONTENT_TYPE, body.content_type).body(body.bytes.clone()),
            // Some gateways answer 411 to a POST without a length.
            None if request.method == reqwest::Method::POST => out.header("content-length", "0"),
            None => out,
        };
        let mut response =
            out.send().await.map_err(|why| not_answered(request, &why.without_url(), client_request_id))?;
        let watch = watch.filter(|_| response.status().is_success());
        let mut body = Wiped::with_capacity(16 * 1024);
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() > LONGEST_REPLY => {
                    let error =
                        request.error(ErrorKind::Invalid).with_detail("the reply is longer than 64 MB");
                    return Err(Failure::new(error, Next::Stop));
                }
                Ok(Some(chunk)) => {
                    body.push(&chunk);
                    if let Some(watch) = watch {
                        watch(&body);
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
            after_a_lost_one: false,
        })
    }
}

/// Whether JSON ends before its last bracket, which a reply without a length would not tell otherwise.
fn is_cut(reply: &Reply) -> bool {
    let is_json = reply.header(CONTENT_TYPE.as_str()).is_some_and(|kind| kind.contains("json"));
    let last = reply.body.iter().rev().find(|byte| !byte.is_ascii_whitespace());
    is_json && !matches!(last, None | Some(b'}' | b']'))
}

fn lost(request: &Request, detail: &str, client_request_id: &str) -> Failure {
    let next = Next::Again { after: None, maybe_done: true };
    Failure::new(unanswered(request, ErrorKind::Unavailable, detail, client_request_id), next)
}

fn not_answered(request: &Request, why: &reqwest::Error, client_request_id: &str) -> Failure {
    let detail = causes(why);
    if let Some(tls) = certificate_problem(why) {
        let error = unanswered(request, ErrorKind::Invalid, &tls, client_request_id).with_hint(
            "Check the endpoint's name, the clock, and the certificate authorities that are trusted here.",
        );
        return Failure::new(error, Next::Stop);
    }
    if why.is_builder() {
        return Failure::new(unanswered(request, ErrorKind::Invalid, &detail, client_request_id), Next::Stop);
    }
    if why.is_connect() {
        let error = unanswered(request, ErrorKind::Unavailable, &detail, client_request_id)
            .with_hint("Check name resolution, the proxy and the firewall.");
        return Failure::new(error, Next::Again { after: None, maybe_done: false });
    }
    lost(request, &detail, client_request_id)
}

fn unanswered(
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

/// What is wrong with the server's certificate, if that is the cause.
fn certificate_problem(error: &(dyn StdError + 'static)) -> Option<String> {
    if let Some(tls) = error.downcast_ref::<rustls::Error>() {
        return matches!(tls, rustls::Error::InvalidCertificate(_)).then(|| tls.to_string());
    }
    // source() of an io::Error skips the error that travels inside it, and they are nested.
    match error.downcast_ref::<std::io::Error>().and_then(|io| io.get_ref()) {
        Some(inner) => certificate_problem(inner),
        None => error.source().and_then(certificate_problem),
    }
}
