//! Discovery of domain controllers in DNS, by a name server that is part of the test.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use hickory_resolver::proto::op::{Message, ResponseCode};
use hickory_resolver::proto::rr::rdata::{A, SRV};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use hickory_resolver::proto::serialize::binary::{BinDecodable, BinEncodable};
use onramp_ad::{AdClient, AdClientBuilder, BindName, LdapSecurity, LdapTimeouts};
use onramp_core::{DomainName, ErrorKind};
use onramp_lab::forest::LabForest;
use tokio::net::UdpSocket;

use crate::lab::Lab;

const IN_DOMAIN: &str = "_ldap._tcp.dc._msdcs.corp.local.";
const IN_BRANCH: &str = "_ldap._tcp.Branch._sites.dc._msdcs.corp.local.";

/// A name server with SRV records: name, priority and host.
async fn name_server(records: Vec<(&'static str, u16, &'static str)>) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut buffer = [0; 4096];
        while let Ok((length, peer)) = socket.recv_from(&mut buffer).await {
            let request = Message::from_bytes(&buffer[..length]).unwrap();
            let query = request.queries[0].clone();
            let mut response = Message::response(request.metadata.id, request.metadata.op_code);
            response.add_query(query.clone());
            let asked = query.name().to_ascii().to_lowercase();
            for (name, priority, host) in &records {
                if query.query_type() == RecordType::SRV && name.to_lowercase() == asked {
                    let host = Name::from_ascii(format!("{host}.")).unwrap();
                    let srv = RData::SRV(SRV::new(*priority, 100, 389, host));
                    response.add_answer(Record::from_rdata(query.name().clone(), 60, srv));
                }
            }
            if query.query_type() == RecordType::A {
                let home = RData::A(A(Ipv4Addr::LOCALHOST));
                response.add_answer(Record::from_rdata(query.name().clone(), 60, home));
            }
            if response.answers.is_empty() {
                response.metadata.response_code = ResponseCode::NXDomain;
            }
            socket.send_to(&response.to_bytes().unwrap(), peer).await.unwrap();
        }
    });
    address
}

async fn lab() -> Lab {
    Lab::start(LabForest::builder().users(10).controllers(2).sites(&["Hub", "Branch"])).await
}

fn discovering(lab: &Lab, name_server: SocketAddr) -> AdClientBuilder {
    let login = lab.model.administrator();
    let builder = AdClient::discover(&DomainName::parse("corp.local").unwrap()).name_server(name_server);
    let builder = lab.complete(builder, LdapSecurity::Ldaps);
    builder.bind(BindName::parse(&login.name).unwrap(), login.password)
}

#[tokio::test]
async fn records_are_tried_in_order_of_priority() {
    let lab = lab().await;
    let server = name_server(vec![(IN_DOMAIN, 10, "dc1.corp.local"), (IN_DOMAIN, 0, "DC2.corp.local")]).await;
    let client = discovering(&lab, server).connect().await.unwrap();
    assert_eq!(client.root_dse().await.unwrap().host, "dc2.corp.local");
    lab.model.stop_controller("dc2.corp.local").unwrap();
    // A broken connection is noticed when it is used.
    client.domains().await.unwrap_err();
    assert_eq!(client.root_dse().await.unwrap().host, "dc1.corp.local");
    client.forest().suffixes.add(&"contoso.com".parse().unwrap()).await.unwrap();
}

#[tokio::test]
async fn the_site_s_own_come_first() {
    let lab = lab().await;
    let server = name_server(vec![(IN_DOMAIN, 0, "dc1.corp.local"), (IN_BRANCH, 0, "dc2.corp.local")]).await;
    let client = discovering(&lab, server).site("Branch").connect().await.unwrap();
    assert_eq!(client.root_dse().await.unwrap().host, "dc2.corp.local");
    // A site without domain controllers of its own is no obstacle.
    let client = discovering(&lab, server).site("Elsewhere").connect().await.unwrap();
    assert_eq!(client.root_dse().await.unwrap().host, "dc1.corp.local");
}

#[tokio::test]
async fn a_password_goes_to_no_host_outside_of_the_domain() {
    let lab = lab().await;
    let server = name_server(vec![(IN_DOMAIN, 0, "dc1.evil.example")]).await;
    let error = discovering(&lab, server).connect().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("dc1.evil.example"), "{error}");
    let mixed = vec![(IN_DOMAIN, 0, "dc1.evil.example"), (IN_DOMAIN, 5, "dc1.corp.local")];
    let client = discovering(&lab, name_server(mixed).await).connect().await.unwrap();
    assert_eq!(client.root_dse().await.unwrap().host, "dc1.corp.local");
}

#[tokio::test]
async fn a_domain_that_dns_does_not_know_is_told() {
    let lab = lab().await;
    let error = discovering(&lab, name_server(Vec::new()).await).connect().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains("corp.local"), "{error}");
    // No answer comes from there.
    let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let timeouts = LdapTimeouts::default().with_connect(Duration::from_millis(300));
    let builder = discovering(&lab, silent.local_addr().unwrap()).timeouts(timeouts);
    assert_eq!(builder.connect().await.unwrap_err().kind(), ErrorKind::Unavailable);
}
