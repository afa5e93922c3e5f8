//! Tokens: one request per scope, renewed early, replaced once when refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use onramp_core::{Clock, Error, ErrorKind, ManualClock, Password, Result};
use onramp_entra::{AccessToken, ClientSecret, Endpoints, EntraClient, ServiceAddresses, TokenSource};
use serde_json::json;
use tokio::sync::Semaphore;
use wiremock::matchers::{body_string_contains, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::*;

fn refused(header: Option<&str>) -> ResponseTemplate {
    let body = graph_error("InvalidAuthenticationToken", "Lifetime validation failed, the token is expired.");
    let template = ResponseTemplate::new(401).set_body_json(body);
    match header {
        Some(value) => template.insert_header("WWW-Authenticate", value),
        None => template,
    }
}

#[tokio::test]
async fn a_refused_token_is_replaced_once() {
    let server = MockServer::start().await;
    answers(&server, Mock::given(header("authorization", "Bearer token-1")), vec![refused(None)]).await;
    answers(
        &server,
        Mock::given(header("authorization", "Bearer token-2")),
        vec![ok(json!({ "value": [] }))],
    )
    .await;
    let bench = bench(&server.uri());
    let domains = bench.client.tenant().domains;
    domains.list().await.unwrap();
    domains.list().await.unwrap();
    assert_eq!(bench.tokens.asked(), 2);
    assert_eq!(server.received_requests().await.unwrap().len(), 3);
    assert_eq!(bench.clock.elapsed(), Duration::ZERO);
}

#[tokio::test]
async fn a_second_refusal_is_final() {
    let server = MockServer::start().await;
    answers(&server, any(), vec![refused(None)]).await;
    let bench = bench(&server.uri());
    let error = bench.client.tenant().domains.list().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    assert_eq!(server.received_requests().await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_claims_challenge_reaches_the_credential_and_is_remembered() {
    let server = MockServer::start().await;
    // {"access_token":{"nbf":{"essential":true, "value":"1"}}}
    let challenge = r#"Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", error="insufficient_claims", claims="eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZSwgInZhbHVlIjoiMSJ9fX0=""#;
    answers(
        &server,
        any(),
        vec![refused(Some(challenge)), ok(json!({ "value": [] })), refused(None), ok(json!({ "value": [] }))],
    )
    .await;
    let bench = bench(&server.uri());
    let domains = bench.client.tenant().domains;
    domains.list().await.unwrap();
    domains.list().await.unwrap();
    let claims = Some(r#"{"access_token":{"nbf":{"essential":true, "value":"1"}}}"#.to_owned());
    assert_eq!(bench.tokens.claims(), [None, claims.clone(), claims]);
}

/// A credential that answers when it is let to, and counts.
#[derive(Debug, Clone)]
struct Slow {
    gate: Arc<Semaphore>,
    asked: Arc<AtomicUsize>,
    clock: Arc<ManualClock>,
}

#[async_trait::async_trait]
impl TokenSource for Slow {
    async fn token(&self, scope: &str, _claims: Option<&str>) -> Result<AccessToken> {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        if scope.contains("/arm/") {
            return Ok(AccessToken::new(Password::new("arm".into()), FAR_FUTURE));
        }
        self.gate.acquire().await.unwrap().forget();
        if asked == 2 {
            return Err(Error::new(ErrorKind::Unavailable, "get a token for").with_object(scope));
        }
        Ok(AccessToken::new(Password::new(format!("t{asked}")), self.clock.now() + Duration::from_secs(3600)))
    }
}

#[tokio::test]
async fn callers_share_one_request_per_scope_and_scopes_do_not_wait_for_each_other() {
    let server = MockServer::start().await;
    answers(&server, any(), vec![ok(json!({ "value": [] }))]).await;
    let clock = Arc::new(ManualClock::default());
    let slow = Slow { gate: Arc::new(Semaphore::new(0)), asked: Arc::default(), clock: clock.clone() };
    let base = server.uri();
    let endpoints =
        Endpoints::new(ServiceAddresses { graph: &base, arm: &format!("{base}/arm"), login: &base }).unwrap();
    let tenant = EntraClient::builder(slow.clone())
        .endpoints(endpoints)
        .clock(clock.clone())
        .build()
        .unwrap()
        .tenant();

    let waiting: Vec<_> = (0..50)
        .map(|_| {
            let domains = tenant.domains.clone();
            tokio::spawn(async move { domains.list().await })
        })
        .collect();
    while slow.asked.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    // Graph's token is still awaited; Azure's is not held up by that.
    tenant.subscriptions.list().await.unwrap();
    slow.gate.add_permits(1);
    for one in waiting {
        one.await.unwrap().unwrap();
    }
    let graph_and_arm = 2;
    assert_eq!(slow.asked.load(Ordering::SeqCst), graph_and_arm);
}

#[tokio::test]
async fn a_token_that_still_serves_is_used_while_its_renewal_fails() {
    let server = MockServer::start().await;
    answers(&server, any(), vec![ok(json!({ "value": [] }))]).await;
    let clock = Arc::new(ManualClock::default());
    let slow = Slow { gate: Arc::new(Semaphore::new(99)), asked: Arc::default(), clock: clock.clone() };
    let endpoints = Endpoints::at(&server.uri()).unwrap();
    let client =
        EntraClient::builder(slow.clone()).endpoints(endpoints).clock(clock.clone()).build().unwrap();
    let domains = client.tenant().domains;
    domains.list().await.unwrap();
    clock.advance(Duration::from_secs(3600 - 200));
    domains.list().await.unwrap(); // the second request for a token fails
    domains.list().await.unwrap(); // and is not repeated at once
    assert_eq!(slow.asked.load(Ordering::SeqCst), 2);
    clock.advance(Duration::from_secs(31));
    domains.list().await.unwrap();
    assert_eq!(slow.asked.load(Ordering::SeqCst), 3);
    let sent: Vec<_> = server.received_requests().await.unwrap();
    let bearer = |n: usize| sent[n].headers["authorization"].to_str().unwrap().to_owned();
    assert_eq!(
        [bearer(0), bearer(1), bearer(2), bearer(3)],
        ["Bearer t1", "Bearer t1", "Bearer t1", "Bearer t3"]
    );
}

/// A credential that waits to be let, and then fails or gives a token of an hour.
#[derive(Debug, Clone)]
struct Gated {
    gate: Arc<Semaphore>,
    asked: Arc<AtomicUsize>,
    clock: Arc<ManualClock>,
    fails: bool,
}

impl Gated {
    fn new(permits: usize, fails: bool, clock: &Arc<ManualClock>) -> Self {
        let (gate, asked) = (Arc::new(Semaphore::new(permits)), Arc::default());
        Self { gate, asked, clock: clock.clone(), fails }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[async_trait::async_trait]
impl TokenSource for Gated {
    async fn token(&self, scope: &str, _claims: Option<&str>) -> Result<AccessToken> {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        self.gate.acquire().await.unwrap().forget();
        if self.fails {
            let error = Error::new(ErrorKind::Unauthenticated, "get a token for").with_object(scope);
            return Err(error.with_detail("the secret has expired"));
        }
        Ok(AccessToken::new(Password::new(format!("t{asked}")), self.clock.now() + Duration::from_secs(3600)))
    }
}

fn client_with(source: &Gated, base: &str) -> EntraClient {
    let endpoints = Endpoints::at(base).unwrap();
    EntraClient::builder(source.clone()).endpoints(endpoints).clock(source.clock.clone()).build().unwrap()
}

async fn until_asked(source: &Gated, times: usize) {
    while source.asked() < times {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn callers_who_wait_together_share_the_failure_and_nobody_asks_again_by_himself() {
    let server = MockServer::start().await;
    let source = Gated::new(0, true, &Arc::default());
    let client = client_with(&source, &server.uri());
    let waiting: Vec<_> = (0..50)
        .map(|_| {
            let domains = client.tenant().domains;
            tokio::spawn(async move { domains.list().await })
        })
        .collect();
    until_asked(&source, 1).await;
    // Everybody is there before the answer is.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    source.gate.add_permits(50);
    for one in waiting {
        let error = one.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthenticated);
        assert!(error.to_string().contains("the secret has expired"), "{error}");
    }
    assert_eq!(source.asked(), 1);
    assert!(server.received_requests().await.unwrap().is_empty());
    client.tenant().domains.list().await.unwrap_err();
    assert_eq!(source.asked(), 2, "whoever comes later asks for himself");
}

#[tokio::test]
async fn nobody_waits_for_a_renewal_while_the_token_still_serves() {
    let server = MockServer::start().await;
    answers(&server, any(), vec![ok(json!({ "value": [] }))]).await;
    let source = Gated::new(1, false, &Arc::default());
    let domains = client_with(&source, &server.uri()).tenant().domains;
    domains.list().await.unwrap();
    source.clock.advance(Duration::from_secs(3600 - 200));
    // The renewal hangs; the calls do not.
    domains.list().await.unwrap();
    domains.list().await.unwrap();
    assert_eq!(source.asked(), 2, "one renewal, however many callers");
    source.gate.add_permits(1);
    domains.list().await.unwrap();
    let sent = server.received_requests().await.unwrap();
    let bearers: Vec<_> = sent.iter().map(|r| r.headers["authorization"].to_str().unwrap()).collect();
    assert_eq!(bearers, ["Bearer t1", "Bearer t1", "Bearer t1", "Bearer t2"]);
    assert_eq!(source.asked(), 2);
}

#[tokio::test]
async fn a_caller_who_gives_up_takes_nobody_with_him() {
    let server = MockServer::start().await;
    answers(&server, any(), vec![ok(json!({ "value": [] }))]).await;
    let source = Gated::new(0, false, &Arc::default());
    let client = client_with(&source, &server.uri());
    let start = || {
        let domains = client.tenant().domains;
        tokio::spawn(async move { domains.list().await })
    };
    let first = start();
    until_asked(&source, 1).await;
    let second = start();
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    source.gate.add_permits(1);
    second.await.unwrap().unwrap();
    assert_eq!(source.asked(), 1, "the second went on with the request of the first");

    // With nobody left, the request ends; the next caller begins a new one.
    let source = Gated::new(0, false, &Arc::default());
    let client = client_with(&source, &server.uri());
    let domains = client.tenant().domains;
    let only = tokio::spawn(async move { domains.list().await });
    until_asked(&source, 1).await;
    only.abort();
    let _ = only.await;
    source.gate.add_permits(1);
    client.tenant().domains.list().await.unwrap();
    assert_eq!(source.asked(), 2);
}

#[tokio::test]
async fn a_credential_that_is_refused_sends_nothing() {
    let server = MockServer::start().await;
    let endpoints = Endpoints::at(&server.uri()).unwrap();
    let client = EntraClient::builder(NoTokens).endpoints(endpoints).build().unwrap();
    let error = client.tenant().domains.list().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    assert!(server.received_requests().await.unwrap().is_empty());
}

fn with_secret(server: &MockServer, clock: Arc<ManualClock>) -> EntraClient {
    let endpoints = Endpoints::at(&server.uri()).unwrap();
    EntraClient::builder(ClientSecret::new(
        "contoso.onmicrosoft.com",
        "the-app",
        Password::new("s3cr3t&sauce".into()),
    ))
    .endpoints(endpoints)
    .clock(clock)
    .build()
    .unwrap()
}

#[tokio::test]
async fn a_client_secret_is_exchanged_for_a_token_at_the_tenants_token_endpoint() {
    let server = MockServer::start().await;
    let token = ok(json!({ "token_type": "Bearer", "expires_in": 3599, "access_token": "eyJ" }));
    let endpoint = Mock::given(method("POST"))
        .and(path("/contoso.onmicrosoft.com/oauth2/v2.0/token"))
        .and(body_string_contains("grant_type=client_credentials"))
        .and(body_string_contains("client_secret=s3cr3t%26sauce"));
    answers(&server, endpoint, vec![ResponseTemplate::new(503), token]).await;
    answers(&server, Mock::given(header("authorization", "Bearer eyJ")), vec![ok(json!({ "value": [] }))])
        .await;
    let domains = with_secret(&server, Arc::default()).tenant().domains;
    domains.list().await.unwrap();
    domains.list().await.unwrap();
    assert_eq!(server.received_requests().await.unwrap().len(), 4);
}

#[tokio::test]
async fn a_wrong_client_secret_says_what_to_do_and_is_not_tried_again() {
    let server = MockServer::start().await;
    let body = json!({ "error": "invalid_client", "error_codes": [7000215], "trace_id": "trace-1",
        "error_description": "AADSTS7000215: Invalid client secret provided." });
    answers(&server, any(), vec![ResponseTemplate::new(401).set_body_json(body)]).await;
    let error = with_secret(&server, Arc::default()).tenant().domains.list().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    assert_eq!(error.reply().request_id.as_deref(), Some("trace-1"));
    assert!(error.to_string().contains("new secret"), "{error}");
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_client_secret_needs_a_tenant() {
    let error =
        EntraClient::builder(ClientSecret::new("", "a", Password::new("b".into()))).build().unwrap_err();
    assert!(error.to_string().contains("tenant"), "{error}");
    let odd = EntraClient::builder(Tokens::default()).tenant("not a tenant").build().unwrap_err();
    assert_eq!(odd.kind(), ErrorKind::Invalid);
}
