//! The tenant's client: every port over one Graph client.

use std::sync::Arc;

use onramp_core::{BoxStream, Result, Tenant};
use onramp_graph::{Credential, Delta, DeltaStart, GraphClient, GraphClientBuilder, RetryPolicy};

use crate::application_sign_in::EntraApplicationSignIn;
use crate::applications::EntraApplications;
use crate::caller::EntraCaller;
use crate::domains::EntraDomains;
use crate::password_protection::EntraPasswordProtection;
use crate::roles::EntraRoles;
use crate::service_records::EntraServiceRecords;
use crate::sign_in::EntraSignIn;
use crate::subscriptions::EntraSubscriptions;
use crate::sync::EntraSync;
use crate::users::{ChangedUser, EntraUsers};

/// The client ID of "Microsoft Graph Command Line Tools", a public client that exists in every tenant.
const GRAPH_COMMAND_LINE_TOOLS: &str = "14d82eec-204b-4c2f-b7e8-296a70dab67e";

/// A client of one Entra tenant: the ports of `onramp-core` over a [`GraphClient`].
///
/// Cheap to clone: clones share connections, tokens, throttling state and the list of recently created objects.
///
/// ```
/// use onramp_core::Password;
/// use onramp_entra::{ClientSecret, Cloud, EntraClient};
///
/// # fn secret() -> Password { Password::new("of course not this".into()) }
/// let client = EntraClient::builder(ClientSecret::new("contoso.com", "44444444-0000-4000-8000-000000000000", secret()))
///     .cloud(Cloud::Global)
///     .build()?;
/// let tenant = client.tenant();
/// # let _: std::sync::Arc<dyn onramp_core::tenant::Domains> = tenant.domains;
/// # Ok::<(), onramp_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct EntraClient {
    graph: GraphClient,
    probe_client_id: Arc<str>,
}

impl EntraClient {
    /// Starts a client that signs in with a credential: a [`ClientSecret`](crate::ClientSecret), a
    /// [`ClientCertificate`](crate::ClientCertificate) or any [`TokenSource`](crate::TokenSource).
    pub fn builder(credential: impl Into<Credential>) -> GraphClientBuilder<Self> {
        GraphClientBuilder::new(credential)
    }

    /// Creates a client over a Graph client, which it shares.
    pub fn new(graph: GraphClient) -> Self {
        Self { graph, probe_client_id: GRAPH_COMMAND_LINE_TOOLS.into() }
    }

    /// Sets the public client that sign-in probes are made with. Default: "Microsoft Graph Command Line Tools".
    #[must_use]
    pub fn with_probe_client_id(mut self, client_id: impl Into<Arc<str>>) -> Self {
        self.probe_client_id = client_id.into();
        self
    }

    /// Returns the same client with another retry policy, for work that may take longer or must not.
    #[must_use]
    pub fn with_retry(&self, policy: RetryPolicy) -> Self {
        Self { graph: self.graph.with_retry(policy), probe_client_id: Arc::clone(&self.probe_client_id) }
    }

    /// Returns the Graph client, for queries and bulk writes.
    pub fn graph(&self) -> &GraphClient {
        &self.graph
    }

    /// Streams the users that were created, changed or deleted since an earlier time, by a delta query for the properties that the
    /// port of users reads.
    ///
    /// ```no_run
    /// # async fn run(client: onramp_entra::EntraClient, stored: String) -> onramp_core::Result<()> {
    /// use futures_util::TryStreamExt;
    /// use onramp_entra::{Delta, DeltaStart};
    ///
    /// let users = client.tenant().users;
    /// let mut changes = client.user_changes(DeltaStart::From(stored.parse()?));
    /// while let Some(change) = changes.try_next().await? {
    ///     match change {
    ///         Delta::Changed(user) => println!("{} is new or changed", users.get(&user.id).await?.upn),
    ///         Delta::Removed { id, .. } => println!("{id} was deleted"),
    ///         Delta::Resync => println!("the cursor has expired: all users follow"),
    ///         Delta::Reached(cursor) => println!("store {cursor} and continue from it"),
    ///         _ => {}
    ///     }
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// `Forbidden` without User.Read.All, and those of reading.
    pub fn user_changes(&self, from: DeltaStart) -> BoxStream<'static, Result<Delta<ChangedUser>>> {
        EntraUsers(self.graph.clone()).changes(from)
    }

    /// Returns all ports of the tenant.
    pub fn tenant(&self) -> Tenant {
        let graph = || self.graph.clone();
        Tenant::new(
            Arc::new(EntraDomains(graph())),
            Arc::new(EntraUsers(graph())),
            Arc::new(EntraRoles(graph())),
            Arc::new(EntraSignIn::new(graph(), Arc::clone(&self.probe_client_id))),
            Arc::new(EntraSync(graph())),
            Arc::new(EntraSubscriptions(graph())),
            Arc::new(EntraApplications(graph())),
            Arc::new(EntraPasswordProtection(graph())),
        )
        .with_service_records(Arc::new(EntraServiceRecords(graph())))
        .with_caller(Arc::new(EntraCaller(graph())))
        .with_application_sign_in(Arc::new(EntraApplicationSignIn(graph())))
    }
}

impl From<GraphClient> for EntraClient {
    fn from(graph: GraphClient) -> Self {
        Self::new(graph)
    }
}

impl From<EntraClient> for Tenant {
    fn from(client: EntraClient) -> Self {
        client.tenant()
    }
}

impl From<&EntraClient> for Tenant {
    fn from(client: &EntraClient) -> Self {
        client.tenant()
    }
}
