//! The tenant ports of `onramp-core` on Graph, Azure Resource Manager and the sign-in service.

mod applications;
mod certificates;
mod creation;
mod directory_roles;
mod domains;
mod password_rules;
mod roles;
mod second_factor;
mod sign_in;
mod subscriptions;
mod sync;
mod users;

use std::sync::Arc;

use onramp_core::Tenant;

pub use applications::EntraApplications;
pub use domains::EntraDomains;
pub use password_rules::EntraPasswordRules;
pub use roles::EntraRoles;
pub use sign_in::EntraSignIn;
pub use subscriptions::EntraSubscriptions;
pub use sync::EntraSync;
pub use users::EntraUsers;

use crate::client::EntraClient;

impl EntraClient {
    /// All ports of the tenant, on this client.
    pub fn tenant(&self) -> Tenant {
        let transport = || self.0.transport.clone();
        Tenant {
            domains: Arc::new(EntraDomains(transport())),
            users: Arc::new(EntraUsers(transport())),
            roles: Arc::new(EntraRoles(transport())),
            sign_in: Arc::new(EntraSignIn(Arc::clone(&self.0))),
            sync: Arc::new(EntraSync(transport())),
            subscriptions: Arc::new(EntraSubscriptions(transport())),
            applications: Arc::new(EntraApplications(transport())),
            password_rules: Arc::new(EntraPasswordRules(transport())),
        }
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
