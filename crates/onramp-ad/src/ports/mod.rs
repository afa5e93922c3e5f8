//! The ports of a forest, all served by one client.

pub(crate) mod objects;
pub(crate) mod password_policy;
pub(crate) mod replication;
pub(crate) mod suffix_usage;
pub(crate) mod suffixes;
pub(crate) mod up_to_dateness;
pub(crate) mod users;

use std::sync::Arc;

use onramp_core::Forest;

use crate::client::AdClient;
use crate::ports::objects::DirectoryObjects;
use crate::ports::password_policy::DirectoryPasswordPolicies;
use crate::ports::replication::DirectoryReplication;
use crate::ports::suffixes::DirectorySuffixes;
use crate::ports::users::DirectoryUsers;
use crate::writing::writer::DirectoryWriter;

impl AdClient {
    /// The forest's ports, all served by this client.
    pub fn forest(&self) -> Forest {
        Forest {
            suffixes: Arc::new(DirectorySuffixes(self.clone())),
            users: Arc::new(DirectoryUsers(self.clone())),
            object_writer: Arc::new(DirectoryWriter(self.clone())),
            replication: Arc::new(DirectoryReplication(self.clone())),
            password_policies: Arc::new(DirectoryPasswordPolicies(self.clone())),
            objects: Arc::new(DirectoryObjects(self.clone())),
        }
    }
}
