//! Where the measurements happen: a domain controller with users, near or far.

use std::fmt::Write;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use onramp_samba::{Controller, Forest};

use super::delay;
use crate::Result;

/// A forest of one domain controller, whose users all have mail and proxy addresses.
#[derive(Debug)]
pub struct Site {
    forest: Forest,
}

/// The controller from some distance.
#[derive(Debug, Clone)]
pub struct Door {
    /// Where to connect to.
    pub address: SocketAddr,
    /// What to put in the place of `/etc/hosts`, so that the name in the certificate leads there.
    hosts: PathBuf,
}

impl Site {
    /// Starts the controller; the cache is as of [`Forest::with_many_users`].
    ///
    /// # Errors
    /// As bringing a forest up.
    pub fn up(users: usize, cache: Option<&Path>) -> Result<Self> {
        eprintln!("starting a domain controller with {users} users");
        Ok(Self { forest: Forest::with_many_users(users, cache)? })
    }

    /// The forest.
    pub fn forest(&self) -> &Forest {
        &self.forest
    }

    /// Its one domain controller.
    pub fn controller(&self) -> Result<&Controller> {
        self.forest.controllers().first().ok_or_else(|| "the forest has no controller".into())
    }

    /// A way to the controller that takes that long there and back; the direct one if it is nothing.
    ///
    /// # Errors
    /// If a proxy cannot be started or a file not be written.
    pub fn door(&self, round_trip: Duration) -> Result<Door> {
        let controller = self.controller()?;
        let address = match round_trip.is_zero() {
            true => controller.ldaps(),
            false => delay::proxy(controller.ldaps(), round_trip)?,
        };
        let hosts = self.forest.folder().join(format!("hosts-{}", address.ip()));
        let mut text = "127.0.0.1 localhost\n".to_owned();
        writeln!(text, "{} {}", address.ip(), controller.fqdn())?;
        fs::write(&hosts, text)?;
        Ok(Door { address, hosts })
    }

    /// The command that measures a program whose way to the controller leads through that door.
    ///
    /// # Errors
    /// If this program does not know where it is.
    pub fn measured(&self, door: &Door, program: &str) -> Result<Command> {
        let mut command = Command::new("unshare");
        let script = r#"mount --bind "$0" /etc/hosts && exec "$@""#;
        command.args(["--mount", "sh", "-euc", script]).arg(&door.hosts);
        command.arg(std::env::current_exe()?).args([super::PART, "meter", program]);
        command.env("LDAPTLS_CACERT", self.forest.ca_file()).env("LDAPTLS_REQCERT", "demand");
        Ok(command)
    }

    /// `ldaps://` and so on.
    pub fn url(&self, door: &Door) -> Result<String> {
        Ok(format!("ldaps://{}:{}", self.controller()?.fqdn(), door.address.port()))
    }
}
