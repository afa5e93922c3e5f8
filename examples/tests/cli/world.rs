//! A tenant and a forest to onboard, and the folder in which `onboard` runs.

use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use futures_util::TryStreamExt;
use onramp::{FileJournal, JournalRecord, Plan};
use onramp_core::forest::{ForestUser, UserQuery};
use onramp_lab::forest::{LabForest, LabForestBuilder, LabForestServers};
use onramp_lab::tenant::{LabTenant, LabTenantServer};
use onramp_lab::tls::LabCa;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::program::{Ended, Program};

/// The default spec of the runs.
pub(crate) const SPEC: &str = r#"
    [spec]
    domain = "contoso.com"
    [spec.users]
    [spec.sync]
    enable = true
    [spec.service_account]
    upn = "onramp-sync@contoso.com"
    alternate_email = "it-operations@contoso.com"
    subscriptions = [{ subscription = "Contoso subscription 1", role = "Reader" }]
"#;

/// A tenant of the lab, served over HTTPS for as long as the value lives.
pub(crate) struct Cloud {
    pub(crate) tenant: LabTenant,
    pub(crate) ca: LabCa,
    server: LabTenantServer,
    // Declared last, so that it is dropped after the servers that run on it.
    pub(crate) runtime: Runtime,
}

impl Cloud {
    pub(crate) fn new() -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let tenant = LabTenant::builder().name("contoso").seed(7).auto_publish_dns(true).build().unwrap();
        let ca = LabCa::new().unwrap();
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let server = runtime.block_on(tenant.serve(&ca, any)).unwrap();
        Self { tenant, ca, server, runtime }
    }
}

/// The folder in which `onboard` runs: the configuration file, the files that it names, and the output.
pub(crate) struct Desk {
    folder: TempDir,
    tenant: String,
    forest: Vec<(&'static str, String)>,
    addresses: BTreeMap<String, SocketAddr>,
    secrets: Vec<String>,
}

impl Desk {
    /// Makes a folder with everything about the tenant, and no forest yet.
    pub(crate) fn new(cloud: &Cloud) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let known = cloud.tenant.credentials();
        let secret = known.client_secret.expose().to_owned();
        fs::write(folder.path().join("client.secret"), format!("{secret}\n")).unwrap();
        fs::write(folder.path().join("tenant-ca.pem"), cloud.ca.certificate_pem()).unwrap();
        fs::write(folder.path().join("other-ca.pem"), LabCa::new().unwrap().certificate_pem()).unwrap();
        let at = cloud.server.base_url();
        let tenant = format!(
            "[tenant]\nid = '{}'\nclient_id = '{}'\nprobe_client_id = '{}'\n\
             client_secret = {{ file = 'client.secret' }}\ntrust_root = 'tenant-ca.pem'\n\
             endpoints = {{ graph = '{at}', arm = '{at}', login = '{at}' }}\n",
            known.tenant_id, known.client_id, known.public_client_id
        );
        Self { folder, tenant, forest: Vec::new(), addresses: BTreeMap::new(), secrets: vec![secret] }
    }

    /// Sets the domain controller to connect to, and the account that signs in.
    pub(crate) fn with_forest(mut self, host: &str, bind: &str, password: &str, ca_pem: &str) -> Self {
        fs::write(self.path("bind.password"), password).unwrap();
        fs::write(self.path("forest-ca.pem"), ca_pem).unwrap();
        self.secrets.push(password.to_owned());
        self.forest = vec![
            ("host", format!("'{host}'")),
            ("bind", format!("'{bind}'")),
            ("password", "{ file = 'bind.password' }".to_owned()),
            ("trust_root", "'forest-ca.pem'".to_owned()),
        ];
        self
    }

    /// Sets the address of a host.
    pub(crate) fn with_address(mut self, host: &str, address: SocketAddr) -> Self {
        self.addresses.insert(host.to_owned(), address);
        self
    }

    /// Returns the path of a file in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Returns the whole configuration file with this spec.
    pub(crate) fn text(&self, spec: &str) -> String {
        let forest: String = self.forest.iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
        let addresses: String =
            self.addresses.iter().map(|(host, at)| format!("'{host}' = '{at}'\n")).collect();
        let output = "[output]\nfolder = 'out'\nrecord_wire = true\n";
        format!("{}[forest]\n{forest}[forest.addresses]\n{addresses}{output}{spec}", self.tenant)
    }

    pub(crate) fn configure(&self, text: &str) {
        fs::write(self.path("onboard.toml"), text).unwrap();
    }

    pub(crate) fn start(&self, arguments: &[&str]) -> Program {
        Program::start(env!("CARGO_BIN_EXE_onboard"), arguments, self.folder.path())
    }

