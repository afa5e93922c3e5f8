//! The clients that are built in: Onramp, and what somebody would write by hand with reqwest and serde.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures_util::{StreamExt, TryStreamExt, stream};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use onramp_core::{ObjectId, Password, Result};
use onramp_graph::{AccessToken, Endpoints, GraphChange, GraphClient, TokenSource};
use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::macros::datetime;
use tokio::sync::Mutex;

use crate::Measured;

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

pub(crate) fn http() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().build().unwrap()
}

/// Does the task and prints what it took.
pub(crate) fn run(name: &str, task: &str, base: &str, number: u32) {
    let began = Instant::now();
    let count = runtime().block_on(async {
        match (name, task) {
            ("onramp", "list") => list(base).await,
            ("onramp", "update") => update(base, number).await,
            ("floor", "list") => floor_list(base).await,
            ("floor", "update") => floor_update(base, number).await,
            ("sequential", "update") => sequential_update(base, number).await,
            _ => 0,
        }
    });
    let usage = getrusage(UsageWho::RUSAGE_SELF).unwrap();
    let seconds = |time: nix::sys::time::TimeVal| time.num_microseconds() as f64 / 1e6;
    let measured = Measured {
        count,
        cpu_seconds: seconds(usage.user_time()) + seconds(usage.system_time()),
        wall_seconds: began.elapsed().as_secs_f64(),
        peak_mb: usage.max_rss() as f64 / 1024.0,
    };
    println!("{}", serde_json::to_string(&measured).unwrap());
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct User {
    id: String,
    user_principal_name: String,
    display_name: Option<String>,
    mail: Option<String>,
    account_enabled: Option<bool>,
}

impl User {
    /// Touches every property, so that none is optimised away.
    fn weight(&self) -> usize {
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        self.id.len()
            + self.user_principal_name.len()
            + text(&self.display_name)
            + text(&self.mail)
            + usize::from(self.account_enabled == Some(true))
    }
}

const SELECT: [&str; 5] = ["id", "userPrincipalName", "displayName", "mail", "accountEnabled"];

#[derive(Debug)]
struct Fixed;

const FAR_FUTURE: OffsetDateTime = datetime!(2099-01-01 0:00 UTC);

#[async_trait]
impl TokenSource for Fixed {
    async fn token(&self, _scope: &str, _claims: Option<&str>) -> Result<AccessToken> {
        Ok(AccessToken::new(Password::new("token".into()), FAR_FUTURE))
    }
}

fn onramp(base: &str) -> GraphClient {
    GraphClient::builder(Fixed).endpoints(Endpoints::at(base).unwrap()).build().unwrap()
}

async fn list(base: &str) -> u32 {
    let mut users = onramp(base).query::<User>("users").select(SELECT).stream();
    let mut count = 0;
    while let Some(user) = users.try_next().await.unwrap() {
        count += u32::from(user.weight() > 0);
    }
    count
}

async fn update(base: &str, number: u32) -> u32 {
    let changes = stream::iter(0..number).map(|n| {
        let user = GraphChange::update("users").segment(ObjectId::from_u128(n.into()).to_string());
        (n, user.json(&json!({ "accountEnabled": true })).unwrap())
    });
    let mut outcomes = onramp(base).bulk().run(changes);
    let mut applied = 0;
    while let Some(outcome) = outcomes.next().await {
        applied += u32::from(outcome.result.is_ok());
    }
    applied
}

#[derive(Deserialize)]
struct Page {
    #[serde(rename = "@odata.nextLink")]
    next: Option<String>,
    value: Vec<User>,
}

async fn floor_list(base: &str) -> u32 {
    let http = http();
    let mut next = Some(format!("{base}/v1.0/users?$select={}&$top=999", SELECT.join(",")));
    let mut count = 0;
    while let Some(url) = next {
        let reply = http.get(url).bearer_auth("token").send().await.unwrap();
        let page: Page = serde_json::from_slice(&reply.bytes().await.unwrap()).unwrap();
        count += u32::try_from(page.value.iter().filter(|user| user.weight() > 0).count()).unwrap();
        next = page.next;
    }
    count
}

/// Four batches of twenty at a time, with one gate for all and refused changes sent again: the best that was written
/// by hand around any client.
async fn floor_update(base: &str, number: u32) -> u32 {
    let http = http();
    let gate = Arc::new(Mutex::new(Instant::now()));
    let queue = Arc::new(Mutex::new((0..number).rev().collect::<Vec<u32>>()));
    let worker = async |_: u32| {
        let mut applied = 0;
        loop {
            let open = *gate.lock().await;
            tokio::time::sleep_until(open.into()).await;
            let taken: Vec<u32> = {
                let mut queue = queue.lock().await;
                let from = queue.len().saturating_sub(20);
                queue.split_off(from)
            };
            if taken.is_empty() {
                return applied;
            }
            let item = |n: &u32| {
                json!({ "id": n.to_string(), "method": "PATCH", "url": format!("/users/{n}"),
                "headers": { "Content-Type": "application/json" }, "body": { "accountEnabled": true } })
            };
            let body = json!({ "requests": taken.iter().map(item).collect::<Vec<_>>() });
            let reply = http
                .post(format!("{base}/v1.0/$batch"))
                .bearer_auth("token")
                .json(&body)
                .send()
                .await
                .unwrap();
            let reply: Value = reply.json().await.unwrap();
            for answer in reply["responses"].as_array().unwrap() {
                if answer["status"] == 204 {
                    applied += 1;
                    continue;
                }
                let wait: f64 = answer["headers"]["Retry-After"].as_str().unwrap().parse().unwrap();
                let mut gate = gate.lock().await;
                *gate = (*gate).max(Instant::now() + Duration::from_secs_f64(wait));
                queue.lock().await.push(answer["id"].as_str().unwrap().parse().unwrap());
            }
        }
    };
    stream::iter(0..4).map(worker).buffer_unordered(4).fold(0, async |sum, applied| sum + applied).await
}

async fn sequential_update(base: &str, number: u32) -> u32 {
    let http = http();
    let mut applied = 0;
    for n in 0..number {
        let url = format!("{base}/v1.0/users/{n}");
        let reply = http
            .patch(url)
            .bearer_auth("token")
            .json(&json!({ "accountEnabled": true }))
            .send()
            .await
            .unwrap();
        applied += u32::from(reply.status() == 204);
    }
    applied
}
