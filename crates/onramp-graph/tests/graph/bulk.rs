//! Writing in bulk: batches of twenty, each change with an outcome of its own.

use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use onramp_core::{Clock, ErrorKind, Password};
use onramp_graph::{BulkStats, Evidence, GraphChange, HarRecorder, RetryPolicy, ServiceLimits};
use serde_json::{Value, json};
use wiremock::matchers::{method, path, path_regex, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::batch_service::*;
use crate::support::*;
#[tokio::test]
async fn changes_travel_in_batches_of_twenty_and_each_has_one_outcome() {
    let service = Service::start(|_, _| done()).await;
    let outcomes = service.update(50).await;
    assert_eq!((outcomes.len(), applied(&outcomes)), (50, 50));
    assert_eq!((0..50).filter(|n| of(&outcomes, *n).attempts == 1).count(), 50);
    assert_eq!(service.requests().await, 3);
    let first = &service.seen()[0];
    assert_eq!((first.method.as_str(), number(first)), ("PATCH", 0));
    assert_eq!(first.item["body"], json!({ "displayName": "New name" }));
    assert_eq!(first.item["headers"]["Content-Type"], "application/json");
    assert!(first.item.get("dependsOn").is_none());
}

#[tokio::test]
async fn a_throttled_change_is_repeated_by_its_own_retry_after_and_nobody_sends_before_the_first_of_them() {
    let service = Service::start(|seen, before| match (number(seen), before) {
        (3, 0) => throttled("2"),
        (7, 0) => throttled("10.5"),
        _ => done(),
    })
    .await;
    let mut run = service.client.bulk().concurrency(1).run(stream::iter(updates(60)));
    let monitor = run.monitor();
    let mut outcomes = Vec::new();
    while let Some(outcome) = run.next().await {
        outcomes.push(outcome);
    }
    assert_eq!(applied(&outcomes), 60);
    assert_eq!((of(&outcomes, 3).attempts, of(&outcomes, 7).attempts, of(&outcomes, 4).attempts), (2, 2, 1));
    let at = |key| {
        service.seen().iter().filter(|seen| number(seen) == key).map(|seen| seen.at).collect::<Vec<_>>()
    };
    assert_eq!(at(3), [Duration::ZERO, Duration::from_secs(2)]);
    assert_eq!(at(7), [Duration::ZERO, Duration::from_millis(10_500)]);
    assert_eq!(at(25), [Duration::from_secs(2)], "the second batch waited with everybody else");
    let stats = monitor.stats();
    assert_eq!(
        (stats.taken, stats.applied, stats.throttled, stats.in_flight, stats.waiting),
        (60, 60, 2, 0, 0)
    );
    assert_eq!(stats.requests as usize, service.requests().await);
}

#[tokio::test]
async fn a_window_of_writes_that_nobody_told_us_of_costs_few_requests_and_loses_nothing() {
    // 300 writes in 5 seconds; `Retry-After` is the rest of the window.
    let window = Mutex::new((Duration::ZERO, 0));
    let service = Service::start(move |seen, _| {
        let mut window = window.lock().unwrap();
        if seen.at >= window.0 + Duration::from_secs(5) {
            *window = (seen.at, 0);
        }
        if window.1 == 300 {
            return throttled(&(window.0 + Duration::from_secs(5) - seen.at).as_secs_f64().to_string());
        }
        window.1 += 1;
        done()
    })
    .await;
    let outcomes = service.update(2000).await;
    assert_eq!(applied(&outcomes), 2000);
    let requests = service.requests().await;
    assert!(requests <= 130, "{requests}");
    let least = Duration::from_secs(30);
    assert!(service.clock.elapsed() <= least.mul_f64(1.05), "{:?}", service.clock.elapsed());
}

#[tokio::test]
async fn limits_that_are_known_are_kept_and_nothing_is_refused() {
    let limits = ServiceLimits::default().with_writes(300, Duration::from_secs(5));
    let service = Service::with_limits(limits, |_, _| done()).await;
    let run = service.client.bulk().concurrency(1).run(stream::iter(updates(2000)));
    let outcomes: Vec<_> = run.collect().await;
    assert_eq!((applied(&outcomes), service.requests().await), (2000, 100));
    let times: Vec<_> = service.seen().iter().map(|seen| seen.at).collect();
    for from in &times {
        let within = times.iter().filter(|at| *at >= from && **at < *from + Duration::from_secs(5));
        assert!(within.count() <= 300);
    }
    assert_eq!(service.clock.elapsed(), Duration::from_secs(30));
}

#[tokio::test]
async fn what_the_service_says_about_its_limits_slows_us_down_before_it_refuses() {
    let near = |_: &Seen, _| {
        (204, json!({ "x-ms-throttle-limit-percentage": "1.0", "x-ms-resource-unit": "1" }), Value::Null)
    };
    let service = Service::start(near).await;
    assert_eq!(applied(&service.update(100).await), 100);
    // 3000 writes in 150 seconds: one second for each batch, except that four were under way at first.
    assert!(service.clock.elapsed() >= Duration::from_secs(1), "{:?}", service.clock.elapsed());

    let limits = ServiceLimits::default().with_units(40, Duration::from_secs(10));
    let dear = |_: &Seen, _| (204, json!({ "x-ms-resource-unit": "2" }), Value::Null);
    let service = Service::with_limits(limits, dear).await;
    let outcomes: Vec<_> =
        service.client.bulk().concurrency(1).run(stream::iter(updates(60))).collect().await;
    assert_eq!(applied(&outcomes), 60);
    assert_eq!(
        service.clock.elapsed(),
        Duration::from_secs(20),
        "twenty changes use up the units of a window"
    );
}

#[tokio::test]
async fn writers_of_one_client_share_the_gate() {
    let service =
        Service::start(|seen, before| if number(seen) < 20 && before == 0 { throttled("9") } else { done() })
            .await;
    let other = service.client.clone();
    let mut first = service.client.bulk().run(stream::iter(updates(20)));
    let mut second = other.bulk().run(stream::iter(updates(40).split_off(20)));
    assert!(first.next().await.is_some());
    while second.next().await.is_some() {}
    let late =
        service.seen().iter().filter(|seen| number(seen) >= 20).all(|seen| seen.at >= Duration::from_secs(9));
    assert!(late, "the second writer was not refused itself, and waited all the same");
}

#[tokio::test]
async fn a_refusal_is_the_outcome_of_its_change_only_and_carries_the_code() {
    let service = Service::start(|seen, _| match number(seen) {
        5 => (404, json!({ "request-id": "req-5" }), graph_error("Request_ResourceNotFound", "no such user")),
        6 => (403, json!({}), graph_error("Authorization_RequestDenied", "no")),
        _ => done(),
    })
    .await;
    let outcomes = service.update(20).await;
    assert_eq!((applied(&outcomes), service.requests().await), (18, 1));
    let error = of(&outcomes, 5).result.as_ref().unwrap_err();
    assert!(error.is_not_found());
    assert_eq!(error.reply().code.as_deref(), Some("Request_ResourceNotFound"));
    assert_eq!(error.reply().request_id.as_deref(), Some("req-5"));
    assert!(error.to_string().contains(&id(5).to_string()), "{error}");
    assert_eq!(of(&outcomes, 6).result.as_ref().unwrap_err().kind(), ErrorKind::Forbidden);
}

#[tokio::test]
async fn server_errors_of_items_are_repeated_as_often_as_the_policy_says() {
    let service = Service::start(|seen, before| match (number(seen), before) {
        (1, 0) | (2, _) => (503, json!({}), Value::Null),
        _ => done(),
    })
    .await;
    let run = service.client.bulk().retry(RetryPolicy::default().with_max_attempts(3));
    let outcomes: Vec<_> = run.run(stream::iter(updates(20))).collect().await;
    assert_eq!(of(&outcomes, 1).result.as_ref().unwrap().evidence, Evidence::ReplyToRetry);
    assert_eq!(of(&outcomes, 1).attempts, 2);
    let error = of(&outcomes, 2).result.as_ref().unwrap_err();
    assert_eq!((error.kind(), of(&outcomes, 2).attempts), (ErrorKind::OutcomeUnknown, 3));
    assert_eq!(error.reply().status, Some(503));
    assert_eq!(applied(&outcomes), 19);
}

#[tokio::test]
async fn a_change_that_is_throttled_beyond_its_deadline_is_reported_and_the_others_go_on() {
    let service = Service::start(|seen, _| if number(seen) == 1 { throttled("400") } else { done() }).await;
    let outcomes = service.update(40).await;
    assert_eq!(applied(&outcomes), 39);
    let error = of(&outcomes, 1).result.as_ref().unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(400)));
    assert_eq!(service.clock.elapsed(), Duration::ZERO);
}

