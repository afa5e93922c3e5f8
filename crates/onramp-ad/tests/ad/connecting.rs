//! Connecting, and every way in which it fails.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use onramp_ad::{AdClient, BindName, LdapSecurity, LdapTimeouts};
use onramp_core::{ErrorKind, Password};
use onramp_lab::forest::{Fault, Operation};
use onramp_lab::tls::LabCa;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

use crate::lab::{Lab, people};

pub(crate) const HOST: &str = "dc1.corp.example";

pub(crate) fn to(address: SocketAddr, ca: &LabCa) -> onramp_ad::AdClientBuilder {
    AdClient::builder(HOST)
        .address(HOST, address)
        .trust_root_pem(ca.certificate_pem())
        .unwrap()
        .bind(BindName::parse(r"CORP\anna").unwrap(), Password::new("secret-of-anna".into()))
}

/// A client is used from tasks that may move between threads.
#[test]
fn the_client_and_its_futures_can_be_sent_to_another_thread() {
    fn is_send<T: Send>(_: fn(&'static AdClient) -> T) {}
    fn is_shared<T: Send + Sync + 'static>() {}
    is_shared::<AdClient>();
    is_shared::<onramp_ad::AdClientBuilder>();
    is_send(AdClient::root_dse);
    is_send(AdClient::domains);
    is_send(AdClient::controllers);
    is_send(AdClient::survey_controllers);
    fn connecting<T: Send>(_: fn(onramp_ad::AdClientBuilder) -> T) {}
    connecting(onramp_ad::AdClientBuilder::connect);
}

/// A server that does TLS with that configuration and nothing after it.
async fn tls_server(config: Arc<ServerConfig>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = TlsAcceptor::from(config.clone()).accept(stream).await;
        }
    });
    address
}

#[tokio::test]
async fn the_domain_controller_describes_itself() {
    let lab = Lab::small().await;
    for security in [LdapSecurity::Ldaps, LdapSecurity::StartTls] {
        let client = lab.builder_as(&lab.model.administrator(), security).connect().await.unwrap();
        let root = client.root_dse().await.unwrap();
        assert_eq!(root.host, lab.host(0));
        assert_eq!(root.domain, lab.model.base());
        assert_eq!(root.configuration, lab.model.base().child("CN", "Configuration"));
        assert!(root.holds(&lab.model.base()) && !root.holds(&root.partitions()));
    }
    let client = lab.connect().await;
    let domains = client.domains().await.unwrap();
    assert_eq!(domains.len(), 1);
    assert_eq!(&domains[0].dns_name, lab.model.domain());
}

#[tokio::test]
async fn certificates_that_are_not_accepted_are_told_apart() {
    let (ca, other) = (LabCa::new().unwrap(), LabCa::new().unwrap());
    let right = tls_server(ca.server_config(&[HOST]).unwrap()).await;
    let expired = tls_server(ca.expired_server_config(&[HOST]).unwrap()).await;
    let elsewhere = tls_server(ca.server_config(&["dc9.corp.example"]).unwrap()).await;
    for (address, trusted, says, advises) in [
        (
            right,
            &other,
            "issued by an authority that is not trusted",
            "Give the certificate of the authority",
        ),
        (expired, &ca, "has expired", "Renew the certificate of dc1.corp.example"),
        (
            elsewhere,
            &ca,
            "is not for the name dc1.corp.example",
            "Connect by a name that the certificate carries",
        ),
    ] {
        let error = to(address, trusted).connect().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        let text = error.to_string();
        assert!(text.contains(says) && text.contains(advises), "{text}");
        assert_eq!(error.reply().server.as_deref(), Some(HOST));
    }
}

#[tokio::test]
async fn a_host_given_by_its_address_needs_a_certificate_for_the_address() {
    let ca = LabCa::new().unwrap();
    for (names, is_accepted) in [(["127.0.0.1"], true), ([HOST], false), (["127.0.0.2"], false)] {
        let server = tls_server(ca.server_config(&names).unwrap()).await;
        let builder = AdClient::builder("127.0.0.1").address("127.0.0.1", server);
        let builder =
            builder.bind(BindName::parse("CN=a,DC=corp,DC=example").unwrap(), Password::new("x".to_owned()));
        let builder = builder.trust_root_pem(ca.certificate_pem()).unwrap();
        let error = builder.connect().await.unwrap_err().to_string();
        assert_eq!(error.contains("is not for the name 127.0.0.1"), !is_accepted, "{error}");
    }
}

#[tokio::test]
async fn a_port_that_does_not_speak_tls_is_named() {
    let lab = Lab::small().await;
    let plain = lab.servers.controllers()[0].ldap;
    let error = lab.builder().address(lab.host(0), plain).connect().await.unwrap_err();
    assert!(error.to_string().contains("port"), "{error}");
}

