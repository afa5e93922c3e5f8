//! The initial content of a tenant: users, applications, subscriptions.

pub(crate) mod applications;
pub(crate) mod seed_user;
pub(crate) mod subscriptions;
pub(crate) mod users;

pub(crate) fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().collect::<String>() + chars.as_str()).unwrap_or_default()
}
