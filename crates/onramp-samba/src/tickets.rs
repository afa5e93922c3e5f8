//! Kerberos tickets that the forest's own controllers issue.

use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

use super::command::Run;
use super::{Forest, ForestError, Login};

/// A ticket-granting ticket of an account, for programs on this machine.
#[derive(Debug, Clone)]
pub struct Ticket {
    config: PathBuf,
    cache: PathBuf,
}

impl Ticket {
    /// Returns the environment variables that make a program use this ticket and no other.
    #[must_use]
    pub fn environment(&self) -> [(&'static str, String); 2] {
        [
            ("KRB5_CONFIG", self.config.display().to_string()),
            ("KRB5CCNAME", format!("FILE:{}", self.cache.display())),
        ]
    }
}

impl Forest {
    /// Returns a Kerberos ticket of an account, for programs on this machine.
    pub fn ticket(&self, login: &Login) -> Result<Ticket, ForestError> {
        ticket(self, login)
    }
}

/// Exports the keys of an account from the first controller, and uses them to get a ticket.
fn ticket(forest: &Forest, login: &Login) -> Result<Ticket, ForestError> {
    let name = login.upn().split('@').next().unwrap_or_default();
    let file = |kind: &str| forest.folder().join(format!("{name}.{kind}"));
    let (keys, ticket) = (file("keytab"), Ticket { config: file("krb5.conf"), cache: file("ccache") });
    let config = configuration(forest);
    fs::write(&ticket.config, config)
        .map_err(ForestError::io(format!("writing {}", ticket.config.display())))?;
    let principal = format!("--principal={name}");
    forest.samba_tool(0, &["domain", "exportkeytab", &principal, &keys.display().to_string()])?;
    let run = Run::here(30, format!("asking for a ticket of {name}"), "kinit");
    let run = ticket.environment().into_iter().fold(run, |run, (name, value)| run.env(name, value));
    run.arg("-k").arg("-t").arg(&keys).arg(format!("{name}@{}", forest.names.realm)).output()?;
    Ok(ticket)
}

/// Returns a Kerberos configuration with the addresses of the controllers, because this machine does not use the
/// forest's DNS.
fn configuration(forest: &Forest) -> String {
    let realm = &forest.names.realm;
    let mut text = format!(
        "[libdefaults]\n default_realm = {realm}\n dns_lookup_realm = false\n dns_lookup_kdc = false\n \
         dns_canonicalize_hostname = false\n rdns = false\n[realms]\n {realm} = {{\n"
    );
    for controller in forest.controllers() {
        let _ = writeln!(text, "  kdc = {}", controller.ip());
    }
    let domain = forest.domain();
    let _ = write!(text, " }}\n[domain_realm]\n .{domain} = {realm}\n");
    text
}
