//! Where the measurements happen: a domain controller with users, near or far.

use std::fmt::Write;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use onramp_tests::forest::{Controller, Forest, UserShape};

use super::delay;
use crate::Result;

/// How many users are added in one go.
const AT_ONCE: usize = 1_000;

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
    /// Starts the controller. With a cache, a directory of that many users is taken from there, or made and put there:
    /// adding 50,000 takes minutes.
    ///
    /// # Errors
    /// As bringing a forest up.
    pub fn up(users: usize, cache: Option<&Path>) -> Result<Self> {
        let saved = cache.map(|cache| Ok::<_, crate::Error>(cache.join(name(users)?))).transpose()?;
        if let Some(saved) = saved.as_deref().filter(|saved| saved.exists()) {
            eprintln!("starting a domain controller with the directory in {}", saved.display());
            return Ok(Self { forest: Forest::builder().directory_of(saved).up()? });
        }
        eprintln!("starting a domain controller and adding {users} users");
        let forest = Forest::builder().up()?;
        let mut added = 0;
        while added < users {
            added += forest.add_users(AT_ONCE.min(users - added), &[UserShape::Mailbox])?.len();
        }
        if let Some(saved) = saved {
            forest.save_directory(&saved)?;
        }
        Ok(Self { forest })
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

/// A directory is good for the version of Samba that made it.
fn name(users: usize) -> Result<String> {
    let output = Command::new("/usr/sbin/samba").arg("--version").output()?;
    let version = String::from_utf8(output.stdout)?;
    let version = version.trim().trim_start_matches("Version ");
    let version: String =
        version.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' }).collect();
    Ok(format!("samba-{version}-{users}-users"))
}
