#![doc = include_str!("../README.md")]
#![cfg_attr(not(any(feature = "std", test)), no_std)]

extern crate alloc;

mod banned_words;
pub mod breach;
mod case;
pub mod check;
mod class;
mod context;
pub mod generate;
pub mod language;
pub mod lint;
pub mod lithnet;
pub mod policy;
pub mod protection;
pub mod strength;
mod target;
mod text;
#[cfg(all(feature = "onramp-core", feature = "os-random"))]
mod validator;
mod verdict;

pub use check::{Checker, Verdict, Violation, check};
pub use generate::{GenerateError, Generator};
pub use language::Messages;
pub use lint::lint;
#[cfg(all(feature = "onramp-core", feature = "os-random"))]
pub use validator::Validator;

pub use policy::{AdPolicy, CustomPolicy, EntraPolicy, NistPolicy, Policy, ProtectionPolicy};
