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
//! The generator draws uniformly from what the combined policy accepts, after proving that there is something to draw:
//!
//! ```
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

extern crate alloc;

mod ad;
pub mod breach;
mod checker;
mod class;
mod context;
mod entra;
mod generate;
mod needle;
mod policy;
mod protection;
mod random;
pub mod strength;
mod verdict;

pub use checker::{Checker, check};
pub use class::CharacterClass;
pub use context::Context;
pub use generate::{Conflict, Entropy, GenerateError, Generator, GeneratorOptions};
pub use policy::{AdPolicy, EntraPolicy, NameChecks, Policy};
pub use protection::{ProtectionPolicy, Reading, Substitutions};
pub use random::{OsRandom, RandomError, RandomSource};
pub use verdict::{Code, NameSource, Span, Target, Verdict, Violation};
