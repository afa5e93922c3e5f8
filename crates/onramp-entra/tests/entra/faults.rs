//! Refusals and losses beyond those that every request may meet (`behaviour_under_faults`).

use std::time::Duration;

use futures_util::TryStreamExt;
use onramp_core::tenant::UserUpdate;
use onramp_core::{Clock, ErrorKind};
use onramp_entra::RetryPolicy;
use serde_json::json;
use wiremock::matchers::{path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::*;

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
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(error.reply().status, Some(503));
    assert_eq!(server.received_requests().await.unwrap().len(), 4);
    assert!(clock.elapsed() <= Duration::from_secs(1 + 2 + 4));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_tried_again_and_then_reported() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let bench = bench(&base);
    let error = bench.client.tenant().sync.status().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(bench.clock.elapsed() > Duration::ZERO);
    assert!(error.reply().client_request_id.is_some());
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
async fn a_deletion_that_was_done_before_its_answer_was_lost_is_done() {
    let gone = graph_error("Request_ResourceNotFound", "gone");
    let server =
        Scripted::start(vec![Step::Vanish, Step::Json(404, gone.clone()), Step::Json(404, gone)]).await;
    let tenant = bench(&server.base).client.tenant();
    tenant.users.delete(&id(1)).await.unwrap();
    let error = tenant.users.delete(&id(1)).await.unwrap_err();
    assert!(error.is_not_found(), "without a lost answer, not found is not found: {error}");
}
