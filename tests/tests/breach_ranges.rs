//! The range interface of Have I Been Pwned, by reqwest, against a server in place of the service.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::time::Duration;

use onramp_password::breach::{ClientError, FetchError, HashKind, HttpTransport, MAX_BODY, RangeClient};
use wiremock::matchers::{header, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

/// The rest of the SHA-1 of "password", after the prefix 5BAA6.
const REST: &str = "1E4C9B93F3F0682250B6CF8331B7EE68FD8";

fn client() -> reqwest::Client {
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring has them")
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    reqwest::Client::builder().tls_backend_preconfigured(tls).build().expect("a client")
}

fn ranges(server: &MockServer) -> RangeClient<HttpTransport> {
    let transport = HttpTransport::new(client()).with_user_agent("tests").with_limit(Duration::from_secs(5));
    RangeClient::new(transport).with_service(server.uri())
}

async fn answers(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path("/range/5BAA6"))
        .and(header("Add-Padding", "true"))
        .and(header("User-Agent", "tests"))
        .respond_with(answer)
        .mount(&server)
        .await;
    server
}

#[tokio::test]
async fn a_range_is_asked_for_by_five_digits_and_read() {
    let other = "0018A45C4D1DEF81644B54AB7F969B88D65";
    let body = format!("{other}:0\r\n{REST}:10434004\r\n");
    let server = answers(ResponseTemplate::new(200).set_body_string(body)).await;
    assert_eq!(ranges(&server).count_async("password").await.unwrap(), 10_434_004);
    let asked = server.received_requests().await.unwrap();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].url.path(), "/range/5BAA6");
    assert!(asked[0].body.is_empty());
}

#[tokio::test]
async fn ntlm_ranges_are_another_mode() {
    let server = MockServer::start().await;
    // NTLM of "password": 8846F7EAEE8FB117AD06BDD830B7586C.
    Mock::given(path("/range/8846F"))
        .and(query_param("mode", "ntlm"))
        .respond_with(ResponseTemplate::new(200).set_body_string("7EAEE8FB117AD06BDD830B7586C:3\r\n"))
        .mount(&server)
        .await;
    let ranges = ranges(&server).with_kind(HashKind::Ntlm).without_padding();
    assert_eq!(ranges.count_async("password").await.unwrap(), 3);
}

#[tokio::test]
async fn what_is_no_range_is_an_error_and_never_a_no() {
    let refused = answers(ResponseTemplate::new(503).set_body_string(format!("{REST}:7"))).await;
    let error = ranges(&refused).count_async("password").await.unwrap_err();
    assert!(
        matches!(error, ClientError::Transport { source: FetchError::Status(status), .. } if status == 503)
    );

    let endless = answers(ResponseTemplate::new(200).set_body_bytes(vec![b'0'; MAX_BODY + 1])).await;
    let error = ranges(&endless).count_async("password").await.unwrap_err();
    assert!(matches!(error, ClientError::Transport { source: FetchError::TooLong, .. }), "{error}");

    let page = answers(ResponseTemplate::new(200).set_body_string("<html>Welcome to the hotel</html>")).await;
    let error = ranges(&page).count_async("password").await.unwrap_err();
    assert!(matches!(error, ClientError::Answer { .. }), "{error}");

    let gone = answers(ResponseTemplate::new(200)).await;
    let uri = gone.uri();
    drop(gone);
    let nobody = RangeClient::new(HttpTransport::new(client())).with_service(uri);
    let error = nobody.count_async("password").await.unwrap_err();
    assert!(
        matches!(error, ClientError::Transport { .. }) && !error.to_string().contains("password"),
        "{error}"
    );
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_not_waited_for() {
    let slow = answers(ResponseTemplate::new(200).set_delay(Duration::from_secs(3600))).await;
    let transport =
        HttpTransport::new(client()).with_user_agent("tests").with_limit(Duration::from_millis(200));
    let ranges = RangeClient::new(transport).with_service(slow.uri());
    let error = ranges.count_async("password").await.unwrap_err();
    let timed_out = |error: &FetchError| matches!(error, FetchError::Http(error) if error.is_timeout());
    assert!(matches!(&error, ClientError::Transport { source, .. } if timed_out(source)), "{error}");
}
