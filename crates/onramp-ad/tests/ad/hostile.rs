//! Servers that break the protocol, by mistake or on purpose: their cost is bounded, and the error says what
//! is wrong.

use std::net::SocketAddr;
use std::time::Duration;

use onramp_ad::{LdapSecurity, LdapTimeouts};
use onramp_core::{Error, ErrorKind};
use onramp_lab::forest::{Fault, Operation};
use onramp_lab::tls::LabCa;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::{ServerConfig, version};

use crate::connecting::{HOST, to};
use crate::lab::{Lab, people};

/// The first request of a client is its bind, and the second reads the root DSE.
const BOUND: &[u8] = &[0x30, 0x0c, 0x02, 1, 1, 0x61, 7, 0x0a, 1, 0, 4, 0, 4, 0];
/// The entry CN=a without attributes.
const ENTRY: &[u8] = &[0x64, 8, 4, 4, b'C', b'N', b'=', b'a', 0x30, 0];

fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    [&[tag, 0x84], length.as_slice(), content].concat()
}

fn message(id: u8, operation: &[u8]) -> Vec<u8> {
    element(0x30, &[&[2, 1, id], operation].concat())
}

/// A server that accepts every bind, and answers every search in that way, repeatedly if `is_endless`.
async fn server(config: std::sync::Arc<ServerConfig>, answer: Vec<u8>, is_endless: bool) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = TlsAcceptor::from(config.clone()).accept(stream).await else { continue };
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(BOUND).await;
            let _ = stream.read(&mut request).await;
            while stream.write_all(&answer).await.is_ok() && is_endless {}
            // Until the client closes the connection.
            let _ = stream.flush().await;
            let _ = stream.read(&mut request).await;
        }
    });
    address
}

/// The error of a client of such a server.
async fn told_of(answer: Vec<u8>, is_endless: bool) -> Error {
    told_within(LdapTimeouts::default(), answer, is_endless).await
}

async fn told_within(limits: LdapTimeouts, answer: Vec<u8>, is_endless: bool) -> Error {
    let ca = LabCa::new().unwrap();
    let address = server(ca.server_config(&[HOST]).unwrap(), answer, is_endless).await;
    let error = to(address, &ca).timeouts(limits).connect().await.unwrap_err();
    assert_eq!(error.reply().server.as_deref(), Some(HOST));
    error
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    let references = element(0x73, &element(0x04, b"ldaps://elsewhere.example/DC=b"));
    // An intermediate response without a name or a value.
    let remark = element(0x79, &[]);
    for (operation, says) in [
        (ENTRY, "more than the one object that it was asked for"),
        (&references, "more than 1000 references and remarks instead of objects"),
        (&remark, "more than 1000 references and remarks instead of objects"),
    ] {
        let error = told_of(message(2, operation).repeat(100), true).await;
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        assert!(error.to_string().contains(says), "{error}");
        assert!(error.hint().is_some());
    }
}

#[tokio::test]
async fn answers_to_nobody_keep_nobody_waiting() {
    let limits = LdapTimeouts::default().with_operation(Duration::from_millis(500));
    let error = told_within(limits, message(77, ENTRY).repeat(100), true).await;
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains("no answer came within 0.5 s"), "{error}");
}

#[tokio::test]
async fn what_would_exhaust_memory_or_the_stack_is_not_taken_in() {
    // Nested so deep that recursion would overflow the stack.
    let deep = (0..15_u8).fold(vec![4, 0], |inner, _| element(0x30, &inner));
    let longer = [0x64, 8, 4, 0x84, 0x7f, 0xff, 0xff, 0xff, b'a', b'b'];
    for (answer, says) in [
        (vec![0x30, 0x84, 0x7f, 0xff, 0xff, 0xff, 2, 1, 2], "a message of more than 64 MiB"),
        (message(2, &element(0x64, &deep)), "elements nested deeper than LDAP's"),
        (message(2, &element(0x64, &[0; 3 << 20])), "a message of more than a million elements"),
        (message(2, &longer), "an element that is longer than the one around it"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(), "something that is no LDAP message"),
    ] {
        let error = told_of(answer, false).await;
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        assert!(error.to_string().contains(says), "{says}: {error}");
    }
}

#[tokio::test]
async fn an_old_version_of_tls_is_checked_too() {
    let ca = LabCa::new().unwrap();
    let config = ca.server_config(&[HOST]).unwrap();
    let mut old = ServerConfig::builder_with_provider(config.crypto_provider().clone())
        .with_protocol_versions(&[&version::TLS12])
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(config.cert_resolver.clone());
    old.send_tls13_tickets = 0;
    let answer = vec![0x30, 0x84, 0x7f, 0xff, 0xff, 0xff];
    let address = server(old.into(), answer, false).await;
    let error = to(address, &ca).connect().await.unwrap_err();
    assert!(error.to_string().contains("a message of more than 64 MiB"), "{error}");
}

#[tokio::test]
async fn an_answer_of_another_kind_ends_the_connection_and_nothing_else() {
    // An extended response under the ID of a search: the library panics.
    let answer = message(2, &element(0x78, &[0x0a, 1, 12, 4, 0, 4, 0]));
    let error = told_of(answer, false).await;
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(error.to_string().contains("an answer that breaks the protocol"), "{error}");
}

#[tokio::test]
async fn what_answers_start_tls_is_bounded() {
    let long = element(0x78, &element(0x04, &[b'x'; 5000]));
    for (answer, says) in [
        (message(1, &long), "has no end"),
        (message(1, &element(0x65, &[])), "could not be understood"),
        (vec![0x30, 0x84, 0x7f, 0xff, 0xff, 0xff], "a message of more than 64 MiB"),
        (message(1, &element(0x78, &[0x0a, 1, 53, 4, 0, 4, 2, b'n', b'o'])), "does not offer StartTLS"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 64]).await;
            let _ = stream.write_all(&answer).await;
            let _ = stream.read(&mut [0; 64]).await;
        });
        let ca = LabCa::new().unwrap();
        let error = to(address, &ca).security(LdapSecurity::StartTls).connect().await.unwrap_err();
        assert!(error.to_string().contains(says), "{says}: {error}");
    }
}

#[tokio::test]
async fn a_notice_of_disconnection_is_told_and_the_next_use_connects_anew() {
    let lab = Lab::small().await;
    let users = lab.connect().await.forest().users;
    let user = people(users.as_ref(), 1).await.remove(0);
    // The read, which is repeated once, meets it again.
    lab.model.inject(Operation::Search, Fault::Disconnection, 2);
    let error = users.get(&user.guid).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    let says = "the server gave notice that it closes the connection, with result code 52 (\"the domain controller shuts down\")";
    assert!(error.to_string().contains(says), "{error}");
    assert_eq!(users.get(&user.guid).await.unwrap(), user);
    lab.model.inject(Operation::Search, Fault::Disconnection, 1);
    assert_eq!(users.get(&user.guid).await.unwrap(), user);
}
