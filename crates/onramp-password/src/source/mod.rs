//! Where policies come from: what a directory or a tenant says.

#[cfg(feature = "onramp")]
mod forest;
mod password_settings;
mod tenant_settings;

pub use password_settings::{PasswordSettings, PasswordSettingsError, resultant};
pub use tenant_settings::{TenantPasswordSettings, TenantSettingsError};
