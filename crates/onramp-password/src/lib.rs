//! Password policies as data, a verdict for one candidate, and a generator that satisfies all policies together.
//!
//! A synchronised identity answers to two directories that disagree: Active Directory counts UTF-16 units and takes
//! any Unicode, Entra takes ASCII only, and Entra Password Protection adds banned words on either side. This crate
//! holds a candidate against all of them at once and says for each directory what is wrong and where:
//!
//! ```
//! use onramp_password::{check, Code, Context, Policy, Target};
//!
//! let context = Context::new().with_account_name("svc-onramp");
//! let verdict = check(&Policy::hybrid(), &context, "Svc-Onramp-ö1");
//! assert!(!verdict.accepted_by(Target::OnPremises), "it contains the account name");
//! assert!(!verdict.accepted_by(Target::Cloud), "it contains a character that Entra does not take");
//! assert_eq!(verdict.violations_for(Target::Cloud).next().map(|v| v.code), Some(Code::CharacterNotAllowed));
//! ```
//!
//! [`lint`] tells of a policy, before anybody types a password, where its parts contradict each other and what would
//! satisfy all of them. The generator draws uniformly from what the combined policy accepts, after proving that there is
//! something to draw:
//!
#![cfg_attr(feature = "onramp", doc = "```")]
#![cfg_attr(not(feature = "onramp"), doc = "```ignore")]
//! use onramp_password::{check, Context, Generator, Policy};
//!
//! let (policy, context) = (Policy::hybrid(), Context::new().with_account_name("svc-onramp"));
//! let generator = Generator::new(&policy, &context)?;
//! assert!(generator.entropy().bits() > 150.0);
//! let password = generator.generate()?;
//! assert!(check(&policy, &context, password.expose()).is_accepted());
//! # Ok::<(), onramp_password::GenerateError>(())
//! ```
//!
//! Nothing here does I/O, waits, or keeps the text of a candidate: a verdict holds codes, numbers and byte spans.
//!
//! # Without the standard library
//!
//! With `default-features = false` the crate needs `core` and `alloc` only. The feature `os-random` adds the operating
//! system's random numbers, and `onramp` the types of `onramp-core`, which need the standard library.

#![cfg_attr(not(any(feature = "std", test)), no_std)]

extern crate alloc;

pub mod breach;
mod catalogue;
mod check;
mod class;
mod context;
mod generate;
mod lint;
mod policy;
mod protection;
mod random;
mod source;
pub mod strength;
mod text;
mod verdict;

pub use catalogue::{Catalogue, Key};
pub use check::{Checker, Lookups, PreparedPolicy, check};
pub use class::{CharacterClass, Classes};
pub use context::Context;
pub use generate::{
    Conflict, Entropy, GenerateError, Generator, GeneratorOptions, PassphraseOptions, Passphrases,
};
pub use lint::{Concern, Feasible, Finding, Lint, Severity, lint};
pub use policy::{
    AdPolicy, ClassPoints, CustomPolicy, Demand, EntraPolicy, Factor, LithnetBand, LithnetBands,
    LithnetNormalisation, LithnetPoints, LithnetPolicy, NameChecks, NistPolicy, Policy,
};
pub use protection::{EveryReading, ProtectionPolicy, ProtectionVerdict, Reading, Readings, Substitutions};
#[cfg(feature = "os-random")]
pub use random::OsRandom;
pub use random::{RandomError, RandomSource};
pub use source::{
    PasswordSettings, PasswordSettingsError, TenantPasswordSettings, TenantSettingsError, resultant,
};
pub use verdict::{Advice, Code, NameSource, Span, Spans, Target, Verdict, Violation};
