//! graph-rs-sdk at the tasks of the benchmark: `peer-graph-rs-sdk <task> <base> <number>`.

use std::time::Instant;

use futures::StreamExt;
use graph_rs_sdk::{GraphClient, GraphClientConfiguration, ODataQuery};
use serde::Deserialize;
use serde_json::{json, Value};

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code)]
struct User {
    id: String,
    user_principal_name: String,
    display_name: Option<String>,
    mail: Option<String>,
    account_enabled: Option<bool>,
}

#[derive(Debug, Clone, Deserialize)]
struct Users {
    value: Vec<User>,
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let (task, base) = (arguments[1].as_str(), arguments[2].as_str());
    let number: u32 = arguments[3].parse().unwrap();
    let began = Instant::now();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let count = runtime.block_on(async {
        let configuration =
            GraphClientConfiguration::new().access_token("token").https_only(false).wait_for_retry_after_headers(true);
        let mut client = GraphClient::from(configuration);
        client.use_test_endpoint(&url::Url::parse(&format!("{base}/v1.0")).unwrap());
        match task {
            "list" => list(&client).await,
            _ => update(&client, number).await,
        }
    });
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: f64 = peak.trim().trim_end_matches("kB").trim().parse().unwrap();
    // Clock ticks are hundredths of a second.
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    let ticks = |at: usize| fields[at].parse::<f64>().unwrap();
    let cpu = (ticks(11) + ticks(12)) / 100.0;
    println!(
        "{}",
        json!({ "count": count, "cpu_seconds": cpu, "wall_seconds": began.elapsed().as_secs_f64(), "peak_mb": peak / 1024.0 })
    );
}

async fn list(client: &GraphClient) -> usize {
    let select = ["id", "userPrincipalName", "displayName", "mail", "accountEnabled"];
    let request = client.users().list_user().select(&select).top("999");
    let mut pages = request.paging().stream::<Users>().unwrap();
    let mut count = 0;
    while let Some(Ok(page)) = pages.next().await {
        count += page.body().as_ref().map_or(0, |page| page.value.len());
    }
    count
}

/// Its batch call, four at a time: there is no chunking in it, and no second look at refused items.
async fn update(client: &GraphClient, number: u32) -> usize {
    let chunks: Vec<Vec<u32>> = (0..number).collect::<Vec<_>>().chunks(20).map(<[u32]>::to_vec).collect();
    let send = |chunk: Vec<u32>| async move {
        let item = |n: &u32| json!({ "id": n.to_string(), "method": "PATCH", "url": format!("/users/{n}"),
            "headers": { "Content-Type": "application/json" }, "body": { "accountEnabled": true } });
        let body = json!({ "requests": chunk.iter().map(item).collect::<Vec<_>>() });
        let reply = client.batch(&body).send().await.unwrap();
        let reply: Value = reply.json().await.unwrap();
        reply["responses"].as_array().unwrap().iter().filter(|answer| answer["status"] == 204).count()
    };
    futures::stream::iter(chunks).map(send).buffer_unordered(4).fold(0, |sum, applied| async move { sum + applied }).await
}
