//! A reference to a user.

pub use onramp_readiness::forecast::UserRef;