#[tokio::test]
async fn missing_and_contradicting_answers_are_not_taken_for_either() {
    let server = MockServer::start().await;
    let answer = |id: &str, status: u16| json!({ "id": id, "status": status });
    // To 1: nothing. To 2: twice the same. To 3: two that contradict each other. To 9: nobody asked.
    let first = json!({ "responses": [answer("2", 204), answer("2", 204), answer("3", 204), answer("3", 400), answer("9", 204)] });
    let second = json!({ "responses": [answer("1", 204), answer("2", 204)] });
    answers(&server, any(), vec![ok(first), ok(second)]).await;
    let client = bench(&server.uri()).client;
    let outcomes: Vec<_> = client.bulk().run(stream::iter(updates(3))).collect().await;
    assert_eq!(applied(&outcomes), 3);
    assert_eq!(of(&outcomes, 1).result.as_ref().unwrap().evidence, Evidence::Reply);
    for key in [0, 2] {
        let one = of(&outcomes, key);
        assert_eq!((one.attempts, one.result.as_ref().unwrap().evidence), (2, Evidence::ReplyToRetry));
    }
}

#[tokio::test]
async fn a_batch_that_is_throttled_lost_or_no_batch_at_all_is_repeated() {
    let server = MockServer::start().await;
    let slow = ResponseTemplate::new(429).insert_header("Retry-After", "4");
    let html = ResponseTemplate::new(200).set_body_string("<html>gateway</html>");
    let whole = ok(json!({ "responses": [{ "id": "1", "status": 204 }, { "id": "2", "status": 204 }] }));
    answers(&server, any(), vec![slow, ResponseTemplate::new(502), html, whole]).await;
    let bench = bench(&server.uri());
    let outcomes: Vec<_> = bench.client.bulk().run(stream::iter(updates(2))).collect().await;
    assert_eq!(applied(&outcomes), 2);
    assert_eq!(server.received_requests().await.unwrap().len(), 4);
    assert!(bench.clock.elapsed() > Duration::from_secs(4));
}

