//! Which domain controllers a client keeps to.

use std::collections::HashMap;
use std::sync::Arc;

use onramp_core::DistinguishedName;
use onramp_core::forest::DomainController;
use tokio::sync::{Mutex, OnceCell};

use crate::topology::root_dse::RootDse;
use crate::wire::link::Link;

/// The domain controller through which the forest is seen.
#[derive(Debug, Clone)]
pub(crate) struct Entrance {
    pub(crate) link: Arc<Link>,
    pub(crate) root_dse: Arc<RootDse>,
}

/// What was chosen so far.
#[derive(Default)]
pub(crate) struct Chosen {
    pub(crate) entrance: Mutex<Option<Entrance>>,
    pub(crate) servers: Mutex<HashMap<DistinguishedName, Arc<Link>>>,
    pub(crate) catalog: Mutex<Option<Arc<Link>>>,
    pub(crate) controllers: OnceCell<Vec<DomainController>>,
}
