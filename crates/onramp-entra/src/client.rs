//! The client.

use std::sync::Arc;

use crate::retry::RetryPolicy;
use crate::transport::Transport;

/// A client of one Entra tenant: Microsoft Graph, Azure Resource Manager and the sign-in service.
///
/// Cheap to clone; clones share connections, tokens and what they know of new objects.
///
/// ```
/// use onramp_core::Password;
/// use onramp_entra::{ClientSecret, Cloud, EntraClient};
///
/// # fn secret() -> Password { Password::new("of course not this".into()) }
/// let client = EntraClient::builder(ClientSecret::new("44444444-0000-4000-8000-000000000000", secret()))
///     .tenant("contoso.onmicrosoft.com")
///     .cloud(Cloud::Global)
///     .build()?;
/// let tenant = client.tenant();
/// # let _: std::sync::Arc<dyn onramp_core::tenant::Domains> = tenant.domains;
/// # Ok::<(), onramp_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct EntraClient(pub(crate) Arc<Shared>);

#[derive(Debug, Clone)]
pub(crate) struct Shared {
    pub(crate) transport: Transport,
    /// The tenant's ID or one of its domains, if it was given.
    pub(crate) tenant: Option<String>,
    pub(crate) probe_client_id: String,
}

impl EntraClient {
    /// The same client with another retry policy, for work that may take longer or must not: connections, tokens and
    /// what is known of new objects are shared.
    #[must_use]
    pub fn with_retry(&self, policy: RetryPolicy) -> Self {
        let transport = Transport { retry: policy, ..self.0.transport.clone() };
        Self(Arc::new(Shared { transport, ..(*self.0).clone() }))
    }
}
