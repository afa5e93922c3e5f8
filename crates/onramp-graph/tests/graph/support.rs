//! A credential, a client, and the answers of a mock server.

use std::sync::{Arc, Mutex};

use onramp_core::{ManualClock, ObjectId, Password, Result};
use onramp_graph::{AccessToken, Endpoints, GraphClient, GraphClientBuilder, TokenSource};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::macros::datetime;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

pub(crate) const FAR_FUTURE: OffsetDateTime = datetime!(2099-01-01 0:00 UTC);

/// Gives `token-1`, `token-2` … and remembers what it was asked.
#[derive(Debug, Default, Clone)]
pub(crate) struct Tokens(Arc<Mutex<Vec<Asked>>>);

/// Scope and claims.
type Asked = (String, Option<String>);

impl Tokens {
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

pub(crate) struct Bench {
    pub(crate) client: GraphClient,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) tokens: Tokens,
}

pub(crate) fn builder(base: &str) -> (GraphClientBuilder, Arc<ManualClock>, Tokens) {
    let (clock, tokens) = (Arc::new(ManualClock::default()), Tokens::default());
    let endpoints = Endpoints::at(base).unwrap();
    let builder = GraphClient::builder(tokens.clone()).endpoints(endpoints).clock(clock.clone());
    (builder, clock, tokens)
}

pub(crate) fn bench(base: &str) -> Bench {
    let (builder, clock, tokens) = builder(base);
    Bench { client: builder.build().unwrap(), clock, tokens }
}

pub(crate) fn id(number: u128) -> ObjectId {
    ObjectId::from_u128(number)
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
