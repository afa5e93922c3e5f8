//! Secrets stay out of errors, debug output and recordings.

use onramp_core::tenant::NewUser;
use onramp_core::{ErrorKind, Password};
use onramp_entra::{ClientSecret, Endpoints, EntraClient, HarRecorder};
use serde_json::{Value, json};
use wiremock::matchers::{method, path_regex};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::*;

const CLIENT_SECRET: &str = "client-s3cr3t-&-sauce";
const TOKEN: &str = "eyJ0eXAiOiJKV1QiLCJh.token.value";
const PASSWORD: &str = "P4ss-with-\"quotes\"-&-more";

async fn exchanges(recorder: &HarRecorder) -> (EntraClient, Vec<onramp_core::Error>) {
    let server = MockServer::start().await;
    let token = ok(json!({ "token_type": "Bearer", "expires_in": 3599, "access_token": TOKEN }))
        .insert_header("set-cookie", "fpc=secret-cookie");
    answers(&server, Mock::given(path_regex("/oauth2/v2.0/token$")), vec![token]).await;
    let echo = json!({ "error": { "code": "Request_BadRequest", "message": format!("the password {PASSWORD} is weak") } });
    answers(
        &server,
        Mock::given(method("POST")),
        vec![ResponseTemplate::new(400).set_body_json(echo.clone())],
    )
    .await;
    answers(&server, Mock::given(method("PATCH")), vec![ResponseTemplate::new(400).set_body_json(echo)])
        .await;
    let endpoints = Endpoints::at(&server.uri()).unwrap();
    let client =
        EntraClient::builder(ClientSecret::new("contoso.com", "app", Password::new(CLIENT_SECRET.into())))
            .endpoints(endpoints)
            .recorder(recorder.clone())
            .build()
            .unwrap();
    let tenant = client.tenant();
    let password = Password::new(PASSWORD.into());
    let first = tenant.users.create(&NewUser::new(upn(), "Anna", password.clone())).await.unwrap_err();
    let second = tenant.users.set_password(&id(1), &password, false).await.unwrap_err();
    tenant.sign_in.probe(&upn(), &password).await.unwrap();
    (client, vec![first, second])
}

fn holds_no_secret(text: &str, what: &str) {
    let encoded: String = url_encoded(PASSWORD);
    let escaped = json!(PASSWORD).to_string();
    for secret in
        [CLIENT_SECRET, TOKEN, PASSWORD, &encoded, escaped.trim_matches('"'), "secret-cookie", "s3cr3t"]
    {
        assert!(!text.contains(secret), "{secret} is in {what}: {text}");
    }
}

fn url_encoded(text: &str) -> String {
    let mut url = url::Url::parse("http://x").unwrap();
    url.query_pairs_mut().append_pair("", text);
    url.query().unwrap().trim_start_matches('=').to_owned()
}

#[tokio::test]
async fn no_secret_is_shown_anywhere() {
    let recorder = HarRecorder::in_memory();
    let (client, errors) = exchanges(&recorder).await;
    for error in &errors {
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(
            error.to_string().contains("***"),
            "the server's words are kept, the secret struck out: {error}"
        );
        holds_no_secret(&error.to_string(), "an error");
        holds_no_secret(&format!("{error:?}"), "an error's debug output");
    }
    holds_no_secret(&format!("{client:?} {:?}", client.tenant()), "the client's debug output");
    holds_no_secret(&recorder.archive().unwrap(), "the recording");
    assert!(!recorder.archive().unwrap().contains("P4ss"), "however it is escaped");
}

#[tokio::test]
async fn a_recording_is_a_whole_archive_after_every_exchange() {
    let recorder = HarRecorder::in_memory();
    let empty: Value = serde_json::from_str(&recorder.archive().unwrap()).unwrap();
    assert_eq!(empty["log"]["entries"], json!([]));
    exchanges(&recorder).await;
    let archive: Value = serde_json::from_str(&recorder.archive().unwrap()).unwrap();
    assert_eq!(archive["log"]["version"], "1.2");
    let entries = archive["log"]["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 4, "a token, two refusals, a sign-in");
    assert_eq!(entries[1]["request"]["method"], "POST");
    assert_eq!(entries[1]["response"]["status"], 400);
    let body: Value =
        serde_json::from_str(entries[1]["request"]["postData"]["text"].as_str().unwrap()).unwrap();
    assert_eq!(body["passwordProfile"]["password"], "***");
    assert_eq!(body["displayName"], "Anna");
}

#[tokio::test]
async fn a_recording_in_a_file_is_for_its_owner_only_and_has_lost_answers_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wire.har");
    let recorder = HarRecorder::to_file(&path).unwrap();
    let server = Scripted::start(vec![Step::Vanish, Step::Json(200, json!({ "value": [] }))]).await;
    let (builder, ..) = builder(&server.base);
    builder.recorder(recorder).build().unwrap().tenant().domains.list().await.unwrap();
    let archive: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let statuses: Vec<_> = archive["log"]["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["response"]["status"].clone())
        .collect();
    assert_eq!(statuses, [json!(0), json!(200)]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert!(HarRecorder::to_file(folder.path().join("no/such/folder.har")).is_err());
    assert!(HarRecorder::to_file(folder.path()).is_err(), "a folder is left alone");
}

#[cfg(unix)]
#[test]
fn a_recording_replaces_a_file_that_others_could_read_and_follows_no_link() {
    use std::os::unix::fs::{PermissionsExt, symlink};

    let folder = tempfile::tempdir().unwrap();
    let (path, link) = (folder.path().join("wire.har"), folder.path().join("link.har"));
    std::fs::write(&path, "what was there").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let reader = std::fs::File::open(&path).unwrap();
    drop(HarRecorder::to_file(&path).unwrap());
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(std::fs::read_to_string(&path).unwrap().contains("entries"));
    let seen = std::io::read_to_string(reader).unwrap();
    assert_eq!(seen, "what was there", "who had it open does not see the recording");

    let target = folder.path().join("target");
    std::fs::write(&target, "somebody's").unwrap();
    symlink(&target, &link).unwrap();
    let error = HarRecorder::to_file(&link).unwrap_err();
    assert!(error.to_string().contains("link"), "{error}");
    assert_eq!(std::fs::read_to_string(&target).unwrap(), "somebody's");
}
