//! The verdict on a candidate, without its text.

mod advice;
mod code;
mod spans;
mod summary;
mod violation;

pub use advice::Advice;
pub use code::{Code, NameSource};
pub use spans::{Span, Spans};
pub use summary::Verdict;
pub use violation::Violation;
