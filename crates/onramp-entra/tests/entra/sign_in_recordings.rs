//! Recordings of every way to sign in hold nothing with which somebody could sign in.

use std::sync::Arc;

use onramp_core::{Password, SystemClock};
use onramp_entra::{
    BrowserSignIn, ClientCertificate, ClientSecret, Credential, DeviceCodeSignIn, DevicePrompt, Endpoints,
    EntraClient, GraphClientBuilder, HarRecorder,
};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wiremock::matchers::{method, path_regex};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::operations::{CERTIFICATE, KEY};
use crate::support::*;

/// Every secret of these tests that is not drawn at random has it.
const SENTINEL: &str = "SENTINEL";

/// A sign-in service that gives out secrets and, when it refuses, repeats what it was told.
async fn service() -> MockServer {
    let server = MockServer::start().await;
    let codes = json!({
        "device_code": "SENTINEL-device-code", "user_code": "SENTINEL-user-code",
        "verification_uri": "https://example.com/device", "expires_in": 900, "interval": 1,
        "message": "Go to https://example.com/device and enter SENTINEL-user-code.",
        "invented_later": { "deep": ["SENTINEL-invented"] },
    });
    answers(&server, Mock::given(path_regex("/oauth2/v2.0/devicecode$")), vec![ok(codes)]).await;
    let early = |request: &Request| {
        let body = String::from_utf8_lossy(&request.body).into_owned();
        let said = url::form_urlencoded::parse(body.as_bytes()).map(|(_, value)| value.into_owned());
        let said = said.collect::<Vec<_>>().join(" ");
        ResponseTemplate::new(400).set_body_json(json!({
            "error": "authorization_pending", "error_codes": [70016],
            "error_description": format!("AADSTS70016: not yet, you said: {said}"),
        }))
    };
    Mock::given(path_regex("/oauth2/v2.0/token$"))
        .and(wiremock::matchers::body_string_contains("device_code="))
        .respond_with(early)
        .up_to_n_times(1)
        .mount(&server)
        .await;
    let tokens = ok(json!({
        "token_type": "Bearer", "expires_in": 1, "scope": "x", "access_token": "SENTINEL-access",
        "refresh_token": "SENTINEL-refresh", "id_token": "SENTINEL-id", "invented_later": 123_454_321,
    }))
    .insert_header("set-cookie", "SENTINEL-cookie")
    .insert_header("location", "http://localhost/?code=SENTINEL-location");
    answers(&server, Mock::given(path_regex("/oauth2/v2.0/token$")), vec![tokens]).await;
    answers(&server, Mock::given(method("GET")), vec![ok(json!({ "value": [] }))]).await;
    server
}

fn client(
    server: &MockServer,
    credential: impl Into<Credential>,
    recorder: &HarRecorder,
) -> GraphClientBuilder<EntraClient> {
    let endpoints = Endpoints::at(&server.uri()).unwrap();
    EntraClient::builder(credential).tenant("contoso.com").endpoints(endpoints).recorder(recorder.clone())
}

/// What was sent to the sign-in service in fields that nobody else may see.
async fn sent_secrets(server: &MockServer) -> Vec<(String, String)> {
    const SECRET: [&str; 7] = [
        "client_secret",
        "client_assertion",
        "password",
        "code",
        "code_verifier",
        "device_code",
        "refresh_token",
    ];
    let mut found = Vec::new();
    for request in server.received_requests().await.unwrap() {
        for (name, value) in url::form_urlencoded::parse(&request.body) {
            if SECRET.contains(&&*name) {
                found.push((name.into_owned(), value.into_owned()));
            }
        }
    }
    found
}

/// Comes back from the sign-in service, as a browser does.
async fn visit(address: url::Url) {
    let mut socket = tokio::net::TcpStream::connect(("127.0.0.1", address.port().unwrap())).await.unwrap();
    let target = &address[url::Position::BeforePath..];
    socket.write_all(format!("GET {target} HTTP/1.1\r\nhost: localhost\r\n\r\n").as_bytes()).await.unwrap();
    let mut page = String::new();
    socket.read_to_string(&mut page).await.unwrap();
    assert!(page.contains("You are signed in"), "{page}");
}

#[tokio::test]
async fn nothing_that_signs_in_is_in_a_recording_whatever_the_way() {
    let server = service().await;
    let recorder = HarRecorder::in_memory();

    let secret = ClientSecret::new("contoso.com", "app", Password::new("SENTINEL-client-secret".into()));
    let tenant = client(&server, secret, &recorder).build().unwrap().tenant();
    tenant.domains.list().await.unwrap();
    tenant.sign_in.probe(&upn(), &Password::new("SENTINEL-password".into())).await.unwrap();

    let certificate =
        ClientCertificate::from_pem("contoso.com", "app", CERTIFICATE, &Password::new(KEY.into())).unwrap();
    client(&server, certificate, &recorder).build().unwrap().tenant().domains.list().await.unwrap();

    let codes = DeviceCodeSignIn::new("app", |prompt: &DevicePrompt| {
        assert_eq!(prompt.code, "SENTINEL-user-code");
    });
    let tenant = client(&server, codes, &recorder)
        .clock(Arc::new(onramp_core::ManualClock::default()))
        .build()
        .unwrap()
        .tenant();
    tenant.domains.list().await.unwrap();
    tenant.domains.list().await.unwrap();

    let browser = BrowserSignIn::new("app", |address: &url::Url| {
        let asked = |name: &str| address.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned();
        let mut back: url::Url = asked("redirect_uri").parse().unwrap();
        back.query_pairs_mut().append_pair("code", "SENTINEL-code").append_pair("state", &asked("state"));
        tokio::spawn(visit(back));
    });
    let tenant =
        client(&server, browser, &recorder).clock(Arc::new(SystemClock::new())).build().unwrap().tenant();
    tenant.domains.list().await.unwrap();

    let secrets = sent_secrets(&server).await;
    let names: std::collections::BTreeSet<&str> = secrets.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names.len(), 7, "every kind of secret was sent: {names:?}");
    let recording = recorder.archive().unwrap();
    for (name, value) in &secrets {
        let plain = recording.replace("%2D", "-");
        assert!(!plain.contains(value.as_str()), "the {name} {value} is in the recording");
    }
    let hits = recording.matches(SENTINEL).count();
    assert_eq!(hits, 0, "{recording}");
    assert!(!recording.contains("123454321"), "what is not known is not shown");

    // What a reader of the recording needs is there all the same.
    let archive: Value = serde_json::from_str(&recording).unwrap();
    let entries = archive["log"]["entries"].as_array().unwrap();
    let bodies: Vec<&str> =
        entries.iter().filter_map(|entry| entry["request"]["postData"]["text"].as_str()).collect();
    for shown in [
        "grant_type=client_credentials",
        "grant_type=password",
        "username=anna%40contoso.com",
        "client_id=app",
    ] {
        assert!(bodies.iter().any(|body| body.contains(shown)), "{shown}: {bodies:#?}");
    }
    assert!(recording.contains("AADSTS70016: not yet"), "the service's words are kept");
    assert!(recording.contains("expires_in"));
}
