//! The running forest: its controllers, its accounts, and what a test does to it.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use super::certificates::Authority;
use super::ldap_programs::LdapPrograms;
use super::login::Login;
use super::names::Names;
use super::registry::Claim;
use super::watchdog::Watchdog;
use super::{Controller, Entry, ForestError, Scope, Secret, ServerCertificate, samba, wait};

/// The time limit of a replication between two controllers, which may have to reconnect first.
const REPLICATION: Duration = Duration::from_secs(60);

/// A running forest of one domain; dropping it ends and removes everything it consists of.
#[derive(Debug)]
pub struct Forest {
    // Declared in the order of teardown: the watchdog's own `Drop` waits until all is gone, and the claim on the
    // address range is given up last.
    pub(super) watchdog: Watchdog,
    pub(super) controllers: Vec<Controller>,
    pub(super) names: Names,
    pub(super) folder: PathBuf,
    pub(super) admin: Login,
    pub(super) authority: Authority,
    pub(super) users_so_far: AtomicUsize,
    pub(super) gateway: Ipv4Addr,
    pub(super) _claim: Claim,
}

impl Forest {
    /// Returns the DNS name of the forest's one domain, in lower case: `corp.example.com`.
    #[must_use]
    pub fn domain(&self) -> &str {
        &self.names.domain
    }

    /// Returns the NetBIOS name of the domain: `CORP`.
    #[must_use]
    pub fn netbios(&self) -> &str {
        &self.names.netbios
    }

    /// Returns the distinguished name of the domain: `DC=corp,DC=example,DC=com`.
    #[must_use]
    pub fn base_dn(&self) -> &str {
        &self.names.base_dn
    }

    /// Returns the domain controllers in the order they were made. The first one was provisioned and holds every
    /// operations-master role.
    #[must_use]
    pub fn controllers(&self) -> &[Controller] {
        &self.controllers
    }

    /// Returns the domain administrator, with a password that is random for each forest.
    #[must_use]
    pub fn admin(&self) -> &Login {
        &self.admin
    }

    /// Returns the administrator's distinguished name.
    #[must_use]
    pub fn admin_dn(&self) -> &str {
        self.admin.dn()
    }

    /// Returns the administrator's sign-in name: `administrator@` and the domain.
    #[must_use]
    pub fn admin_upn(&self) -> &str {
        self.admin.upn()
    }

    /// Returns the administrator's password.
    #[must_use]
    pub fn admin_password(&self) -> &Secret {
        self.admin.password()
    }

    /// Returns the PEM file of the authority that issues the certificates of the controllers.
    #[must_use]
    pub fn ca_file(&self) -> &Path {
        self.authority.file()
    }

    /// Returns the PEM file of another authority, which issues only [`ServerCertificate::OtherAuthority`].
    #[must_use]
    pub fn wrong_ca_file(&self) -> &Path {
        self.authority.wrong_file()
    }

    /// Returns the folder that holds the state of the whole forest; it is removed with the forest.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Kills every process of controller `index` with SIGKILL.
    pub fn stop_controller(&self, index: usize) -> Result<(), ForestError> {
        self.controller(index)?.kill()
    }

    /// Starts controller `index` again after [`Self::stop_controller`] and waits until it answers.
    pub fn start_controller(&self, index: usize) -> Result<(), ForestError> {
        let controller = self.controller(index)?;
        controller.start()?;
        controller.wait_until_it_answers()
    }

    /// Restarts controller `index` with a new certificate of a kind. Its connections break.
    pub fn use_certificate(&self, index: usize, kind: ServerCertificate) -> Result<(), ForestError> {
        let fqdn = self.controller(index)?.fqdn().to_owned();
        let certificate = self.authority.issue(&fqdn, kind)?;
        let controller = self.controller(index)?;
        certificate.write_to(&controller.tls_folder())?;
        controller.kill()?;
        controller.start()?;
        controller.wait_until_it_answers()
    }

    /// Saves the directory of the first controller, for
    /// [`ForestBuilder::directory_of`](super::ForestBuilder::directory_of). The controller is stopped
    /// meanwhile.
    ///
    /// The saved directory contains the passwords of this forest's accounts.
    pub fn save_directory(&self, to: &Path) -> Result<(), ForestError> {
        let controller = self.controller(0)?;
        let parent = to.parent().unwrap_or(to);
        std::fs::create_dir_all(parent).map_err(ForestError::io(format!("making {}", parent.display())))?;
        // Copied under another name first, so that the final name never holds an incomplete directory.
        let unfinished = to.with_extension("unfinished");
        let absent = match std::fs::remove_dir_all(&unfinished) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
        absent.map_err(ForestError::io(format!("removing {}", unfinished.display())))?;
        controller.kill()?;
        samba::copy(&controller.host().folder.join("samba"), &unfinished)?;
        std::fs::rename(&unfinished, to).map_err(ForestError::io(format!("making {}", to.display())))?;
        controller.start()?;
        controller.wait_until_it_answers()
    }

