//! What a client of Graph must do when something goes wrong: one test per fault, each over real sockets.
//!
//! The same policy holds for single calls, pages, items of batches (`bulk`) and tokens (`tokens`); what must not be
//! repeated blindly is in `creation`.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt};
use onramp_core::tenant::{TenantUser, UserUpdate};
use onramp_core::{Clock, ErrorKind, ManualClock, Password, Result, SystemClock};
use onramp_entra::{AccessToken, Endpoints, EntraClient, HttpTimeouts, RetryPolicy, TokenSource};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use wiremock::matchers::{method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::*;

/// The users of a page: three on each.
fn users(page: u128) -> Vec<Value> {
    (page * 3..page * 3 + 3).map(|n| user_json(n, &format!("u{n}@contoso.com"), "U")).collect()
}

fn page(base: &str, number: u128, more: bool) -> Value {
    let mut page = json!({ "@odata.context": "x" });
    if more {
        page["@odata.nextLink"] = json!(format!("{base}/v1.0/users?$skiptoken={}", number + 1));
    }
    page["value"] = json!(users(number));
    page
}

/// Serves three pages of users; the second answers first with these.
async fn three_pages(before_page_2: Vec<ResponseTemplate>) -> MockServer {
    let server = MockServer::start().await;
    let base = server.uri();
    let of = |number: u32| Mock::given(query_param("$skiptoken", number.to_string()));
    let second = before_page_2.into_iter().chain([ok(page(&base, 1, true))]).collect();
    answers(&server, of(1), second).await;
    answers(&server, of(2), vec![ok(page(&base, 2, false))]).await;
    answers(&server, Mock::given(path("/v1.0/users")), vec![ok(page(&base, 0, true))]).await;
    server
}

async fn list(bench: &Bench) -> Vec<Result<TenantUser>> {
    bench.client.tenant().users.list().collect().await
}

fn all_nine_once(found: Vec<Result<TenantUser>>) {
    let ids: Vec<_> = found.into_iter().map(|user| user.unwrap().id).collect();
    assert_eq!(ids, (0..9).map(id).collect::<Vec<_>>());
}

fn throttled(retry_after: &str) -> ResponseTemplate {
    ResponseTemplate::new(429)
        .insert_header("Retry-After", retry_after)
        .set_body_json(graph_error("TooManyRequests", "slow down"))
}

/// How long a single read waits after one answer like that.
async fn wait_after(answer: ResponseTemplate) -> Duration {
    let server = MockServer::start().await;
    answers(&server, any(), vec![answer, ok(json!({ "value": [] }))]).await;
    let bench = bench(&server.uri());
    assert!(bench.client.tenant().domains.list().await.unwrap().is_empty());
    assert_eq!(server.received_requests().await.unwrap().len(), 2);
    bench.clock.elapsed()
}

#[tokio::test]
async fn a_429_on_page_2_is_waited_out_and_no_user_is_missing() {
    let server = three_pages(vec![throttled("2")]).await;
    let bench = bench(&server.uri());
    all_nine_once(list(&bench).await);
    assert_eq!(bench.clock.elapsed(), Duration::from_secs(2));
}

#[tokio::test]
async fn a_429_on_a_single_request_is_waited_out() {
    assert_eq!(wait_after(throttled("7")).await, Duration::from_secs(7));
    let server = MockServer::start().await;
    answers(&server, any(), vec![throttled("3"), ResponseTemplate::new(204)]).await;
    let bench = bench(&server.uri());
    let update = UserUpdate::default().with_display_name("A");
    bench.client.tenant().users.update(&id(1), &update).await.unwrap();
    assert_eq!(bench.clock.elapsed(), Duration::from_secs(3));
}

#[tokio::test]
async fn a_503_without_retry_after_backs_off_with_full_jitter_and_a_total_deadline() {
    let server = MockServer::start().await;
    let (builder, clock, _) = builder(&server.uri());
    let times = Arc::new(Mutex::new(Vec::new()));
    let (log, at) = (times.clone(), clock.clone());
    any()
        .respond_with(move |_: &wiremock::Request| {
            log.lock().unwrap().push(at.elapsed());
            ResponseTemplate::new(503).set_body_json(graph_error("ServiceUnavailable", "down"))
        })
        .mount(&server)
        .await;
    let deadline = Duration::from_secs(20);
    let policy = RetryPolicy::default().with_max_attempts(100).with_deadline(deadline);
    let client = builder.retry(policy).build().unwrap();
    let error = client.tenant().domains.list().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let times = times.lock().unwrap();
    assert!(times.len() > 3 && *times.last().unwrap() <= deadline, "{times:?}");
    let waits: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    for (n, wait) in waits.iter().enumerate() {
        let bound = Duration::from_secs(1 << n.min(5)).min(Duration::from_secs(30));
        assert!(*wait > Duration::ZERO && *wait <= bound, "{n}: {waits:?}");
    }
    // Drawn from the whole range, not from its upper half.
    let lower = |(n, wait): (usize, &Duration)| *wait < Duration::from_millis(500 << n);
    assert!(waits.iter().enumerate().any(lower), "{waits:?}");
}

#[tokio::test]
async fn a_500_or_502_is_retried_where_repeating_is_harmless() {
    for status in [408, 500, 502, 504] {
        let html = ResponseTemplate::new(status).set_body_string("<html>gateway</html>");
        let server = three_pages(vec![html.clone()]).await;
        all_nine_once(list(&bench(&server.uri())).await);

        let server = MockServer::start().await;
        answers(&server, Mock::given(method("PATCH")), vec![html, ResponseTemplate::new(204)]).await;
        let update = UserUpdate::default().with_account_enabled(false);
        bench(&server.uri()).client.tenant().users.update(&id(1), &update).await.unwrap();
        assert_eq!(server.received_requests().await.unwrap().len(), 2, "{status}");
    }
}

#[tokio::test]
async fn retry_after_as_an_http_date_is_waited_for() {
    assert_eq!(wait_after(throttled("Thu, 01 Jan 2026 00:00:09 GMT")).await, Duration::from_secs(9));
}

#[tokio::test]
async fn retry_after_as_a_decimal_is_waited_for() {
    assert_eq!(wait_after(throttled("2.128")).await, Duration::from_millis(2128));
    assert_eq!(wait_after(throttled("0.249")).await, Duration::from_millis(249));
}

#[tokio::test]
async fn retry_after_of_400_s_is_waited_for_if_the_callers_deadline_allows_it() {
    let server = MockServer::start().await;
    let no_domains = ok(json!({ "value": [] }));
    answers(&server, any(), vec![throttled("400"), throttled("400"), no_domains]).await;
    let bench = bench(&server.uri());
    let error = bench.client.tenant().domains.list().await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(400)));
    assert_eq!(bench.clock.elapsed(), Duration::ZERO, "a wait beyond the deadline is not begun");

    let patient = bench.client.with_retry(RetryPolicy::default().with_deadline(Duration::from_secs(3600)));
    assert!(patient.tenant().domains.list().await.unwrap().is_empty());
    let waited = bench.clock.elapsed();
    assert_eq!(waited, Duration::from_secs(800), "what the other call was told, then what this one was told");
    assert_eq!(server.received_requests().await.unwrap().len(), 3);
}

