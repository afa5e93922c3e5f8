//! A service that takes batches and lets a test decide what becomes of each change.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use onramp_core::{Clock, ManualClock};
use onramp_graph::{BulkOutcome, GraphChange, GraphClient, ServiceLimits};
use serde_json::{Value, json};
use wiremock::{MockServer, Request, ResponseTemplate};

use crate::support::*;

/// What the service says to one change: status, headers, body.
pub(crate) type Said = (u16, Value, Value);

pub(crate) fn done() -> Said {
    (204, json!({}), Value::Null)
}

pub(crate) fn throttled(retry_after: &str) -> Said {
    (429, json!({ "Retry-After": retry_after }), graph_error("TooManyRequests", "slow down"))
}

/// One change as the service saw it.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) at: Duration,
    pub(crate) method: String,
    pub(crate) url: String,
    pub(crate) item: Value,
}

/// A service that takes batches and single requests and lets a function decide about each change: it is given the
/// change and how often that address was seen before.
pub(crate) struct Service {
    pub(crate) server: MockServer,
    pub(crate) client: GraphClient,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) seen: Arc<Mutex<Vec<Seen>>>,
    pub(crate) batches: Arc<AtomicUsize>,
}

impl Service {
    pub(crate) async fn start(decide: impl Fn(&Seen, usize) -> Said + Send + Sync + 'static) -> Self {
        Self::with_limits(ServiceLimits::default(), decide).await
    }

    pub(crate) async fn with_limits(
        limits: ServiceLimits,
        decide: impl Fn(&Seen, usize) -> Said + Send + Sync + 'static,
    ) -> Self {
        let server = MockServer::start().await;
        let (builder, clock, _) = builder(&server.uri());
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let batches = Arc::new(AtomicUsize::new(0));
        let times: Mutex<BTreeMap<String, usize>> = Mutex::default();
        let (log, at, count) = (seen.clone(), clock.clone(), batches.clone());
        let answer = move |method: &str, url: &str, item: &Value| {
            let seen = Seen { at: at.elapsed(), method: method.into(), url: url.into(), item: item.clone() };
            let mut times = times.lock().unwrap();
            let before = times.entry(format!("{method} {url}")).or_default();
            let said = decide(&seen, *before);
            *before += 1;
            log.lock().unwrap().push(seen);
            said
        };
        any()
            .respond_with(move |request: &Request| {
                if request.url.path().ends_with("/$batch") {
                    count.fetch_add(1, Ordering::SeqCst);
                    let body: Value = serde_json::from_slice(&request.body).unwrap();
                    let mut failed = false;
                    let mut responses: Vec<Value> = body["requests"]
                        .as_array()
                        .unwrap()
                        .iter()
                        .map(|item| {
                            let waits = item.get("dependsOn").is_some();
                            let text = |name: &str| item[name].as_str().unwrap();
                            let (status, headers, body) = if waits && failed {
                                (424, json!({}), graph_error("FailedDependency", "the one before failed"))
                            } else {
                                answer(text("method"), text("url"), item)
                            };
                            failed |= status >= 400;
                            json!({ "id": item["id"], "status": status, "headers": headers, "body": body })
                        })
                        .collect();
                    responses.reverse();
                    return ok(json!({ "responses": responses }));
                }
                let url = request.url.path().trim_start_matches("/v1.0");
                let item = json!({ "body": serde_json::from_slice(&request.body).unwrap_or(Value::Null) });
                let (status, headers, body) = answer(request.method.as_str(), url, &item);
                let mut template = ResponseTemplate::new(status).set_body_json(body);
                for (name, value) in headers.as_object().unwrap() {
                    template = template.insert_header(name.as_str(), value.as_str().unwrap());
                }
                template
            })
            .mount(&server)
            .await;
        let client = builder.limits(limits).build().unwrap();
        Self { server, client, clock, seen, batches }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) async fn requests(&self) -> usize {
        self.server.received_requests().await.unwrap().len()
    }

    pub(crate) async fn update(&self, count: u128) -> Vec<BulkOutcome<u128>> {
        self.client.bulk().run(stream::iter(updates(count))).collect().await
    }
}

pub(crate) fn updates(count: u128) -> Vec<(u128, GraphChange)> {
    (0..count).map(|n| (n, rename(n))).collect()
}

fn rename(number: u128) -> GraphChange {
    let user = GraphChange::update("users").segment(id(number).to_string()).object(id(number));
    user.json(&json!({ "displayName": "New name" })).unwrap()
}

pub(crate) fn applied(outcomes: &[BulkOutcome<u128>]) -> usize {
    outcomes.iter().filter(|outcome| outcome.result.is_ok()).count()
}

pub(crate) fn of(outcomes: &[BulkOutcome<u128>], key: u128) -> &BulkOutcome<u128> {
    let mut with_key = outcomes.iter().filter(|outcome| outcome.key == key);
    let one = with_key.next().unwrap();
    assert!(with_key.next().is_none(), "two outcomes for {key}");
    one
}

pub(crate) fn number(seen: &Seen) -> u128 {
    let id = seen.url.rsplit('/').next().unwrap().replace('-', "");
    u128::from_str_radix(&id, 16).unwrap()
}
