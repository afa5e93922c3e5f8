//! Reading at scale: look-ahead, advanced queries, restarts, changes since some time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::{StreamExt, TryStreamExt};
use onramp_core::ErrorKind;
use onramp_graph::{Delta, DeltaCursor, DeltaStart, RetryPolicy};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::{Notify, Semaphore};
use wiremock::matchers::{header, path, query_param};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::support::*;

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Item {
    id: u32,
}

/// An object with members at every place that serde treats in its own way.
#[derive(Debug, Deserialize)]
struct Thing {
    #[serde(rename = "id")]
    _id: u32,
    #[serde(rename = "owners", default)]
    _owners: Vec<Item>,
    #[serde(flatten)]
    _more: More,
}

#[derive(Debug, Deserialize)]
struct More {
    #[serde(rename = "isOpen")]
    _is_open: Option<bool>,
}

fn objects(ids: impl IntoIterator<Item = u32>) -> Vec<Value> {
    ids.into_iter().map(|id| json!({ "id": id })).collect()
}

fn ids(items: Vec<Item>) -> Vec<u32> {
    items.into_iter().map(|item| item.id).collect()
}

#[tokio::test]
async fn an_object_that_cannot_be_decoded_is_an_error_that_names_the_member_and_no_value() {
    for (object, said) in [
        (json!({ "id": ["$ecret"], "mail": "a@contoso.com" }), "its id does not have the expected type"),
        (
            json!({ "id": 1, "owners": [{ "id": 2 }, { "id": "$ecret" }], "mail": "a@contoso.com" }),
            "its owners[1].id does not have the expected type",
        ),
        (
            json!({ "id": 1, "isOpen": "$ecret", "mail": "a@contoso.com" }),
            "its isOpen does not have the expected type",
        ),
        (json!({ "isOpen": true, "mail": "a@contoso.com" }), "it does not have the expected form"),
    ] {
        let server = MockServer::start().await;
        any().respond_with(ok(json!({ "value": [object] }))).mount(&server).await;
        let error = bench(&server.uri()).client.query::<Thing>("things").all().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unreadable, "{error}");
        let text = format!("could not read what the service tells of a@contoso.com: {said} (asked to ");
        assert!(error.to_string().starts_with(&text), "{error}");
        assert!(!error.to_string().contains("$ecret"), "{error}");
    }
}