#[tokio::test]
async fn retry_after_soon_backs_off() {
    for nonsense in ["soon", "0", "NaN", "-5", "Thu, 01 Jan 1970 00:00:00 GMT"] {
        let waited = wait_after(throttled(nonsense)).await;
        assert!(waited > Duration::ZERO && waited <= Duration::from_secs(1), "{nonsense}: {waited:?}");
    }
    let waited = wait_after(ResponseTemplate::new(429)).await;
    assert!(waited > Duration::ZERO && waited <= Duration::from_secs(1), "no header: {waited:?}");
}

/// A server that takes connections, and bytes, and never says anything.
async fn silent_server() -> (std::net::SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let connections = Arc::new(AtomicUsize::new(0));
    let count = connections.clone();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move { socket.read_to_end(&mut Vec::new()).await });
        }
    });
    (address, connections)
}

const SOON: Duration = Duration::from_millis(30);
const LONG: Duration = Duration::from_secs(600);

#[tokio::test]
async fn a_hang_while_connecting_ends_with_the_connect_timeout() {
    let (address, connections) = silent_server().await;
    // The TLS handshake belongs to connecting, and is never answered.
    let (builder, ..) = builder(&format!("https://{address}"));
    let client = builder
        .timeouts(HttpTimeouts::default().with_connect(SOON).with_per_attempt(LONG))
        .retry(RetryPolicy::default().with_max_attempts(2).with_deadline(LONG))
        .build()
        .unwrap();
    let error = client.tenant().domains.list().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(connections.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_hang_within_a_try_ends_with_the_timeout_of_a_try() {
    let (address, connections) = silent_server().await;
    let client = client_of(&format!("http://{address}"), SOON, RetryPolicy::default().with_max_attempts(3));
    let error = client.tenant().domains.list().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.reply().client_request_id.is_some());
    assert!(connections.load(Ordering::SeqCst) >= 3);
}

#[tokio::test]
async fn a_hang_of_everything_ends_with_the_total_deadline() {
    let (address, connections) = silent_server().await;
    let client = client_of(&format!("http://{address}"), LONG, RetryPolicy::default().with_deadline(SOON));
    let error = client.tenant().domains.list().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(connections.load(Ordering::SeqCst), 1, "after the deadline there is no further try");
}

/// A client on the machine's own clock.
fn client_of(base: &str, per_try: Duration, policy: RetryPolicy) -> EntraClient {
    EntraClient::builder(Tokens::default())
        .endpoints(Endpoints::at(base).unwrap())
        .clock(Arc::new(SystemClock::new()))
        .timeouts(HttpTimeouts::default().with_per_attempt(per_try))
        .retry(policy.with_backoff(Duration::from_millis(10), Duration::from_millis(20)))
        .build()
        .unwrap()
}

#[tokio::test]
async fn a_page_that_is_cut_short_or_reset_is_read_again() {
    const HALF: &str = r#"{"value":[{"id":"00000000-0000-0000-0000-000000000000","userPri"#;
    let whole = page("", 0, false);
    let script = vec![Step::Cut(HALF), Step::Reset(HALF), Step::Vanish, Step::Json(200, whole)];
    let server = Scripted::start(script).await;
    let bench = bench(&server.base);
    let found: Vec<_> = bench.client.tenant().users.list().try_collect().await.unwrap();
    assert_eq!(found.len(), 3);
    assert_eq!(server.count("GET"), 4);

    let server = Scripted::start((0..9).map(|_| Step::Cut(HALF)).collect()).await;
    let error =
        crate::support::bench(&server.base).client.tenant().users.list().try_next().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "a typed error, never half a page: {error}");
}

