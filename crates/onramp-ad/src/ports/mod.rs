//! The ports of a forest.

pub(crate) mod controller_probe;
pub(crate) mod objects;
pub(crate) mod password_policy;
pub(crate) mod replication;
pub(crate) mod suffix_usage;
pub(crate) mod suffixes;
pub(crate) mod up_to_dateness;
pub(crate) mod users;

use std::sync::Arc;

use onramp_core::Forest;

use crate::modify::writer::DirectoryWriter;
use crate::ports::controller_probe::DirectoryProbe;
use crate::ports::objects::DirectoryObjects;
use crate::ports::password_policy::DirectoryPasswordPolicies;
use crate::ports::replication::DirectoryReplication;
use crate::ports::suffixes::DirectorySuffixes;
use crate::ports::users::DirectoryUsers;
use crate::topology::Topology;

/// Returns the ports of a forest.
pub(crate) fn forest(topology: &Topology) -> Forest {
    let replication = Arc::new(DirectoryReplication(topology.clone()));
    Forest::new(
        Arc::new(DirectorySuffixes(topology.clone())),
        Arc::new(DirectoryUsers(topology.clone())),
        Arc::new(DirectoryWriter(topology.clone())),
        Arc::clone(&replication) as _,
        Arc::new(DirectoryPasswordPolicies(topology.clone())),
        Arc::new(DirectoryObjects(topology.clone())),
    )
    .with_replication_metadata(replication)
    .with_controller_probe(Arc::new(DirectoryProbe(topology.clone())))
}
