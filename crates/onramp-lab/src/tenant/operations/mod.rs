//! The operations of the tenant, each by the rules of the service.

mod applications;
mod domains;
mod interactive_sign_in;
mod organization;
mod roles;
mod subscriptions;
mod tokens;
mod user_rules;
mod users;
