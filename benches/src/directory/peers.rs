//! The clients that are measured, as programs to start.

use std::path::Path;
use std::process::Command;

use super::site::{Door, Site};
use crate::Result;

/// Debian's own, which has the packages `python3-ldap` and `python3-ldap3`.
const PYTHON: &str = "/usr/bin/python3";
const PYTHON_LDAP: &str = include_str!("peers/python_ldap.py");
const PYTHON_LDAP3: &str = include_str!("peers/python_ldap3.py");

/// A client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)] // those that are measured
pub enum Client {
    /// Ours.
    Onramp,
    /// Ours, and every object judged by the rules of readiness, duplicates included.
    Readiness,
    /// `ldapmodify` and `ldapsearch` of OpenLDAP.
    OpenLdap,
    /// python-ldap, which waits for each answer.
    PythonLdap,
    /// python-ldap with 16 requests under way.
    PythonLdap16,
    /// ldap3 for Python.
    PythonLdap3,
}

impl Client {
    /// Those that change.
    pub const WRITERS: [Self; 5] =
        [Self::Onramp, Self::OpenLdap, Self::PythonLdap, Self::PythonLdap16, Self::PythonLdap3];
    /// Those that read.
    pub const READERS: [Self; 4] = [Self::Onramp, Self::OpenLdap, Self::PythonLdap, Self::PythonLdap3];

    /// Those that read what the rules of readiness ask for.
    pub const SCANNERS: [Self; 2] = [Self::Readiness, Self::OpenLdap];

    /// What it is called when it changes.
    pub fn writer(self) -> &'static str {
        match self {
            Self::Onramp => "onramp-ad",
            Self::Readiness => "readiness scan",
            Self::OpenLdap => "ldapmodify -f",
            Self::PythonLdap => "python-ldap",
            Self::PythonLdap16 => "python-ldap, window of 16",
            Self::PythonLdap3 => "ldap3 for Python",
        }
    }

    /// What it is called when it reads.
    pub fn reader(self) -> &'static str {
        match self {
            Self::OpenLdap => "ldapsearch -E pr=1000/noprompt",
            other => other.writer(),
        }
    }

    /// Whether it has several changes under way.
    pub fn is_pipelined(self) -> bool {
        matches!(self, Self::Onramp | Self::PythonLdap16)
    }

    /// The command that measures it changing what a file says: LDIF for OpenLDAP, for the others a line for each
    /// change, GUID, name, old and new value between tabulators.
    ///
    /// # Errors
    /// If this program does not know where it is.
    pub fn change(self, site: &Site, door: &Door, file: &Path) -> Result<Command> {
        let mut command = self.command(site, door, "change")?;
        if self == Self::OpenLdap {
            command.arg("-f");
        }
        command.arg(file);
        Ok(command)
    }

    /// The command that measures it reading attributes of everything below the domain that a filter selects.
    ///
    /// # Errors
    /// If this program does not know where it is.
    pub fn read(self, site: &Site, door: &Door, filter: &str, attributes: &[&str]) -> Result<Command> {
        let mut command = self.command(site, door, "read")?;
        let base = site.forest().base_dn();
        match self {
            Self::OpenLdap => command.args(["-LLL", "-E", "pr=1000/noprompt", "-b", base, filter]),
            _ => command.args([base, filter]),
        };
        command.args(attributes);
        Ok(command)
    }

    fn command(self, site: &Site, door: &Door, task: &str) -> Result<Command> {
        let (forest, url) = (site.forest(), site.url(door)?);
        let (authority, password) = (forest.ca_file(), forest.admin().password_file());
        let python = |script: &str, task: &str| {
            let mut command = site.measured(door, PYTHON)?;
            command.args(["-c", script, task, &url]);
            command.arg(authority).arg(forest.admin_dn()).arg(password);
            Ok(command)
        };
        match self {
            Self::Onramp | Self::Readiness => {
                let task = if self == Self::Readiness { "scan" } else { task };
                let this = std::env::current_exe()?;
                let this = this.to_str().ok_or("the path of this program is no text")?;
                let mut command = site.measured(door, this)?;
                command.args([super::PART, "ours", task, &door.address.to_string()]);
                command.arg(site.controller()?.fqdn()).arg(authority).arg(forest.admin_upn()).arg(password);
                Ok(command)
            }
            Self::OpenLdap => {
                // What it prints goes nowhere, which is the cheapest place.
                let mut command = site.measured(door, "sh")?;
                let program = if task == "change" { "ldapmodify" } else { "ldapsearch" };
                command.args(["-euc", r#"exec "$@" >/dev/null"#, "sh", program]);
                command.args(["-x", "-H", &url, "-D", forest.admin_dn(), "-y"]).arg(password);
                Ok(command)
            }
            Self::PythonLdap => python(PYTHON_LDAP, task),
            Self::PythonLdap16 => python(PYTHON_LDAP, "change-16"),
            Self::PythonLdap3 => python(PYTHON_LDAP3, task),
        }
    }
}
