//! The search for banned words in a candidate: exact, within one edit, and the points that remain.

mod edit_distance;
mod index;
mod matcher;
mod score;
mod term_index;
mod trie;

pub(crate) use index::{Edits, Index};
pub(crate) use matcher::{Matcher, Words, folded_words};
