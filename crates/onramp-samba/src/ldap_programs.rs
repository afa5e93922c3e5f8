//! The programs of OpenLDAP, as a client that shares no code with this workspace.

use std::path::Path;

use super::command::{Host, Run};
use super::{Entry, ForestError, Login, parse_ldif};

/// The depth of a search below its base.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The base entry itself.
    Base,
    /// The entries directly below the base.
    One,
    /// The base and everything below.
    Subtree,
}

/// The programs, set up for one controller and one login.
#[derive(Debug)]
pub(super) struct LdapPrograms<'a> {
    host: &'a Host,
    ca_file: &'a Path,
    login: &'a Login,
}

impl<'a> LdapPrograms<'a> {
    pub(super) fn new(host: &'a Host, ca_file: &'a Path, login: &'a Login) -> Self {
        Self { host, ca_file, login }
    }

    pub(super) fn search(
        &self,
        base: &str,
        scope: Scope,
        filter: &str,
        attributes: &[&str],
    ) -> Result<Vec<Entry>, ForestError> {
        let scope = match scope {
            Scope::Base => "base",
            Scope::One => "one",
            Scope::Subtree => "sub",
        };
        let output = self
            .program("ldapsearch", format!("searching {base} for {filter} on {}", self.host.name))
            .args(["-LLL", "-b", base, "-s", scope, "-E", "pr=1000/noprompt", filter])
            .args(attributes)
            .output()?;
        Ok(parse_ldif(&output)?)
    }

    pub(super) fn modify(&self, ldif: &str) -> Result<(), ForestError> {
        self.program("ldapmodify", format!("changing {}", self.host.name))
            .args(["-a"])
            .output_of(ldif)
            .map(drop)
    }

    fn program(&self, name: &str, doing: String) -> Run {
        Run::inside(self.host, 300, doing, name)
            .args(["-x", "-H", &format!("ldaps://{}", self.host.fqdn), "-D", self.login.dn(), "-y"])
            .args([self.login.password_file()])
            .env("LDAPTLS_CACERT", self.ca_file)
            .env("LDAPTLS_REQCERT", "demand")
    }
}
