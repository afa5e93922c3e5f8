//! Generators of passwords and passphrases that satisfy every target at once.

mod acceptance_space;
mod error;
mod excluded;
mod generator;
mod options;
mod passphrase;
mod random;
mod requirements;
mod sampling;
mod word_list;

pub use error::{Conflict, GenerateError};
pub use generator::Generator;
pub use options::{GeneratorOptions, PassphraseOptions};
pub use passphrase::Passphrases;
#[cfg(feature = "os-random")]
pub use random::OsRandom;
pub use random::{RandomError, RandomSource};
pub(crate) use requirements::demanded;
pub use sampling::Entropy;
