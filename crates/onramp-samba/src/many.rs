//! A forest of one controller with many users, saved between runs on request, because adding them takes minutes.

use std::path::Path;

use super::command::Run;
use super::{Forest, ForestError, UserShape};

/// The number of users that are added at a time, because the program that adds them has a time limit.
const AT_ONCE: usize = 5_000;

impl Forest {
    /// Starts a forest of one controller with `users` users, all with mail and proxy addresses. If `cache` names a
    /// folder, the directory is copied from there, or made and saved there: adding 50,000 users takes two minutes,
    /// copying them takes seconds.
    ///
    /// # Errors
    /// As [`ForestBuilder::up`](super::ForestBuilder::up).
    pub fn with_many_users(users: usize, cache: Option<&Path>) -> Result<Self, ForestError> {
        up(users, cache)
    }
}

fn up(users: usize, cache: Option<&Path>) -> Result<Forest, ForestError> {
    let saved = cache.map(|cache| Ok::<_, ForestError>(cache.join(name(users)?))).transpose()?;
    if let Some(saved) = saved.as_deref().filter(|saved| saved.exists()) {
        return Forest::builder().directory_of(saved).up();
    }
    let forest = Forest::builder().up()?;
    for first in (0..users).step_by(AT_ONCE) {
        forest.add_users(AT_ONCE.min(users - first), &[UserShape::Mailbox])?;
    }
    if let Some(saved) = saved {
        forest.save_directory(&saved)?;
    }
    Ok(forest)
}

/// Returns the name of a saved directory. It includes the version of Samba, because a directory is used with that
/// version only.
fn name(users: usize) -> Result<String, ForestError> {
    let version = Run::here(10, "asking for its version", "samba").args(["--version"]).output()?;
    let version = version.trim().trim_start_matches("Version ");
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
    Ok(format!("samba-{}-with-{users}-users", version.chars().map(plain).collect::<String>()))
}
