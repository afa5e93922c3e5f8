//! One test for each way in which a service can fail while the client reads or sets something.

use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt};
use onramp_core::tenant::UserUpdate;
use onramp_core::{Clock, ErrorKind};
use onramp_entra::{RetryPolicy, Timeouts};
use serde_json::json;
use wiremock::matchers::{method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::*;

fn no_domains() -> ResponseTemplate {
    ok(json!({ "value": [] }))
}

/// Waits after one 429 with that `Retry-After` until the list is read.
async fn wait_after(retry_after: Option<&str>) -> Duration {
    let server = MockServer::start().await;
    let throttled = ResponseTemplate::new(429).set_body_json(graph_error("TooManyRequests", "slow down"));
    let throttled = match retry_after {
        Some(value) => throttled.insert_header("Retry-After", value),
        None => throttled,
    };
    answers(&server, any(), vec![throttled, no_domains()]).await;
    let bench = bench(&server.uri());
    assert!(bench.client.tenant().domains.list().await.unwrap().is_empty());
    assert_eq!(server.received_requests().await.unwrap().len(), 2);
    bench.clock.elapsed()
}

#[tokio::test]
async fn a_throttled_request_waits_exactly_as_long_as_the_server_asks() {
    assert_eq!(wait_after(Some("7")).await, Duration::from_secs(7));
    assert_eq!(wait_after(Some("2.128")).await, Duration::from_millis(2128));
    assert_eq!(wait_after(Some("Thu, 01 Jan 2026 00:00:09 GMT")).await, Duration::from_secs(9));
}

#[tokio::test]
async fn a_throttled_request_backs_off_by_itself_when_the_server_does_not_say_how_long() {
    for header in [None, Some("soon"), Some("0"), Some("Thu, 01 Jan 1970 00:00:00 GMT")] {
        let waited = wait_after(header).await;
        assert!(waited > Duration::ZERO && waited <= Duration::from_secs(1), "{header:?}: {waited:?}");
    }
}

#[tokio::test]
async fn a_wait_beyond_the_deadline_is_not_begun() {
    let server = MockServer::start().await;
    let throttled = ResponseTemplate::new(429).insert_header("Retry-After", "400");
    answers(&server, any(), vec![throttled]).await;
    let bench = bench(&server.uri());
    let error = bench.client.tenant().domains.list().await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(400)));
    assert_eq!(bench.clock.elapsed(), Duration::ZERO);
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn server_errors_are_retried_for_reads_and_for_changes_that_can_be_repeated() {
    for status in [408, 500, 502, 503, 504] {
        let server = MockServer::start().await;
        let html = ResponseTemplate::new(status).set_body_string("<html>gateway</html>");
        answers(&server, Mock::given(method("GET")), vec![html.clone(), no_domains()]).await;
        answers(&server, Mock::given(method("PATCH")), vec![html, ResponseTemplate::new(204)]).await;
        let tenant = bench(&server.uri()).client.tenant();
        assert!(tenant.domains.list().await.unwrap().is_empty(), "{status}");
        tenant.users.update(&id(1), &UserUpdate::default().with_account_enabled(false)).await.unwrap();
        assert_eq!(server.received_requests().await.unwrap().len(), 4, "{status}");
    }
}

#[tokio::test]
async fn a_concurrency_violation_is_retried_although_it_is_a_409() {
    let server = MockServer::start().await;
    let busy =
        ResponseTemplate::new(409).set_body_json(graph_error("Directory_ConcurrencyViolation", "busy"));
    answers(&server, any(), vec![busy, ResponseTemplate::new(204)]).await;
    let tenant = bench(&server.uri()).client.tenant();
    tenant.users.update(&id(1), &UserUpdate::default().with_display_name("A")).await.unwrap();
}

#[tokio::test]
async fn tries_end_with_the_policy_and_waits_grow() {
    let server = MockServer::start().await;
    let down = ResponseTemplate::new(503).set_body_json(graph_error("ServiceUnavailable", "down"));
    answers(&server, any(), vec![down]).await;
    let (builder, clock, _) = builder(&server.uri());
    let policy = RetryPolicy::default().with_max_attempts(4);
    let error = builder.retry(policy).build().unwrap().tenant().domains.list().await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Unavailable);
    assert_eq!(error.server_reply().status, Some(503));
    assert_eq!(server.received_requests().await.unwrap().len(), 4);
    assert!(clock.elapsed() <= Duration::from_secs(1 + 2 + 4));
}

#[tokio::test]
async fn a_reply_that_is_cut_short_is_read_again() {
    let whole = json!({ "value": [] });
    let server = Scripted::start(vec![Step::Cut("{\"value\":["), Step::Vanish, Step::Json(200, whole)]).await;
    let tenant = bench(&server.base).client.tenant();
    assert!(tenant.domains.list().await.unwrap().is_empty());
    assert_eq!(server.count("GET"), 3);
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_given_up() {
    let server = MockServer::start().await;
    answers(&server, any(), vec![no_domains().set_delay(Duration::from_secs(60))]).await;
    let (builder, _, _) = builder(&server.uri());
    let client = builder
        .timeouts(Timeouts::default().with_per_try(Duration::from_millis(20)))
        .retry(RetryPolicy::default().with_max_attempts(2))
        .build()
        .unwrap();
    let error = client.tenant().domains.list().await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Unavailable);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_tried_again_and_then_reported() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let bench = bench(&base);
    let error = bench.client.tenant().sync.status().await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Unavailable);
    assert!(bench.clock.elapsed() > Duration::ZERO);
    assert!(error.server_reply().client_request_id.is_some());
}

