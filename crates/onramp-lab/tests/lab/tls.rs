//! The lab's certificates are accepted by a client that trusts its authority, for the names they were made for, and by no other.

use std::sync::Arc;

use onramp_lab::tls::LabCa;
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection};
use rustls_pki_types::ServerName;

/// Shakes hands in memory and sends one word through; gives the client's error when it refuses.
fn handshake(trusted: &LabCa, server: Arc<ServerConfig>, name: &str) -> Result<(), rustls::Error> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.certificate_der()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let mut client =
        ClientConnection::new(Arc::new(config), ServerName::try_from(name.to_owned()).unwrap()).unwrap();
    let mut server = ServerConnection::new(server).unwrap();
    while client.is_handshaking() || server.is_handshaking() {
        let mut wire = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut wire).unwrap();
        }
        server.read_tls(&mut wire.as_slice()).unwrap();
        // A refused handshake reaches the server as an alert; the client's reason is the one to report.
        let _ = server.process_new_packets();
        let mut wire = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut wire).unwrap();
        }
        client.read_tls(&mut wire.as_slice()).unwrap();
        client.process_new_packets()?;
    }
    Ok(())
}

#[test]
fn names_and_addresses_are_accepted_by_who_trusts_the_authority() {
    let ca = LabCa::new().unwrap();
    let config = ca.server_config(&["localhost", "dc1.corp.example", "127.0.0.1", "::1"]).unwrap();
    for name in ["localhost", "dc1.corp.example", "127.0.0.1", "::1"] {
        handshake(&ca, config.clone(), name).unwrap();
    }
    handshake(&ca, config, "dc2.corp.example").unwrap_err();
}

#[test]
fn another_authority_and_an_expired_certificate_are_refused() {
    let ca = LabCa::new().unwrap();
    let other = LabCa::new().unwrap();
    handshake(&other, ca.server_config(&["localhost"]).unwrap(), "localhost").unwrap_err();
    let error = handshake(&ca, ca.expired_server_config(&["localhost"]).unwrap(), "localhost").unwrap_err();
    assert!(error.to_string().contains("expired"), "{error}");
}

#[test]
fn a_name_that_cannot_stand_in_a_certificate_is_an_error() {
    let error = LabCa::new().unwrap().server_config(&["käse.example"]).unwrap_err();
    assert!(error.to_string().contains("could not make a certificate for the lab"), "{error}");
}