    /// Takes the link of controller `index` down: packets to it are lost, and no connection is reset.
    pub fn cut_network(&self, index: usize) -> Result<(), ForestError> {
        self.controller(index)?.link().set_up(false)
    }

    /// Drops every packet that controller `index` sends to this machine: it receives and executes requests, but its
    /// answers are lost.
    pub fn lose_answers(&self, index: usize) -> Result<(), ForestError> {
        self.controller(index)?.link().lose_packets_to(self.gateway)
    }

    /// Drops every packet between two controllers, which still answer everything else.
    pub fn separate(&self, one: usize, other: usize) -> Result<(), ForestError> {
        let (one, other) = (self.controller(one)?, self.controller(other)?);
        one.link().lose_packets_to(other.address())?;
        other.link().lose_packets_to(one.address())
    }

    /// Undoes [`Self::cut_network`], [`Self::lose_answers`] and [`Self::separate`] for controller `index`.
    pub fn restore_network(&self, index: usize) -> Result<(), ForestError> {
        let link = self.controller(index)?.link();
        link.lose_none()?;
        link.set_up(true)
    }

    /// Makes controller `to` fetch the changes of one naming context from controller `from`, and waits for it. Retries
    /// for up to a minute, because the two controllers may have to reconnect first.
    pub fn replicate(&self, from: usize, to: usize, naming_context: &str) -> Result<(), ForestError> {
        let (source, target) = (self.controller(from)?.fqdn(), self.controller(to)?.fqdn());
        wait::until(&format!("{target} to fetch {naming_context}"), REPLICATION, || {
            let arguments = ["drs", "replicate", target, source, naming_context, "--machine-pass"];
            self.samba_tool(to, &arguments).map(drop).map_err(|error| error.to_string())
        })
    }

    /// Searches controller `index` as the administrator with the `ldapsearch` program, over LDAPS.
    ///
    /// The program runs in the controller's network namespace, so it works also while the controller's network is cut.
    pub fn ldapsearch(
        &self,
        index: usize,
        base: &str,
        scope: Scope,
        filter: &str,
        attributes: &[&str],
    ) -> Result<Vec<Entry>, ForestError> {
        self.ldap(index, &self.admin)?.search(base, scope, filter, attributes)
    }

    /// Searches as [`Self::ldapsearch`] does, signed in as `login`.
    pub fn ldapsearch_as(
        &self,
        login: &Login,
        index: usize,
        base: &str,
        scope: Scope,
        filter: &str,
        attributes: &[&str],
    ) -> Result<Vec<Entry>, ForestError> {
        self.ldap(index, login)?.search(base, scope, filter, attributes)
    }

    /// Applies LDIF change records on controller `index` as the administrator with the `ldapmodify` program.
    ///
    /// A record without `changetype` adds the entry.
    pub fn ldapmodify(&self, index: usize, ldif: &str) -> Result<(), ForestError> {
        self.ldap(index, &self.admin)?.modify(ldif)
    }

    /// Applies LDIF as [`Self::ldapmodify`] does, signed in as `login`.
    pub fn ldapmodify_as(&self, login: &Login, index: usize, ldif: &str) -> Result<(), ForestError> {
        self.ldap(index, login)?.modify(ldif)
    }

    /// Runs `samba-tool` on controller `index`, on its own database, and returns the output.
    pub fn samba_tool(&self, index: usize, arguments: &[&str]) -> Result<String, ForestError> {
        samba::tool(self.controller(index)?.host(), arguments)
    }

    fn ldap<'a>(&'a self, index: usize, login: &'a Login) -> Result<LdapPrograms<'a>, ForestError> {
        Ok(LdapPrograms::new(self.controller(index)?.host(), self.authority.file(), login))
    }

    pub(super) fn controller(&self, index: usize) -> Result<&Controller, ForestError> {
        let count = self.controllers.len();
        self.controllers.get(index).ok_or(ForestError::NoController { index, count })
    }
}

impl Drop for Forest {
    fn drop(&mut self) {
        self.watchdog.finish();
        for controller in &self.controllers {
            controller.reap();
        }
    }
}
