//! An Entra tenant in memory: one model, two faces.
//!
//! [`LabTenant`] holds the model. Its ports ([`LabTenant::tenant`]) work on it directly; its server ([`LabTenant::serve`])
//! speaks Graph, Azure Resource Manager and OAuth 2.0 over TLS. Both obey the same rules, because the rules are the model's.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> onramp_core::Result<()> {
//! use onramp_core::DomainName;
//! use onramp_lab::tenant::LabTenant;
//!
//! let lab = LabTenant::builder().name("contoso").users(25).seed(7).build()?;
//! let tenant = lab.tenant();
//! let domain = DomainName::parse("corp.example")?;
//! tenant.domains.add(&domain).await?;
//! lab.publish_txt("corp.example", &lab.verification_text("corp.example").unwrap_or_default());
//! tenant.domains.verify(&domain).await?;
//! assert!(tenant.domains.get(&domain).await?.is_verified);
//! # Ok(()) }
//! ```

mod admin;
mod builder;
mod data;
mod http;
mod lab_tenant;
mod limits;
mod operations;
mod ports;
mod seed;
mod sign_in;

pub use self::builder::LabTenantBuilder;
pub use self::data::domains::UsedElsewhere;
pub use self::data::organization::ConditionalAccess;
pub use self::data::subscriptions::AzureLock;
pub use self::http::LabTenantServer;
pub use self::lab_tenant::{LabCredentials, LabTenant};
pub use self::limits::consistency::Consistency;
pub use self::limits::faults::{Fault, FaultAction};
pub use self::limits::rate_limit::WriteLimit;
pub use self::limits::request_log::LoggedRequest;
pub use self::limits::throttling::{TenantSize, Throttling};
pub use self::seed::seed_user::SeedUser;
pub use self::seed::subscriptions::LabSubscription;
pub use self::sign_in::tokens::Audience;
