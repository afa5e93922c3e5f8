//! The client: every operation on a forest that is not behind a port.

use std::sync::Arc;

use onramp_core::forest::DomainController;
use onramp_core::{BoxStream, Forest, Result};

use crate::changes::cursor::{ChangeCursor, DirectoryChangeQuery};
use crate::changes::reader::{self, DirectoryChange};
use crate::ldap::write_limiter::WriteLoad;
use crate::modify::writer;
use crate::ports;
use crate::topology::Topology;
use crate::topology::controller_survey::SurveyedController;
use crate::topology::domains::ForestDomain;
use crate::topology::root_dse::RootDse;

/// A client of an Active Directory forest.
///
/// ```no_run
/// use onramp_ad::{AdClient, BindName};
/// use onramp_core::Password;
/// # async fn run(password: Password) -> onramp_core::Result<()> {
/// let bind_name = BindName::parse(r"CORP\onramp")?;
/// let client = AdClient::builder("dc1.corp.example").bind(bind_name, password).connect().await?;
/// for domain in client.domains().await? {
///     println!("{}", domain.dns_name);
/// }
/// let forest = client.forest();
/// # drop(forest);
/// # Ok(())
/// # }
/// ```
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

    /// Returns the root DSE of the domain controller that the client is connected to. Another one takes over when that one
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
    /// ```no_run
    /// # async fn run(client: onramp_ad::AdClient) -> onramp_core::Result<()> {
    /// for status in client.survey_controllers().await? {
    ///     match status.answer {
    ///         Ok(root_dse) => println!("{} answers, site {}", status.controller.host, root_dse.site()),
    ///         Err(error) => println!("{error}"),
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Only if the domain controllers cannot be listed: one that does not answer is part of the survey.
    pub async fn survey_controllers(&self) -> Result<Vec<SurveyedController>> {
        self.topology.survey_controllers().await
    }

    /// Streams the changes of a naming context since a cursor, or every object without one. The last item is the new cursor.
    ///
    /// The DirSync control is used where the domain controller has it, with the rights of an ordinary account; else
    /// `uSNChanged` of one domain controller, which starts anew when another one answers or its database was restored. A
    /// change made during the read may come again the next time; none is left out.
    ///
    /// ```no_run
    /// use futures_util::TryStreamExt;
    /// use onramp_ad::{AdClient, ChangeCursor, DirectoryChangeQuery, DirectoryChange};
    /// use onramp_core::AttributeName;
    /// # async fn run(client: AdClient, stored: Option<ChangeCursor>) -> onramp_core::Result<()> {
    /// let upn = AttributeName::parse("userPrincipalName")?;
    /// let query = DirectoryChangeQuery::new("DC=corp,DC=example".parse()?, [upn]);
    /// let mut changes = client.changes(query, stored);
    /// let mut cursor = None;
    /// while let Some(change) = changes.try_next().await? {
    ///     match change {
    ///         DirectoryChange::Object(object) => println!("{} is new or changed", object.dn),
    ///         DirectoryChange::Deleted { dn, .. } => println!("{dn} was deleted"),
    ///         DirectoryChange::Restarted { reason } => println!("all objects follow: {reason}"),
    ///         DirectoryChange::Checkpoint(next) => cursor = Some(next), // store it for the next call
    ///         _ => {}
    ///     }
    /// }
    /// # drop(cursor);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `NotFound` if the naming context is none of the forest's; those of reading. An object that could not be understood
    /// is an `Unreadable` item, after which the stream goes on. It ends after its first other error, and goes on from the
    /// cursor before it when called again.
    pub fn changes(
        &self,
        query: DirectoryChangeQuery,
        since: Option<ChangeCursor>,
    ) -> BoxStream<'static, Result<DirectoryChange>> {
        reader::changes(self.topology.clone(), query, since)
    }

    /// Returns the present write load of each domain controller that changes were sent to. Clones of a client share it.
    ///
    /// ```no_run
    /// # fn run(client: onramp_ad::AdClient) {
    /// for load in client.write_loads() {
    ///     println!("{load}"); // dc1.corp.example: 31 of 32 changes in flight, 12 ms an answer
    /// }
    /// # }
    /// ```
    pub fn write_loads(&self) -> Vec<WriteLoad> {
        writer::loads(&self.topology)
    }
}
