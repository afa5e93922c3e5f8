//! Describing a forest before it is built.

use std::fmt::Debug;
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use onramp_core::{Clock, DomainName, Error, ErrorKind, Password, Result, SystemClock};

use super::data::accounts;
use super::data::object::nanoseconds;
use super::data::object::{Id, UnixNanos};
use super::data::state::Vendor;
use super::data::text::Comparison;
use super::data::view::View;
use super::fault::Faults;
use super::lab_forest::{Inner, LabForest};
use super::security::bind::Credentials;
use super::seed::{self, DomainLayout, ForestLayout};
use crate::people::{People, PeopleOptions};

/// The maximum number of domains besides the first.
const MAX_DOMAINS: usize = 200;

/// Describes a forest; [`build`](Self::build) makes it.
#[derive(Debug, Clone)]
#[must_use]
pub struct LabForestBuilder {
    root: LabDomain,
    mail_domain: String,
    seed: u64,
    delay: Duration,
    others: Vec<LabDomain>,
    sites: Vec<String>,
    administrator_password: Option<Password>,
    vendor: Vendor,
    vectors_hidden: bool,
    windows_comparison: Option<bool>,
    clock: Arc<dyn Clock>,
}

/// Another domain of the forest: a child if its name is below that of a domain that is there already, else a tree of its
/// own.
#[derive(Debug, Clone)]
#[must_use]
pub struct LabDomain {
    name: String,
    users: u64,
    controllers: usize,
    read_only: usize,
    global_catalogs: Option<usize>,
}

impl LabDomain {
    /// Creates a domain with that DNS name, 20 users and one domain controller, which is a global catalog.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), users: 20, controllers: 1, read_only: 0, global_catalogs: None }
    }

    /// Sets the number of users, besides those that every domain has.
    pub fn users(mut self, users: u64) -> Self {
        self.users = users;
        self
    }

    /// Sets the number of writable domain controllers; at least one.
    pub fn controllers(mut self, controllers: usize) -> Self {
        self.controllers = controllers;
        self
    }

    /// Sets the number of read-only domain controllers.
    pub fn read_only_controllers(mut self, controllers: usize) -> Self {
        self.read_only = controllers;
        self
    }

    /// Sets the number of writable domain controllers that are global catalogs; all unless set.
    pub fn global_catalogs(mut self, catalogs: usize) -> Self {
        self.global_catalogs = Some(catalogs);
        self
    }
}

impl Default for LabForestBuilder {
    /// `corp.local` with 100 users, seed 0, one domain controller, no replication delay, the machine's clock.
    fn default() -> Self {
        Self {
            root: LabDomain::new("corp.local").users(100),
            mail_domain: "example.com".to_owned(),
            seed: 0,
            delay: Duration::ZERO,
            others: Vec::new(),
            sites: vec!["Default-First-Site-Name".to_owned()],
            administrator_password: None,
            vendor: Vendor::default(),
            vectors_hidden: false,
            windows_comparison: None,
            clock: Arc::new(SystemClock::new()),
        }
    }
}

impl LabForest {
    /// Starts describing a forest.
    pub fn builder() -> LabForestBuilder {
        LabForestBuilder::default()
    }
}

impl LabForestBuilder {
    /// Sets the DNS name of the domain at the root of the forest.
    pub fn domain(mut self, domain: &str) -> Self {
        self.root.name = domain.to_owned();
        self
    }

    /// Sets the domain of the users' mail addresses.
    pub fn mail_domain(mut self, domain: &str) -> Self {
        self.mail_domain = domain.to_owned();
        self
    }

    /// Sets the number of users, besides those that every domain has. A million take about half a gigabyte.
    pub fn users(mut self, users: u64) -> Self {
        self.root.users = users;
        self
    }

    /// Sets the seed of all random values: the same seed, with everything else equal, gives the same forest.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Sets the number of writable domain controllers; at least one.
    pub fn controllers(mut self, controllers: usize) -> Self {
        self.root.controllers = controllers;
        self
    }

    /// Sets the number of read-only domain controllers.
    pub fn read_only_controllers(mut self, controllers: usize) -> Self {
        self.root.read_only = controllers;
        self
    }

    /// Sets the number of writable domain controllers that are global catalogs; all unless set.
    pub fn global_catalogs(mut self, catalogs: usize) -> Self {
        self.root.global_catalogs = Some(catalogs);
        self
    }

    /// Adds another domain, with domain controllers of its own.
    pub fn add_domain(mut self, domain: LabDomain) -> Self {
        self.others.push(domain);
        self
    }

    /// Sets the sites; the domain controllers of each domain stand in them by turns. `Default-First-Site-Name` unless set.
    pub fn sites(mut self, names: &[&str]) -> Self {
        self.sites = names.iter().map(|&name| name.to_owned()).collect();
        self
    }