#[tokio::test]
async fn one_change_that_spoils_its_batch_is_found_and_the_others_are_made() {
    let server = MockServer::start().await;
    let malformed = ResponseTemplate::new(400).set_body_json(graph_error("BadRequest", "malformed batch"));
    answers(&server, Mock::given(path("/v1.0/$batch")), vec![malformed.clone()]).await;
    let odd = format!("/v1.0/users/{}", id(1));
    answers(&server, Mock::given(path(odd)), vec![malformed]).await;
    answers(&server, Mock::given(method("PATCH")), vec![ResponseTemplate::new(204)]).await;
    let client = bench(&server.uri()).client;
    let outcomes: Vec<_> = client.bulk().run(stream::iter(updates(3))).collect().await;
    assert_eq!(applied(&outcomes), 2);
    assert_eq!(of(&outcomes, 1).result.as_ref().unwrap_err().kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn a_refused_credential_ends_every_change_without_hammering() {
    let server = MockServer::start().await;
    answers(&server, any(), vec![ResponseTemplate::new(401)]).await;
    let client = bench(&server.uri()).client;
    let outcomes: Vec<_> = client.bulk().run(stream::iter(updates(20))).collect().await;
    for outcome in &outcomes {
        assert_eq!(outcome.result.as_ref().unwrap_err().kind(), ErrorKind::Unauthenticated);
    }
    assert_eq!((outcomes.len(), server.received_requests().await.unwrap().len()), (20, 2));
}

#[tokio::test]
async fn a_challenge_to_one_item_is_answered_with_a_new_token() {
    let server = MockServer::start().await;
    let header = r#"Bearer error="insufficient_claims", claims="eyJhIjoxfQ==""#;
    let refused = json!({ "id": "1", "status": 401, "headers": { "WWW-Authenticate": header } });
    let batch = ok(json!({ "responses": [refused, { "id": "2", "status": 204 }] }));
    answers(&server, Mock::given(path("/v1.0/$batch")), vec![batch]).await;
    let again = ResponseTemplate::new(401).insert_header("WWW-Authenticate", header);
    answers(&server, Mock::given(method("PATCH")), vec![again, ResponseTemplate::new(204)]).await;
    let bench = bench(&server.uri());
    let outcomes: Vec<_> = bench.client.bulk().run(stream::iter(updates(2))).collect().await;
    assert_eq!(applied(&outcomes), 2);
    assert_eq!(bench.tokens.claims(), [None, Some(r#"{"a":1}"#.into())]);
}

fn creation(name: &str) -> GraphChange {
    let body =
        json!({ "displayName": name, "mailNickname": name, "mailEnabled": false, "owners@odata.bind": [] });
    GraphChange::create("groups").json(&body).unwrap()
}

#[tokio::test]
async fn a_creation_whose_answer_was_lost_is_looked_up_before_it_is_repeated() {
    // Created, and the answer lost; not created; somebody else's.
    let found = |name: &str, display: &str| json!({ "id": format!("id-{name}"), "displayName": display, "mailNickname": name, "mailEnabled": false });
    let server = MockServer::start().await;
    let lost: Vec<Value> = (1..=4).map(|n| json!({ "id": n.to_string(), "status": 504 })).collect();
    answers(&server, Mock::given(path("/v1.0/$batch")), vec![ok(json!({ "responses": lost }))]).await;
    let look = |name: &str| {
        Mock::given(method("GET")).and(query_param("$filter", format!("mailNickname eq '{name}'")))
    };
    answers(&server, look("there"), vec![ok(json!({ "value": [found("there", "there")] }))]).await;
    answers(&server, look("not"), vec![ok(json!({ "value": [] }))]).await;
    answers(&server, look("other"), vec![ok(json!({ "value": [found("other", "Somebody else's")] }))]).await;
    let created = ResponseTemplate::new(201).set_body_json(json!({ "id": "new" }));
    let conflict = ResponseTemplate::new(400).set_body_json(json!({ "error": { "code": "Request_BadRequest",
        "message": "taken", "details": [{ "code": "ObjectConflict", "target": "mailNickname" }] } }));
    let post = |name: &str| {
        Mock::given(method("POST"))
            .and(path("/v1.0/groups"))
            .and(wiremock::matchers::body_string_contains(format!("\"{name}\"")))
    };
    answers(&server, post("not"), vec![created]).await;
    answers(&server, post("other"), vec![conflict]).await;
    let client = bench(&server.uri()).client;
    let changes =
        ["there", "not", "other"].map(|name| (name, creation(name).unique_by("mailNickname", name)));
    let changes = changes.into_iter().chain([("no key", creation("no key"))]);
    let outcomes: Vec<_> = client.bulk().run(stream::iter(changes)).collect().await;
    let of = |key: &str| &outcomes.iter().find(|outcome| outcome.key == key).unwrap().result;
    let there = of("there").as_ref().unwrap();
    assert_eq!((there.evidence, there.body["id"].as_str()), (Evidence::Lookup, Some("id-there")));
    let not = of("not").as_ref().unwrap();
    assert_eq!((not.evidence, not.body["id"].as_str()), (Evidence::ReplyToRetry, Some("new")));
    assert!(of("other").as_ref().unwrap_err().is_already_exists());
    assert_eq!(of("no key").as_ref().unwrap_err().kind(), ErrorKind::OutcomeUnknown);
    let posts = server
        .received_requests()
        .await
        .unwrap()
        .iter()
        .filter(|r| r.url.path() == "/v1.0/groups" && r.method.as_str() == "POST")
        .count();
    assert_eq!(posts, 2, "what was there, and what has no key, was not created again");
}

#[tokio::test]
async fn a_deletion_whose_answer_was_lost_is_done_when_it_is_gone() {
    let service = Service::start(|_, before| match before {
        0 => (504, json!({}), Value::Null),
        _ => (404, json!({}), graph_error("Request_ResourceNotFound", "gone")),
    })
    .await;
    let deletions = (0..3_u128).map(|n| (n, GraphChange::delete("users").segment(id(n).to_string())));
    let outcomes: Vec<_> = service.client.bulk().run(stream::iter(deletions)).collect().await;
    assert_eq!(applied(&outcomes), 3);
}

#[tokio::test]
async fn in_order_each_waits_for_the_one_before_and_the_first_refusal_ends_it() {
    let service = Service::start(|seen, before| match (number(seen), before) {
        (7, 0) => throttled("3"),
        (33, 0) => (503, json!({}), Value::Null),
        (45, _) => (400, json!({}), graph_error("Request_BadRequest", "no")),
        _ => done(),
    })
    .await;
    let run = service.client.bulk().in_order().run(stream::iter(updates(60)));
    let outcomes: Vec<_> = run.collect().await;
    let order: Vec<u128> = outcomes.iter().map(|outcome| outcome.key).collect();
    assert_eq!(order, (0..60).collect::<Vec<_>>());
    assert_eq!(applied(&outcomes), 45);
    assert_eq!(of(&outcomes, 45).result.as_ref().unwrap_err().kind(), ErrorKind::Invalid);
    assert!(outcomes[46..].iter().all(|outcome| outcome.result.as_ref().unwrap_err().is_cancelled()));
    let first_seen: Vec<u128> = {
        let mut known = std::collections::HashSet::new();
        service.seen().iter().map(number).filter(|number| known.insert(*number)).collect()
    };
    assert_eq!(first_seen, (0..46).collect::<Vec<_>>(), "nothing overtakes what stands before it");
    let batch = &service.seen()[1];
    assert_eq!(batch.item["dependsOn"], json!(["1"]));
}

#[tokio::test]
async fn dropping_a_run_sends_nothing_more_and_ending_its_source_brings_it_to_an_end() {
    let service = Service::start(|_, _| done()).await;
    let mut run = service.client.bulk().concurrency(1).run(stream::iter(updates(2000)));
    assert!(run.next().await.unwrap().result.is_ok());
    let stats = run.monitor().stats();
    drop(run);
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
    assert!(service.batches.load(Ordering::SeqCst) <= 2);
    assert!(stats.taken <= 40, "no more is taken than can be sent next: {stats:?}");

    let first_30 = stream::iter(updates(2000)).take(30);
    assert_eq!(service.client.bulk().run(first_30).collect::<Vec<_>>().await.len(), 30);
}

#[tokio::test]
async fn a_run_that_was_not_polled_does_nothing_and_an_empty_one_ends() {
    let service = Service::start(|_, _| done()).await;
    drop(service.client.bulk().run(stream::iter(updates(3))));
    let mut empty = service.client.bulk().run(stream::iter(updates(0)));
    assert!(empty.next().await.is_none() && empty.next().await.is_none());
    assert_eq!(service.requests().await, 0);
    assert_eq!(empty.monitor().stats(), BulkStats::default());
}

#[tokio::test]
async fn a_slow_source_does_not_hold_up_what_is_there() {
    let service = Service::start(|_, _| done()).await;
    let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
    let source = stream::unfold(receiver, async |mut receiver| Some((receiver.recv().await?, receiver)));
    let mut run = service.client.bulk().run(source);
    for (key, change) in updates(3) {
        sender.send((key, change)).unwrap();
    }
    for _ in 0..3 {
        assert!(run.next().await.unwrap().result.is_ok());
    }
    drop(sender);
    assert!(run.next().await.is_none());
}

#[tokio::test]
async fn secrets_in_changes_stay_out_of_errors_and_recordings() {
    const SECRET: &str = "P4ss-with-\"quotes\"-&-more";
    let server = MockServer::start().await;
    let echo = json!({ "error": { "code": "Request_BadRequest", "message": format!("{SECRET} is weak") } });
    let item = |n: &str| json!({ "id": n, "status": 400, "body": echo });
    answers(
        &server,
        Mock::given(path_regex("batch$")),
        vec![ok(json!({ "responses": [item("1"), item("2")] }))],
    )
    .await;
    let recorder = HarRecorder::in_memory();
    let (builder, ..) = builder(&server.uri());
    let client = builder.recorder(recorder.clone()).build().unwrap();
    let body = json!({ "passwordProfile": { "password": SECRET, "forceChangePasswordNextSignIn": false } });
    let secret = Password::new(SECRET.into());
    let change = |n| (n, GraphChange::update("users").segment("1").json(&body).unwrap().secret(&secret));
    let run = client.bulk().run(stream::iter([change(1), change(2)]));
    assert!(!format!("{run:?} {:?}", change(3).1).contains("P4ss"));
    let outcomes: Vec<_> = run.collect().await;
    for outcome in &outcomes {
        let error = outcome.result.as_ref().unwrap_err();
        assert!(error.to_string().contains("***") && !format!("{error:?}").contains("P4ss"), "{error}");
    }
    let sent = String::from_utf8(server.received_requests().await.unwrap()[0].body.clone()).unwrap();
    assert!(sent.contains("P4ss"));
    let recording = recorder.archive().unwrap();
    assert!(recording.contains("$batch") && !recording.contains("P4ss"), "{recording}");
}
