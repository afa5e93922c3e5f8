//! The data of the tenant.

pub(crate) mod applications;
pub(crate) mod certificate_dates;
pub(crate) mod directory;
pub(crate) mod domains;
pub(crate) mod ids;
pub(crate) mod json;
pub(crate) mod organization;
pub(crate) mod password_rules;
pub(crate) mod refusal;
pub(crate) mod roles;
pub(crate) mod state;
pub(crate) mod subscriptions;
pub(crate) mod users;
