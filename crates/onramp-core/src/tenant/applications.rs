//! Application identities.

use std::fmt::Debug;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{ObjectId, Result};

/// An application registration and its service principal in this tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Application {
    /// Object ID of the registration.
    pub id: ObjectId,
    /// Application (client) ID.
    pub app_id: ObjectId,
    /// Display name; not unique.
    pub display_name: String,
    /// Object ID of the service principal, which is what holds roles.
    pub service_principal: Option<ObjectId>,
}

impl Application {
    /// A registration.
    pub fn new(
        id: ObjectId,
        app_id: ObjectId,
        display_name: impl Into<String>,
        service_principal: Option<ObjectId>,
    ) -> Self {
        Self { id, app_id, display_name: display_name.into(), service_principal }
    }
}

/// Port: application identities of a tenant.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Applications: Debug + Send + Sync {
    /// The applications of exactly that display name; names are not unique.
    async fn find(&self, display_name: &str) -> Result<Vec<Application>>;

    /// Registers an application and creates its service principal.
    ///
    /// # Errors
    /// `Invalid`; `Forbidden`.
    async fn create(&self, display_name: &str) -> Result<Application>;

    /// Deletes a registration, and its service principal with it.
    ///
    /// # Errors
    /// `NotFound`.
    async fn delete(&self, id: &ObjectId) -> Result<()>;
}
