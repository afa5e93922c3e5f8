//! Policies as plain data: the requirements of each target, and the combined policy.

mod ad;
mod combined;
mod custom;
#[cfg(feature = "onramp-core")]
mod directory;
mod entra;
mod nist;
mod requirements;

pub use ad::{AdPolicy, NameChecks};
pub use combined::Policy;
pub use custom::CustomPolicy;
pub use entra::EntraPolicy;
pub use nist::{Factor, NistPolicy};
pub use requirements::Requirement;

pub use crate::class::{CharacterClass, Classes};
pub use crate::lithnet::LithnetPolicy;
pub use crate::protection::ProtectionPolicy;
pub use crate::target::Target;
