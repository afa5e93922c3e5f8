//! A forest of one controller with a great many users, kept between runs if asked to, since adding them takes minutes.

use std::path::Path;

use super::command::Run;
use super::{Forest, ForestError, UserShape};

/// How many users are added in one go: the program that does it has a time limit.
const AT_ONCE: usize = 5_000;

pub(super) fn up(users: usize, cache: Option<&Path>) -> Result<Forest, ForestError> {
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

/// A directory is good for the version of Samba that made it.
fn name(users: usize) -> Result<String, ForestError> {
    let version = Run::here(10, "asking for its version", "samba").args(["--version"]).output()?;
    let version = version.trim().trim_start_matches("Version ");
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
    Ok(format!("samba-{}-with-{users}-users", version.chars().map(plain).collect::<String>()))
}
