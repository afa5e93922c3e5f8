//! Describing a forest before it is built.

use std::fmt::Debug;
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use onramp_core::{Clock, DomainName, Error, ErrorKind, Password, Result, SystemClock};

use super::bind::Credentials;
use super::fault::Faults;
use super::seed::{self, Blueprint};
use super::state::{Id, Moment};
use super::view::View;
use super::{Inner, LabForest, admin};
use crate::people::{People, PeopleOptions};

/// Describes a forest; [`build`](Self::build) makes it.
#[derive(Debug, Clone)]
#[must_use]
pub struct LabForestBuilder {
    domain: String,
    mail_domain: String,
    users: u64,
    seed: u64,
    controllers: usize,
    read_only: usize,
    delay: Duration,
    administrator_password: Option<Password>,
    clock: Arc<dyn Clock>,
}

impl Default for LabForestBuilder {
    /// `corp.local` with 100 users, seed 0, one domain controller, no replication delay, the machine's clock.
    fn default() -> Self {
        Self {
            domain: "corp.local".to_owned(),
            mail_domain: "example.com".to_owned(),
            users: 100,
            seed: 0,
            controllers: 1,
            read_only: 0,
            delay: Duration::ZERO,
            administrator_password: None,
            clock: Arc::new(SystemClock::new()),
        }
    }
}

impl LabForestBuilder {
    /// The DNS name of the forest's domain.
    pub fn domain(mut self, domain: &str) -> Self {
        self.domain = domain.to_owned();
        self
    }

    /// The domain of the users' e-mail addresses.
    pub fn mail_domain(mut self, domain: &str) -> Self {
        self.mail_domain = domain.to_owned();
        self
    }

    /// How many users, besides those that every domain has. A million take about half a gigabyte.
    pub fn users(mut self, users: u64) -> Self {
        self.users = users;
        self
    }

    /// The same seed, with everything else equal, gives the same forest.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// How many writable domain controllers; at least one.
    pub fn controllers(mut self, controllers: usize) -> Self {
        self.controllers = controllers;
        self
    }

    /// How many read-only domain controllers besides.
    pub fn read_only_controllers(mut self, controllers: usize) -> Self {
        self.read_only = controllers;
        self
    }

    /// How long a change takes from one domain controller to the others.
    pub fn replication_delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// The password of the built-in administrator. Without it, one is made from the seed.
    pub fn administrator_password(mut self, password: Password) -> Self {
        self.administrator_password = Some(password);
        self
    }

    /// Where the time comes from that replication takes.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Builds the forest.
    ///
    /// # Errors
    /// `Invalid` if the domain is not a domain name, or there is no writable domain controller.
    pub fn build(self) -> Result<LabForest> {
        let domain = DomainName::parse(&self.domain)?;
        if self.controllers == 0 {
            let error = Error::new(ErrorKind::Invalid, "build the forest").object(&domain);
            return Err(error.detail("it needs at least one writable domain controller"));
        }
        let people =
            PeopleOptions::new(domain.as_str()).with_seed(self.seed).with_mail_domain(&self.mail_domain);
        let netbios = netbios_name(&domain);
        let blueprint = Blueprint {
            domain: domain.clone(),
            netbios: netbios.clone(),
            people: People::new(people),
            users: self.users,
            seed: self.seed,
            writable: self.controllers,
            read_only: self.read_only,
        };
        let (state, marks) = seed::build(blueprint);
        let view = View { state: &state, at: 0 };
        let delegate = (0..state.objects.len() as Id).find(|&id| admin::is_service_account(view, id));
        let made = || seed::password(self.seed, 2);
        let credentials = Credentials {
            administrator: marks.administrator,
            administrator_password: self.administrator_password.unwrap_or_else(made),
            user_password: seed::password(self.seed, 3),
            delegate,
        };
        Ok(LabForest(Arc::new(Inner {
            domain,
            netbios,
            clock: self.clock,
            marks,
            credentials,
            faults: Faults::default(),
            delay: AtomicI64::new(nanoseconds(self.delay)),
            due: AtomicI64::new(Moment::MAX),
            state: RwLock::new(state),
        })))
    }
}

pub(super) fn nanoseconds(time: Duration) -> Moment {
    Moment::try_from(time.as_nanos()).unwrap_or(Moment::MAX / 4).min(Moment::MAX / 4)
}

/// The first label in capitals, at most 15 characters.
fn netbios_name(domain: &DomainName) -> String {
    domain.labels().next().unwrap_or_default().to_uppercase().chars().take(15).collect()
}