    /// The same with environment variables beside those of the test.
    pub(crate) fn onboard_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
        let program = env!("CARGO_BIN_EXE_onboard");
        self.checked(Program::start_with(program, arguments, self.folder.path(), variables).end())
    }

    /// Runs `onboard` to its end, and checks that no secret was printed or written.
    pub(crate) fn onboard(&self, arguments: &[&str]) -> Ended {
        self.checked(self.start(arguments).end())
    }

    pub(crate) fn start_undo(&self, arguments: &[&str]) -> Program {
        Program::start(env!("CARGO_BIN_EXE_undo"), arguments, self.folder.path())
    }

    /// Runs `undo` to its end, and checks that no secret was printed or written.
    pub(crate) fn undo(&self, arguments: &[&str]) -> Ended {
        self.checked(self.start_undo(arguments).end())
    }

    pub(crate) fn start_at_terminal(&self, arguments: &[&str]) -> Program {
        Program::start_at_terminal(env!("CARGO_BIN_EXE_onboard"), arguments, self.folder.path())
    }

    /// Runs `readiness` to its end, and checks that no secret was printed or written.
    pub(crate) fn readiness(&self, arguments: &[&str]) -> Ended {
        self.checked(Program::start(env!("CARGO_BIN_EXE_readiness"), arguments, self.folder.path()).end())
    }

    /// Runs `attributes` to its end, and checks that no secret was printed or written.
    pub(crate) fn attributes(&self, arguments: &[&str]) -> Ended {
        self.checked(Program::start(env!("CARGO_BIN_EXE_attributes"), arguments, self.folder.path()).end())
    }

    /// Runs `onboard` at a terminal, and answers its questions one after the other.
    pub(crate) fn onboard_answering(&self, answers: &[&str]) -> Ended {
        let mut program = self.start_at_terminal(&[]);
        answers.iter().enumerate().for_each(|(before, answer)| program.answer(before + 1, answer));
        self.checked(program.end())
    }

    pub(crate) fn checked(&self, ended: Ended) -> Ended {
        for secret in self.secrets.iter().map(String::as_str).chain(["Bearer"]) {
            assert!(!ended.said.contains(secret), "a secret was said:\n{}", ended.said);
        }
        if self.path("out").is_dir() {
            for (path, text) in files(&self.path("out")) {
                let told = self.secrets.iter().any(|secret| text.contains(secret));
                assert!(!told, "there is a secret in {}", path.display());
            }
        }
        ended
    }

    /// Returns the folders of the runs, the first one first.
    pub(crate) fn runs(&self) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(self.path("out")) else { return Vec::new() };
        let mut found: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        found.retain(|path| path.is_dir() && !path.ends_with("secrets"));
        found.sort_by_key(|path| {
            // `…Z-2` comes after `…Z`, and `…Z-10` after `…Z-9`.
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let (time, number) = name.split_once("Z").unwrap();
            (time.to_owned(), number.trim_start_matches('-').parse::<u32>().unwrap_or_default())
        });
        found
    }

    /// Returns the path of a file of the last run.
    pub(crate) fn last(&self, name: &str) -> PathBuf {
        self.runs().pop().unwrap().join(name)
    }

    /// Returns the plan of the last run.
    pub(crate) fn plan(&self) -> Plan {
        Plan::read(fs::read(self.last("plan.jsonl")).unwrap().as_slice()).unwrap()
    }

    /// Returns the journals of all runs, one after the other.
    pub(crate) fn journal(&self) -> Vec<JournalRecord> {
        let files = self.runs().into_iter().map(|run| run.join("journal.jsonl"));
        files.filter(|path| path.exists()).flat_map(|path| FileJournal::read(path).unwrap()).collect()
    }

    /// Runs `onboard` without consent, and returns the arguments that accept the consequences that it names.
    pub(crate) fn consent(&self) -> Vec<String> {
        self.onboard(&[]).with_code(2).wanted_flags()
    }
}

/// Returns every file in a folder and below, as text.
pub(crate) fn files(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            let text = fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
    found
}

/// A tenant, a forest of the lab, and a folder for runs with both.
pub(crate) struct World {
    pub(crate) forest: LabForest,
    pub(crate) servers: LabForestServers,
    pub(crate) desk: Desk,
    pub(crate) cloud: Cloud,
}

impl World {
    pub(crate) fn new(users: u64) -> Self {
        Self::of(LabForest::builder().users(users).controllers(2))
    }

    /// Makes a world with a forest whose first domain is `corp.local`.
    pub(crate) fn of(forest: LabForestBuilder) -> Self {
        let cloud = Cloud::new();
        let forest = forest.domain("corp.local").mail_domain("contoso.com").seed(7).build().unwrap();
        let servers = cloud.runtime.block_on(forest.serve(&cloud.ca)).unwrap();
        let login = forest.administrator();
        let pem = cloud.ca.certificate_pem();
        let mut desk = Desk::new(&cloud).with_forest(
            &servers.controllers()[0].host,
            &login.name,
            login.password.expose(),
            &pem,
        );
        for controller in servers.controllers() {
            desk = desk.with_address(&controller.host, controller.ldaps);
        }
        desk.configure(&desk.text(SPEC));
        Self { forest, servers, desk, cloud }
    }

    /// Returns true if the forest has only the suffix it was made with.
    pub(crate) fn forest_offers_nothing(&self) -> bool {
        let suffixes = self.cloud.runtime.block_on(self.forest.forest().suffixes.list()).unwrap();
        suffixes.len() == 1
    }

    /// Returns everything that a run could have changed.
    pub(crate) fn state(&self) -> State {
        let (tenant, forest) = (self.cloud.tenant.tenant(), self.forest.forest());
        self.cloud.runtime.block_on(async {
            State {
                users: forest.users.search(UserQuery::all()).try_collect().await.unwrap(),
                suffixes: format!("{:?}", forest.suffixes.list().await.unwrap()),
                domains: format!("{:?}", tenant.domains.list().await.unwrap()),
                sync: format!("{:?}", tenant.sync.status().await.unwrap()),
                cloud_users: self.cloud.tenant.user_count(),
            }
        })
    }
}

/// The state of the tenant and the forest.
#[derive(Debug, PartialEq)]
pub(crate) struct State {
    pub(crate) users: Vec<ForestUser>,
    suffixes: String,
    domains: String,
    sync: String,
    cloud_users: usize,
}
