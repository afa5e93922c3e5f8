//! The client: every operation on a forest that is not behind a port.

use std::sync::Arc;

use futures_util::stream::BoxStream;
use onramp_core::forest::DomainController;
use onramp_core::{Forest, Result};

use crate::changes::cursor::{ChangeCursor, ChangeQuery};
use crate::changes::reader::{self, DirectoryChange};
use crate::ldap::write_limiter::WriteLoad;
use crate::modify::writer;
use crate::ports;
use crate::topology::Topology;
use crate::topology::controller_survey::ControllerStatus;
use crate::topology::domains::ForestDomain;
use crate::topology::root_dse::RootDse;

/// A client of an Active Directory forest.
///
/// Cheap to clone; clones share their connections. A connection is opened when it is first needed, and again after it was
/// lost. Needs a tokio runtime.
#[derive(Debug, Clone)]
pub struct AdClient {
    topology: Topology,
}

impl AdClient {
    pub(crate) fn new(topology: Topology) -> Self {
        Self { topology }
    }

    /// Returns the ports of the forest, all served by this client.
    pub fn forest(&self) -> Forest {
        ports::forest(&self.topology)
    }

    /// Returns the rootDSE of the domain controller that the client is connected to. Another one takes over when that one
    /// cannot be reached any more.
    ///
    /// # Errors
    /// `Unavailable`, `Unauthenticated`, and `Invalid` for a certificate that was not accepted or a server that is no
    /// domain controller.
    pub async fn root_dse(&self) -> Result<Arc<RootDse>> {
        self.topology.root_dse().await
    }

    /// Lists the domains of the forest.
    ///
    /// # Errors
    /// `Unavailable`; `Forbidden` if the account may not read the Configuration partition.
    pub async fn domains(&self) -> Result<Vec<ForestDomain>> {
        self.topology.domains().await
    }

    /// Lists every domain controller of the forest, those that cannot be reached included.
    ///
    /// # Errors
    /// `Unavailable`; `Forbidden` if the account may not read the Configuration partition.
    pub async fn controllers(&self) -> Result<Vec<DomainController>> {
        self.topology.controllers().await
    }

    /// Connects to every domain controller of the forest, several at a time, in the order of
    /// [`controllers`](Self::controllers).
    ///
    /// # Errors
    /// Only if the domain controllers cannot be listed: one that does not answer is part of the survey.
    pub async fn survey_controllers(&self) -> Result<Vec<ControllerStatus>> {
        self.topology.survey_controllers().await
    }

    /// Streams the changes of a naming context since a cursor, or every object without one. The last item is the new cursor.
    ///
    /// The DirSync control is used where the domain controller has it, with the rights of an ordinary account; else
    /// `uSNChanged` of one domain controller, which starts anew when another one answers or its database was restored. A
    /// change made during the read may come again the next time; none is left out.
    ///
    /// # Errors
    /// `NotFound` if the naming context is none of the forest's; those of reading. An object that could not be understood
    /// is an `Unreadable` item, after which the stream goes on. It ends after its first other error, and goes on from the
    /// cursor before it when called again.
    pub fn changes(
        &self,
        query: ChangeQuery,
        since: Option<ChangeCursor>,
    ) -> BoxStream<'static, Result<DirectoryChange>> {
        reader::changes(self.topology.clone(), query, since)
    }

    /// Returns the present write load of each domain controller that changes were sent to. Clones of a client share it.
    pub fn write_loads(&self) -> Vec<WriteLoad> {
        writer::loads(&self.topology)
    }
}
