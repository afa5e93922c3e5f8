//! The messages for people, by code and language. Every one of them can be replaced.

mod characters;
mod key;
mod messages;
mod summary;
mod texts;

pub use key::Key;
pub use messages::Messages;
