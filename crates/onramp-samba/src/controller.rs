//! The domain controllers of a forest.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::Child;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::ForestError;
use super::command::{Host, Run};
use super::network::{self, Link};
use super::wait;

/// The ports of the services that a forest uses: DNS, Kerberos, the RPC mapper, LDAP, LDAPS and the global catalog.
const PORTS: [u16; 6] = [53, 88, 135, 389, 636, 3268];
/// The time limit from a controller's start to its first answer, which takes about a second on an idle machine.
const STARTUP: Duration = Duration::from_secs(90);

/// A domain controller of a [`Forest`](super::Forest).
#[derive(Debug)]
pub struct Controller {
    host: Host,
    address: Ipv4Addr,
    link: Link,
    process: Mutex<Option<Child>>,
}

impl Controller {
    pub(super) fn new(host: Host, address: Ipv4Addr, link: Link) -> Self {
        Self { host, address, link, process: Mutex::new(None) }
    }

    /// Returns the full DNS name, such as `dc1.corp.example.com`.
    #[must_use]
    pub fn fqdn(&self) -> &str {
        &self.host.fqdn
    }

    /// Returns the address, which this machine and the other controllers can reach.
    #[must_use]
    pub fn ip(&self) -> IpAddr {
        self.address.into()
    }

    /// Returns the address and port for LDAP, with or without StartTLS.
    #[must_use]
    pub fn ldap(&self) -> SocketAddr {
        (self.address, 389).into()
    }

    /// Returns the address and port for LDAP over TLS.
    #[must_use]
    pub fn ldaps(&self) -> SocketAddr {
        (self.address, 636).into()
    }

    /// Returns the name of the controller's Active Directory site.
    #[must_use]
    pub fn site(&self) -> &str {
        "Default-First-Site-Name"
    }

    /// Returns true if the controller was started and not stopped since. A crash is not detected.
    #[must_use]
    pub fn is_started(&self) -> bool {
        self.process().is_some()
    }

    pub(super) fn address(&self) -> Ipv4Addr {
        self.address
    }

    pub(super) fn host(&self) -> &Host {
        &self.host
    }

    pub(super) fn link(&self) -> &Link {
        &self.link
    }

    fn process(&self) -> MutexGuard<'_, Option<Child>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn tls_folder(&self) -> PathBuf {
        self.host.folder.join("tls")
    }

    /// Starts Samba as a child process, unless the controller is started already.
    pub(super) fn start(&self) -> Result<(), ForestError> {
        let mut process = self.process();
        if process.is_some() {
            return Ok(());
        }
        let mut command = self.host.daemon("samba", &self.host.folder.join("samba.log"))?;
        command.arg("--interactive").arg("--configfile").arg(self.host.folder.join("smb.conf"));
        *process = Some(command.spawn().map_err(ForestError::io(format!("starting {}", self.host.fqdn)))?);
        Ok(())
    }

    /// Kills every process of this controller.
    pub(super) fn kill(&self) -> Result<(), ForestError> {
        wait::until(&format!("the end of {}", self.host.fqdn), Duration::from_secs(10), || {
            let left = network::processes(&self.host.namespace).map_err(|error| error.to_string())?;
            for &id in &left {
                match kill(Pid::from_raw(id), Signal::SIGKILL) {
                    Ok(()) | Err(Errno::ESRCH) => {}
                    Err(errno) => return Err(format!("process {id}: {errno}")),
                }
            }
            if left.is_empty() { Ok(()) } else { Err(format!("processes {left:?} are still there")) }
        })?;
        self.reap();
        Ok(())
    }

    /// Collects the exit status of the killed process, so that it does not remain a zombie.
    pub(super) fn reap(&self) {
        if let Some(mut process) = self.process().take() {
            // The process was killed, so this does not wait. An error means that its status was collected already.
            let _ = process.wait();
        }
    }

    /// Waits until every service accepts connections and LDAP answers.
    pub(super) fn wait_until_it_answers(&self) -> Result<(), ForestError> {
        let Self { host, address, .. } = self;
        let log = host.folder.join("samba.log");
        wait::until(&format!("an answer of {}", host.fqdn), STARTUP, || {
            if let Some(Ok(Some(status))) = self.process().as_mut().map(Child::try_wait) {
                return Err(format!("it ended ({status}): {}", tail(&log)));
            }
            for port in PORTS {
                TcpStream::connect_timeout(&(*address, port).into(), Duration::from_secs(2))
                    .map_err(|error| format!("port {port}: {error}"))?;
            }
            // Without TLS and without signing in, so that it works with every kind of certificate.
            Run::here(10, "asking for the root entry", "ldapsearch")
                .args([
                    "-LLL",
                    "-x",
                    "-H",
                    &format!("ldap://{address}"),
                    "-s",
                    "base",
                    "-b",
                    "",
                    "dnsHostName",
                ])
                .output()
                .map(drop)
                .map_err(|error| error.to_string())
        })
    }
}

/// Returns the last lines of a log, for an error message.
fn tail(log: &std::path::Path) -> String {
    let text =
        std::fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines.get(lines.len().saturating_sub(5)..).unwrap_or_default().join(" | ")
}