/// Ten pages of ten, link first or last.
async fn ten_pages(link_first: bool) -> MockServer {
    let server = MockServer::start().await;
    let base = server.uri();
    any()
        .respond_with(move |request: &Request| {
            let page = request.url.query_pairs().find(|(name, _)| name == "$skiptoken");
            let page: u32 = page.map_or(0, |(_, value)| value.parse().unwrap());
            let value = json!(objects(page * 10..page * 10 + 10));
            let link = format!(r#""@odata.nextLink":"{base}/v1.0/things?$skiptoken={}""#, page + 1);
            let body = match (page, link_first) {
                (9, _) => format!(r#"{{"value":{value}}}"#),
                (_, true) => format!(r#"{{{link},"value":{value}}}"#),
                (_, false) => format!(r#"{{"value":{value},{link}}}"#),
            };
            ResponseTemplate::new(200).set_body_raw(body, "application/json")
        })
        .mount(&server)
        .await;
    server
}

async fn requests(server: &MockServer) -> usize {
    server.received_requests().await.unwrap().len()
}

#[tokio::test]
async fn every_object_comes_once_and_in_order_wherever_the_link_stands() {
    for link_first in [true, false] {
        let server = ten_pages(link_first).await;
        let client = bench(&server.uri()).client;
        assert_eq!(ids(client.query("things").all().await.unwrap()), (0..100).collect::<Vec<_>>());
        let one_by_one = client.query("things").without_prefetch().all().await.unwrap();
        assert_eq!(ids(one_by_one).len(), 100);
        assert_eq!(requests(&server).await, 20);
    }
}

#[tokio::test]
async fn no_more_than_one_page_is_read_ahead_and_dropping_ends_it() {
    for (ahead, expected) in [(true, 2), (false, 1)] {
        let server = ten_pages(true).await;
        let client = bench(&server.uri()).client;
        let query = client.query::<Item>("things");
        let mut list = if ahead { query.stream() } else { query.without_prefetch().stream() };
        for _ in 0..10 {
            list.next().await.unwrap().unwrap();
            tokio::task::yield_now().await;
        }
        drop(list);
        // Time enough for anything that should not be under way any more.
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
        assert!(requests(&server).await <= expected, "{}", requests(&server).await);
    }
}

/// Answers a first page in two halves, the second only when it is let to; then any other page at once.
async fn slow_first_page() -> (String, Arc<Semaphore>, Arc<Notify>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let (gate, asked_again) = (Arc::new(Semaphore::new(0)), Arc::new(Notify::new()));
    let (server_base, server_gate, notify) = (base.clone(), gate.clone(), asked_again.clone());
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let (base, gate, notify) = (server_base.clone(), server_gate.clone(), notify.clone());
            tokio::spawn(async move {
                let mut buffer = [0; 4096];
                let read = socket.read(&mut buffer).await.unwrap();
                let second = String::from_utf8_lossy(&buffer[..read]).contains("skiptoken");
                let first_half =
                    format!(r#"{{"@odata.nextLink":"{base}/v1.0/things?$skiptoken=1","value":["#);
                let (start, rest) = if second {
                    notify.notify_one();
                    (r#"{"value":["#.to_owned(), r#"{"id":2}]}"#)
                } else {
                    (first_half, r#"{"id":1}]}"#)
                };
                let length = start.len() + rest.len();
                let head = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{start}"
                );
                socket.write_all(head.as_bytes()).await.unwrap();
                if !second {
                    gate.acquire().await.unwrap().forget();
                }
                socket.write_all(rest.as_bytes()).await.unwrap();
                socket.shutdown().await.unwrap();
            });
        }
    });
    (base, gate, asked_again)
}

#[tokio::test]
async fn the_next_page_is_asked_for_while_the_first_is_still_coming_in() {
    let (base, gate, asked_again) = slow_first_page().await;
    let client = bench(&base).client;
    let list = tokio::spawn(async move { client.query::<Item>("things").all().await });
    // The first page cannot end before this, so without look-ahead the test would never end.
    asked_again.notified().await;
    gate.add_permits(1);
    assert_eq!(ids(list.await.unwrap().unwrap()), [1, 2]);
}

#[tokio::test]
async fn what_is_asked_is_what_was_said() {
    let server = MockServer::start().await;
    answers(&server, any(), vec![ok(json!({ "value": [] }))]).await;
    let client = bench(&server.uri()).client;
    let query = client
        .query::<Item>("/users")
        .segment("a/b#c@d.example")
        .segment("memberOf")
        .select(["id", "displayName"])
        .filter_eq("displayName", "O'Neil")
        .filter("accountEnabled eq true")
        .expand("manager")
        .order_by("displayName")
        .page_size(50);
    query.all().await.unwrap();
    client.query::<Item>("roles").beta().page_size(0).all().await.unwrap();
    let sent = server.received_requests().await.unwrap();
    assert_eq!(sent[0].url.path(), "/v1.0/users/a%2Fb%23c@d.example/memberOf");
    let asked: Vec<_> = sent[0].url.query_pairs().into_owned().collect();
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    for (name, value) in [
        ("$select", "id,displayName"),
        ("$filter", "(displayName eq 'O''Neil') and (accountEnabled eq true)"),
        ("$expand", "manager"),
        ("$orderby", "displayName"),
        ("$top", "50"),
    ] {
        assert!(asked.contains(&pair(name, value)), "{name} {asked:?}");
    }
    assert!(!sent[0].headers.contains_key("consistencylevel"));
    assert_eq!((sent[1].url.path(), sent[1].url.query()), ("/beta/roles", None));
}

#[tokio::test]
async fn an_advanced_query_sends_its_header_with_every_page() {
    let server = MockServer::start().await;
    let eventual = || Mock::given(header("ConsistencyLevel", "eventual"));
    let link = format!("{}/v1.0/users?$count=true&$skiptoken=b", server.uri());
    let second = eventual().and(query_param("$skiptoken", "b"));
    answers(&server, second, vec![ok(json!({ "value": objects([3]) }))]).await;
    let first = eventual().and(path("/v1.0/users")).and(query_param("$count", "true"));
    let page = json!({ "@odata.count": 3, "@odata.nextLink": link, "value": objects([1, 2]) });
    answers(&server, first, vec![ok(page)]).await;
    let client = bench(&server.uri()).client;
    let query = client.query::<Item>("users").filter("endsWith(mail,'x')").advanced();
    assert_eq!(ids(query.all().await.unwrap()), [1, 2, 3]);
    let (count, rest) = client.query::<Item>("users").counted().await.unwrap();
    assert_eq!((count, ids(rest.try_collect().await.unwrap())), (3, vec![1, 2, 3]));
}

#[tokio::test]
async fn a_count_is_read_without_reading_the_objects() {
    let server = MockServer::start().await;
    let count = Mock::given(path("/v1.0/users/$count")).and(header("ConsistencyLevel", "eventual"));
    let number = ResponseTemplate::new(200).set_body_raw("\u{feff}100042", "text/plain");
    let nonsense = ResponseTemplate::new(200).set_body_raw("many", "text/plain");
    answers(&server, count, vec![number, nonsense]).await;
    let client = bench(&server.uri()).client;
    let count = || client.query::<Item>("users").filter_eq("userType", "Guest").count();
    assert_eq!(count().await.unwrap(), 100_042);
    assert_eq!(count().await.unwrap_err().kind(), ErrorKind::Invalid);
    let sent = &server.received_requests().await.unwrap()[0];
    assert!(sent.url.query_pairs().any(|(name, value)| name == "$filter" && value == "userType eq 'Guest'"));
}

#[tokio::test]
async fn one_object_is_read_by_its_path() {
    let server = MockServer::start().await;
    answers(&server, Mock::given(path("/v1.0/groups/7")), vec![ok(json!({ "id": 7 }))]).await;
    let client = bench(&server.uri()).client;
    let group = client.query::<Item>("groups").segment("7").select(["id"]).get().await.unwrap();
    assert_eq!(group, Item { id: 7 });
    let missing = client.query::<Item>("groups").segment("8").retry(RetryPolicy::never()).get().await;
    assert!(missing.unwrap_err().is_not_found());
}

fn forgotten(status: u16, code: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(graph_error(code, "the page token has expired"))
}

#[tokio::test]
async fn a_list_whose_place_was_forgotten_is_read_again_and_gives_nothing_twice() {
    for answer in [forgotten(400, "Directory_ExpiredPageToken"), forgotten(410, "resyncRequired")] {
        let server = MockServer::start().await;
        let link = |page: u32| format!("{}/v1.0/things?$skiptoken={page}", server.uri());
        let first = ok(json!({ "@odata.nextLink": link(1), "value": objects([1, 2]) }));
        // The second time something new has come in front.
        let again = ok(json!({ "@odata.nextLink": link(2), "value": objects([9, 1, 2]) }));
        answers(&server, Mock::given(query_param("$skiptoken", "1")), vec![answer]).await;
        let last = ok(json!({ "value": objects([2, 3]) }));
        answers(&server, Mock::given(query_param("$skiptoken", "2")), vec![last]).await;
        answers(&server, Mock::given(path("/v1.0/things")), vec![first, again]).await;
        let client = bench(&server.uri()).client;
        let query = client.query::<Item>("things").restart_by(|item| item.id);
        assert_eq!(ids(query.all().await.unwrap()), [1, 2, 9, 3]);
    }
}

#[tokio::test]
async fn a_place_that_is_always_forgotten_ends_the_list_and_so_does_one_without_a_key() {
    let server = MockServer::start().await;
    let link = format!("{}/v1.0/things?$skiptoken=1", server.uri());
    let expired = forgotten(400, "Directory_ExpiredPageToken");
    answers(&server, Mock::given(query_param("$skiptoken", "1")), vec![expired]).await;
    answers(&server, any(), vec![ok(json!({ "@odata.nextLink": link, "value": objects([1]) }))]).await;
    let client = bench(&server.uri()).client;
    let mut found: Vec<_> =
        client.query::<Item>("things").restart_by(|item| item.id).stream().collect().await;
    assert!(found.pop().unwrap().unwrap_err().is_stale());
    assert_eq!(found.len(), 1);
    assert_eq!(requests(&server).await, 8, "the first reading and three restarts");
    let mut plain: Vec<_> = client.query::<Item>("things").stream().collect().await;
    assert!(plain.pop().unwrap().unwrap_err().is_stale());
}

/// The last cursor, and everything else in short.
fn told(news: Vec<Delta<Item>>) -> (Vec<String>, Option<DeltaCursor>) {
    let mut cursor = None;
    let mut told = Vec::new();
    for one in news {
        match one {
            Delta::Changed(item) => told.push(format!("+{}", item.id)),
            Delta::Removed { id, restorable } => told.push(format!("-{id} {restorable}")),
            Delta::Resync => told.push("resync".into()),
            Delta::Reached(reached) => cursor = Some(reached),
            _ => {}
        }
    }
    (told, cursor)
}

#[tokio::test]
async fn changes_are_told_page_by_page_and_gone_on_from_a_kept_cursor() {
    let server = MockServer::start().await;
    let link = |query: &str| format!("{}/v1.0/things/delta?{query}", server.uri());
    let gone = json!([{ "id": "a", "@removed": { "reason": "changed" } }, { "id": "b", "@removed": { "reason": "deleted" } }]);
    let third = json!({ "@odata.deltaLink": link("$deltatoken=two"), "value": gone });
    answers(&server, Mock::given(query_param("$deltatoken", "one")), vec![ok(third)]).await;
    let second = json!({ "@odata.deltaLink": link("$deltatoken=one"), "value": objects([3]) });
    answers(&server, Mock::given(query_param("$skiptoken", "s")), vec![ok(second)]).await;
    let first = json!({ "@odata.nextLink": link("$skiptoken=s"), "value": objects([1, 2]) });
    answers(&server, Mock::given(path("/v1.0/things/delta")), vec![ok(first)]).await;
    let client = bench(&server.uri()).client;
    let changes = |from| client.query::<Item>("things").select(["id"]).changes(from);

    let news: Vec<_> = changes(DeltaStart::Beginning).try_collect().await.unwrap();
    let within = news.iter().find_map(|one| match one {
        Delta::Reached(cursor) => Some(cursor.clone()),
        _ => None,
    });
    let (all, cursor) = told(news);
    assert_eq!(all, ["+1", "+2", "+3"]);
    let kept = serde_json::to_string(&cursor.unwrap()).unwrap();
    let cursor: DeltaCursor = serde_json::from_str(&kept).unwrap();
    assert!(cursor.is_complete());
    let (news, _) = told(changes(DeltaStart::From(cursor)).try_collect().await.unwrap());
    assert_eq!(news, ["-a true", "-b false"]);
    // A run that ended within the first reading goes on behind its last page.
    let within = within.unwrap();
    assert!(!within.is_complete());
    let (rest, _) = told(changes(DeltaStart::From(within)).try_collect().await.unwrap());
    assert_eq!(rest, ["+3"]);
}

#[tokio::test]
async fn a_cursor_that_was_kept_too_long_is_said_to_be_and_everything_comes_again() {
    let server = MockServer::start().await;
    let link = format!("{}/v1.0/things/delta?$deltatoken=new", server.uri());
    let gone = forgotten(410, "syncStateNotFound").insert_header("Location", "https://elsewhere.example/");
    answers(&server, Mock::given(query_param("$deltatoken", "old")), vec![gone]).await;
    let everything = json!({ "@odata.deltaLink": link, "value": objects([1]) });
    answers(&server, any(), vec![ok(everything)]).await;
    let client = bench(&server.uri()).client;
    let old: DeltaCursor = format!("{}/v1.0/things/delta?$deltatoken=old", server.uri()).parse().unwrap();
    let changes = client.query::<Item>("things").changes(DeltaStart::From(old));
    let (news, cursor) = told(changes.try_collect().await.unwrap());
    assert_eq!(news, ["resync", "+1"]);
    assert!(cursor.unwrap().is_complete());
}

#[tokio::test]
async fn a_cursor_that_points_elsewhere_is_refused_and_no_token_goes_there() {
    let (server, foreign) = (MockServer::start().await, MockServer::start().await);
    let cursor: DeltaCursor = format!("{}/v1.0/users/delta?$deltatoken=x", foreign.uri()).parse().unwrap();
    let client = bench(&server.uri()).client;
    let mut changes = client.query::<Item>("users").changes(DeltaStart::From(cursor));
    assert_eq!(changes.try_next().await.unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(requests(&foreign).await, 0);
}

#[tokio::test]
async fn a_change_that_cannot_be_read_does_not_give_a_cursor_behind_it() {
    let server = MockServer::start().await;
    let link = format!("{}/v1.0/things/delta?$deltatoken=new", server.uri());
    let page = json!({ "@odata.deltaLink": link, "value": [{ "id": 1 }, { "id": "not a number" }] });
    answers(&server, any(), vec![ok(page)]).await;
    let news: Vec<_> =
        bench(&server.uri()).client.query::<Item>("things").changes(DeltaStart::Now).collect().await;
    assert_eq!(news.len(), 1);
    assert_eq!(news[0].as_ref().unwrap_err().kind(), ErrorKind::Invalid);
    let sent = &server.received_requests().await.unwrap()[0];
    assert!(sent.url.query_pairs().any(|(name, value)| name == "$deltatoken" && value == "latest"));
}

#[tokio::test]
async fn a_list_that_was_never_polled_sends_nothing() {
    let sent = Arc::new(AtomicUsize::new(0));
    let server = MockServer::start().await;
    let count = sent.clone();
    any()
        .respond_with(move |_: &Request| {
            count.fetch_add(1, Ordering::SeqCst);
            ok(json!({ "value": [] }))
        })
        .mount(&server)
        .await;
    drop(bench(&server.uri()).client.query::<Item>("things").stream());
    tokio::task::yield_now().await;
    assert_eq!(sent.load(Ordering::SeqCst), 0);
}
