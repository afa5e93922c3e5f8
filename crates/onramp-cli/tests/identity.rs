//! The program `onramp` with an application identity: made, rotated, its old certificate removed, and undone, each as a process of its
//! own on the lab's servers.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fmt::Write as _;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;

use onramp::lab::forest::LabForest;
use onramp::lab::tenant::LabTenant;
use onramp::lab::tls::LabCa;

const NAME: &str = "onramp-entra-connect";

struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    /// Runs `onramp`, and returns its exit code and what it printed.
    async fn onramp(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_onramp"));
        command.args(arguments).current_dir(self.folder.path()).stdin(std::process::Stdio::null());
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8_lossy(&said).into_owned())
    }

    async fn succeeds(&self, arguments: &[&str]) -> String {
        let (code, said) = self.onramp(arguments).await;
        assert_eq!(code, Some(0), "{arguments:?}: {said}");
        assert!(!said.contains("PRIVATE"), "{said}");
        said
    }

    /// Returns the current private key of the application.
    fn key(&self) -> String {
        fs::read_to_string(self.folder.path().join(format!("out/secrets/{NAME}.password"))).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_identity_is_made_rotated_and_undone_by_the_program() {
    let ca = LabCa::new().unwrap();
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let tenant = LabTenant::builder().name("contoso").seed(7).auto_publish_dns(true).build().unwrap();
    let server = tenant.serve(&ca, any).await.unwrap();
    let forest = LabForest::builder().domain("corp.local").users(2).seed(7).controllers(1).build().unwrap();
    let servers = forest.serve(&ca).await.unwrap();
    let desk = Desk { folder: tempfile::tempdir().unwrap() };
    let write = |name: &str, text: &str| fs::write(desk.folder.path().join(name), text).unwrap();
    let (known, login, at) = (tenant.credentials(), forest.administrator(), server.base_url());
    write("client.secret", known.client_secret.expose());
    write("bind.password", login.password.expose());
    write("ca.pem", &ca.certificate_pem());
    let mut config = format!(
        "[tenant]\nid = '{}'\nclient_id = '{}'\nclient_secret = {{ file = 'client.secret' }}\ntrust_root = 'ca.pem'\n\
         endpoints = {{ graph = '{at}', arm = '{at}', login = '{at}' }}\n\
         [forest]\nhost = '{}'\nbind = '{}'\npassword = {{ file = 'bind.password' }}\ntrust_root = 'ca.pem'\n\
         [forest.addresses]\n",
        known.tenant_id,
        known.client_id,
        servers.controllers()[0].host,
        login.name,
    );
    for controller in servers.controllers() {
        writeln!(config, "'{}' = '{}'", controller.host, controller.ldaps).unwrap();
    }
    let spec = "[output]\nfolder = 'out'\n[spec]\ndomain = 'contoso.com'\n[spec.sync]\nenable = true\n";
    write("onboard.toml", &format!("{config}{spec}"));

    let (code, said) = desk.onramp(&["identity", "rotate", "--yes"]).await;
    assert!(code == Some(1) && said.contains("no section [spec.application]"), "{said}");
    write("onboard.toml", &format!("{config}{spec}[spec.application]\npurpose = 'entra-connect'\n"));
    desk.succeeds(&["onboard", "--yes"]).await;
    let port = tenant.tenant().applications;
    let made = port.find(NAME).await.unwrap().unwrap();
    let certificates = async || port.certificates(&made.id).await.unwrap().len();
    assert_eq!(certificates().await, 1);
    let first = desk.key();
    assert!(first.contains("BEGIN PRIVATE KEY") && first.contains("BEGIN CERTIFICATE"));

    let (code, said) = desk.onramp(&["identity", "rotate"]).await;
    assert!(code == Some(2) && said.contains("application-changed:onramp-entra-connect"), "{said}");
    let said = desk.succeeds(&["identity", "rotate", "--yes"]).await;
    assert!(said.contains("add a new certificate") && said.contains("can sign in"), "{said}");
    assert_eq!(certificates().await, 2);
    let second = desk.key();
    assert_ne!(first, second);
    desk.succeeds(&["identity", "rotate", "--yes"]).await;
    assert_eq!((certificates().await, desk.key()), (2, second.clone()), "no third one");

    let said = desk.succeeds(&["identity", "rotate", "--remove-old", "--yes"]).await;
    assert!(said.contains("remove the certificate"), "{said}");
    assert_eq!((certificates().await, desk.key()), (1, second));

    // The run that registered it is the first one.
    let mut runs: Vec<String> = (fs::read_dir(desk.folder.path().join("out")).unwrap())
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("20"))
        .collect();
    runs.sort();
    desk.succeeds(&["undo", &runs[0], "--step", "application", "--yes"]).await;
    assert_eq!(port.find(NAME).await.unwrap(), None);
}
