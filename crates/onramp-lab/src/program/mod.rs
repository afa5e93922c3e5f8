//! The program `lab`: a tenant and a forest as servers, `lab --users 5000 --seed 7`.
//!
//! Prints one line of JSON with addresses, credentials and the certificate authority's file, and serves until Ctrl-C, SIGTERM
//! (on Windows Ctrl-Break) or, with `--until-stdin-closes`, the end of its input. The credentials are made up from the seed and
//! good for this lab only.

mod commands;
mod config;
mod values;

use std::collections::HashSet;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use crate::forest::{LabForest, LabForestServers};
use crate::people::{People, PeopleOptions};
use crate::tenant::{Consistency, LabSubscription, LabTenant, LabTenantServer, SeedUser};
use crate::tls::LabCa;
use clap::Parser;
use onramp_core::{DomainName, Error, ErrorKind, Result};
use serde_json::{Value, json};
#[cfg(unix)]
use tokio::signal::unix;
#[cfg(windows)]
use tokio::signal::windows;

/// Serves an Entra tenant (Graph, Azure Resource Manager, token endpoint) and an Active Directory forest (LDAP, LDAPS) that
/// live in memory.
#[derive(Debug, Parser)]
#[command(version, after_help = commands::HELP)]
pub struct Arguments {
    /// The number of users of the forest
    #[arg(long, default_value_t = 500)]
    users: u64,
    /// The seed of all random values
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// DNS name of the forest's domain
    #[arg(long, default_value = "corp.local")]
    domain: String,
    /// Domain of the forest users' mail addresses
    #[arg(long, default_value = "example.com")]
    mail_domain: String,
    /// Name of the tenant, from which its first domain is made
    #[arg(long, default_value = "contoso")]
    tenant: String,
    /// The number of cloud users without a counterpart on premises
    #[arg(long, default_value_t = 30)]
    cloud_users: usize,
    /// The number of cloud users with the mail address of a forest user
    #[arg(long, default_value_t = 24)]
    twins: usize,
    /// The number of writable domain controllers
    #[arg(long, default_value_t = 2)]
    controllers: usize,
    /// The replication delay between domain controllers
    #[arg(long, default_value_t = 0)]
    replication_delay_ms: u64,
    /// The number of requests that do not see a new cloud object yet
    #[arg(long, default_value_t = 0)]
    late_by_requests: u32,
    /// Treat domain verification records as already published
    #[arg(long)]
    auto_publish_dns: bool,
    /// Treat the verification record of a domain as published so long after the domain was added (`30s`, `5m`, `1h`)
    #[arg(long, value_name = "TIME", value_parser = values::duration)]
    publish_dns_after: Option<Duration>,
    /// A verified domain of the tenant whose users sign in at another identity provider; may be given several times
    #[arg(long, value_name = "DOMAIN")]
    federated: Vec<DomainName>,
    /// An Azure subscription instead of the one with a made-up name; may be given several times. States: Enabled, Warned,
    /// PastDue, Disabled, Deleted
    #[arg(long, value_name = "NAME[:STATE]", value_parser = values::subscription)]
    subscription: Vec<LabSubscription>,
    /// Compare names in the forest as Windows does: letters with marks and without are the same
    #[arg(long)]
    windows_comparison: bool,
    /// First LDAP port: LDAP and LDAPS of the first controller, of the second, and so on; any free ports by default
    #[arg(long)]
    ldap_port: Option<u16>,
    /// HTTPS port; any free one by default
    #[arg(long, default_value_t = 0)]
    http_port: u16,
    /// The file for the certificate authority's certificate (PEM); a file of its own in the temporary directory by
    /// default
    #[arg(long)]
    ca_file: Option<PathBuf>,
    /// The file for a configuration for `onboard` that fits this lab; the two secrets go into files beside it that
    /// only their owner may read. An existing file is replaced only if this program wrote it
    #[arg(long, value_name = "FILE")]
    write_config: Option<PathBuf>,
    /// Carry out commands from the standard input, a line each (see below)
    #[arg(long)]
    commands: bool,
    /// Stop when the standard input ends, too; carries out commands as well
    #[arg(long)]
    until_stdin_closes: bool,
}