#[tokio::test]
async fn a_page_that_is_cut_after_its_link_was_seen_loses_and_repeats_nothing() {
    let server = MockServer::start().await;
    let base = server.uri();
    answers(&server, Mock::given(query_param("$skiptoken", "1")), vec![ok(page(&base, 1, true))]).await;
    answers(&server, Mock::given(query_param("$skiptoken", "2")), vec![ok(page(&base, 2, false))]).await;
    let text = page(&base, 0, true).to_string();
    let half = text.get(..text.len() - 40).unwrap().to_owned();
    let cut = ResponseTemplate::new(200).set_body_raw(half, "application/json");
    answers(&server, Mock::given(path("/v1.0/users")), vec![cut, ok(page(&base, 0, true))]).await;
    all_nine_once(list(&bench(&base)).await);
}

#[tokio::test]
async fn a_next_link_to_a_foreign_host_is_refused_and_not_one_byte_goes_there() {
    let (foreign, connections) = silent_server().await;
    let port = foreign.port();
    for link in [
        format!("http://{foreign}/v1.0/users?$skiptoken=b"),
        format!("https://{foreign}/v1.0/users?$skiptoken=b"),
        format!("http://localhost:{port}/v1.0/users?$skiptoken=b"),
        format!("//{foreign}/v1.0/users"),
        "/v1.0/users?$skiptoken=b".to_owned(),
    ] {
        for link_first in [true, false] {
            let (before, after) = if link_first {
                (format!(r#""@odata.nextLink":"{link}","#), String::new())
            } else {
                (String::new(), format!(r#","@odata.nextLink":"{link}""#))
            };
            let body = format!("{{{before}\"value\":{}{after}}}", json!(users(0)));
            let server = MockServer::start().await;
            answers(&server, any(), vec![ResponseTemplate::new(200).set_body_raw(body, "application/json")])
                .await;
            let mut found = list(&bench(&server.uri())).await;
            let error = found.pop().unwrap().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{link}");
            assert_eq!(found.into_iter().filter(Result::is_ok).count(), 3);
            assert_eq!(server.received_requests().await.unwrap().len(), 1);
        }
    }
    assert_eq!(connections.load(Ordering::SeqCst), 0, "nobody even connected");
}

#[tokio::test]
async fn a_302_to_a_foreign_host_is_not_followed() {
    let (foreign, connections) = silent_server().await;
    for status in [301, 302, 307, 308] {
        let server = MockServer::start().await;
        let away =
            ResponseTemplate::new(status).insert_header("Location", format!("http://{foreign}/v1.0/domains"));
        answers(&server, any(), vec![away]).await;
        let error = bench(&server.uri()).client.tenant().domains.list().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().contains(&foreign.to_string()), "{error}");
    }
    assert_eq!(connections.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_loop_of_next_links_is_an_error_and_no_user_comes_twice() {
    let server = MockServer::start().await;
    let base = server.uri();
    // Page 1 links to page 2, which links to page 1 again.
    let mut second = page(&base, 1, true);
    second["@odata.nextLink"] = json!(format!("{base}/v1.0/users?$skiptoken=1"));
    answers(&server, Mock::given(query_param("$skiptoken", "1")), vec![ok(second)]).await;
    answers(&server, any(), vec![ok(page(&base, 0, true))]).await;
    let mut found = list(&bench(&base)).await;
    assert!(found.pop().unwrap().unwrap_err().to_string().contains("no end"));
    assert_eq!(found.len(), 6);
    assert_eq!(server.received_requests().await.unwrap().len(), 2);
}

fn refused(claims: Option<&str>) -> ResponseTemplate {
    let body = graph_error("InvalidAuthenticationToken", "Lifetime validation failed, the token is expired.");
    let template = ResponseTemplate::new(401).set_body_json(body);
    match claims {
        Some(claims) => {
            let challenge = format!(r#"Bearer realm="", error="insufficient_claims", claims="{claims}""#);
            template.insert_header("WWW-Authenticate", challenge)
        }
        None => template,
    }
}

#[tokio::test]
async fn a_token_that_expires_mid_listing_is_renewed_once_and_a_second_refusal_is_final() {
    let server = three_pages(vec![refused(None)]).await;
    let bench = bench(&server.uri());
    all_nine_once(list(&bench).await);
    assert_eq!(bench.tokens.claims(), [None, None]);

    let server = three_pages(vec![refused(None), refused(None)]).await;
    let bench = crate::support::bench(&server.uri());
    let mut found = list(&bench).await;
    assert_eq!(found.pop().unwrap().unwrap_err().kind(), ErrorKind::Unauthenticated);
    assert_eq!(found.len(), 3, "what came before the refusal was given");
    assert_eq!(bench.tokens.asked(), 2);
}

#[tokio::test]
async fn claims_of_a_401_reach_the_credential_once_and_are_remembered() {
    // {"access_token":{"nbf":{"essential":true, "value":"1"}}}
    const CLAIMS: &str = "eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZSwgInZhbHVlIjoiMSJ9fX0=";
    let server = three_pages(vec![refused(Some(CLAIMS))]).await;
    let bench = bench(&server.uri());
    all_nine_once(list(&bench).await);
    let claims = Some(r#"{"access_token":{"nbf":{"essential":true, "value":"1"}}}"#.to_owned());
    assert_eq!(
        bench.tokens.claims(),
        [None, claims],
        "one refusal, one renewal, and no further one for page 3"
    );
}

/// Gives tokens of an hour.
#[derive(Debug, Clone)]
struct Hourly(Arc<ManualClock>, Arc<AtomicUsize>);

#[async_trait::async_trait]
impl TokenSource for Hourly {
    async fn token(&self, _scope: &str, _claims: Option<&str>) -> Result<AccessToken> {
        let number = self.1.fetch_add(1, Ordering::SeqCst) + 1;
        let secret = Password::new(format!("hour-{number}"));
        Ok(AccessToken::new(secret, self.0.now() + Duration::from_secs(3600)))
    }
}

#[tokio::test]
async fn a_token_that_runs_out_by_the_clock_is_replaced_between_pages() {
    let server = MockServer::start().await;
    let clock = Arc::new(ManualClock::default());
    let (base, at) = (server.uri(), clock.clone());
    any()
        .respond_with(move |request: &wiremock::Request| {
            // Each page takes fifty minutes.
            at.advance(Duration::from_secs(3000));
            let number = request.url.query_pairs().find(|(name, _)| name == "$skiptoken");
            let number = number.map_or(0, |(_, value)| value.parse().unwrap());
            ok(page(&base, number, number < 2))
        })
        .mount(&server)
        .await;
    let source = Hourly(clock.clone(), Arc::default());
    let endpoints = Endpoints::at(&server.uri()).unwrap();
    let client = EntraClient::builder(source.clone()).endpoints(endpoints).clock(clock).build().unwrap();
    all_nine_once(client.tenant().users.list().collect().await);
    let sent: Vec<_> = server.received_requests().await.unwrap();
    let bearer = |n: usize| sent[n].headers["authorization"].to_str().unwrap().to_owned();
    assert_eq!([bearer(0), bearer(1), bearer(2)], ["Bearer hour-1", "Bearer hour-1", "Bearer hour-2"]);
    assert_eq!(source.1.load(Ordering::SeqCst), 2, "asked per request, fetched when needed");
}

#[tokio::test]
async fn an_error_shows_its_code_its_ids_and_how_long_to_wait() {
    let server = MockServer::start().await;
    let answer = throttled("400").insert_header("request-id", "req-1");
    answers(&server, any(), vec![answer]).await;
    let error = bench(&server.uri()).client.tenant().domains.list().await.unwrap_err();
    let reply = error.reply();
    assert_eq!(error.kind(), ErrorKind::Throttled { retry_after: Some(Duration::from_secs(400)) });
    assert_eq!((reply.status, reply.code.as_deref()), (Some(429), Some("TooManyRequests")));
    assert_eq!(reply.request_id.as_deref(), Some("req-1"));
    let sent = &server.received_requests().await.unwrap()[0];
    assert_eq!(reply.client_request_id.as_deref(), sent.headers["client-request-id"].to_str().ok());
    for part in ["TooManyRequests", "req-1", "slow down", "list the tenant's domains"] {
        assert!(error.to_string().contains(part), "{part} is missing in {error}");
    }

    // A body that nobody knows is no error class: status and ids are kept all the same.
    let server = MockServer::start().await;
    answers(&server, any(), vec![ResponseTemplate::new(418).set_body_string("<html>teapot")]).await;
    let error = bench(&server.uri()).client.tenant().domains.list().await.unwrap_err();
    assert_eq!((error.kind(), error.reply().status), (ErrorKind::Invalid, Some(418)));
}
