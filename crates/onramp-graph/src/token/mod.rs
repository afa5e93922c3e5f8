//! Access tokens: the trait of their sources, and the cache.

mod cache;
mod source;

pub(crate) use cache::TokenCache;
pub use source::{AccessToken, TokenSource};
