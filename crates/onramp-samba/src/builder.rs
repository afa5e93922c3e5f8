//! The builder that configures and starts a forest.

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicUsize;

use super::certificates::Authority;
use super::command::{Host, Run};
use super::names::Names;
use super::network::Network;
use super::registry::Claim;
use super::watchdog::Watchdog;
use super::{Controller, Forest, ForestError, Login, ServerCertificate, programs, samba};

/// The configuration of a forest to start.
#[derive(Debug, Clone)]
#[must_use]
pub struct ForestBuilder {
    controllers: usize,
    realm: String,
    certificates: Vec<(usize, ServerCertificate)>,
    directory: Option<PathBuf>,
}

impl Default for ForestBuilder {
    fn default() -> Self {
        Self {
            controllers: 1,
            realm: "CORP.EXAMPLE.COM".to_owned(),
            certificates: Vec::new(),
            directory: None,
        }
    }
}

impl Forest {
    /// Returns a builder with the default configuration; see [`ForestBuilder`].
    pub fn builder() -> ForestBuilder {
        ForestBuilder::default()
    }
}

impl ForestBuilder {
    /// Sets the number of domain controllers, limited to 1 to 5; 1 by default. Each takes about five seconds to start.
    pub fn controllers(mut self, count: usize) -> Self {
        self.controllers = count.clamp(1, 5);
        self
    }

    /// Sets the DNS name of the domain; `CORP.EXAMPLE.COM` by default.
    pub fn realm(mut self, realm: impl Into<String>) -> Self {
        self.realm = realm.into();
        self
    }

    /// Sets the kind of certificate that controller `index` presents; a valid one by default.
    pub fn certificate(mut self, index: usize, kind: ServerCertificate) -> Self {
        self.certificates.push((index, kind));
        self
    }

    /// Starts from a directory that [`Forest::save_directory`] saved, with its users, instead of from an empty one. The
    /// realm must be the one that it was saved with.
    pub fn directory_of(mut self, saved: impl Into<PathBuf>) -> Self {
        self.directory = Some(saved.into());
        self
    }

    /// Starts the forest and waits until every controller answers and replicates with the others.
    ///
    /// # Errors
    /// Without root or without the packages of [`PACKAGES`](super::PACKAGES), whose missing programs the error names,
    /// and when a step fails. Everything made before an error is removed.
    pub fn up(self) -> Result<Forest, ForestError> {
        programs::check()?;
        let names = Names::of_realm(&self.realm);
        let folder = tempfile::Builder::new().prefix("onramp-forest-").tempdir_in(folder_of_all());
        let folder = folder.map_err(ForestError::io("making the forest's folder"))?;
        let claim = Claim::take(folder.path())?;
        // From here on, the watchdog removes the folder.
        let folder = folder.keep();
        let watchdog = Watchdog::start(&claim, &folder)?;
        let network = Network::new(&claim);
        network.create(self.controllers)?;

        let admin_dn = format!("CN=Administrator,CN=Users,{}", names.base_dn);
        let admin = Login::new(admin_dn, format!("administrator@{}", names.domain), &folder)?;
        let authority = Authority::create(&folder)?;
        let addresses: Vec<Ipv4Addr> = (0..self.controllers).map(|index| network.address(index)).collect();
        let krb5_config = folder.join("krb5.conf");
        write(&krb5_config, &krb5_conf(&names))?;
        let mut controllers = Vec::with_capacity(self.controllers);
        for (index, &address) in addresses.iter().enumerate() {
            let name = format!("dc{}", index + 1);
            let host = Host {
                fqdn: format!("{name}.{}", names.domain),
                namespace: network.namespace(index),
                folder: folder.join(&name),
                krb5_config: krb5_config.clone(),
                name,
            };
            self.prepare(index, &host, &addresses, &names, &authority)?;
            controllers.push(Controller::new(host, address, network.link(index)));
        }
        let forest = Forest {
            watchdog,
            controllers,
            names,
            folder,
            admin,
            authority,
            users_so_far: AtomicUsize::new(0),
            gateway: network.gateway(),
            _claim: claim,
        };
        forest.populate(self.directory.as_deref())?;
        Ok(forest)
    }

    /// Writes the files that a controller's programs need: `resolv.conf`, `hosts`, and those for TLS.
    fn prepare(
        &self,
        index: usize,
        host: &Host,
        addresses: &[Ipv4Addr],
        names: &Names,
        authority: &Authority,
    ) -> Result<(), ForestError> {
        let run = host.folder.join("run");
        fs::create_dir_all(&run).map_err(ForestError::io(format!("making {}", run.display())))?;
        let first = addresses.first().copied().unwrap_or(Ipv4Addr::LOCALHOST);
        write(&host.folder.join("resolv.conf"), &format!("nameserver {first}\nsearch {}\n", names.domain))?;
        let mut hosts = "127.0.0.1 localhost\n".to_owned();
        for (other, address) in addresses.iter().enumerate() {
            hosts.push_str(&format!("{address} dc{n}.{} dc{n}\n", names.domain, n = other + 1));
        }
        write(&host.folder.join("hosts"), &hosts)?;
        let kind = self.certificates.iter().rfind(|(which, _)| *which == index).map(|(_, kind)| *kind);
        let tls = host.folder.join("tls");
        authority.issue(&host.fqdn, kind.unwrap_or_default())?.write_to(&tls)?;
        fs::copy(authority.file(), tls.join("ca.pem")).map_err(ForestError::io("copying the authority"))?;
        Ok(())
    }
}

impl Forest {
    /// Provisions the first controller or restores a saved directory on it, and joins the others.
    fn populate(&self, saved: Option<&Path>) -> Result<(), ForestError> {
        let Self { controllers, names, admin, .. } = self;
        let Some((first, others)) = controllers.split_first() else { return Ok(()) };
        match saved {
            Some(saved) => samba::restore(first.host(), names, saved)?,
            None => samba::provision(first.host(), names, &first.ip().to_string())?,
        }
        first.start()?;
        first.wait_until_it_answers()?;
        samba::set_admin_password(first.host(), admin)?;
        for other in others {
            samba::join(other.host(), names, first.fqdn(), admin)?;
            other.start()?;
            other.wait_until_it_answers()?;
        }
        if !others.is_empty() {
            samba::connect_back(first.host())?;
        }
        Ok(())
    }
}

/// Returns the parent of the forest's folder: `/dev/shm` if it has 1 GB free, because Samba's tools wait for the disk
/// at every step; else the temporary folder.
fn folder_of_all() -> PathBuf {
    const MEMORY: &str = "/dev/shm";
    let free = Run::here(10, "looking for free memory", "df")
        .args(["--output=avail", "--block-size=1M", MEMORY])
        .output();
    let megabytes = free.ok().and_then(|text| text.lines().last()?.trim().parse::<u64>().ok());
    // A forest of two controllers takes 64 MB, and a few thousand users take as much again.
    if megabytes.is_some_and(|free| free >= 1024) { MEMORY.into() } else { std::env::temp_dir() }
}

/// Returns a Kerberos configuration that finds the controllers of the realm in DNS.
fn krb5_conf(names: &Names) -> String {
    format!(
        "[libdefaults]\n default_realm = {}\n dns_lookup_realm = false\n dns_lookup_kdc = true\n",
        names.realm
    )
}

fn write(file: &Path, content: &str) -> Result<(), ForestError> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).map_err(ForestError::io(format!("making {}", folder.display())))?;
    }
    fs::write(file, content).map_err(ForestError::io(format!("writing {}", file.display())))
}
