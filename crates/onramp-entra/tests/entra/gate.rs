//! A service that throttles one request of a client is asked nothing else by it until `Retry-After` is over.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use onramp_core::tenant::{TenantUser, UserUpdate};
use onramp_core::{Clock, ErrorKind, ManualClock, Result};
use onramp_entra::{EntraClient, GraphChange, RetryPolicy, update_user};
use serde_json::json;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::support::*;

const ASKED: Duration = Duration::from_secs(9);

/// A service that throttles its first request, and notes when each came.
struct Service {
    _server: MockServer,
    client: EntraClient,
    /// Gives up at the first refusal, and so leaves the clock where it is.
    hasty: EntraClient,
    clock: Arc<ManualClock>,
    came: Arc<Mutex<Vec<(String, Duration)>>>,
}

impl Service {
    async fn start() -> Self {
        let server = MockServer::start().await;
        let (builder, clock, _) = builder(&server.uri());
        let client = builder.build().unwrap();
        let came: Arc<Mutex<Vec<(String, Duration)>>> = Arc::default();
        let (log, time) = (came.clone(), clock.clone());
        Mock::given(any())
            .respond_with(move |request: &Request| {
                let mut came = log.lock().unwrap();
                came.push((request.url.path().to_owned(), time.elapsed()));
                let throttled = json!({ "Retry-After": "9" });
                let refusal = graph_error("TooManyRequests", "slow down");
                match (came.len(), request.url.path().ends_with("$batch")) {
                    (1, true) => ok(json!({ "responses": [
                        { "id": "1", "status": 429, "headers": throttled, "body": refusal },
                        { "id": "2", "status": 204 },
                    ] })),
                    (_, true) => ok(json!({ "responses": [
                        { "id": "1", "status": 204 }, { "id": "2", "status": 204 },
                    ] })),
                    (1, false) => {
                        ResponseTemplate::new(429).insert_header("retry-after", "9").set_body_json(refusal)
                    }
                    _ => ok(json!({ "value": [] })),
                }
            })
            .mount(&server)
            .await;
        let hasty = client.with_retry(RetryPolicy::never());
        Self { _server: server, client, hasty, clock, came }
    }

    /// When the requests came, by the last part of their paths.
    fn came(&self) -> Vec<(String, Duration)> {
        let came = self.came.lock().unwrap();
        came.iter().map(|(path, at)| (path.rsplit('/').next().unwrap().to_owned(), *at)).collect()
    }
}

async fn users(client: &EntraClient) -> Result<Vec<TenantUser>> {
    client.tenant().users.list().try_collect().await
}

fn updates(count: u128) -> impl futures_util::Stream<Item = (u128, GraphChange)> {
    let update = UserUpdate::default().with_display_name("New name");
    stream::iter(0..count).map(move |n| (n, update_user(&id(n), &update).unwrap()))
}

#[tokio::test]
async fn a_429_on_one_call_holds_back_every_other_call_of_the_client() {
    let service = Service::start().await;
    let refused = users(&service.hasty).await.unwrap_err();
    assert_eq!(refused.retry_after(), Some(ASKED));
    assert_eq!(service.clock.elapsed(), Duration::ZERO, "the one who was refused does not wait here");
    users(&service.client.clone()).await.unwrap();
    assert_eq!(service.came(), [("users".into(), Duration::ZERO), ("users".into(), ASKED)]);
}

#[tokio::test]
async fn a_429_on_one_call_holds_back_changes_in_bulk() {
    let service = Service::start().await;
    users(&service.hasty).await.unwrap_err();
    let outcomes: Vec<_> = service.client.graph().bulk().run(updates(2)).collect().await;
    assert!(outcomes.iter().all(|outcome| outcome.result.is_ok() && outcome.attempts == 1));
    assert_eq!(service.came(), [("users".into(), Duration::ZERO), ("$batch".into(), ASKED)]);
}

#[tokio::test]
async fn a_429_on_one_change_of_a_batch_holds_back_single_calls() {
    let service = Service::start().await;
    let outcomes: Vec<_> = service.hasty.graph().bulk().run(updates(2)).collect().await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.result.is_err()).count(), 1);
    users(&service.client).await.unwrap();
    assert_eq!(service.came(), [("$batch".into(), Duration::ZERO), ("users".into(), ASKED)]);
}

#[tokio::test]
async fn a_wait_beyond_the_deadline_is_refused_without_asking() {
    let service = Service::start().await;
    users(&service.hasty).await.unwrap_err();
    let brief = service.client.with_retry(RetryPolicy::default().with_deadline(Duration::from_secs(5)));
    let error = users(&brief).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Throttled { retry_after: Some(ASKED) });
    assert!(error.to_string().contains("it was not sent"), "{error}");
    assert_eq!(service.came().len(), 1);
}

#[tokio::test]
async fn another_service_is_asked_all_the_same() {
    let service = Service::start().await;
    users(&service.hasty).await.unwrap_err();
    let subscriptions = service.client.tenant().subscriptions;
    assert!(subscriptions.list().await.unwrap().is_empty());
    assert_eq!(service.clock.elapsed(), Duration::ZERO);
    assert_eq!(service.came().len(), 2);
}