#[tokio::test]
async fn a_host_that_is_not_there_is_unavailable() {
    let ca = LabCa::new().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let free = listener.local_addr().unwrap();
    drop(listener);
    let error = to(free, &ca).connect().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains("cannot be reached"), "{error}");
    assert!(error.hint().is_some());

    let unresolvable = AdClient::builder("dc1.corp.invalid")
        .trust_root_pem(ca.certificate_pem())
        .unwrap()
        .bind(BindName::parse(r"CORP\anna").unwrap(), Password::new("secret".into()));
    let error = unresolvable.connect().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn a_host_that_says_nothing_is_given_up() {
    let ca = LabCa::new().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = listener.local_addr().unwrap();
    let limits = LdapTimeouts::default().with_connect(Duration::from_millis(50));
    for security in [LdapSecurity::Ldaps, LdapSecurity::StartTls] {
        let error = to(silent, &ca).security(security).timeouts(limits).connect().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(error.to_string().contains("while TLS was being negotiated"), "{error}");
    }
}

#[tokio::test]
async fn a_wrong_password_is_explained_and_never_sent_twice() {
    let lab = Lab::small().await;
    let login = lab.model.administrator();
    let client = lab
        .builder()
        .bind(BindName::parse(&login.name).unwrap(), Password::new("not-the-password".into()))
        .build()
        .unwrap();
    let first = client.root_dse().await.unwrap_err();
    assert_eq!(first.kind(), ErrorKind::Unauthenticated);
    assert_eq!(first.reply().ldap_code, Some(49));
    assert!(first.to_string().contains("wrong"), "{first}");
    assert!(!format!("{first:?}{client:?}").contains("not-the-password"));
    // A second bind would meet this fault instead of the refusal.
    lab.model.inject(Operation::Bind, Fault::Unavailable, 1);
    let second = client.root_dse().await.unwrap_err();
    assert_eq!(second.kind(), ErrorKind::Unauthenticated);
}

#[tokio::test]
async fn nobody_signs_in_without_a_name_and_a_password() {
    let ca = LabCa::new().unwrap();
    let address = "127.0.0.1:9".parse().unwrap();
    let empty = to(address, &ca).bind(BindName::parse(r"CORP\anna").unwrap(), Password::new(String::new()));
    assert_eq!(empty.build().unwrap_err().kind(), ErrorKind::Invalid);
    let nobody = AdClient::builder(HOST).trust_root_pem(ca.certificate_pem()).unwrap();
    assert_eq!(nobody.build().unwrap_err().kind(), ErrorKind::Invalid);
    for name in ["", "  ", "anna", "CORP\\an\0na"] {
        assert_eq!(BindName::parse(name).unwrap_err().kind(), ErrorKind::Invalid, "{name:?}");
    }
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused_before_connecting() {
    let ca = LabCa::new().unwrap();
    let with_host = |host: &str| {
        AdClient::builder(host)
            .trust_root_pem(ca.certificate_pem())
            .unwrap()
            .bind(BindName::parse(r"CORP\anna").unwrap(), Password::new("secret".into()))
    };
    for host in ["", "ldaps://dc1", "dc1:636", "[::1]", "::1", "dc1/x", "dc 1", "a..b", "1.2.3.4.5"] {
        assert_eq!(with_host(host).build().unwrap_err().kind(), ErrorKind::Invalid, "{host:?}");
    }
    assert!(with_host("dc1.corp.example.").build().is_ok() && with_host("10.0.0.1").build().is_ok());
    assert!(with_host("dc1").page_size(0).build().is_err());
    assert!(with_host("dc1").max_in_flight(0).build().is_err());
    for pem in ["", "no certificate", "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"] {
        assert_eq!(AdClient::builder("dc1").trust_root_pem(pem).unwrap_err().kind(), ErrorKind::Invalid);
    }
    let missing = AdClient::builder("dc1").trust_root_pem_file("/no/such/file.pem").unwrap_err();
    assert!(missing.to_string().contains("/no/such/file.pem"), "{missing}");
}

#[tokio::test]
async fn a_connection_that_was_lost_is_opened_again() {
    let lab = Lab::small().await;
    let client = lab.connect().await;
    let users = client.forest().users;
    let user = people(users.as_ref(), 1).await.remove(0);
    lab.model.stop_controller(lab.host(0)).unwrap();
    let error = users.get(&user.guid).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    lab.model.start_controller(lab.host(0)).unwrap();
    assert_eq!(users.get(&user.guid).await.unwrap(), user);
    // An idle connection is opened again: domain controllers close them.
    lab.clock.advance(Duration::from_secs(3600));
    assert_eq!(users.get(&user.guid).await.unwrap(), user);
    // A read whose answer is lost is repeated.
    lab.model.inject(Operation::Search, Fault::LostReply, 1);
    assert_eq!(users.get(&user.guid).await.unwrap(), user);
}
