//! Sign-in by a ticket of the forest's own Kerberos service. Needs the feature `kerberos`.
//!
//! MIT Kerberos reads environment variables, which a process cannot safely change for itself: each test runs itself
//! again in a process that has the ticket, and checks the result from outside.

use std::process::{Command, Output};

use onramp_ad::{AdClient, AdClientBuilder, LdapSecurity};
use onramp_core::forest::{ObjectChanged, UpnChange};
use onramp_core::{ErrorKind, ObjectGuid, Upn};
use onramp_samba::{Forest, Rights};

use crate::crowd::added;
use crate::shared::{forest, run, seen};

const USER: &str = "ONRAMP_KERBEROS_USER";
const CONTROLLER: &str = "ONRAMP_KERBEROS_CONTROLLER";
const ADDRESS: &str = "ONRAMP_KERBEROS_ADDRESS";
const AUTHORITY: &str = "ONRAMP_KERBEROS_AUTHORITY";
const PASSED: &str = "the process with the ticket did what it should";

#[test]
#[ignore = "needs root and Samba AD"]
fn kerberos_reads_and_writes_a_upn() {
    if let Some(guid) = variable(USER) {
        run(renames(ObjectGuid::parse(&guid).unwrap()));
        println!("{PASSED}");
        return;
    }
    let forest = forest();
    let delegate = forest.add_login("by-ticket", Rights::WriteUpn).unwrap();
    let [(user, guid)] = added(&forest, 1).try_into().unwrap();
    let ticket = forest.ticket(&delegate).unwrap().environment();
    let output = again(&forest, "kerberos::kerberos_reads_and_writes_a_upn", guid, &ticket);
    assert!(text(&output).contains(PASSED), "{}", text(&output));
    assert!(!text(&output).contains(delegate.password().expose()), "no password is told");
    assert_eq!(seen(&forest, 0, &user.dn, "userPrincipalName"), ["start-tls@ticket.example"]);
}

#[test]
#[ignore = "needs root and Samba AD"]
fn kerberos_without_a_ticket_says_what_to_do() {
    if variable(USER).is_some() {
        let error = run(builder(LdapSecurity::Ldaps).connect()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
        let told = error.to_string();
        for part in ["kinit", &variable(CONTROLLER).unwrap(), "Kerberos"] {
            assert!(told.contains(part), "“{part}” is not in: {told}");
        }
        println!("{PASSED}");
        return;
    }
    let forest = forest();
    let [(_, guid)] = added(&forest, 1).try_into().unwrap();
    let [config, _] = forest.ticket(forest.admin()).unwrap().environment();
    let nothing = ("KRB5CCNAME", format!("FILE:{}", forest.folder().join("no.ccache").display()));
    let output =
        again(&forest, "kerberos::kerberos_without_a_ticket_says_what_to_do", guid, &[config, nothing]);
    assert!(text(&output).contains(PASSED), "{}", text(&output));
}

/// Signs in, in the process with the ticket: over LDAPS, then with StartTLS.
async fn renames(guid: ObjectGuid) {
    for (security, local) in [(LdapSecurity::Ldaps, "ldaps"), (LdapSecurity::StartTls, "start-tls")] {
        let ports = builder(security).connect().await.unwrap().forest();
        let user = ports.users.get(&guid).await.unwrap();
        let after = Upn::parse(&format!("{local}@ticket.example")).unwrap();
        let change = UpnChange { guid, dn: user.dn, before: user.upn, after: after.clone() };
        assert_eq!(ports.object_writer.change(&(&change).into()).await.unwrap(), ObjectChanged::Changed);
        assert_eq!(ports.users.get(&guid).await.unwrap().upn, Some(after.to_string()));
    }
}

fn builder(security: LdapSecurity) -> AdClientBuilder {
    let host = variable(CONTROLLER).unwrap();
    let port = if security == LdapSecurity::Ldaps { 636 } else { 389 };
    let address = (variable(ADDRESS).unwrap().parse::<std::net::IpAddr>().unwrap(), port).into();
    let builder = AdClient::builder(&host).security(security).address(&host, address);
    builder.trust_root_pem_file(variable(AUTHORITY).unwrap()).unwrap().bind_with_kerberos()
}

/// Runs a test of this program once more, with the forest's data and the variables of Kerberos.
fn again(forest: &Forest, test: &str, user: ObjectGuid, kerberos: &[(&str, String)]) -> Output {
    let controller = &forest.controllers()[0];
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--ignored", "--nocapture"])
        .env(USER, user.to_string())
        .env(CONTROLLER, controller.fqdn())
        .env(ADDRESS, controller.ip().to_string())
        .env(AUTHORITY, forest.ca_file())
        .envs(kerberos.iter().map(|(name, value)| (name, value)))
        .output()
        .unwrap()
}

fn text(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text)).concat()
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
