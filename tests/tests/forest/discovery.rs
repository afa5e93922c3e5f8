//! Discovery of the forest by the records of Samba's own DNS server.

use std::net::SocketAddr;

use onramp_ad::{AdClient, AdClientBuilder, BindName};
use onramp_core::{DomainName, Password};
use onramp_samba::Forest;

use crate::shared::{forest, run};

#[test]
#[ignore = "needs root and Samba AD"]
fn the_controllers_are_found_in_dns_and_others_take_over() {
    let forest = forest();
    let client = discovering(&forest).build().unwrap();
    run(async {
        // Only the domain's name is known: hosts and addresses both come from DNS.
        client.root_dse().await.unwrap();
        let survey = client.survey_controllers().await.unwrap();
        assert_eq!(survey.len(), 2, "{survey:?}");
        assert!(survey.iter().all(|status| status.takes_changes()), "{survey:?}");
        forest.stop_controller(0).unwrap();
        // A connection shows that it is broken when it is used.
        let _ = client.domains().await;
        assert_eq!(client.root_dse().await.unwrap().host, forest.controllers()[1].fqdn());
        let suffix: DomainName = "found-in-dns.example".parse().unwrap();
        client.forest().suffixes.add(&suffix).await.unwrap();
        client.forest().suffixes.force_remove(&(&suffix).into()).await.unwrap();
        forest.start_controller(0).unwrap();
    });
}

#[test]
#[ignore = "needs root and Samba AD"]
fn the_records_of_a_site_are_found() {
    let forest = forest();
    let site = forest.controllers()[0].site().to_owned();
    let client = discovering(&forest).site(&site).build().unwrap();
    assert_eq!(run(client.root_dse()).unwrap().site(), site);
}

/// Returns a client of the second controller's DNS server, which keeps running when the first controller is stopped.
fn discovering(forest: &Forest) -> AdClientBuilder {
    let domain: DomainName = forest.domain().parse().unwrap();
    let name_server = SocketAddr::new(forest.controllers()[1].ip(), 53);
    let name = BindName::parse(forest.admin().upn()).unwrap();
    AdClient::discover(&domain)
        .name_server(name_server)
        .trust_root_pem_file(forest.ca_file())
        .unwrap()
        .bind(name, Password::new(forest.admin().password().expose().to_owned()))
}
