//! Replies that come compressed.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::TryStreamExt;
use onramp_core::ErrorKind;
use serde_json::{Value, json};
use wiremock::matchers::header_regex;
use wiremock::{MockServer, Request, ResponseTemplate};

use crate::support::*;

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn compressed(body: Vec<u8>) -> ResponseTemplate {
    ResponseTemplate::new(200)
        .insert_header("content-encoding", "gzip")
        .set_body_raw(body, "application/json")
}

fn page(objects: usize, link: Option<String>) -> String {
    let value: Vec<Value> = (0..objects).map(|id| json!({ "id": id })).collect();
    json!({ "@odata.nextLink": link, "value": value }).to_string()
}

async fn ids(server: &MockServer) -> onramp_core::Result<usize> {
    let things = bench(&server.uri()).client.query::<Value>("things").stream();
    things.try_fold(0, |count, _| std::future::ready(Ok(count + 1))).await
}

#[tokio::test]
async fn pages_are_asked_for_and_read_compressed() {
    let server = MockServer::start().await;
    let base = server.uri();
    any()
        .and(header_regex("accept-encoding", "gzip"))
        .respond_with(move |request: &Request| {
            let is_last = request.url.query_pairs().any(|(name, _)| name == "$skiptoken");
            let link = (!is_last).then(|| format!("{base}/v1.0/things?$skiptoken=1"));
            compressed(gzip(&page(500, link)))
        })
        .expect(2)
        .mount(&server)
        .await;
    assert_eq!(ids(&server).await.unwrap(), 1000);
}

#[tokio::test]
async fn a_compressed_page_that_was_cut_is_asked_for_again() {
    let server = MockServer::start().await;
    let whole = gzip(&page(500, None));
    let cut = whole[..whole.len() / 2].to_vec();
    answers(&server, any(), vec![compressed(cut), compressed(whole)]).await;
    assert_eq!(ids(&server).await.unwrap(), 500);
}

#[tokio::test]
async fn a_reply_that_grows_without_end_when_unpacked_is_given_up() {
    let server = MockServer::start().await;
    let bomb = gzip(&format!("{{\"value\":[{}]}}", " ".repeat(65 * 1024 * 1024)));
    assert!(bomb.len() < 200_000, "{}", bomb.len());
    any().respond_with(compressed(bomb)).expect(1).mount(&server).await;
    let error = ids(&server).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    assert!(error.to_string().contains("64 MB"), "{error}");
}
