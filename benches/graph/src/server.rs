//! A server that speaks as much of Graph as the tasks need, as fast as it can or as slowly as it is told to.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use clap::Args;
use futures_util::{StreamExt, stream};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::sleep;

const PAGE: u32 = 999;

/// How the server behaves; times in milliseconds.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(crate) struct Shape {
    /// Users there are.
    #[arg(long, default_value_t = 1)]
    pub(crate) users: u32,
    /// Time to the first byte of a page.
    #[arg(long, default_value_t = 0)]
    pub(crate) first_byte: u32,
    /// Time from the first byte of a page to its last.
    #[arg(long, default_value_t = 0)]
    pub(crate) body: u32,
    /// Time that anything else takes.
    #[arg(long, default_value_t = 0)]
    pub(crate) latency: u32,
    /// Writes per window; 0: any number.
    #[arg(long, default_value_t = 0)]
    pub(crate) writes: u32,
    /// Length of the window, which begins with the first write in it.
    #[arg(long, default_value_t = 0)]
    pub(crate) window: u32,
}

impl Shape {
    pub(crate) fn arguments(self) -> Vec<String> {
        let Self { users, first_byte, body, latency, writes, window } = self;
        [
            ("--users", users),
            ("--first-byte", first_byte),
            ("--body", body),
            ("--latency", latency),
            ("--writes", writes),
            ("--window", window),
        ]
        .into_iter()
        .flat_map(|(name, value)| [name.to_owned(), value.to_string()])
        .collect()
    }
}

/// What the server saw.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Stats {
    pub(crate) requests: u32,
    pub(crate) applied: u32,
    pub(crate) refused: u32,
}

struct Server {
    shape: Shape,
    pages: Vec<(Bytes, Bytes)>,
    stats: Mutex<Stats>,
    window: Mutex<Option<(Instant, u32)>>,
}

pub(crate) fn serve(shape: Shape) {
    crate::clients::runtime().block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let pages = (0..shape.users.div_ceil(PAGE)).map(|page| render(&base, page, shape.users)).collect();
        println!("{base}");
        let server = Arc::new(Server { shape, pages, stats: Mutex::default(), window: Mutex::default() });
        while let Ok((stream, _)) = listener.accept().await {
            let _ = stream.set_nodelay(true);
            let server = server.clone();
            tokio::spawn(async move {
                let service = service_fn(|request| {
                    let server = server.clone();
                    async move { Ok::<_, Infallible>(server.answer(request).await) }
                });
                let _ = auto::Builder::new(TokioExecutor::new())
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    });
}

/// A page in two parts: the link to the next, and the users.
fn render(base: &str, page: u32, users: u32) -> (Bytes, Bytes) {
    let (from, to) = (page * PAGE, ((page + 1) * PAGE).min(users));
    let link = if to < users {
        format!(r#""@odata.nextLink":"{base}/v1.0/users?$select=id&$top=999&$skiptoken={}","#, page + 1)
    } else {
        String::new()
    };
    let head = format!(r#"{{"@odata.context":"{base}/v1.0/$metadata#users",{link}"value":["#);
    let user = |n: u32| {
        json!({ "id": format!("00000000-0000-4000-8000-{n:012}"), "userPrincipalName": format!("user{n}@contoso.example"),
            "displayName": format!("User number {n}"), "mail": format!("user.number.{n}@contoso.example"), "accountEnabled": !n.is_multiple_of(7) })
        .to_string()
    };
    let users: Vec<String> = (from..to).map(user).collect();
    (head.into(), format!("{}]}}", users.join(",")).into())
}

type Answer = Response<BoxBody<Bytes, Infallible>>;

impl Server {
    async fn answer(&self, request: Request<Incoming>) -> Answer {
        let path = request.uri().path().to_owned();
        if path == "/stats" {
            let stats = *self.stats.lock().unwrap();
            return whole(200, serde_json::to_vec(&stats).unwrap());
        }
        self.stats.lock().unwrap().requests += 1;
        if request.method() == "GET" && path == "/v1.0/users" {
            return self.page(request.uri().query().unwrap_or_default()).await;
        }
        let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
        sleep(Duration::from_millis(self.shape.latency.into())).await;
        if !path.ends_with("$batch") {
            return match self.write() {
                Ok(()) => whole(204, Vec::new()),
                Err(wait) => {
                    let mut answer = whole(429, throttled().to_string().into());
                    answer.headers_mut().insert("retry-after", format!("{wait:.3}").parse().unwrap());
                    answer
                }
            };
        }
        let batch: Value = serde_json::from_slice(&body).unwrap_or_default();
        let responses: Vec<Value> = batch["requests"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|item| match self.write() {
                Ok(()) => json!({ "id": item["id"], "status": 204, "headers": {} }),
                Err(wait) => json!({ "id": item["id"], "status": 429,
                    "headers": { "Retry-After": format!("{wait:.3}") }, "body": throttled() }),
            })
            .collect();
        whole(200, json!({ "responses": responses }).to_string().into())
    }

    async fn page(&self, query: &str) -> Answer {
        let number =
            query.rsplit_once("skiptoken=").and_then(|(_, number)| number.parse().ok()).unwrap_or(0_usize);
        let Some((head, users)) = self.pages.get(number).cloned() else { return whole(404, Vec::new()) };
        sleep(Duration::from_millis(self.shape.first_byte.into())).await;
        let pause = Duration::from_millis(self.shape.body.into());
        let body = if pause.is_zero() {
            Full::new([head, users].concat().into()).boxed()
        } else {
            let parts = stream::iter([head, users]).enumerate().then(move |(at, part)| async move {
                if at > 0 {
                    sleep(pause).await;
                }
                Ok(Frame::data(part))
            });
            BodyExt::boxed(StreamBody::new(SyncStream(Mutex::new(parts.boxed()))))
        };
        let mut answer = Response::new(body);
        answer.headers_mut().insert("content-type", "application/json".parse().unwrap());
        answer
    }

    /// Counts a write, or says how long until the window is over.
    fn write(&self) -> Result<(), f64> {
        let mut stats = self.stats.lock().unwrap();
        if self.shape.writes > 0 {
            let length = Duration::from_millis(self.shape.window.into());
            let now = Instant::now();
            let mut window = self.window.lock().unwrap();
            let (since, count) = window.filter(|(since, _)| now < *since + length).unwrap_or((now, 0));
            if count >= self.shape.writes {
                stats.refused += 1;
                return Err((since + length - now).as_secs_f64());
            }
            *window = Some((since, count + 1));
        }
        stats.applied += 1;
        Ok(())
    }
}

/// A stream behind a lock, because a body must be `Sync`.
struct SyncStream<S>(Mutex<S>);

impl<S: futures_util::Stream + Unpin> futures_util::Stream for SyncStream<S> {
    type Item = S::Item;

    fn poll_next(
        self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<S::Item>> {
        self.0.lock().unwrap().poll_next_unpin(cx)
    }
}

fn throttled() -> Value {
    json!({ "error": { "code": "TooManyRequests", "message": "Too many requests. Please retry later." } })
}

fn whole(status: u16, body: Vec<u8>) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(body)).boxed());
    *answer.status_mut() = hyper::StatusCode::from_u16(status).unwrap();
    answer.headers_mut().insert("content-type", "application/json".parse().unwrap());
    answer
}
