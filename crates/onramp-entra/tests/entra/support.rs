//! A credential, a client, and a server that answers line by line from a script.

use std::sync::{Arc, Mutex};

use onramp_core::{Error, ErrorKind, ManualClock, ObjectId, Password, Result, Upn};
use onramp_entra::{AccessToken, Endpoints, EntraClient, GraphClientBuilder, TokenSource};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::macros::datetime;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

pub(crate) const FAR_FUTURE: OffsetDateTime = datetime!(2099-01-01 0:00 UTC);

/// Gives `token-1`, `token-2` … and remembers what it was asked.
#[derive(Debug, Default, Clone)]
pub(crate) struct Tokens(Arc<Mutex<Vec<Asked>>>);

/// Scope and claims.
type Asked = (String, Option<String>);

impl Tokens {
    pub(crate) fn asked(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    pub(crate) fn claims(&self) -> Vec<Option<String>> {
        self.0.lock().unwrap().iter().map(|(_, claims)| claims.clone()).collect()
    }
}

#[async_trait::async_trait]
impl TokenSource for Tokens {
    async fn token(&self, scope: &str, claims: Option<&str>) -> Result<AccessToken> {
        let mut asked = self.0.lock().unwrap();
        asked.push((scope.to_owned(), claims.map(str::to_owned)));
        Ok(AccessToken::new(Password::new(format!("token-{}", asked.len())), FAR_FUTURE))
    }
}

/// A credential that is always refused.
#[derive(Debug)]
pub(crate) struct NoTokens;

#[async_trait::async_trait]
impl TokenSource for NoTokens {
    async fn token(&self, scope: &str, _claims: Option<&str>) -> Result<AccessToken> {
        Err(Error::new(ErrorKind::Unauthenticated, "get a token for").with_object(scope))
    }
}

pub(crate) struct Bench {
    pub(crate) client: EntraClient,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) tokens: Tokens,
}

pub(crate) fn builder(base: &str) -> (GraphClientBuilder<EntraClient>, Arc<ManualClock>, Tokens) {
    let (clock, tokens) = (Arc::new(ManualClock::default()), Tokens::default());
    let endpoints = Endpoints::at(base).unwrap();
    let builder = EntraClient::builder(tokens.clone()).endpoints(endpoints).clock(clock.clone());
    (builder, clock, tokens)
}

pub(crate) fn bench(base: &str) -> Bench {
    let (builder, clock, tokens) = builder(base);
    Bench { client: builder.build().unwrap(), clock, tokens }
}

pub(crate) fn id(number: u128) -> ObjectId {
    ObjectId::from_u128(number)
}

pub(crate) fn upn() -> Upn {
    Upn::parse("anna@contoso.com").unwrap()
}

pub(crate) fn user_json(number: u128, upn: &str, name: &str) -> Value {
    json!({ "id": id(number).to_string(), "userPrincipalName": upn, "displayName": name, "accountEnabled": true })
}

pub(crate) fn graph_error(code: &str, message: &str) -> Value {
    json!({ "error": { "code": code, "message": message,
        "innerError": { "date": "2026-11-22T10:00:00", "request-id": "11111111-2222", "client-request-id": "x" } } })
}

/// Answers the first, second … request of a mock server with the first, second … template, then the last again.
pub(crate) async fn answers(
    server: &MockServer,
    mock: wiremock::MockBuilder,
    answers: Vec<ResponseTemplate>,
) {
    let position = Mutex::new(0);
    mock.respond_with(move |_: &Request| {
        let mut position = position.lock().unwrap();
        let answer = answers[(*position).min(answers.len() - 1)].clone();
        *position += 1;
        answer
    })
    .mount(server)
    .await;
}

pub(crate) fn ok(body: Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(body)
}

pub(crate) fn any() -> wiremock::MockBuilder {
    Mock::given(wiremock::matchers::any())
}

/// What a scripted server does with one request.
pub(crate) enum Step {
    /// Reads the request and closes the connection.
    Vanish,
    /// Reads the request and resets the connection after that much of an answer.
    Reset(&'static str),
    /// Promises more bytes than it sends, then closes.
    Cut(&'static str),
    /// Answers with that status and JSON.
    Json(u16, Value),
}

/// A server of which every request, whatever it is, gets the next step of the script.
pub(crate) struct Scripted {
    pub(crate) base: String,
    pub(crate) seen: Arc<Mutex<Vec<String>>>,
}

impl Scripted {
    pub(crate) async fn start(script: Vec<Step>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = seen.clone();
        tokio::spawn(async move {
            for step in script {
                let (mut socket, _) = listener.accept().await.unwrap();
                let request = read_request(&mut socket).await;
                log.lock().unwrap().push(request);
                let answer = match step {
                    Step::Vanish => continue,
                    Step::Reset(text) => {
                        let head =
                            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9999";
                        socket.write_all(format!("{head}\r\n\r\n{text}").as_bytes()).await.unwrap();
                        socket.set_zero_linger().unwrap();
                        continue;
                    }
                    Step::Cut(text) => {
                        format!(
                            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9999\r\n\r\n{text}"
                        )
                    }
                    Step::Json(status, body) => {
                        let body = body.to_string();
                        let length = body.len();
                        format!(
                            "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
                        )
                    }
                };
                socket.write_all(answer.as_bytes()).await.unwrap();
                socket.shutdown().await.unwrap();
            }
        });
        Self { base, seen }
    }

    /// The request lines so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        let seen = self.seen.lock().unwrap();
        seen.iter()
            .map(|request| request.lines().next().unwrap().trim_end_matches(" HTTP/1.1").to_owned())
            .collect()
    }

    pub(crate) fn count(&self, method: &str) -> usize {
        self.lines().iter().filter(|line| line.starts_with(method)).count()
    }
}

async fn read_request(socket: &mut tokio::net::TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let read = socket.read(&mut buffer).await.unwrap();
        bytes.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| {
                    line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok()
                })
                .unwrap_or(0);
            if body.len() >= length {
                return text;
            }
        }
        assert!(read > 0, "the client closed the connection within its request");
    }
}
