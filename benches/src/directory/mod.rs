//! What the measurements on a real domain controller have in common.
//!
//! Every client is measured the same way: a process of its own, started by a small one ([`meter`]) that asks the kernel
//! what it took. Ours is a process like any other.

pub mod delay;
pub mod meter;
mod ours;
pub mod peers;
pub mod site;

use std::ffi::OsString;

use crate::Result;

/// The first argument of a program that is to play a part instead of being itself.
const PART: &str = "--play";

/// Plays a part if the program was started for one, and then gives `true`: every program that measures has to call this
/// first.
///
/// # Errors
/// Whatever goes wrong in the part.
pub fn played() -> Result<bool> {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().as_deref() != Some(PART.as_ref()) {
        return Ok(false);
    }
    let part = arguments.next().unwrap_or_default();
    let rest: Vec<OsString> = arguments.collect();
    match part.to_str() {
        Some("meter") => meter::run(&rest)?,
        Some("ours") => ours::run(&rest)?,
        _ => return Err(format!("there is no part {}", part.display()).into()),
    }
    Ok(true)
}
