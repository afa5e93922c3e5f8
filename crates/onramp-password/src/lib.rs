//! Password policies as data, a verdict for each candidate, and a generator that satisfies all policies together.
//!
//! A synchronized identity has to satisfy two directories that disagree: Active Directory counts UTF-16 units and accepts
//! any Unicode character, Entra accepts ASCII only, and Entra Password Protection adds banned words on both sides. This
//! crate checks a candidate against all of them at once and reports, for each directory, each violation and its place:
//!
//! ```
//! use onramp_password::check::{Code, Context};
//! use onramp_password::policy::Target;
//! use onramp_password::{Policy, check};
//!
//! let context = Context::new().with_account_name("svc-onramp");
//! let verdict = check(&Policy::hybrid(), &context, "Svc-Onramp-ö1");
//! assert!(!verdict.accepted_by(Target::OnPremises), "it contains the account name");
//! assert!(!verdict.accepted_by(Target::Cloud), "it contains a character that Entra does not accept");
//! assert_eq!(verdict.violations_for(Target::Cloud).next().map(|v| v.code), Some(Code::CharacterNotAllowed));
//! ```
//!
//! # Modules
//!
//! * [`policy`]: the requirements of Active Directory, Entra and NIST SP 800-63B-4, and rules of your own; plain data for
//!   serde. [`protection`] has those of Entra Password Protection, [`lithnet`] those of Lithnet Password Protection.
//! * [`mod@check`]: the checker and the verdict. [`language`] turns a verdict into sentences for people.
//! * [`generate`]: passwords and passphrases, uniformly from all that a policy accepts, with their entropy.
//! * [`mod@lint`]: contradictions within a policy, before anybody types a password.
//! * [`strength`]: the estimate of zxcvbn. [`breach`]: a store of breached passwords, and the range interface of Have I
//!   Been Pwned.
//!
//! The crate does no I/O except in [`breach`], never waits, and keeps no text of a candidate: a verdict holds codes,
//! numbers and byte spans.
//!
//! # Without the standard library
//!
//! With `default-features = false` the crate needs `core` and `alloc` only. The feature `os-random` adds the random
//! numbers of the operating system, `onramp-core` the types of that crate, which need the standard library.

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