fn users(from: u128, count: u128) -> Vec<serde_json::Value> {
    (from..from + count).map(|n| user_json(n, &format!("u{n}@contoso.com"), "U")).collect()
}

#[tokio::test]
async fn pages_are_followed_throttled_ones_too_and_empty_ones_do_not_end_the_list() {
    let server = MockServer::start().await;
    let link = |page: &str| format!("{}/v1.0/users?$skiptoken={page}", server.uri());
    let page = |n: &str| Mock::given(query_param("$skiptoken", n));
    let throttled = ResponseTemplate::new(429).insert_header("Retry-After", "3");
    answers(&server, page("b"), vec![throttled, ok(json!({ "@odata.nextLink": link("c"), "value": [] }))])
        .await;
    answers(&server, page("c"), vec![ok(json!({ "value": users(3, 1) }))]).await;
    answers(
        &server,
        Mock::given(path("/v1.0/users")),
        vec![ok(json!({ "@odata.nextLink": link("b"), "value": users(1, 2) }))],
    )
    .await;
    let bench = bench(&server.uri());
    let found: Vec<_> = bench.client.tenant().users.list().try_collect().await.unwrap();
    assert_eq!(found.iter().map(|user| user.id).collect::<Vec<_>>(), [id(1), id(2), id(3)]);
    assert_eq!(bench.clock.elapsed(), Duration::from_secs(3));
    let first = &server.received_requests().await.unwrap()[0];
    let asked: Vec<_> = first.url.query_pairs().into_owned().collect();
    assert!(asked.contains(&("$top".into(), "999".into())));
    assert!(asked.iter().any(|(name, value)| name == "$select" && value.contains("onPremisesImmutableId")));
}

#[tokio::test]
async fn a_page_is_read_only_when_it_is_wanted() {
    let server = MockServer::start().await;
    let link = format!("{}/v1.0/users?$skiptoken=b", server.uri());
    answers(&server, any(), vec![ok(json!({ "@odata.nextLink": link, "value": users(1, 2) }))]).await;
    let tenant = bench(&server.uri()).client.tenant();
    let mut list = tenant.users.list();
    list.next().await.unwrap().unwrap();
    drop(list);
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn no_token_and_no_request_at_all_goes_to_a_next_link_elsewhere() {
    let (server, foreign) = (MockServer::start().await, MockServer::start().await);
    answers(&foreign, any(), vec![ok(json!({ "value": users(9, 1) }))]).await;
    let link = format!("{}/v1.0/users?$skiptoken=b", foreign.uri());
    answers(&server, any(), vec![ok(json!({ "@odata.nextLink": link, "value": users(1, 2) }))]).await;
    let mut list = bench(&server.uri()).client.tenant().users.list();
    assert!(list.next().await.unwrap().is_ok());
    assert!(list.next().await.unwrap().is_ok());
    let error = list.next().await.unwrap().unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Invalid);
    assert!(error.to_string().contains("nothing was sent there"), "{error}");
    assert!(list.next().await.is_none());
    assert!(foreign.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_list_that_links_to_itself_ends_in_an_error() {
    let server = MockServer::start().await;
    let link = format!("{}/v1.0/users?$skiptoken=b", server.uri());
    answers(&server, any(), vec![ok(json!({ "@odata.nextLink": link, "value": users(1, 1) }))]).await;
    let outcome: Vec<_> = bench(&server.uri()).client.tenant().users.list().collect().await;
    assert_eq!(outcome.len(), 3, "the first page, the linked one, and the error");
    assert!(outcome[2].as_ref().unwrap_err().to_string().contains("no end"));
    assert_eq!(server.received_requests().await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (server, foreign) = (MockServer::start().await, MockServer::start().await);
    answers(&foreign, any(), vec![no_domains()]).await;
    let away =
        ResponseTemplate::new(302).insert_header("Location", format!("{}/v1.0/domains", foreign.uri()));
    answers(&server, any(), vec![away]).await;
    let error = bench(&server.uri()).client.tenant().domains.list().await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Invalid);
    assert!(error.to_string().contains("redirect") && error.to_string().contains(&foreign.uri()), "{error}");
    assert!(foreign.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_deletion_that_was_done_before_its_answer_was_lost_is_done() {
    let gone = graph_error("Request_ResourceNotFound", "gone");
    let server =
        Scripted::start(vec![Step::Vanish, Step::Json(404, gone.clone()), Step::Json(404, gone)]).await;
    let tenant = bench(&server.base).client.tenant();
    tenant.users.delete(&id(1)).await.unwrap();
    let error = tenant.users.delete(&id(1)).await.unwrap_err();
    assert!(error.is_not_found(), "without a lost answer, not found is not found: {error}");
}