    /// Sets the replication delay between domain controllers.
    pub fn replication_delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Sets the password of the built-in administrator. Without it, one is made from the seed.
    pub fn administrator_password(mut self, password: Password) -> Self {
        self.administrator_password = Some(password);
        self
    }

    /// Sets the product of the domain controllers. Samba unless set.
    pub fn vendor(mut self, vendor: Vendor) -> Self {
        self.vendor = vendor;
        self
    }

    /// Compares names as Windows does: letters with marks and without, of any width and kana, are the same. A UPN or
    /// account name that differs from another in nothing else is refused then. Unless set, a forest of
    /// [`Vendor::Windows`] does so and one of [`Vendor::Samba`] does not.
    pub fn windows_comparison(mut self, on: bool) -> Self {
        self.windows_comparison = Some(on);
        self
    }

    /// Lets nobody read up-to-dateness vectors (`replUpToDateVector`), as a hardened directory does.
    pub fn hidden_up_to_dateness_vectors(mut self) -> Self {
        self.vectors_hidden = true;
        self
    }

    /// Sets the clock of the forest.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Builds the forest.
    ///
    /// # Errors
    /// `Invalid` if a domain is not a domain name, is there twice, or has no writable domain controller, and if there is
    /// no site.
    pub fn build(self) -> Result<LabForest> {
        let root = self.layout(&self.root, &[])?;
        let mut others: Vec<DomainLayout> = Vec::new();
        for domain in &self.others {
            let known: Vec<&DomainLayout> = std::iter::once(&root).chain(&others).collect();
            let domain = self.layout(domain, &known)?;
            others.push(domain);
        }
        if self.sites.is_empty() || others.len() > MAX_DOMAINS {
            let error = Error::new(ErrorKind::Invalid, "build the forest").with_object(&root.domain);
            return Err(error.with_detail(format!(
                "it needs a site, and can have {MAX_DOMAINS} domains besides the first"
            )));
        }
        let domain = root.domain.clone();
        let netbios = root.netbios.clone();
        let layout = ForestLayout { root, others, seed: self.seed, sites: self.sites };
        let (mut state, well_known) = seed::build(layout);
        (state.vendor, state.vectors_hidden) = (self.vendor, self.vectors_hidden);
        if self.windows_comparison.unwrap_or(self.vendor == Vendor::Windows) {
            state.comparison = Comparison::Windows;
        }
        let view = View::new(&state, 0);
        let delegate = (0..state.objects.len() as Id).find(|&id| accounts::is_service_account(view, id));
        let made = || seed::password(self.seed, 2);
        let credentials = Credentials {
            administrator_password: self.administrator_password.unwrap_or_else(made),
            user_password: seed::password(self.seed, 3),
            delegate,
        };
        Ok(LabForest(Arc::new(Inner {
            domain,
            netbios,
            clock: self.clock,
            well_known,
            credentials,
            certificates: RwLock::default(),
            faults: Faults::default(),
            delay: AtomicI64::new(nanoseconds(self.delay)),
            due: AtomicI64::new(UnixNanos::MAX),
            state: RwLock::new(state),
        })))
    }
}

impl LabForestBuilder {
    fn layout(&self, domain: &LabDomain, known: &[&DomainLayout]) -> Result<DomainLayout> {
        // What Windows lets a domain be called: as a host, and with underscores.
        DomainName::parse(&domain.name.replace('_', "x"))?;
        let name = DomainName::parse_directory(&domain.name)?;
        let refuse = |why: &str| {
            Err(Error::new(ErrorKind::Invalid, "build the forest's domain")
                .with_object(&name)
                .with_detail(why))
        };
        // Directories have these; what else a DNS server may allow, no certificate of a controller can hold.
        let usual = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
        if !name.as_str().chars().all(usual) {
            return refuse("it has characters other than letters, digits, “-” and “_”");
        }
        if domain.controllers == 0 {
            return refuse("it needs at least one writable domain controller");
        }
        if known.iter().any(|known| known.domain == name) {
            return refuse("it is there already");
        }
        let mut netbios = netbios_name(&name);
        if known.iter().any(|known| known.netbios == netbios) {
            netbios = format!("{}{}", netbios.chars().take(12).collect::<String>(), known.len());
        }
        // Others than in the root domain, but always the same.
        let seed = self.seed.wrapping_add(known.len() as u64);
        let people = PeopleOptions::new(name.as_str()).with_seed(seed).with_mail_domain(&self.mail_domain);
        Ok(DomainLayout {
            domain: name,
            netbios,
            people: People::new(people),
            users: domain.users,
            writable: domain.controllers,
            read_only: domain.read_only,
            catalogs: domain.global_catalogs.unwrap_or(usize::MAX),
        })
    }
}

/// Returns the first label in capitals, at most 15 characters.
fn netbios_name(domain: &DomainName) -> String {
    domain.labels().next().unwrap_or_default().to_uppercase().chars().take(15).collect()
}
