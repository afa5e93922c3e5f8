//! The domain controllers that a client uses at present.

use std::collections::HashMap;
use std::sync::Arc;

use onramp_core::DistinguishedName;
use onramp_core::forest::DomainController;
use tokio::sync::{Mutex, OnceCell};

use crate::ldap::connection_handle::ConnectionHandle;
use crate::topology::root_dse::RootDse;

/// The domain controller that the client reads the Configuration partition from.
#[derive(Debug, Clone)]
pub(crate) struct BootstrapDc {
    pub(crate) handle: Arc<ConnectionHandle>,
    pub(crate) root_dse: Arc<RootDse>,
}

/// The choices made so far.
#[derive(Default)]
pub(crate) struct DcCache {
    pub(crate) bootstrap: Mutex<Option<BootstrapDc>>,
    /// The writable domain controller of each naming context.
    pub(crate) writable: Mutex<HashMap<DistinguishedName, Arc<ConnectionHandle>>>,
    pub(crate) global_catalog: Mutex<Option<Arc<ConnectionHandle>>>,
    /// All domain controllers of the forest, as first listed.
    pub(crate) controllers: OnceCell<Vec<DomainController>>,
}
