//! The strength of a candidate: the estimate of zxcvbn, in bounded time and without allocation.
//!
//! ```
//! # #[cfg(feature = "dictionaries")] {
//! use onramp_password::strength::{Estimator, Inputs, Score, Warning};
//!
//! let estimator = Estimator::zxcvbn();
//! let strength = estimator.estimate("P@ssw0rd");
//! assert_eq!(strength.score, Score::Zero);
//! assert_eq!(strength.warning, Some(Warning::LikeCommonPassword));
//!
//! // For many candidates: one scratch, and the words around the account.
//! let inputs = Inputs::with_parts(["erin.hagens@contoso.com"]);
//! let mut scratch = estimator.scratch();
//! let strength = estimator.estimate_with("hagens2019", &inputs, &mut scratch);
//! assert!(strength.score <= Score::One);
//! assert_eq!(scratch.patterns().len(), 2);
//! # }
//! ```
//!
//! The guesses are those of zxcvbn 4.4 by Dan Wheeler, computed like there in floating point. What differs:
//!
//! * years from 2020 on are recent years, too;
//! * a repeat is one also with separators between the copies or in other capitals, so that `apple apple` is hardly better
//!   than `apple`;
//! * words of the caller in a row are one pattern, because whoever knows the account knows all of them;
//! * the year against which years and dates are measured is an option, so that an estimate never changes by itself;
//! * characters outside ASCII are letters of upper or lower case where Unicode says so;
//! * the search for the best sequence leaves out sequences that cannot win, and is linear where zxcvbn is cubic.
//!
//! [`MAX_CHARS`] characters are looked at. The estimate of a longer candidate is that of its beginning and says so
//! ([`Strength::partial`]); whatever follows only makes guessing harder. Nothing is shortened unsaid.

mod builder;
mod chain;
mod date;
mod dictionary;
mod estimator;
mod feedback;
mod found;
mod inputs;
mod keyboard;
mod leet;
mod numbers;
mod optimal;
mod repeat;
mod result;
mod sequence;
mod spaced;
mod suggestions;
mod text;
mod words;

pub use builder::DictionaryBuilder;
pub use dictionary::{Dictionary, DictionaryError};
pub use estimator::{Estimator, Scratch};
pub use inputs::Inputs;
pub use result::{Attack, ListKind, MatchedPattern, OutOfRange, Pattern, Score, Strength};
pub use suggestions::{Suggestion, Suggestions, Warning};
pub use text::MAX_CHARS;