/// Runs the program until it is told to stop.
pub async fn run(arguments: &Arguments) -> ExitCode {
    match serve(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lab: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(arguments: &Arguments) -> Result<()> {
    // Before anything is printed, so that whoever reads the line can stop the program at once.
    let stop = Stop::listen()?;
    let (forest, tenant) = (build_forest(arguments)?, build_tenant(arguments)?);
    let ca = LabCa::new()?;
    let ca_file = CaFile::write(arguments.ca_file.as_deref(), &ca.certificate_pem())?;
    let http = tenant.serve(&ca, SocketAddr::from((Ipv4Addr::LOCALHOST, arguments.http_port))).await?;
    let ldap = forest.serve_at(&ca, IpAddr::V4(Ipv4Addr::LOCALHOST), arguments.ldap_port).await?;
    let line = describe(&tenant, &http, &forest, &ldap, &ca_file.path);
    if let Some(path) = &arguments.write_config {
        config::write(path, &line, &arguments.mail_domain)?;
    }
    // A reader that has gone away is told by its closed input, not by an error here.
    let _ = writeln!(io::stdout().lock(), "{line}");
    stop.wait(commands::until_end(&tenant, arguments.commands, arguments.until_stdin_closes)).await;
    Ok(())
}

fn build_forest(arguments: &Arguments) -> Result<LabForest> {
    LabForest::builder()
        .domain(&arguments.domain)
        .mail_domain(&arguments.mail_domain)
        .users(arguments.users)
        .seed(arguments.seed)
        .controllers(arguments.controllers)
        .replication_delay(Duration::from_millis(arguments.replication_delay_ms))
        .windows_comparison(arguments.windows_comparison)
        .build()
}

fn build_tenant(arguments: &Arguments) -> Result<LabTenant> {
    let consistency = match arguments.late_by_requests {
        0 => Consistency::Immediate,
        requests => Consistency::AfterRequests(requests),
    };
    let mut builder = LabTenant::builder();
    for domain in &arguments.federated {
        builder = builder.federated_domain(domain.clone());
    }
    for subscription in &arguments.subscription {
        builder = builder.subscription(subscription.clone());
    }
    if let Some(time) = arguments.publish_dns_after {
        builder = builder.publish_dns_after(time);
    }
    builder
        .name(&arguments.tenant)
        .seed(arguments.seed)
        .users(arguments.cloud_users)
        .seed_users(twins(arguments))
        .consistency(consistency)
        .auto_publish_dns(arguments.auto_publish_dns)
        .build()
}

/// Cloud accounts of people of the forest, spread over all of them.
fn twins(arguments: &Arguments) -> Vec<SeedUser> {
    let options = PeopleOptions::new(&arguments.domain)
        .with_seed(arguments.seed)
        .with_mail_domain(&arguments.mail_domain);
    let first_domain = format!("{}.onmicrosoft.com", arguments.tenant.to_lowercase());
    let wanted = u64::try_from(arguments.twins).unwrap_or(u64::MAX);
    let step = arguments.users.checked_div(wanted).unwrap_or(1).max(1);
    let mut mails = HashSet::new();
    People::new(options)
        .take(usize::try_from(arguments.users).unwrap_or(usize::MAX))
        .filter(|person| person.index % step == 0)
        // Two people may have the same address; a tenant takes it once.
        .filter(|person| mails.insert(person.mail.clone()))
        .filter_map(|person| SeedUser::cloud_copy_of(&person, &first_domain))
        .take(arguments.twins)
        .collect()
}

fn describe(
    tenant: &LabTenant,
    http: &LabTenantServer,
    forest: &LabForest,
    ldap: &LabForestServers,
    ca: &Path,
) -> Value {
    let (credentials, login) = (tenant.credentials(), forest.administrator());
    let controllers: Vec<Value> = ldap
        .controllers()
        .iter()
        .map(|controller| {
            json!({
                "host": controller.host,
                "ldap": controller.ldap.to_string(),
                "ldaps": controller.ldaps.to_string(),
            })
        })
        .collect();
    let subscriptions: Vec<String> = tenant.subscription_ids().iter().map(ToString::to_string).collect();
    json!({
        "ca_file": ca,
        "tenant": {
            "graph_url": http.base_url(),
            "arm_url": http.base_url(),
            "login_url": http.base_url(),
            "tenant_id": credentials.tenant_id.to_string(),
            "initial_domain": tenant.initial_domain(),
            "client_id": credentials.client_id.to_string(),
            "client_secret": credentials.client_secret.expose(),
            "public_client_id": credentials.public_client_id.to_string(),
            "admin": credentials.admin.to_string(),
            "admin_password": credentials.admin_password.expose(),
            "subscriptions": subscriptions,
        },
        "forest": {
            "domain": forest.domain().to_string(),
            "base_dn": forest.base().to_string(),
            "bind_name": login.name,
            "bind_password": login.password.expose(),
            "controllers": controllers,
        },
    })
}

/// The certificate authority's certificate, where other programs can read it.
struct CaFile {
    path: PathBuf,
    /// Made by this program for this run, and so taken away with it.
    is_ours: bool,
}

impl CaFile {
    fn write(wanted: Option<&Path>, pem: &str) -> Result<Self> {
        let own = std::env::temp_dir().join(format!("onramp-lab-{}-ca.pem", std::process::id()));
        let path = wanted.unwrap_or(&own).to_owned();
        let mut options = OpenOptions::new();
        // In the temporary directory, which others write to, only a file that nobody has put there.
        options.write(true).truncate(wanted.is_some()).create(wanted.is_some()).create_new(wanted.is_none());
        let written = options.open(&path).and_then(|mut file| file.write_all(pem.as_bytes()));
        written.map_err(|error| {
            Error::new(ErrorKind::Unavailable, "write the certificate authority's file")
                .with_object(path.display())
                .with_detail(error.to_string())
                .with_source(error)
        })?;
        Ok(Self { path, is_ours: wanted.is_none() })
    }
}

impl Drop for CaFile {
    fn drop(&mut self) {
        if self.is_ours {
            // What cannot be taken away is a public certificate of a lab that is gone: nothing to report.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// The signals that stop the program.
struct Stop {
    signals: Signals,
}

/// Ctrl-C, and what a supervisor sends.
#[cfg(unix)]
type Signals = (unix::Signal, unix::Signal);
#[cfg(windows)]
type Signals = (windows::CtrlC, windows::CtrlBreak);

#[cfg(unix)]
fn signals() -> io::Result<Signals> {
    Ok((unix::signal(unix::SignalKind::interrupt())?, unix::signal(unix::SignalKind::terminate())?))
}

#[cfg(windows)]
fn signals() -> io::Result<Signals> {
    Ok((windows::ctrl_c()?, windows::ctrl_break()?))
}

impl Stop {
    fn listen() -> Result<Self> {
        let signals = signals()
            .map_err(|error| Error::new(ErrorKind::Unavailable, "listen for signals").with_source(error))?;
        Ok(Self { signals })
    }

    async fn wait(mut self, input_ends: impl Future<Output = ()>) {
        tokio::select! {
            _ = self.signals.0.recv() => {}
            _ = self.signals.1.recv() => {}
            () = input_ends => {}
        }
    }
}
